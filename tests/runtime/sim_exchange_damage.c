/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "tests/runtime/exchange_damage.h"

/*
 * Damages shared memory at random: see exchange_damage.h. Best under AddressSanitizer.
 *
 *     sim_exchange_damage [--seed S] [--rounds N | --seconds N]
 */

static uint64_t play_random(uint64_t seed)
{
	static uint8_t input[4096];
	uint64_t random = seed * 2 + 1;

	net_seed = seed;
	for (size_t i = 0; i < sizeof(input); i++) {
		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		input[i] = (uint8_t)(random >> 40);
	}
	return damage_play(input, sizeof(input));
}

int main(int argc, char **argv)
{
	struct net_sum sum = net_run_rounds(argc, argv, 1500, play_random);

	printf("%" PRIu64 " rounds, damage reported in %" PRIu64 "\n", sum.rounds, sum.counted);
	NET_CHECK(sum.timed || sum.counted > sum.rounds / 10);
	return 0;
}
