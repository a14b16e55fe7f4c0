/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_TABLE_H
#define RUNTIME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wax/batch.h>

#include "runtime/tags.h"

/*
 * The states of a keyed step in one worker: key -> a state of fixed size, at an address that does
 * not change while the key lives; a state is known by it. One thread uses a table; tables of
 * different steps are apart.
 *
 * Two things lie apart. Entries (the key and its state, and nothing else where keys have a fixed
 * size) stand one behind the other in the order of arrival and are numbered. The index is made of
 * cache lines of twelve slots: a byte of the hash and the number of an entry. So a lookup costs two
 * cache lines, and both parts are as small as they can be: what is in the cache decides.
 *
 * The memory of a removed key is used again by the next of its size, so that keys that come and go
 * need no more than those alive at once.
 */

/** A longer key stands in memory of its own. */
#define WAX_TABLE_INLINE_MAX 1024
/** Sizes of entries differ by 16 at least. */
#define WAX_TABLE_CLASSES (WAX_TABLE_INLINE_MAX / 16 + 2)

/** Slots whose home this is, or a line before it that was full. */
struct wax_table_line {
	uint8_t tags[WAX_TAGS]; /* 0: empty */
	uint32_t passed; /* keys whose home this is, or was passed, and that are further on */
	uint32_t slots[WAX_TAGS]; /* a number, and above it bits of the hash */
};

struct wax_table_track;

struct wax_table {
	struct wax_table_line *lines; /* NULL: none yet */
	uint64_t mask;                /* lines - 1 */
	uint64_t count;               /* keys */
	uint64_t limit;               /* keys that the index takes before it grows */
	uint32_t key_bytes;           /* 0: any length */
	uint32_t state_bytes;
	uint32_t state_offset; /* in the entry */
	uint32_t unit_bytes;   /* of what has a number: an entry, or a part of one of any length */

	/* State n lies at homes[highest bit of n] + n * unit_bytes: each chunk is twice as large as
	 * the one before. */
	char *homes[32];
	uint32_t first_bit;   /* of the first chunk */
	uint64_t next;        /* number that was not used yet; 0: there is no chunk */
	uint64_t end;         /* of the chunk that is being filled */
	uint32_t number_mask; /* bits of a slot that are the number */
	uint32_t frees[WAX_TABLE_CLASSES];
	size_t bytes; /* of memory held */

	/* What has changed is noted here: see runtime/table_track.h. NULL: it is not. */
	struct wax_table_track *track;

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

/** Forget all keys and keep the memory. Timers of the keys must be cleared before. */
void wax_table_clear(struct wax_table *table);

/** Look for a key. @return lends its state; NULL when it is not there */
void *wax_table_find(const struct wax_table *table, struct wax_bytes key);

/**
 * Find a key, or add it with a zeroed state.
 * Where the index has to grow the call takes the time of entering all keys anew (about 10 ns a
 * key); states stay where they are.
 *
 * @param ret_added may be NULL; true when the key is new
 * @return lends the state; NULL when out of memory: nothing has changed; or when the table is tracked
 *         and the state could not be saved, which is recorded
 */
void *wax_table_get(struct wax_table *table, struct wax_bytes key, bool *ret_added);

/** How many items to resolve at a time when their states are used right away: a few, so that they
 *  are still in the cache, but more than the stages that the table works in. */
enum { WAX_TABLE_BLOCK = 256 };

/** How many items the block has that begins at `first`. */
static inline uint32_t wax_table_block(const struct wax_batch *batch, uint32_t first)
{
	uint32_t left = batch->count - first;

	return left < WAX_TABLE_BLOCK ? left : WAX_TABLE_BLOCK;
}

/** Which of the items of a block were the first of their keys, in ascending order. */
struct wax_table_added {
	uint32_t count;
	uint32_t items[WAX_TABLE_BLOCK]; /* 0: the first of the block */
};

/** Was this one of them? For a user who goes through a block in order. @param seen 0 at first */
static inline bool wax_table_is_added(
		const struct wax_table_added *added, uint32_t item, uint32_t *seen)
{
	if (*seen == added->count || added->items[*seen] != item)
		return false;
	++*seen;
	return true;
}

/**
 * The same for items of a keyed batch, so that the processor waits for many keys at once.
 *
 * @param first  index of the first item
 * @param states written: lends one for each item
 * @param added  written; may be NULL, and must be with more than WAX_TABLE_BLOCK items
 * @return 0; -ENOMEM: some keys may have been added; or what saving a key of a tracked table gave
 */
int wax_table_get_many(struct wax_table *table, const struct wax_batch *batch, uint32_t first,
		uint32_t count, void **states, struct wax_table_added *added);

int wax_table_touch_tracked(struct wax_table *table, const void *state);

/**
 * The state of a key is about to change, though the key was not looked up just now: lookups say so by
 * themselves. Where a table is tracked a lookup, this, and a removal may have to save the state first.
 *
 * @return 0; negative: that failed, and the run does
 */
static inline int wax_table_touch(struct wax_table *table, const void *state)
{
	return table->track ? wax_table_touch_tracked(table, state) : 0;
}

/** Remove the key of a state. What the state held is gone. */
void wax_table_remove(struct wax_table *table, void *state);

/** Remove the keys of many states, so that the processor waits for many lines of the index at once. */
void wax_table_remove_many(struct wax_table *table, void *const *states, uint32_t count);

/** A walk over all keys, in the order in which they were added unless memory was used again.
 *  Zeroed it stands at the beginning. */
struct wax_table_walk {
	uint64_t number;
};

/** The state of the next key; NULL: that was the last. That key may be removed; one that is added
 *  during the walk may be met or not. */
void *wax_table_next(const struct wax_table *table, struct wax_table_walk *walk);

/** Memory held, in bytes: index, entries, long keys. */
static inline size_t wax_table_bytes(const struct wax_table *table)
{
	return table->bytes;
}

/* In front of the state, where keys have any length; the key itself, or the address of a long one,
 * stands behind the state. */
struct wax_table_head {
	uint32_t key_bytes;
};

static inline struct wax_bytes wax_table_key(const struct wax_table *table, const void *state)
{
	const char *entry = (const char *)state - table->state_offset;

	if (table->key_bytes && table->key_bytes <= WAX_TABLE_INLINE_MAX)
		return (struct wax_bytes){entry, table->key_bytes};

	struct wax_bytes key = {(const char *)state + table->state_bytes,
			((const struct wax_table_head *)entry)->key_bytes};

	if (__builtin_expect(key.bytes > WAX_TABLE_INLINE_MAX, 0))
		__builtin_memcpy(&key.data, key.data, sizeof(key.data));
	return key;
}

#endif
