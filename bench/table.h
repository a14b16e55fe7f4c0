/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Hash tables as one writes them for one purpose: open addressing, a power of two, no growing, at
 * most half full. */

/** Zeroed memory that is there, in huge pages where the kernel has some: so the first use of a page
 *  is not measured. @return NULL without memory */
static inline void *table_memory(size_t bytes)
{
	size_t huge = (size_t)2 << 20;
	size_t rounded = (bytes + huge - 1) & ~(huge - 1);
	void *memory = bytes < huge ? malloc(bytes) : aligned_alloc(huge, rounded);

	if (memory && bytes >= huge)
		madvise(memory, rounded, MADV_HUGEPAGE);
	return memory ? memset(memory, 0, bytes) : NULL;
}

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
	table.slots = table_memory((table.mask + 1) * sizeof(*table.slots));
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
	table.slots = table_memory((table.mask + 1) * sizeof(*table.slots));
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
