#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A recovery directory that takes no more ends the run with exit status 4 and a sentence that says what to do; what was
# committed is still there, and the next run goes on from it.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"
# shellcheck source=tests/recovery/keep.sh
. "$SOURCE/tests/recovery/keep.sh"

items=60000
expected_sums "$items" "$items"

# arguments: what waxrun is given, but for the number of workers
arguments() {
	echo "-q --bind none --recovery $work/state -s 5ms $keep -- --items $items --keys $items --files 8 --out $work/out.d"
}

# goes_on: from what is there, to the end
goes_on() {
	# shellcheck disable=SC2046
	expect_exit 0 "$waxrun" -n 2 $(arguments)
	expect_sums
	rm -rf "$work/state" "$work/out.d"
}

# The largest size of a file.
if command -v prlimit >/dev/null; then
	for bytes in 524288 300000; do
		# shellcheck disable=SC2046
		run prlimit --fsize="$bytes" "$waxrun" -n 1 --exchange-mem 64K $(arguments)
		[ "$status" -eq 4 ] || fail "exit status $status with files of at most $bytes bytes"
		expect_stderr 'has reached the largest size that a file may have'
		expect_stderr 'ulimit -f'
		[ "$(grep -c 'error' "$work/err")" -eq 1 ] || fail 'more than one sentence'
		goes_on
	done
fi

# A full device. What is mounted in a namespace goes with it: all of it happens in there.
if unshare -m true 2>/dev/null && unshare -m mount -t tmpfs none /tmp; then
	cat >"$work/full.sh" <<-'END'
		mount -t tmpfs -o size=256k none "$1" || exit 99
		state=$1
		shift
		"$@"
		status=$?
		[ "$status" -eq 4 ] || exit "$status"
		mount -o remount,size=64m "$state" || exit 98
		"$@" && echo done
	END
	for workers in 1 2 5; do
		mkdir "$work/state"
		# shellcheck disable=SC2046
		run unshare -m sh "$work/full.sh" "$work/state" "$waxrun" -n "$workers" $(arguments)
		[ "$status" -eq 0 ] || fail "exit status $status on a full device, or behind it"
		expect_stderr 'no space left on the device that holds the recovery directory'
		expect_stderr 'free some, then run again'
		expect_stdout 'done'
		expect_sums
		rm -rf "$work/state" "$work/out.d"
	done
fi
expect_nothing_left
