/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_ITEMS_H
#define BENCH_ITEMS_H

#include <stdint.h>
#include <string.h>

/* The items of the benches, made alike for wax and for the loops by hand. */

enum items_form {
	ITEMS_FIXED,  /* a key of 8 bytes and a value; at 8 bytes a key and a value of 4 each */
	ITEMS_FRAMED, /* a key of 8 bytes and a value of any length */
	ITEMS_TEXT,   /* a text of 8 to 23 bytes and one of 0 to 56 */
	ITEMS_NUMBER, /* a number of 8 bytes without a key */
};

struct items_shape {
	enum items_form form;
	uint32_t bytes; /* of an item; ITEMS_FRAMED: at most; ITEMS_TEXT: 0 */
};

/** Bytes of an item, about. */
static inline uint32_t items_mean_bytes(const struct items_shape *shape)
{
	return shape->form == ITEMS_TEXT              ? 44
			: shape->form == ITEMS_FRAMED ? 8 + (shape->bytes - 8) / 2
						      : shape->bytes;
}

/** Cheap numbers that are random enough. */
static inline uint64_t items_random(uint64_t *seed)
{
	uint64_t x = *seed;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *seed = x;
}

/* ---- Keys */

enum { ITEMS_DRAWN = 1 << 16 };

struct items_keys {
	uint64_t count;        /* numbers below this; 0: any number */
	const uint64_t *drawn; /* ITEMS_DRAWN that were drawn before; NULL: each is as likely */
};

/** Keys of which the n-th comes in proportion to 1/n. Lends until the next call.
 *  @param count at least 1 */
struct items_keys items_zipf(uint64_t count);

static inline uint64_t items_key(uint64_t *seed, const struct items_keys *keys)
{
	uint64_t random = items_random(seed);
	if (keys->drawn)
		return keys->drawn[random >> 48];
	return keys->count ? ((random >> 32) * keys->count) >> 32 : random;
}

/* ---- Items of fixed size: word 0 is the key, word k is key + k */

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

/* ---- Items of any length: how long they are follows from the key */

enum { ITEMS_KEY_MIN = 8, ITEMS_KEY_MAX = 23, ITEMS_VALUE_MAX = 56, ITEMS_FILLER = 4096 + 64 };

/** What values are made of, and the ends of text keys. */
extern char items_filler[ITEMS_FILLER];

static inline uint64_t items_scrambled(uint64_t key)
{
	return key * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint32_t items_key_bytes(uint64_t key)
{
	return ITEMS_KEY_MIN + ((uint32_t)(items_scrambled(key) >> 32) & 15);
}

static inline __attribute__((always_inline)) uint32_t items_value_bytes(
		uint64_t key, uint32_t value_max)
{
	return (uint32_t)(((items_scrambled(key) >> 40) * (value_max + 1)) >> 24);
}

/* What such an item adds to the checksum. */
static inline uint64_t items_text_sum(const void *key, uint64_t key_bytes, uint64_t value_bytes)
{
	uint64_t start;
	memcpy(&start, key, 8);
	return start + key_bytes + value_bytes;
}

#endif
