# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What a script test starts with:
#
#     . "$SOURCE/tests/support/cli.sh"
#     expect_exit 2 "$waxrun" --no-such-option
#     expect_stderr 'did you mean'
#     expect_nothing_left
#
# $work is a scratch folder that goes away, $waxrun the launcher, $examples the folder of the flows.

set -u

: "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${BUILD:=$SOURCE/build}"
# shellcheck disable=SC2034
waxrun=$BUILD/waxrun
# shellcheck disable=SC2034
examples=$BUILD/examples

work=$(mktemp -d "${TMPDIR:-/tmp}/wax-test.XXXXXX") || exit 1
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# Run directories of this test are its own; and this marks its processes (see left_pids).
XDG_RUNTIME_DIR=$work/run
WAX_TEST_WORK=$work
export XDG_RUNTIME_DIR WAX_TEST_WORK
mkdir -m 0700 "$XDG_RUNTIME_DIR"

# fail SENTENCE: say it with what the last command printed, and end the test.
fail() {
	echo "FAIL: $*" >&2
	for stream in out err; do
		[ -s "$work/$stream" ] && sed "s/^/  std$stream: /" "$work/$stream" | head -n 40 >&2
	done
	exit 1
}

# skip SENTENCE: the machine lacks something.
skip() {
	echo "SKIP: $*"
	exit 77
}

# run COMMAND...: its output goes to $work/out and $work/err, its exit status to $status.
run() {
	"$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

# expect_exit STATUS COMMAND...
expect_exit() {
	expected=$1
	shift
	run "$@"
	[ "$status" -eq "$expected" ] || fail "exit status $status, expected $expected, from: $*"
}

# expect_stdout TEXT, expect_stderr TEXT: the last command printed it, literally.
expect_stdout() {
	grep -qF -e "$1" "$work/out" || fail "stdout lacks '$1'"
}
expect_stderr() {
	grep -qF -e "$1" "$work/err" || fail "stderr lacks '$1'"
}

# reject_stdout TEXT, reject_stderr TEXT: the last command did not print it.
reject_stdout() {
	! grep -qF -e "$1" "$work/out" || fail "stdout has '$1'"
}
reject_stderr() {
	! grep -qF -e "$1" "$work/err" || fail "stderr has '$1'"
}

# expect_equal FILE FILE: byte for byte.
expect_equal() {
	cmp -s "$1" "$2" || fail "$1 and $2 differ:
$(diff "$1" "$2" | head -n 20)"
}

# wait_until SECONDS COMMAND...: try it every 50 ms until it succeeds.
wait_until() {
	tries=$(($1 * 20))
	shift
	until "$@"; do
		[ "$((tries -= 1))" -gt 0 ] || return 1
		sleep 0.05
	done
}

# left_pids: the processes that this test started and that still run, one a line. Those that look are not marked.
left_pids() {
	# shellcheck disable=SC2016
	env -u WAX_TEST_WORK sh -c 'grep -lsz "^WAX_TEST_WORK=$1\$" /proc/[0-9]*/environ | cut -d / -f 3' sh "$work"
}

# left_processes: the same with their command lines.
left_processes() {
	for pid in $(left_pids); do
		echo "process $pid: $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")"
	done
}

# left_files: one line for each thing in shared memory or in the run directory.
left_files() {
	find /dev/shm "$XDG_RUNTIME_DIR" -mindepth 1 \( -path '/dev/shm/*wax*' -o -path "$XDG_RUNTIME_DIR/*" \) \
		! -type d 2>/dev/null
}

nothing_left() {
	[ -z "$(left_processes)$(left_files)" ]
}

# expect_nothing_left: no process, no shared memory, no run directory. Processes get two seconds to go.
expect_nothing_left() {
	wait_until 2 nothing_left || fail "left behind:
$(left_processes)
$(left_files)"
}

# However the test ends, nothing of it stays.
clean_up() {
	for pid in $(left_pids); do
		kill -KILL "$pid" 2>/dev/null
	done
	rm -rf "$work"
}
