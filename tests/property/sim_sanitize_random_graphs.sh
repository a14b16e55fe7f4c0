#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# waxrun --sanitize has nothing to say against graphs whose results depend on nothing but their items:
#
#     sim_sanitize_random_graphs.sh [FIRST_SEED]

# shellcheck source=tests/support/cli.sh
. "${SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/cli.sh"

: "${GRAPH:=$BUILD/tests/random_graph.so}"
seed=${1:-1}
last=$((seed + 11))
mkdir "$work/nothing"

echo "seeds from $seed"
while [ "$seed" -le "$last" ]; do
	expect_exit 0 "$waxrun" --sanitize="$seed" "$GRAPH" -- --seed "$seed" --items 300 --placeless \
		--out "$work/nothing"
	expect_stderr 'the same in 10 trials'
	seed=$((seed + 1))
done
[ -z "$(find "$work/nothing" -type f)" ] || fail 'a sink wrote'
expect_nothing_left
