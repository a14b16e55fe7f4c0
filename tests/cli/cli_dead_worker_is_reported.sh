#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A worker that dies ends the run with 128 and the signal, or 70 when it just went away; the report names
# worker, step and place. Nothing stays behind.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

command -v pgrep >/dev/null || skip 'pgrep is not installed'

trouble=$BUILD/tests/flows/trouble.so
tally=$BUILD/tests/flows/tally.so
seq 2000 >"$work/in"
echo trouble >>"$work/in"
seq 2000 >>"$work/in"

# die STATUS HOW SENTENCE HINT
die() {
	for workers in 1 2 3; do
		expect_exit "$1" "$waxrun" -q -n "$workers" "$trouble" -- --in "$work/in" --how "$2"
		grep -q "^waxrun: error: worker [0-2] $3 in step \"trouble.look\" (epoch 1, source $work/in.* offset [0-9]*)\$" \
			"$work/err" || fail "no such report with $workers workers: $3"
		expect_stderr "$4"
		expect_nothing_left
	done
}

die 139 segv 'was killed by signal 11 (Segmentation fault)' 'hint: a callback of this step'
die 134 abort 'was killed by signal 6 (Aborted)' 'hint: a callback called abort'
die 137 kill 'was killed by signal 9 (Killed)' 'hint: the kernel kills what takes too much memory'
die 70 exit 'ended without a word' 'hint: does a callback, or a library that it uses, call exit?'

# Killed from outside, each of the workers in turn, while it waits or works.
for name in wax-0 wax-1 wax-2; do
	"$waxrun" -q -n 3 "$tally" -- --endless --rate 20000 >"$work/out" 2>"$work/err" &
	launcher=$!
	wait_until 10 pgrep -x "$name" -P "$launcher" >"$work/pid" || fail "there is no process $name"
	sleep 0.1
	kill -KILL "$(cat "$work/pid")"
	wait "$launcher"
	status=$?
	[ "$status" -eq 137 ] || fail "exit status $status after kill -9 of $name"
	expect_stderr "worker ${name#wax-} was killed by signal 9 (Killed)"
	[ ! -s "$work/out" ] || fail 'a count that is not complete was printed'
	expect_nothing_left
done
