/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_TABLE_H
#define RUNTIME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wax/batch.h>

/*
 * The states of a keyed step in one worker: key -> a state of fixed size, at an address that does
 * not change while the key lives. One thread uses a table; tables of different steps are apart.
 *
 * An index of 64-bit slots (a tag of the hash and the address of the entry) is probed linearly;
 * the entries lie one behind the other in chunks. A removed entry is used again by the next key
 * of its size class, so that keys that come and go need no more memory than those alive at once.
 */

/** A key with its state. Made and freed by the table; lends to its user until it is removed. */
struct wax_table_entry {
	union {
		struct {
			uint32_t hash; /* the low bits: its place in the index */
			uint16_t tag;  /* the 16 bits above them */
			uint16_t flags;
		};
		struct wax_table_entry *next_free; /* of a removed one */
	};
	uint32_t generation; /* odd while it lives; another one each time the memory is used */
	uint32_t key_bytes;
	/* Behind it the key, or the address of a long one, and the state. */
};

/** In flags: the entry was added and its user has not seen to it yet. The user clears it. */
#define WAX_TABLE_NEW 1
/** Two more for the user, cleared when an entry is added. */
#define WAX_TABLE_MARK_A 2
#define WAX_TABLE_MARK_B 4

/** A longer key stands in memory of its own. */
#define WAX_TABLE_INLINE_MAX 1024
/** Where the state of an entry may begin at most, by steps of 8: the size classes. */
#define WAX_TABLE_CLASSES ((sizeof(struct wax_table_entry) + WAX_TABLE_INLINE_MAX + 64) / 8 + 1)

struct wax_table_chunk;

struct wax_table {
	uint64_t *slots;    /* tag in the upper 16 bits, address of the entry below; 0: empty */
	uint64_t mask;      /* slots - 1 */
	uint64_t count;     /* keys */
	uint64_t limit;     /* keys that the index takes before it grows */
	uint32_t key_bytes; /* 0: any length */
	uint32_t state_bytes;
	uint32_t state_align;
	uint32_t state_offset; /* in the entry; 0: depends on the key */
	size_t bytes;          /* of memory held */

	struct wax_table_chunk *first; /* oldest */
	struct wax_table_chunk *last;  /* the one that is being filled */
	struct wax_table_entry *frees[WAX_TABLE_CLASSES];

	/* Where memory comes from: zeroed, aligned to 64, or NULL. Tests put theirs here before the
	 * table is used. */
	void *(*alloc)(size_t bytes);
	void (*release)(void *memory, size_t bytes);
};

/**
 * Set up an empty table. Allocates nothing, so that it cannot fail.
 *
 * @param key_bytes   size of a key; 0: any length
 * @param state_bytes size of a state; may be 0
 * @param state_align a power of two up to 64; 0: for any type of that size, up to 16
 */
void wax_table_init(struct wax_table *table, uint32_t key_bytes, uint32_t state_bytes,
		uint32_t state_align);

/** Give back all memory; what states point to is their user's. The table is empty afterwards and
 *  may be used again. */
void wax_table_fini(struct wax_table *table);

/** Forget all keys and keep the memory. Timers of the entries must be cleared before. */
void wax_table_clear(struct wax_table *table);

/** Look for a key. @return lends; NULL when it is not there */
struct wax_table_entry *wax_table_find(
		const struct wax_table *table, struct wax_bytes key, uint64_t hash);

/**
 * Find a key, or add it with a zeroed state.
 * Where the index has to grow the call takes the time of entering all keys anew (about 10 ns a
 * key); entries stay where they are.
 *
 * @param hash      wax_hash of the key
 * @param ret_added may be NULL; 1 when the key is new: its entry has WAX_TABLE_NEW too
 * @return lends; NULL when out of memory: nothing has changed
 */
struct wax_table_entry *wax_table_get(
		struct wax_table *table, struct wax_bytes key, uint64_t hash, bool *ret_added);

/**
 * The same for items of a keyed batch, by blocks, so that the processor waits for many keys at
 * once.
 *
 * @param first   index of the first item
 * @param entries written: one for each item
 * @return 0; -ENOMEM: some keys may have been added
 */
int wax_table_get_many(struct wax_table *table, const struct wax_batch *batch, uint32_t first,
		uint32_t count, struct wax_table_entry **entries);

/** How many items to resolve at a time when their entries are used right away: a few, so that they
 *  are still in the cache, but more than the stages that the table works in. */
enum { WAX_TABLE_BLOCK = 256 };

/** How many items the block has that begins at `first`. */
static inline uint32_t wax_table_block(const struct wax_batch *batch, uint32_t first)
{
	uint32_t left = batch->count - first;

	return left < WAX_TABLE_BLOCK ? left : WAX_TABLE_BLOCK;
}

/** Is this entry alive, and that of this key? For one that was looked up before others went. */
bool wax_table_holds(const struct wax_table_entry *entry, struct wax_bytes key);

/** Remove a key. Its entry, and what the state held, is gone. */
void wax_table_remove(struct wax_table *table, struct wax_table_entry *entry);

/** A walk over all keys, in the order in which they were added unless memory was used again.
 *  Zeroed it stands at the beginning. */
struct wax_table_walk {
	struct wax_table_chunk *chunk;
	size_t at;
	bool begun;
};

/** The next key; NULL: that was the last. That entry may be removed; one that is added during
 *  the walk may be met or not. */
struct wax_table_entry *wax_table_next(const struct wax_table *table, struct wax_table_walk *walk);

/** Memory held, in bytes: index, entries, long keys. */
static inline size_t wax_table_bytes(const struct wax_table *table)
{
	return table->bytes;
}

static inline struct wax_bytes wax_table_key(const struct wax_table_entry *entry)
{
	struct wax_bytes key = {entry + 1, entry->key_bytes};

	if (__builtin_expect(key.bytes > WAX_TABLE_INLINE_MAX, 0))
		key.data = *(const void *const *)key.data;
	return key;
}

/** Where the state begins in an entry whose key has this length. */
static inline uint32_t wax_table_offset(const struct wax_table *table, uint32_t key_bytes)
{
	uint32_t end = (uint32_t)sizeof(struct wax_table_entry) +
			(key_bytes > WAX_TABLE_INLINE_MAX ? (uint32_t)sizeof(void *) : key_bytes);

	return (end + table->state_align - 1) & ~(table->state_align - 1);
}

static inline void *wax_table_state(
		const struct wax_table *table, const struct wax_table_entry *entry)
{
	uint32_t offset = table->state_offset ? table->state_offset
					      : wax_table_offset(table, entry->key_bytes);

	return (char *)(uintptr_t)entry + offset;
}

#endif
