#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A run that is stopped goes on where it was, with any number of workers; one whose input has ended has nothing to add.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"
# shellcheck source=tests/recovery/keep.sh
. "$SOURCE/tests/recovery/keep.sh"

items=60000
expected_sums "$items" "$items"

# Files of workers that are no more stay as they were, and are gone on with when there are as many again.
for workers in 3 1 4 2; do
	start "$workers" -s 30ms -- --items "$items" --keys "$items" --rate 30000 --files 0
	run_for 0.15
	kill -TERM "$launcher" 2>/dev/null
	finish 0
done
start 4 -s 30ms -- --items "$items" --keys "$items" --files 0
finish 0
expect_sums
rm -rf "$work/state" "$work/out.d"

stops=0
for workers in 2 3 1 4 2; do
	start "$workers" -s 30ms -- --items "$items" --keys "$items" --rate 30000
	run_for 0.17
	kill -TERM "$launcher" 2>/dev/null && stops=$((stops + 1))
	finish 0
done
[ "$stops" -ge 3 ] || fail "it was over before it could be stopped: $stops stops"
expect_stderr 'waxrun: stopping: what is under way is finished, and all is saved'
expect_stderr 'state: epoch '
expect_stderr '; went on from epoch '

start 2 -s 30ms -- --items "$items" --keys "$items"
finish 0
expect_sums

# Nothing is new: nothing comes, and nothing goes.
for workers in 1 3; do
	start "$workers" -s 30ms -- --items "$items" --keys "$items"
	finish 0
	expect_sums
done
expect_nothing_left
