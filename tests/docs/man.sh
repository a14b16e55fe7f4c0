#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages and the completions are sound, and are installed.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

expect_exit 0 env MESON_INSTALL_DESTDIR_PREFIX="$work/usr" sh "$SOURCE/docs/install.sh" "$waxrun" "$BUILD/waxbench" share/man

[ -s "$work/usr/share/bash-completion/completions/waxrun" ] || fail 'no completion for bash'
[ -s "$work/usr/share/zsh/site-functions/_waxrun" ] || fail 'no completion for zsh'
[ -s "$work/usr/share/fish/vendor_completions.d/waxrun.fish" ] || fail 'no completion for fish'

for shell in bash zsh fish; do
	command -v "$shell" >/dev/null || continue
	for file in "$work"/usr/share/"$shell"*/*/*waxrun*; do
		expect_exit 0 "$shell" -n "$file"
	done
done

command -v mandoc >/dev/null || skip 'mandoc is not installed'
for page in waxrun waxbench; do
	expect_exit 0 mandoc -T lint -W warning "$work/usr/share/man/man1/$page.1"
done
