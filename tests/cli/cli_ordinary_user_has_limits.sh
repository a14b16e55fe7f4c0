#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An ordinary user with little: no locked memory, few processes, no home.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

tally=$BUILD/tests/flows/tally.so
[ "$(id -u)" -eq 0 ] || skip 'only root can become another user'
command -v setpriv >/dev/null || skip 'setpriv is not installed'

# A user that owns nothing, so that processes of others do not count.
user=64321
as_user="setpriv --reuid=$user --regid=$user --clear-groups"
chmod 0755 "$work"
mkdir -m 0755 "$work/bin"
mkdir -m 0700 "$work/mine"
chown "$user" "$work/mine"
# The build folder may be closed to others.
cp -L "$waxrun" "$BUILD"/libwax.so.? "$tally" "$work/bin/"
export LD_LIBRARY_PATH="$work/bin" XDG_RUNTIME_DIR="$work/mine"
# shellcheck disable=SC2086
$as_user test -x "$work/bin/waxrun" || skip "others cannot reach $work"

# limited LIMITS: run it so
limited() {
	# shellcheck disable=SC2016,SC2086
	run prlimit "$@" $as_user "$work/bin/waxrun" -q -n 6 "$work/bin/tally.so"
}

limited
[ "$status" -eq 0 ] || fail "exit status $status"
LC_ALL=C sort "$work/out" >"$work/expected"

limited --memlock=0
[ "$status" -eq 0 ] || fail "exit status $status without locked memory"
LC_ALL=C sort "$work/out" >"$work/sorted"
expect_equal "$work/expected" "$work/sorted"

limited --nproc=4
[ "$status" -eq 71 ] || fail "exit status $status with 4 processes"
expect_stderr 'ulimit -u'
[ ! -s "$work/out" ] || fail 'something on stdout'

# shellcheck disable=SC2086
expect_exit 2 $as_user "$work/bin/waxrun" -q -n 1 "$work/bin/tally.so" -- --nix
[ -z "$(find "$work/mine" -type f)" ] || fail 'a page was left'
expect_nothing_left
