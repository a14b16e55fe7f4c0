#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --timeout ends a run that takes too long, also one whose callback hangs: exit status 124.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

echo trouble >"$work/in"

expect_exit 124 "$waxrun" -q -n 2 --timeout 200ms "$BUILD/tests/flows/tally.so" -- --endless --rate 1000
expect_stderr 'the run was not done in the time of --timeout 200ms'
expect_nothing_left

expect_exit 124 "$waxrun" -q -n 2 --timeout 200ms "$BUILD/tests/flows/trouble.so" -- --in "$work/in" --how hang
expect_stderr 'the run was not done in the time of --timeout 200ms'
expect_nothing_left

# One that is long enough changes nothing.
expect_exit 0 "$waxrun" -q -n 2 --timeout 1m "$BUILD/tests/flows/tally.so"
