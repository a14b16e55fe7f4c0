#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A callback that fails ends the run with exit status 1, and the report names the step, the worker, the
# place in the source and the item.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

trouble=$BUILD/tests/flows/trouble.so
seq 2000 >"$work/in"
echo trouble >>"$work/in"
seq 2000 >>"$work/in"

# meet HOW SENTENCE
meet() {
	for workers in 1 2 3; do
		expect_exit 1 "$waxrun" -q -n "$workers" "$trouble" -- --in "$work/in" --how "$1"
		grep -q "^waxrun: error: step \"trouble.look\" (worker [0-2], epoch 1, source $work/in.* offset [0-9]*): $2\$" \
			"$work/err" || fail "no such report with $workers workers: $2"
		expect_stderr '  item: "trouble"'
	done
}

meet fail 'there is trouble'
meet errno 'the callback failed: Numerical argument out of domain'
meet none 'emitted 0 items, must be exactly 1'
meet two 'emitted 2 items, must be exactly 1'

# The offset says where to look: the line is not behind it.
expect_exit 1 "$waxrun" -q -n 1 "$trouble" -- --in "$work/in" --how fail
offset=$(sed -n 's/.* offset \([0-9]*\)).*/\1/p' "$work/err")
dd if="$work/in" bs="$offset" count=1 2>/dev/null | grep -q trouble || fail "offset $offset is before the line"

expect_nothing_left
