/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Hash tables as one writes them for one purpose: open addressing, a power of two, no growing, at
 * most half full. */

struct table_slot {
	uint64_t key_plus_1; /* 0: nothing here. So the greatest number is no key. */
	uint64_t value;
};

struct table {
	struct table_slot *slots;
	uint64_t mask;
};

static inline struct table table_make(uint64_t keys_max)
{
	struct table table = {.mask = 15};
	while (table.mask + 1 < 2 * keys_max)
		table.mask = table.mask * 2 + 1;
	table.slots = calloc(table.mask + 1, sizeof(*table.slots));
	return table;
}

static inline uint64_t table_hash(uint64_t key)
{
	return XXH3_64bits(&key, 8);
}

/** Fetch the place of a key that will be looked for soon. */
static inline void table_fetch(const struct table *table, uint64_t hash)
{
	__builtin_prefetch(&table->slots[hash & table->mask], 1);
}

static inline uint64_t *table_at(struct table *table, uint64_t key, uint64_t hash)
{
	uint64_t at = hash & table->mask;
	while (table->slots[at].key_plus_1 && table->slots[at].key_plus_1 != key + 1)
		at = (at + 1) & table->mask;
	table->slots[at].key_plus_1 = key + 1;
	return &table->slots[at].value;
}

/* Keys are texts of at most 56 bytes, compared 8 bytes at a time where they lie. */
struct table_text_slot {
	char key[56];
	uint32_t bytes;
	uint32_t index; /* of what belongs to it */
};

struct table_text {
	struct table_text_slot *slots;
	uint64_t mask;
	uint32_t count;
};

static inline struct table_text table_text_make(uint64_t keys_max)
{
	struct table_text table = {.mask = 15};
	while (table.mask + 1 < 2 * keys_max)
		table.mask = table.mask * 2 + 1;
	table.slots = calloc(table.mask + 1, sizeof(*table.slots));
	return table;
}

static inline uint32_t table_text_at(struct table_text *table, const char *key, uint32_t bytes)
{
	uint64_t at = XXH3_64bits(key, bytes) & table->mask;
	for (;; at = (at + 1) & table->mask) {
		struct table_text_slot *slot = &table->slots[at];
		if (slot->bytes == bytes && memcmp(slot->key, key, bytes) == 0)
			return slot->index;
		if (slot->bytes == 0) {
			memcpy(slot->key, key, bytes);
			slot->bytes = bytes;
			return slot->index = table->count++;
		}
	}
}

#endif
