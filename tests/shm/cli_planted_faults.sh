#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stress of the channel finds the faults that can be planted in it (docs/design/exchange-proofs.md). A missing
# barrier of the bell shows by chance on real hardware: the model finds that for sure.

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

CC=${CC:-cc}
fixed=
setarch -R true 2>/dev/null && fixed='setarch -R'
cd "$SOURCE" || exit 1

# plant PROGRAM FAULT FLAGS...: build it as $work/PROGRAM-FAULT. What it links needs no sanitizer.
plant() {
	program=$1 fault=$2
	shift 2
	expect_exit 0 "$CC" -D_GNU_SOURCE -std=gnu17 -O1 -w "$@" "-DFAULT=$fault" -I. -Iinclude \
		-o "$work/$program-$fault" "tests/shm/stress_$program.c" \
		"$work/segment.o" "$work/pid.o" "$work/err.o" -lpthread
}

echo 'int main(void) { return 0; }' >"$work/empty.c"
run "$CC" -fsanitize=thread -o "$work/empty" "$work/empty.c"
# shellcheck disable=SC2086
[ "$status" -ne 0 ] || run $fixed "$work/empty"
[ "$status" -eq 0 ] || skip 'no ThreadSanitizer here'

for file in shm/segment shm/pid runtime/err; do
	expect_exit 0 "$CC" -D_GNU_SOURCE -std=gnu17 -O1 -w -I. -Iinclude -c \
		-o "$work/${file#*/}.o" "$file.c"
done

# Too weak orders, which this processor may forgive.
for fault in 1 2 3 4 6 8; do
	plant channel "$fault" -g -fsanitize=thread
	# shellcheck disable=SC2086
	run env TSAN_OPTIONS=halt_on_error=1 $fixed "$work/channel-$fault" --threads --seconds 5
	[ "$status" -ne 0 ] || fail "channel: fault $fault was not found"
	expect_stderr 'data race'
done

# Wrong order or place, which no processor forgives.
for fault in 5 7 9; do
	plant channel "$fault"
	run "$work/channel-$fault" --threads --seconds 10
	[ "$status" -eq 1 ] || fail "channel: fault $fault was not found"
	expect_stderr FAIL
done
