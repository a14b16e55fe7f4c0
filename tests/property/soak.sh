#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Everything that a seed decides, in turns of half a minute, with new seeds, until the time is over:
#
#     soak.sh SECONDS [FIRST_SEED]

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

seconds=${1:?how many seconds}
seed=${2:-$(date +%s)}
ends=$(($(date +%s) + seconds))
here=$SOURCE/tests/property
export SOURCE BUILD

# turn NAME COMMAND...: for half a minute, or what is left.
turn() {
	name=$1
	shift
	left=$((ends - $(date +%s)))
	[ "$left" -gt 0 ] || return 0
	[ "$left" -lt 30 ] || left=30
	"$@" --seed "$seed" --seconds "$left" >"$work/out" 2>"$work/err" || fail "$name, seeds from $seed"
	echo "$name, seeds from $seed: $(tail -n 1 "$work/out")"
	seed=$((seed + 1000000))
}

while [ "$(date +%s)" -lt "$ends" ]; do
	turn 'random order' sh "$here/sim_random_order.sh"
	turn 'random graphs' sh "$here/sim_random_graphs.sh"
	turn 'exchange' "$BUILD/tests/runtime_sim_exchange"
	turn 'damaged exchange' "$BUILD/tests/runtime_sim_exchange_damage"
	turn 'channel' "$BUILD/tests/shm_stress_channel"
	turn 'doorbell' "$BUILD/tests/shm_stress_bell"
	turn 'epochs' "$BUILD/tests/runtime_stress_epochs"
	turn 'commits' "$BUILD/tests/launcher_stress_commit"
	turn 'crashes' "$BUILD/tests/recovery_sim_crash"
	turn 'damaged recovery' "$BUILD/tests/recovery_sim_damage"
done
echo "$seconds seconds without a fault"
