#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages and the completions are sound, and are installed.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

expect_exit 0 env MESON_INSTALL_DESTDIR_PREFIX="$work/usr" sh "$SOURCE/docs/install.sh" "$waxrun" "$BUILD/wax" "$BUILD/waxbench" share/man

for program in waxrun wax; do
	[ -s "$work/usr/share/man/man1/$program.1" ] || fail "no manual page of $program"
	[ -s "$work/usr/share/bash-completion/completions/$program" ] || fail "no completion of $program for bash"
	[ -s "$work/usr/share/zsh/site-functions/_$program" ] || fail "no completion of $program for zsh"
	[ -s "$work/usr/share/fish/vendor_completions.d/$program.fish" ] || fail "no completion of $program for fish"
done

for shell in bash zsh fish; do
	command -v "$shell" >/dev/null || continue
	for file in "$work"/usr/share/"$shell"*/*/*wax*; do
		expect_exit 0 "$shell" -n "$file"
	done
done

# Of each header there is a page, with every function that it declares.
for header in "$SOURCE"/include/wax/*.h; do
	page=$work/usr/share/man/man3/wax-$(basename "$header" .h).3
	[ -s "$page" ] || fail "no manual page of $header"
	grep -v '\\$' "$header" | tr -s ' \t\n' '   ' | grep -o 'WAX_API [^;({]*(' | grep -o 'wax_[a-z0-9_]*(' | sort -u >"$work/functions"
	while read -r name; do
		grep -qxF -e ".Nm ${name%(}" -e ".Nm ${name%(} ," "$page" || fail "$page does not name ${name%(}"
		grep -qF -e "$name" "$page" || fail "$page does not declare ${name%(}"
	done <"$work/functions"
done

command -v mandoc >/dev/null || skip 'mandoc is not installed'
for page in "$work"/usr/share/man/man*/*; do
	expect_exit 0 mandoc -T lint -W warning "$page"
done
