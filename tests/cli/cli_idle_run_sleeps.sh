#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A run that waits for input uses next to no CPU: less than 1 % of one, also with workers that outnumber the cores.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

[ -r /proc/self/stat ] || skip 'no /proc'
second=$(getconf CLK_TCK)
mkfifo "$work/pipe"
sleep 60 >"$work/pipe" &

# cpu_ticks: user and system time of launcher and workers so far, exited ones too
cpu_ticks() {
	for pid in "$launcher" $(pgrep -P "$launcher"); do
		# Behind the name, which is in parentheses: the 12th and 13th word.
		sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null
	done | awk '{ ticks += $12 + $13 } END { print ticks + 0 }'
}

is_up() {
	[ "$(pgrep -c -P "$launcher")" -eq "$1" ]
}

command -v pgrep >/dev/null || skip 'pgrep is not installed'
for workers in 2 8; do
	"$waxrun" -q -n "$workers" "$BUILD/tests/flows/lines.so" <"$work/pipe" >"$work/out" 2>"$work/err" &
	launcher=$!
	wait_until 10 is_up "$workers" || fail "not $workers workers"
	sleep 0.3
	before=$(cpu_ticks)
	sleep 2
	ticks=$(($(cpu_ticks) - before))
	kill -TERM "$launcher"
	wait "$launcher" || fail "exit status $?"
	# 1 % of two seconds, and a tick for rounding.
	[ "$ticks" -le $((second / 50 + 1)) ] || fail "$ticks of $((second * 2)) ticks with $workers idle workers"
done
