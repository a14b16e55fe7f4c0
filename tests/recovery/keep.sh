# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# What the scripts here share: a flow whose files tell of every number that was lost, doubled or added to a wrong sum.
# Behind support/cli.sh.

keep=$BUILD/tests/flows/keep.so

# expected_sums ITEMS KEYS: what the files must have, sorted: every running sum of every key.
expected_sums() {
	awk -v items="$1" -v keys="$2" 'BEGIN {
		for (i = 0; i < items; i++) { key = i % keys; sum[key] += i; printf "%d\t%d\n", key, sum[key] }
	}' | LC_ALL=C sort >"$work/expected"
}

# expect_sums: the files have just that. Numbers of one key may come in another order with several workers, and then
# sums in between differ: with --keys as many as items each number is its own sum.
expect_sums() {
	cat "$work"/out.d/part-* | LC_ALL=C sort >"$work/sorted"
	expect_equal "$work/expected" "$work/sorted"
}

# worker_pids LAUNCHER: one a line.
worker_pids() {
	tr ' ' '\n' 2>/dev/null <"/proc/$1/task/$1/children" | grep .
}

# start WORKERS OPTIONS... -- ARGUMENTS...: in the background; $launcher is its pid.
start() {
	workers=$1
	shift
	"$waxrun" -n "$workers" --recovery "$work/state" --bind none "$keep" "$@" --out "$work/out.d" \
		>"$work/out" 2>>"$work/err" &
	launcher=$!
}

# run_for SECONDS: since it has workers; before that a signal has its usual effect.
run_for() {
	wait_until 20 worker_pids "$launcher" >"$work/pids" || fail 'it has no workers'
	sleep "$1"
}

# finish STATUS: wait for it.
finish() {
	wait "$launcher"
	status=$?
	[ "$status" -eq "$1" ] || fail "exit status $status, expected $1"
}
