/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_HASH_H
#define RUNTIME_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/*
 * The hash of a key. Who owns a key follows from it, so every process of a run computes the same
 * value, and what is saved for a later run says with which seed and version it was made.
 *
 * Routing takes the upper bits (worker = ((hash >> 52) * worker_count) >> 12): the keys of one
 * worker agree in some of them. Whatever a worker does with the hash of its keys uses lower bits.
 */
#define WAX_HASH_SEED 0
#define WAX_HASH_VERSION 1 /* 1: XXH3, 64 bits */

/** Any thread; pure; about 1 ns for 4 or 8 bytes. @param key may be NULL when bytes is 0 */
static inline uint64_t wax_hash(const void *key, size_t bytes)
{
	/* The same value in all three; of a constant size a dozen instructions are left. */
	if (bytes == 8)
		return XXH3_64bits_withSeed(key, 8, WAX_HASH_SEED);
	if (bytes == 4)
		return XXH3_64bits_withSeed(key, 4, WAX_HASH_SEED);
	return XXH3_64bits(key, bytes);
}

/**
 * wax_hash of many keys of one size, in a row: several at once where the processor can.
 *
 * @param keys       count * key_bytes of them; of any alignment
 * @param ret_hashes count of them
 */
void wax_hash_fixed(const void *keys, uint32_t key_bytes, uint32_t count, uint64_t *ret_hashes);

#endif
