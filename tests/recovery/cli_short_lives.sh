#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs that all die long before what they have saved is whole by itself do not leave an ever longer chain of generations:
# each saves twice as much in an epoch as the one before.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

mortal=$BUILD/tests/flows/mortal.so

# live COMMITS
live() {
	"$waxrun" -q -n 1 --bind none -s 20ms --keep 1 --recovery "$work/state" "$mortal" -- --commits "$1" 2>>"$work/err"
	status=$?
	[ "$status" -eq 137 ] || fail "exit status $status after $1 commits"
}

# 40 MiB of state, all of it committed: with 8 MiB in an epoch four are not enough.
live 20
most=0
for life in 2 3 4 5 6 7 8; do
	live 3
	generations=$(find "$work/state" -name 'gen-*' | wc -l)
	[ "$generations" -le 4 ] || fail "$generations generations after $life lives"
	[ "$generations" -le "$most" ] || most=$generations
done
[ "$most" -ge 2 ] || fail 'no life was too short'
expect_exit 0 "$BUILD/wax" state ls "$work/state"
grep -q 'mortal.fill .* 2,560 ' "$work/out" || fail 'not all keys are there'
