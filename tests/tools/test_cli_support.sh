#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The helpers of the script tests see what they are there to see.

# The scripts below are quoted on purpose: they expand in a shell of their own.
# shellcheck disable=SC2016

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

# refuses TEXT SCRIPT: the script, with the helpers at hand, fails and says so.
refuses() {
	printf '. "$SOURCE/tests/support/cli.sh"\n%s\n' "$2" >"$work/script.sh"
	expect_exit 1 sh "$work/script.sh"
	expect_stderr "$1"
}

refuses 'exit status 1, expected 0' 'expect_exit 0 false'
refuses "stdout lacks 'b'" 'run echo a; expect_stdout b'
refuses "stderr has 'a'" 'run sh -c "echo a >&2"; reject_stderr a'
refuses 'differ' 'echo a >$work/a; echo b >$work/b; expect_equal $work/a $work/b'
# It takes a moment to become a process of its own.
refuses 'sleep 7' 'sleep 7 & sleep 0.3; expect_nothing_left'
refuses 'run/page' 'touch $XDG_RUNTIME_DIR/page; expect_nothing_left'

expect_exit 0 sh -c '. "$SOURCE/tests/support/cli.sh"; expect_exit 3 sh -c "sleep 0.5 & exit 3"; expect_nothing_left'
expect_exit 77 sh -c '. "$SOURCE/tests/support/cli.sh"; skip "no such thing"'
