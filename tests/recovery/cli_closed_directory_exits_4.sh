#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A recovery directory that cannot be written, and one of an ordinary user.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"
# shellcheck source=tests/recovery/keep.sh
. "$SOURCE/tests/recovery/keep.sh"

[ "$(id -u)" -eq 0 ] || skip 'only root can become another user'
command -v setpriv >/dev/null || skip 'setpriv is not installed'

user=64321
as_user="setpriv --reuid=$user --regid=$user --clear-groups"
chmod 0755 "$work"
mkdir -m 0755 "$work/bin"
mkdir -m 0700 "$work/mine" "$work/mine/run"
chown "$user" "$work/mine" "$work/mine/run"
# The build folder may be closed to others.
cp -L "$waxrun" "$BUILD"/libwax.so.? "$keep" "$work/bin/"
export LD_LIBRARY_PATH="$work/bin" XDG_RUNTIME_DIR="$work/mine/run"
# shellcheck disable=SC2086
$as_user test -x "$work/bin/waxrun" || skip "others cannot reach $work"

# on DIRECTORY ITEMS: as that user
on() {
	# shellcheck disable=SC2086
	$as_user "$work/bin/waxrun" -q -n 2 --recovery "$1" -s 10ms "$work/bin/keep.so" -- --items "$2" --keys "$2" \
		--out "$work/mine/out.d"
}

expect_exit 0 on "$work/mine/state" 3000
expect_exit 0 on "$work/mine/state" 3000
[ -z "$(find "$work/mine/state" -perm /077)" ] || fail 'others may look into the recovery directory'
expected_sums 3000 3000
cat "$work"/mine/out.d/part-* | LC_ALL=C sort >"$work/sorted"
expect_equal "$work/expected" "$work/sorted"

# Nothing may be made in it, and nothing of another's may be read.
chmod 0500 "$work/mine/state"
expect_exit 4 on "$work/mine/state" 3000
expect_stderr "$work/mine/state"
expect_stderr 'Permission denied'
chmod 0700 "$work/mine/state"
expect_exit 4 on "$work/state" 3000
expect_stderr "$work/state"
expect_stderr 'Permission denied'
mkdir -m 0700 "$work/state"
expect_exit 4 on "$work/state" 3000
expect_stderr 'Permission denied'
chown root "$work"/mine/state/gen-*
chmod 0700 "$work"/mine/state/gen-*
expect_exit 4 on "$work/mine/state" 3000
expect_stderr 'Permission denied'

# A file system that is read only.
if unshare -m mount -t tmpfs none /tmp 2>/dev/null; then
	# shellcheck disable=SC2016
	expect_exit 4 unshare -m sh -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"' \
		sh "$work/state" "$waxrun" -q -n 2 --recovery "$work/state" "$keep" -- --out "$work/out.d"
	expect_stderr 'Read-only file system'
fi
expect_nothing_left
