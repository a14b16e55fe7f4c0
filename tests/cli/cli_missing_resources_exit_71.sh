#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the system does not give is said in one sentence with what to do about it: exit status 71. A budget of
# one's own that is too small names the least that works: exit status 2.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

tally=$BUILD/tests/flows/tally.so

expect_exit 0 "$waxrun" -q -n 1 "$tally"
LC_ALL=C sort "$work/out" >"$work/expected"

# right COMMAND...
right() {
	expect_exit 0 "$@"
	LC_ALL=C sort "$work/out" >"$work/sorted"
	expect_equal "$work/expected" "$work/sorted"
}

# Too few descriptors, wherever they run out.
failed=no
for files in 9 12 16 20 24 28 32 40; do
	# shellcheck disable=SC2016
	run sh -c 'ulimit -n "$1"; shift; exec "$@"' sh "$files" "$waxrun" -q -n 8 "$tally"
	case $status in
	0)
		LC_ALL=C sort "$work/out" >"$work/sorted"
		expect_equal "$work/expected" "$work/sorted"
		;;
	71)
		failed=yes
		expect_stderr 'ulimit -n'
		[ ! -s "$work/out" ] || fail 'something on stdout'
		;;
	*)
		fail "exit status $status with $files descriptors"
		;;
	esac
	expect_nothing_left
done
[ "$failed" = yes ] || fail '9 descriptors were enough for 8 workers'

# A budget of the exchange.
for budget in 1 4K 20K; do
	expect_exit 2 "$waxrun" -q -n 3 --exchange-mem "$budget" "$tally"
	expect_stderr 'is too little for 3 workers and 2 exchanges: give at least'
	least=$(sed -n 's/.*give at least \([0-9]*\) bytes.*/\1/p' "$work/err")
	right "$waxrun" -q -n 3 --exchange-mem "$least" "$tally"
	expect_exit 2 "$waxrun" -q -n 3 --exchange-mem "$((least - 1))" "$tally"
done

# Shared memory has a size as files have.
# shellcheck disable=SC2016
expect_exit 71 sh -c 'ulimit -f 20; shift; exec "$@"' sh sh "$waxrun" -q -n 2 "$tally"
expect_stderr 'ulimit -f'

# /dev/shm may be as small as it likes: it is not used.
if unshare -m true 2>/dev/null; then
	# shellcheck disable=SC2016
	right unshare -m sh -c 'mount -t tmpfs -o size=64k none /dev/shm && exec "$@"' sh "$waxrun" -q -n 4 "$tally"
fi
expect_nothing_left
