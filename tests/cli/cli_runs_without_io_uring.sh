#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Where io_uring is forbidden, as in many containers, --io auto does without it and --io uring says so: 71.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

lines=$BUILD/tests/flows/lines.so
no_uring=$BUILD/tests/no_uring
seq 20000 | sed 's/$/ some text/' >"$work/in"
LC_ALL=C sort "$work/in" >"$work/expected"

"$no_uring" eperm true
[ $? -ne 77 ] || skip 'this machine knows no seccomp'

# right COMMAND...: it copies all lines
right() {
	expect_exit 0 "$@"
	LC_ALL=C sort "$work/out" >"$work/sorted"
	expect_equal "$work/expected" "$work/sorted"
}

for code in eperm enosys; do
	expect_exit 71 "$no_uring" "$code" "$waxrun" -q --io uring "$lines" -- --in "$work/in"
	expect_stderr 'use --io=posix'
	[ "$(wc -l <"$work/err")" -eq 1 ] || fail 'more than one sentence'
	for workers in 1 2 3; do
		right "$no_uring" "$code" "$waxrun" -q -n "$workers" "$lines" -- --in "$work/in"
		right "$no_uring" "$code" "$waxrun" -q -n "$workers" --io posix "$lines" -- --in "$work/in"
	done
	right "$no_uring" "$code" "$waxrun" -v -n 2 "$lines" -- --in "$work/in"
	expect_stderr 'input and output: posix'
	# shellcheck disable=SC2016
	right sh -c 'cat "$1" | "$2" "$3" "$4" -q -n 2 "$5"' sh "$work/in" "$no_uring" "$code" "$waxrun" "$lines"
done
expect_nothing_left
