#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# C that the pages show is the code of a file: all of it, or the parts between lines of "...". Flows compile without a warning.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"
# shellcheck source=tests/docs/pages.sh
. "$SOURCE/tests/docs/pages.sh"

# Every ```c block goes to $work/blocks/N.c; a line "PAGE:LINE KIND FILE N" says what it is: file, part or alone.
mkdir "$work/blocks"
for page in $(pages); do
	awk -v page="$page" -v blocks="$work/blocks" -v first="$(find "$work/blocks" -type f | wc -l)" '
	/^```/ && in_block { in_block = 0; close(name) }
	in_block { print >name }
	/^```c$/ {
		in_block = 1
		name = blocks "/" ++first ".c"
		printf "" >name
		if (split(before, words, " ") == 4 && (words[2] == "file:" || words[2] == "part:"))
			print page ":" NR, words[2], words[3], first
		else
			print page ":" NR, "alone", "-", first
	}
	{ before = $0 }' "$SOURCE/$page"
done >"$work/list"
[ "$(wc -l <"$work/list")" -gt 20 ] || fail 'too few blocks were found'

# The words of a file in one line, so that indentation does not count.
in_one_line() {
	tr -s ' \t\n' '   ' <"$1"
}

while read -r place kind file number; do
	block=$work/blocks/$number.c
	case $kind in
	file:)
		[ -r "$SOURCE/$file" ] || fail "$place: there is no $file"
		sed 1d "$SOURCE/$file" >"$work/wanted"
		cmp -s "$work/wanted" "$block" || fail "$place is not $file:
$(diff "$work/wanted" "$block")"
		;;
	part:)
		[ -r "$SOURCE/$file" ] || fail "$place: there is no $file"
		in_one_line "$SOURCE/$file" >"$work/whole"
		rm -f "$work"/chunk.*
		awk -v chunk="$work/chunk." 'BEGIN { n = 1 } /^\.\.\.$/ { n++; next } { print >(chunk n) }' "$block"
		for chunk in "$work"/chunk.*; do
			text=$(in_one_line "$chunk" | sed 's/^ //; s/ $//')
			grep -qF -e "$text" "$work/whole" || fail "$place: $file has no
$(cat "$chunk")"
		done
		;;
	alone)
		! grep -q WAX_FLOW "$block" || fail "$place: a flow that is no file: put <!-- file: PATH --> above it"
		;;
	esac
done <"$work/list"

# Every example, as a user compiles it who wants to hear of everything.
for file in "$SOURCE"/examples/*.c "$SOURCE"/examples/*/*.c; do
	expect_exit 0 "${CC:-cc}" -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -I "$SOURCE/include" "$file"
done
