#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The example wordcount gives what tr, sort and uniq give, whatever the text and the number of workers.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

text=/usr/share/common-licenses/GPL-3
[ -r "$text" ] || text=$SOURCE/LICENSE

# count_words FILE: as the example prints them, sorted.
count_words() {
	LC_ALL=C tr -cs A-Za-z '\n' <"$1" | LC_ALL=C sort | uniq -c |
		awk '$2 != "" { print $2 "\t" $1 }' | LC_ALL=C sort
}

# compare FILE WORKERS...
compare() {
	file=$1
	shift
	count_words "$file" >"$work/expected"
	for workers; do
		expect_exit 0 "$waxrun" -q -n "$workers" "$examples/wordcount.so" -- --in "$file"
		LC_ALL=C sort "$work/out" >"$work/sorted"
		expect_equal "$work/expected" "$work/sorted"
		[ ! -s "$work/err" ] || fail "-q is not quiet with $workers workers"
	done
}

compare "$text" 1 2 3 8
[ "$(wc -l <"$work/expected")" -gt 500 ] || fail 'the text has too few words to tell anything'

sed 's/$/\r/' "$text" >"$work/crlf"
compare "$work/crlf" 1 3

printf 'the end\nis near' >"$work/no_newline"
compare "$work/no_newline" 1 2 8

: >"$work/empty"
compare "$work/empty" 1 2
printf '\n\n\n' >"$work/blank"
compare "$work/blank" 1 8
printf 'a' >"$work/one_byte"
compare "$work/one_byte" 1 8

# Two lines of 5 MB with a short one before, between and behind them.
{
	echo first
	awk 'BEGIN { for (i = 0; i < 700000; i++) printf "word%c ", 97 + i % 26 }'
	printf '\nbetween\n'
	awk 'BEGIN { for (i = 0; i < 700000; i++) printf "%c%c%c ", 97 + i % 3, 97 + i % 7, 97 + i % 5 }'
	printf '\nlast'
} >"$work/long_lines"
compare "$work/long_lines" 1 2 3

dd if=/dev/urandom of="$work/garbage" bs=65536 count=16 2>/dev/null
compare "$work/garbage" 1 2 8
dd if=/dev/zero of="$work/zeros" bs=65536 count=16 2>/dev/null
compare "$work/zeros" 2

# One word only: all of it belongs to one worker.
yes same | sed 100000q >"$work/one_word"
compare "$work/one_word" 1 2 8

expect_nothing_left
