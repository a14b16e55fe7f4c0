#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The example brc gives what awk gives; a bad row ends the run and is named.
# WAX_TEST_ROWS=10000000 for a longer look.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

rows=${WAX_TEST_ROWS:-200000}

# Rows with every shape of number, stations with spaces and letters beyond ASCII.
awk -v rows="$rows" 'BEGIN {
	split("Hamburg;Abidjan;St. John'"'"'s;Zürich;X;Ürümqi;Las Palmas de Gran Canaria", name, ";")
	srand(4)
	for (i = 0; i < rows; i++)
		printf "%s%s;%.1f\n", name[1 + int(rand() * 7)], i % 3 ? "" : " " i % 400, rand() * 199.8 - 99.9
}' | sed 's/;-0\.0$/;0.0/' >"$work/rows"

# Sums of whole tenths are exact, in the order of any reader.
awk -F ';' '{
	tenths = $2 * 10
	tenths = tenths < 0 ? int(tenths - 0.5) : int(tenths + 0.5)
	if (!($1 in count) || tenths < min[$1]) min[$1] = tenths
	if (!($1 in count) || tenths > max[$1]) max[$1] = tenths
	sum[$1] += tenths
	count[$1]++
}
END {
	for (name in count)
		printf "%s\t%.1f\t%.1f\t%.1f\n", name, min[name] / 10, sum[name] / (10 * count[name]), max[name] / 10
}' "$work/rows" | LC_ALL=C sort >"$work/expected"

for workers in 1 2 3 8; do
	expect_exit 0 "$waxrun" -q -n "$workers" "$examples/brc.so" -- --in "$work/rows"
	LC_ALL=C sort "$work/out" >"$work/sorted"
	expect_equal "$work/expected" "$work/sorted"
done

for bad in 'no semicolon' 'a;1.23' 'a;12' ';1.0' 'a;x.y' '' 'a;--1.0'; do
	{
		echo 'good;1.0'
		printf '%s\n' "$bad"
	} >"$work/bad"
	expect_exit 1 "$waxrun" -q -n 2 "$examples/brc.so" -- --in "$work/bad"
	expect_stderr "the row \"$bad\" is not"
	expect_stderr 'step "brc.parse"'
	expect_stderr "source $work/bad"
	[ ! -s "$work/out" ] || fail 'a failed count was printed'
done

expect_nothing_left
