#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The examples of operators and connectors do what the pages say, with any number of workers.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

for workers in 1 3; do
	expect_exit 0 "$waxrun" -q -n "$workers" "$examples/operators.so" -- --count 100
	sort "$work/out" >"$work/operators.$workers"
done
expect_equal "$work/operators.1" "$work/operators.3"
[ "$(wc -l <"$work/operators.1")" -gt 500 ] || fail 'the operators gave little'

for workers in 1 3; do
	expect_exit 0 "$waxrun" -q -n "$workers" "$examples/keyed.so"
	sort "$work/out" >"$work/keyed.$workers"
done
expect_equal "$work/keyed.1" "$work/keyed.3"
for line in '(green, 1): 2' 'a bucket of 1' 'meter of 0: 4' 'record of 1: 7' 'list of 1: [1, 4, 7]' 'list of 2 adds up to 15' \
	'row of 0: (4, red)' '3 of blue' none; do
	grep -qxF -e "$line" "$work/keyed.1" || fail "the keyed operators did not give $line"
done

# Records that are written are read back, all of them, at full speed and at a rate.
mkdir "$work/records"
expect_exit 0 "$waxrun" -q -n 3 "$examples/record_sink.so" -- --to "$work/records" --count 30K
for arguments in '' '--rate 40K'; do
	# shellcheck disable=SC2086
	expect_exit 0 "$waxrun" -q -n 2 "$examples/record_source.so" -- --from "$work/records" $arguments
	[ "$(grep -c '^sensor [0-9]: 3000$' "$work/out")" -eq 10 ] || fail 'records were lost'
done

# Files of a run that keeps no state get their names when it ends, and the next run begins anew.
mkdir "$work/epochs"
for count in 3000 2000; do
	expect_exit 0 "$waxrun" -q -n 3 "$examples/epoch_sink.so" -- --to "$work/epochs" --count "$count"
	[ "$(cat "$work/epochs"/part-0000?-1 | sort -nu | wc -l)" -eq "$count" ] || fail 'numbers were lost'
	[ "$(cat "$work/epochs"/* | wc -l)" -eq "$count" ] || fail 'numbers came twice'
done

# A slow reader holds the sink up, and loses nothing.
mkdir "$work/pipe"
mkfifo "$work/pipe/records-00000"
{
	sleep 0.3
	wc -c >"$work/bytes"
} <"$work/pipe/records-00000" &
expect_exit 0 "$waxrun" -q -n 1 "$examples/record_sink.so" -- --to "$work/pipe" --count 100K
wait
[ "$(cat "$work/bytes")" -eq 1600000 ] || fail "$(cat "$work/bytes") bytes came through the pipe"

expect_nothing_left
