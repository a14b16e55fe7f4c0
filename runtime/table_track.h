/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_TABLE_TRACK_H
#define RUNTIME_TABLE_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wax/batch.h>

#include "runtime/table.h"

/*
 * Which keys of a table have changed, for whoever saves them: a bit for each number of an entry.
 *
 * A lookup says that a key changes. At the end of an epoch those that did are marked, and then saved
 * little by little; one that changes again before it was saved is saved just then, as it was at the
 * end of the epoch. So at most two epochs are looked at: the one that goes on, and the one before
 * it, of which some keys may not be saved yet.
 */
struct wax_table_track {
	uint64_t *changed; /* in this epoch */
	uint64_t *marked;  /* to be saved, as they were at the end of the one before */
	uint64_t *logged;  /* were saved at some time, so that it has to be said when they go */
	uint64_t words;    /* of each of them */
	uint64_t marked_count;
	bool adds_only; /* a lookup changes no key but those that it adds */
	bool cleared;   /* in this epoch all keys that were saved have gone */
	int failed;     /* what save gave back, or -ENOMEM; the table goes on, its lookups fail */

	/* Keys that were saved and have gone in this epoch: u32 length, where keys have any; key. */
	char *gone;
	size_t gone_bytes;
	size_t gone_capacity;
	uint64_t gone_count;

	/** Save a marked key; must neither look up nor remove. @return 0 or negative */
	int (*save)(struct wax_table_track *track, void *state);
};

/**
 * Track a table from now on. What it holds counts as saved and unchanged.
 *
 * @param track zeroed but for save and adds_only; the table borrows it until wax_table_track_fini
 * @return 0 or -ENOMEM
 */
int wax_table_track_init(struct wax_table_track *track, struct wax_table *table);
/** Nothing is saved any more. Zeroes all but save and adds_only. */
void wax_table_track_fini(struct wax_table_track *track, struct wax_table *table);

/**
 * The epoch has ended: what changed in it is marked. Nothing may be marked. Takes time for 64 keys at
 * once.
 *
 * @param pass      number of the first entry that was not passed; moved
 * @param pass_keys so many that did not change are marked as well, from there on
 * @return is the pass at the end of the table?
 */
bool wax_table_track_mark(struct wax_table *table, uint64_t *pass, uint64_t pass_keys);

/** How many have changed in this epoch. */
uint64_t wax_table_track_changed(const struct wax_table *table);

/** A marked key. */
struct wax_table_marked {
	uint32_t number;
	void *state;
};

/**
 * The next marked keys; their memory is asked for.
 *
 * @param from   number to begin with; moved behind the last of them
 * @return how many; fewer than count_max: those were the last
 */
uint32_t wax_table_track_next(const struct wax_table *table, uint64_t *from,
		struct wax_table_marked *marked, uint32_t count_max);

/** This one is about to be saved: it is not marked any more. */
static inline void wax_table_track_take(struct wax_table_track *track, uint32_t number)
{
	uint64_t bit = UINT64_C(1) << number % 64;

	track->marked[number / 64] &= ~bit;
	track->logged[number / 64] |= bit;
	track->marked_count--;
}

/** The keys that are gone, one after the other. @param at 0 at first @return false: no more */
bool wax_table_track_gone(const struct wax_table *table, size_t *at, struct wax_bytes *ret_key);
/** All of it was told. */
void wax_table_track_told(struct wax_table_track *track);

#endif
