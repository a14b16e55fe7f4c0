/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_PILE_H
#define OPERATORS_PILE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <wax/list.h>

#include "runtime/copy.h"

/*
 * Values of one type kept in a state, packed as a list (wax/list.h): behind the pile itself as long
 * as they fit in the room there, then in memory of their own. Zeroed it is empty.
 */
struct wax_pile {
	uint32_t bytes;
	uint32_t count;
	struct wax_pile_memory *memory; /* NULL: the values lie behind the pile */
};

struct wax_pile_memory {
	uint32_t capacity; /* bytes of data */
	char data[];
};

/** What all piles of a step have in common. */
struct wax_pile_kind {
	uint32_t item_bytes; /* 0: of any length */
	uint32_t room;       /* bytes behind the pile; a multiple of 8 */
};

/** How much room there should be for so many values: all, if they are few and small. */
struct wax_pile_kind wax_pile_kind(uint32_t item_bytes, uint64_t count_max);

/** Do so many values always fit in the room, so that a pile never has memory of its own? */
static inline bool wax_pile_fits(struct wax_pile_kind kind, uint64_t count_max)
{
	return kind.item_bytes > 0 && count_max > 0 && count_max <= kind.room / kind.item_bytes;
}

/** Bytes of a pile with its room. */
static inline uint32_t wax_pile_size(struct wax_pile_kind kind)
{
	return (uint32_t)sizeof(struct wax_pile) + kind.room;
}

static inline char *wax_pile_data(const struct wax_pile *pile)
{
	return pile->memory ? pile->memory->data : (char *)(uintptr_t)(pile + 1);
}

/** The values as a list. Lends until the pile changes. */
static inline struct wax_bytes wax_pile_list(const struct wax_pile *pile)
{
	return (struct wax_bytes){wax_pile_data(pile), pile->bytes};
}

/** Add what does not fit. @return as wax_pile_add */
int wax_pile_grow(struct wax_pile *pile, struct wax_pile_kind kind, struct wax_bytes value);

/** Add a value of this kind. @return 0, -ENOMEM, -E2BIG more than 2 GiB */
static inline int wax_pile_add(
		struct wax_pile *pile, struct wax_pile_kind kind, struct wax_bytes value)
{
	uint32_t capacity = pile->memory ? pile->memory->capacity : kind.room;

	if (kind.item_bytes == 0 || kind.item_bytes > capacity - pile->bytes)
		return wax_pile_grow(pile, kind, value);
	wax_copy_item(wax_pile_data(pile) + pile->bytes, value.data, kind.item_bytes);
	pile->bytes += kind.item_bytes;
	pile->count++;
	return 0;
}

/** Forget the values and keep the memory. */
static inline void wax_pile_clear(struct wax_pile *pile)
{
	pile->bytes = 0;
	pile->count = 0;
}

void wax_pile_fini(struct wax_pile *pile);

/** The same for one that most often has no memory of its own. */
static inline void wax_pile_empty(struct wax_pile *pile)
{
	if (pile->memory)
		wax_pile_fini(pile);
	wax_pile_clear(pile);
}

/** Put the values of a list, which was a pile of this kind once, into an empty pile.
 *  @return 0, -ENOMEM, -EBADMSG it is no such list */
int wax_pile_restore(struct wax_pile *pile, struct wax_pile_kind kind, struct wax_bytes list);

#endif
