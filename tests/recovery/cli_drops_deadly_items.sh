#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An item that kills its worker each time is found and dropped, if the policy allows; otherwise the run ends and names it.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"
# shellcheck source=tests/recovery/keep.sh
. "$SOURCE/tests/recovery/keep.sh"

items=20000
expected_sums "$items" "$items"
grep -v "^7777	" "$work/expected" >"$work/without" && mv "$work/without" "$work/expected"

start 2 -s 20ms --on-error "sum=dlq:$work/letters" -- --items "$items" --keys "$items" --poison 7777
finish 0
expect_stderr 'was killed by signal 6'
expect_stderr 'the item at which the worker died again is put aside'
expect_stderr 'dropped by "sum": 1 item'
grep -q 'its worker died at this item each time' "$work/letters" || fail "no letter tells why"
expect_sums

rm -rf "$work/state" "$work/out.d" "$work/err"
start 2 -s 20ms -- --items "$items" --keys "$items" --poison 7777
finish 1
expect_stderr 'step "keep.sum" (worker '
expect_stderr 'its worker died at this item each time that it was tried'
expect_stderr '  item: "7777 => 7777"'

# Two in one epoch, each for a step of its own: each is dropped by that step alone.
for workers in 1 2; do
	expect_exit 0 "$waxrun" -q -n "$workers" --bind none --on-error skip --restart on-crash:20/min \
		--recovery "$work/deadly" "$BUILD/tests/flows/deadly.so" -- --first "$work/first" --second "$work/second"
	seq 0 999 | grep -vx 700 >"$work/expected_first"
	grep -vx 300 "$work/expected_first" >"$work/expected_second"
	expect_equal "$work/expected_first" "$work/first"
	expect_equal "$work/expected_second" "$work/second"
	rm -rf "$work/deadly"
done

# An accident is none of the item's: the limit of restarts ends it.
rm -rf "$work/state" "$work/out.d" "$work/err"
start 2 -s 20ms --restart on-crash:2/min -- --items "$items" --keys "$items" --poison 7777
finish 134
expect_stderr 'not begun again: it was 2 times within a minute (--restart)'
expect_nothing_left
