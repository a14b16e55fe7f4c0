#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A directory that cannot be used is an error with a sentence that says why, exit status 4, and stays as it is.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"
# shellcheck source=tests/recovery/keep.sh
. "$SOURCE/tests/recovery/keep.sh"

on() {
	"$waxrun" -n 2 --recovery "$work/state" -s 20ms "$@" </dev/null
}

expect_exit 0 on "$keep" -- --items 1000 --keys 1000 --out "$work/out.d"
cat "$work"/out.d/part-* | LC_ALL=C sort >"$work/before"

# Another flow.
expect_exit 4 on "$BUILD/tests/flows/tally.so"
expect_stderr "does not fit the flow"
expect_stderr 'keep.sum'
# What was written is not there any more.
rm "$work"/out.d/part-00001
expect_exit 5 on "$keep" -- --items 2000 --keys 2000 --out "$work/out.d"
expect_stderr 'part-00001'
expect_stderr 'put the file back, or begin anew'
# No such epoch.
expect_exit 4 on --from 4711 "$keep" -- --items 1000 --keys 1000 --out "$work/out.d"
expect_stderr '4711'
# In use.
start 2 -s 20ms --from none -- --items 100000000 --rate 1000
wait_until 10 grep -qs . "$work/state/lock" || fail 'no lock'
run_for 0.1
expect_exit 4 on "$keep" -- --items 1000 --keys 1000 --out "$work/out.d"
expect_stderr 'is used by waxrun, pid'
kill -TERM "$launcher"
finish 0
# Shares of another number of workers; one that has not begun counts too.
shares() {
	workers=$1
	shift
	"$waxrun" -q -n "$workers" -s 20ms --bind none --recovery "$work/shares" "$BUILD/tests/flows/shares.so" -- \
		--out "$work/numbers" "$@"
}
shares 3 >"$work/out" 2>"$work/err" &
wait_until 10 test -s "$work/numbers" || fail 'nothing comes out'
kill -TERM "$(sed -n 's/^waxrun \([0-9]*\) .*/\1/p' "$work/shares/lock")"
wait $! || fail "it does not stop"
expect_exit 4 shares 2 --all
expect_stderr 'read it with 3 workers'
expect_stderr 'go on with --procs 3'
expect_exit 0 shares 3 --all
sort -n "$work/numbers" >"$work/sorted"
seq 0 2999 >"$work/expected"
expect_equal "$work/expected" "$work/sorted"
# No directory.
: >"$work/file"
expect_exit 4 "$waxrun" --recovery "$work/file" "$keep" -- --out "$work/out.d"
expect_exit 4 "$waxrun" --recovery "$work/file/below" "$keep" -- --out "$work/out.d"
# Anew.
expect_exit 0 on --from none "$keep" -- --items 1000 --keys 1000 --out "$work/out.d"
cat "$work"/out.d/part-* | LC_ALL=C sort >"$work/after"
expect_equal "$work/before" "$work/after"
# Usage.
expect_exit 2 on --from yesterday "$keep" -- --out "$work/out.d"
expect_stderr '--from'
expect_exit 2 on --restart sometimes "$keep" -- --out "$work/out.d"
expect_stderr 'on-crash:N/min'
expect_exit 2 on --restart on-crash:0/min "$keep" -- --out "$work/out.d"
expect_exit 2 on --keep 0 "$keep" -- --out "$work/out.d"
expect_nothing_left
