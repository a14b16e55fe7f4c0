#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every script is clean.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

command -v shellcheck >/dev/null || skip 'shellcheck is not installed'

cd "$SOURCE" || exit 1
find . \( -name '.?*' ! -name .ci -o -name 'build*' \) -type d -prune -o -type f -exec \
	awk 'FNR == 1 && (/^#!.*[\/ ](ba)?sh/ || FILENAME ~ /\.sh$/) { print FILENAME }' {} + | sort >"$work/scripts"
[ -s "$work/scripts" ] || fail 'no script found'

# shellcheck disable=SC2046
expect_exit 0 shellcheck --external-sources $(cat "$work/scripts")
