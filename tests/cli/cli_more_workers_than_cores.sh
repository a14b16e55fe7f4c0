#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Workers that outnumber the cores finish, and the results are the same.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

tally=$BUILD/tests/flows/tally.so

expect_exit 0 "$waxrun" -q -n 1 "$tally" -- --items 1M --keys 1000
LC_ALL=C sort "$work/out" >"$work/expected"
for workers in 16 61; do
	expect_exit 0 "$waxrun" -q -n "$workers" "$tally" -- --items 1M --keys 1000
	LC_ALL=C sort "$work/out" >"$work/sorted"
	expect_equal "$work/expected" "$work/sorted"
done

# All of them on one CPU.
if command -v taskset >/dev/null; then
	expect_exit 0 taskset -c 0 "$waxrun" -v -n 16 "$tally" -- --items 1M --keys 1000
	expect_stderr overcommitted
	LC_ALL=C sort "$work/out" >"$work/sorted"
	expect_equal "$work/expected" "$work/sorted"
fi
expect_nothing_left
