/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_IDEAL_EXCHANGE_H
#define BENCH_IDEAL_EXCHANGE_H

#include <stdint.h>

#include "bench/items.h"

/*
 * The exchange as one would write it by hand for one shape of items: each process makes items,
 * hashes the key, writes the item where it goes (a slab per destination), hands full slabs over
 * through a ring of numbers, and uses what arrives where it lies. Numbers without a key go to the
 * processes in turn, which is their value modulo the number of processes.
 */

/** What becomes of items where they arrive; all but the first take items of 16 bytes. */
enum ideal_use {
	IDEAL_SUM,      /* added up */
	IDEAL_DENSE,    /* the values added to an array, by key */
	IDEAL_HASH,     /* the same in a hash table, probed in blocks */
	IDEAL_STATEFUL, /* the same, and the sum so far of each key written to an array */
};

struct ideal {
	struct items_shape shape;
	enum ideal_use use;
	struct items_keys keys; /* IDEAL_DENSE and so on need a count */
	uint32_t round;         /* items in a round; 0: no rounds */
	uint32_t ahead;         /* rounds of a process that may be under way */
};

/** Run for as long as meter_start said; the rate is in the meter. */
void ideal_exchange(const struct ideal *ideal, uint32_t process_count);

#endif
