#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A run that is stopped, or killed, while it starts loses nothing, and neither does one that is started while another
# still runs.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"
# shellcheck source=tests/recovery/keep.sh
. "$SOURCE/tests/recovery/keep.sh"

items=20000
expected_sums "$items" "$items"

for signal in TERM KILL TERM KILL; do
	for delay in 0 0.001 0.002 0.004 0.008 0.016 0.03; do
		start 3 -s 5ms -- --items "$items" --keys "$items" --rate 2000
		sleep "$delay"
		kill -"$signal" "$launcher"
		wait "$launcher" 2>/dev/null
		status=$?
		# Before it is ready for signals they have their usual effect.
		case $signal-$status in
		TERM-0 | TERM-143 | KILL-137) ;;
		*) fail "exit status $status after SIG$signal at $delay s" ;;
		esac
	done
done

start 2 -s 5ms -- --items "$items" --keys "$items"
finish 0
expect_sums
rm -rf "$work/state" "$work/out.d"

start 2 -s 5ms -- --items "$items" --keys "$items" --rate 5000
first=$launcher
wait_until 10 grep -qs "$first" "$work/state/lock" || fail 'no lock'
for workers in 1 2; do
	start "$workers" -- --items "$items" --keys "$items"
	finish 4
	expect_stderr "is used by waxrun, pid $first"
done
launcher=$first
finish 0
expect_sums
expect_nothing_left
