#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Links between pages lead somewhere: the file is there, and the heading in it.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"
# shellcheck source=tests/docs/pages.sh
. "$SOURCE/tests/docs/pages.sh"

cd "$SOURCE" || exit 1

# The anchors of a page, as GitHub makes them from headings.
anchors() {
	awk '/^```/ { code = !code } !code && /^#+ / { sub(/^#+ /, ""); print }' "$1" |
		tr '[:upper:] ' '[:lower:]-' | sed 's/[^a-z0-9_-]//g'
}

for page in $(pages); do
	awk '/^```/ { code = !code } !code' "$page" | grep -o '\](\([^)]*\))' | sed 's/^](//; s/)$//' >"$work/links"
	while read -r link; do
		case $link in
		http://* | https://* | mailto:*) continue ;;
		esac
		target=${link%%#*}
		case $link in
		\#*) target=$page ;;
		*) target=$(dirname "$page")/$target ;;
		esac
		[ -e "$target" ] || fail "$page: there is no $link"
		case $link in
		*\#*) anchors "$target" | grep -qx -e "${link#*#}" || fail "$page: no heading for $link" ;;
		esac
	done <"$work/links"
done
