/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_ITEMS_H
#define BENCH_ITEMS_H

#include <stdint.h>
#include <string.h>

/* The items of the benches, made alike for wax and for the loops by hand. */

/** Cheap numbers that are random enough. */
static inline uint64_t items_random(uint64_t *seed)
{
	uint64_t x = *seed;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *seed = x;
}

/* An item of fixed size: word 0 is the key, word k is key + k. */
struct value_8 {
	uint64_t words[1];
};
struct value_56 {
	uint64_t words[7];
};
struct value_248 {
	uint64_t words[31];
};

static inline __attribute__((always_inline)) void items_fill(
		uint64_t *words, uint32_t word_count, uint64_t key)
{
	for (uint32_t i = 0; i < word_count; i++)
		words[i] = key + 1 + i;
}

static inline __attribute__((always_inline)) uint64_t items_sum(
		const uint64_t *words, uint64_t word_count)
{
	uint64_t sum = 0;
	for (uint64_t i = 0; i < word_count; i++)
		sum += words[i];
	return sum;
}

/* What such an item adds up to. */
static inline uint64_t items_sum_of(uint64_t key, uint64_t value_words)
{
	return (value_words + 1) * key + value_words * (value_words + 1) / 2;
}

/* Texts: the first 8 bytes of the key are random, how long key and value are follows from them. */
static const char items_text[64] =
		"some payload bytes that stand for what an application has there";

enum { ITEMS_KEY_MIN = 8, ITEMS_KEY_MAX = 23, ITEMS_VALUE_MAX = 56 };

static inline uint32_t items_key_bytes(uint64_t random)
{
	return ITEMS_KEY_MIN + ((uint32_t)(random >> 8) & 15);
}

static inline uint32_t items_value_bytes(uint64_t random)
{
	return (uint32_t)(random >> 32) % (ITEMS_VALUE_MAX + 1);
}

/* What a text item adds to the checksum. */
static inline uint64_t items_text_sum(const void *key, uint64_t key_bytes, uint64_t value_bytes)
{
	uint64_t start;
	memcpy(&start, key, 8);
	return start + key_bytes + value_bytes;
}

#endif
