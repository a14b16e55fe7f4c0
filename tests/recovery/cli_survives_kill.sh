#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A worker that is killed takes the run back to the last committed epoch, by itself; a launcher that is killed leaves a
# directory that the next run goes on from. What comes out is as if nothing had happened.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"
# shellcheck source=tests/recovery/keep.sh
. "$SOURCE/tests/recovery/keep.sh"

items=60000
expected_sums "$items" "$items"

# As many as can be met: on a busy machine workers are often not there yet.
start 3 -s 20ms --restart on-crash:100/min -- --items "$items" --keys "$items" --rate 30000
kills=0
tries=0
while [ "$kills" -lt 5 ] && [ "$((tries += 1))" -le 200 ] && kill -0 "$launcher" 2>/dev/null; do
	sleep 0.12
	pid=$(worker_pids "$launcher" | sed -n "$((tries % 3 + 1))p")
	[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null && kills=$((kills + 1))
done
[ "$kills" -ge 3 ] || fail "only $kills workers could be killed"
finish 0
expect_stderr 'was killed by signal 9'
expect_stderr 'waxrun: going on from '
expect_sums
rm -rf "$work/state" "$work/out.d"

kills=0
for workers in 2 4 1 3; do
	start "$workers" -s 20ms -- --items "$items" --keys "$items" --rate 60000
	run_for 0.15
	kill -KILL "$launcher" 2>/dev/null && kills=$((kills + 1))
	wait "$launcher" 2>/dev/null
done
[ "$kills" -ge 3 ] || fail "only $kills launchers could be killed"
start 2 -s 20ms -- --items "$items" --keys "$items"
finish 0
expect_sums
rm -rf "$work/state" "$work/out.d"

# What workers have written that have saved nothing goes, though there are fewer now.
start 2 -s 20ms -- --items "$items" --keys "$items" --rate 60000 --files 0
run_for 0.15
kill -TERM "$launcher"
finish 0
start 4 -s 0 -- --items "$items" --keys "$items" --rate 60000 --files 0
wait_until 10 test -s "$work/out.d/part-00003" || fail 'the fourth worker writes nothing'
kill -KILL "$launcher"
wait "$launcher" 2>/dev/null
start 2 -s 20ms -- --items "$items" --keys "$items" --files 0
finish 0
expect_sums
expect_nothing_left
