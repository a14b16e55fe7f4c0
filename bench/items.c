/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/items.h"

#include <math.h>

char items_filler[ITEMS_FILLER] = "some payload bytes that stand for what an application has there";

struct items_keys items_zipf(uint64_t count)
{
	static uint64_t drawn[ITEMS_DRAWN];
	uint64_t seed = 88172645463325252;
	double steps = log((double)count + 1);
	for (uint32_t i = 0; i < ITEMS_DRAWN; i++) {
		double share = (double)(items_random(&seed) >> 11) * 0x1p-53;
		uint64_t rank = (uint64_t)exp(share * steps) - 1;
		drawn[i] = rank < count ? rank : count - 1;
	}
	return (struct items_keys){count, drawn};
}
