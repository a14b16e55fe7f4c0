#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Check each model completely, and see that each fault that it can plant is found. One line a model.
#
#     run.sh [MODEL]...

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

command -v spin >/dev/null || skip 'spin is not installed'
[ $# -gt 0 ] || set -- doorbell ring credit epoch commit

# check MODEL FAULT FLAG: search all its states; the report is in $work/out.
check() {
	dir=$work/$1-$2
	mkdir "$dir"
	cd "$dir" || exit 1
	expect_exit 0 spin -a "-DFAULT=$2" "$SOURCE/tests/models/$1.pml"
	expect_exit 0 "${CC:-cc}" "$3" -w -DSAFETY -DMEMLIM=1500 -o pan pan.c
	run ./pan -m1000000
	! grep -q 'MEMLIM bound\|memory' "$work/err" || fail "$1, fault $2: too large for the memory"
}

for model; do
	source=$SOURCE/tests/models/$model.pml
	faults=$(sed -n 's/^ \* faults: //p' "$source")
	[ -n "$faults" ] || fail "$model.pml names no faults"

	check "$model" 0 -O1
	expect_stdout 'errors: 0'
	reject_stdout 'max search depth too small'
	reject_stdout 'Search not completed'
	states=$(awk '/states, stored/ { print $1 }' "$work/out")

	for fault in $faults; do
		check "$model" "$fault" -O0
		reject_stdout 'errors: 0'
		expect_stdout 'errors: 1'
	done
	echo "$model: holds in all $states states; planted faults found: $faults"
done
