/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PAIRS_H
#define BENCH_PAIRS_H

#include <stdint.h>

#include <wax/wax.h>

#include "runtime/hash.h"

/** A key that this worker owns. */
static inline uint64_t pairs_key_of(uint32_t worker, uint32_t worker_count)
{
	uint64_t key = 1;
	while ((uint32_t)(((wax_hash(&key, 8) >> 52) * worker_count) >> 12) != worker)
		key++;
	return key;
}

#endif
