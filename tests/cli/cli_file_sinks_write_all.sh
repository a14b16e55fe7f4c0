#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sinks that write to a file or to the files of a directory have all lines in the end, each once; a place that cannot
# be written is an error before anything runs.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

: >"$work/plain"
lines=$BUILD/tests/flows/lines.so
seq 20000 | awk '{ print substr("abcdefghijklmnop", 1, $1 % 17) $1 }' >"$work/in"
LC_ALL=C sort "$work/in" >"$work/expected"

# expect_lines FILE...: together they hold all lines
expect_lines() {
	cat "$@" | LC_ALL=C sort >"$work/sorted"
	expect_equal "$work/expected" "$work/sorted"
}

# copy STATUS WORKERS ARGUMENTS...
copy() {
	expected_status=$1 workers=$2
	shift 2
	expect_exit "$expected_status" "$waxrun" -q -n "$workers" "$lines" -- --in "$work/in" "$@"
	[ ! -s "$work/out" ] || fail 'something on stdout'
}

for workers in 1 2 3; do
	# A new one, one that is longer already, and what is behind a link.
	rm -f "$work/to"
	copy 0 "$workers" --to "$work/to"
	expect_lines "$work/to"
	cat "$work/in" "$work/in" >"$work/to"
	copy 0 "$workers" --to "$work/to"
	expect_lines "$work/to"
	ln -sf to "$work/link"
	copy 0 "$workers" --to "$work/link"
	[ -L "$work/link" ] || fail 'the link was replaced'
	expect_lines "$work/to"

	# A file of each worker.
	rm -rf "$work/into"
	copy 0 "$workers" --into "$work/into"
	[ "$(find "$work/into" -type f | wc -l)" -eq "$workers" ] || fail "not $workers files"
	expect_lines "$work/into"/part-0000[0-9]

	# Dealt by key: lines of one length are in one file, the same whatever the number of workers.
	rm -rf "$work/into"
	copy 0 "$workers" --into "$work/into" --parts 4
	[ "$(find "$work/into" -type f | wc -l)" -eq 4 ] || fail 'not 4 files'
	expect_lines "$work/into"/part-0000[0-3]
	awk '{ if (length($0) in at && at[length($0)] != FILENAME) exit 1; at[length($0)] = FILENAME }' \
		"$work/into"/part-* || fail 'lines of one length are in several files'
	[ "$workers" -gt 1 ] || cp -r "$work/into" "$work/first"
	for part in 0 1 2 3; do
		LC_ALL=C sort "$work/first/part-0000$part" >"$work/one"
		LC_ALL=C sort "$work/into/part-0000$part" >"$work/other"
		expect_equal "$work/one" "$work/other"
	done
done

# What was there is read as a directory again.
expect_exit 0 "$waxrun" -q -n 2 "$lines" -- --from "$work/into"
expect_lines "$work/out"

copy 2 2 --to "$work/no/to"
expect_stderr "there is no directory '$work/no': make it first"
copy 2 2 --to "$work/into"
expect_stderr "'$work/into' is a directory: give the path of a file"
copy 2 2 --into "$work/plain" --parts 3
expect_stderr "'$work/plain' is no directory"
copy 2 2 --into "$work/no/into" --parts 3
expect_stderr "make the directory '$work/no/into'"
# Without a number of files each worker finds out for itself.
copy 5 2 --into "$work/plain"
expect_stderr "'$work/plain' is no directory"
copy 5 2 --into "$work/no/into"
expect_stderr "make the directory '$work/no/into'"

if [ "$(id -u)" -ne 0 ]; then
	mkdir -m 0500 "$work/closed"
	copy 2 2 --to "$work/closed/to"
	expect_stderr 'Permission denied'
	copy 2 2 --into "$work/closed" --parts 2
	expect_stderr 'Permission denied'
	copy 5 2 --into "$work/closed"
	expect_stderr 'Permission denied'
fi

# Files of an earlier run with more of them go; what else is there stays.
rm -rf "$work/into"
copy 0 3 --into "$work/into"
touch "$work/into/part-9" "$work/into/notes"
copy 0 2 --into "$work/into"
[ "$(find "$work/into" -name 'part-0*' | wc -l)" -eq 2 ] || fail 'a part of the earlier run is left'
expect_lines "$work/into"/part-0000[0-9]
for other in part-9 notes; do
	[ -e "$work/into/$other" ] || fail "removed $other, which is not its own"
done

# A file is not emptied before it is read.
copy 2 2 --to "$work/in"
expect_stderr "which step"
[ -s "$work/in" ] || fail 'the input is gone'

# A small disk that fills up.
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	mkdir "$work/disk"
	# shellcheck disable=SC2016
	expect_exit 5 unshare -m sh -c 'mount -t tmpfs -o size=64k none "$0" && exec "$@"' "$work/disk" \
		"$waxrun" -q -n 2 "$lines" -- --in "$work/in" --to "$work/disk/to"
	expect_stderr "no space left on the device that holds '$work/disk/to'"
	# shellcheck disable=SC2016
	expect_exit 5 unshare -m sh -c 'mount -t tmpfs -o size=64k none "$0" && exec "$@"' "$work/disk" \
		"$waxrun" -q -n 2 "$lines" -- --in "$work/in" --into "$work/disk" --parts 3
	expect_stderr 'no space left on the device'
fi
expect_nothing_left
