/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <time.h>

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
	uint64_t seed = 1, rounds = 1500, reported = 0;
	time_t until = 0;

	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t value = strtoull(argv[i + 1], NULL, 10);

		if (strcmp(argv[i], "--seed") == 0)
			seed = value;
		else if (strcmp(argv[i], "--rounds") == 0)
			rounds = value;
		else if (strcmp(argv[i], "--seconds") == 0)
			until = time(NULL) + (time_t)value;
	}
	uint64_t first = seed;

	printf("seeds from %" PRIu64 "\n", first);
	for (; until ? time(NULL) < until : seed < first + rounds; seed++)
		reported += play_random(seed);
	printf("%" PRIu64 " rounds, damage reported in %" PRIu64 "\n", seed - first, reported);
	NET_CHECK(until || reported > rounds / 10);
	return 0;
}
