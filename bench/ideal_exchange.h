/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_IDEAL_EXCHANGE_H
#define BENCH_IDEAL_EXCHANGE_H

#include <stdint.h>

/*
 * The keyed exchange as one would write it by hand for one size of item: each process makes items,
 * hashes the key, writes the item where it goes (a slab per destination), hands full slabs over
 * through a ring of numbers, and adds up what arrives where it lies.
 */
enum ideal_items {
	IDEAL_8,    /* a key and a value of 4 bytes each */
	IDEAL_16,   /* 8 and 8 */
	IDEAL_64,   /* 8 and 56 */
	IDEAL_256,  /* 8 and 248 */
	IDEAL_TEXT, /* a text of 8 to 23 bytes and one of 0 to 56 bytes: see items.h */
};

/** Run for as long as meter_start said; the rate is in the meter. */
void ideal_exchange(enum ideal_items items, uint32_t process_count);

#endif
