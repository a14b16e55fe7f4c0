#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How a run that keeps state ends: with all that is committed visible; when it was told to stop with nothing behind its
# last epoch, and for good, whatever becomes of its workers; and at once when it cannot be started.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"
# shellcheck source=tests/recovery/keep.sh
. "$SOURCE/tests/recovery/keep.sh"

# On one CPU a worker that looks for work sees what is committed and the word to go at the same time.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	rm -rf "$work/state" "$work/parts"
	mkdir "$work/parts"
	expect_exit 0 taskset -c "$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')" "$waxrun" -q -n 1 --bind none \
		--spin 20ms --recovery "$work/state" "$examples/epoch_sink.so" -- --to "$work/parts" --count 100
	[ "$(cat "$work"/parts/part-00000-1)" = "$(seq 0 99)" ] || fail 'what was committed is not to be seen'
done
rm -rf "$work/state" "$work/parts"

# Standard output cannot be taken back: what timers would emit behind the last epoch, the next run emits.
for _ in 1 2 3 4 5 6; do
	rm -f "$work/ticks"
	"$waxrun" -q -n 1 -s 50ms --recovery "$work/state" "$BUILD/tests/flows/ticks.so" >"$work/ticks" 2>"$work/err" &
	launcher=$!
	wait_until 10 test -s "$work/ticks" || fail 'nothing comes out'
	sleep 0.1
	kill -TERM "$launcher"
	finish 0
	cat "$work/ticks" >>"$work/all_ticks"
done
seq 1 "$(wc -l <"$work/all_ticks")" >"$work/expected"
expect_equal "$work/expected" "$work/all_ticks"
rm -rf "$work/state"

# A worker is killed while the run stops: what it did since the last commit is for the next run.
items=20000
expected_sums "$items" "$items"
start 2 -s 20ms -- --items "$items" --keys "$items" --rate 20000
wait_until 10 test -s "$work/out.d/part-00000" || fail 'nothing comes out'
pid=$(worker_pids "$launcher" | sed -n 1p)
kill -STOP "$pid"
kill -TERM "$launcher"
wait_until 10 grep -q 'stopping' "$work/err" || fail 'it does not stop'
kill -KILL "$pid"
finish 137
reject_stderr 'waxrun: going on from'
expect_stderr 'waxrun: not begun again: it was told to stop; the next run goes on from '
start 2 -s 20ms -- --items "$items" --keys "$items"
finish 0
expect_sums
rm -rf "$work/state" "$work/out.d"

# Without descriptors for its workers it is not tried again.
# shellcheck disable=SC2016
expect_exit 71 sh -c 'ulimit -n 16; exec "$@"' sh \
	"$waxrun" -n 4 --recovery "$work/state" "$keep" -- --out "$work/out.d"
reject_stderr 'going on from'
expect_nothing_left
