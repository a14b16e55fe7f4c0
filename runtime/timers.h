/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_TIMERS_H
#define RUNTIME_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#include <wax/base.h>

/*
 * When the keys of a table want to be woken. A key has one timer or none. To set it later than it
 * stands is a store: its place in the heap is mended when it comes to the top. To set it earlier
 * costs as much as setting it: what was set before stays in the heap, is known by its ticket, and
 * goes when it comes to the top or when such entries outnumber the others.
 *
 * In the table's states there is a struct wax_timer for each struct wax_timers over the table, which
 * is zero at first: not set. It is looked at as long as the heap knows of it: memory of a key that
 * is gone must stay, and may serve another key.
 */
struct wax_timer {
	uint64_t ticket; /* of the entry in the heap that counts; 0: not set */
	int64_t at;      /* ns since the Unix epoch; that in the heap may be earlier */
};

struct wax_timers_item {
	int64_t at;
	uint64_t ticket;
	void *state;
};

struct wax_timers {
	uint32_t offset;              /* of a key's timer in its state */
	struct wax_timers_item *heap; /* the earliest first; of equal times the one set first */
	size_t count;                 /* in the heap */
	size_t set_count;             /* of them, timers that are set */
	size_t capacity;
	uint64_t ticket; /* last one given */
};

/** @param offset of the struct wax_timer in the table's states; a multiple of 8 */
void wax_timers_init(struct wax_timers *timers, uint32_t offset);
void wax_timers_fini(struct wax_timers *timers);

/**
 * Set the timer of a key, or clear it. Must be cleared before the key is removed.
 *
 * @param at WAX_NEVER: clear it, which cannot fail
 * @return 0, -ENOMEM: it stays as it was
 */
int wax_timers_set(struct wax_timers *timers, void *state, int64_t at);

/** The time that the timer of a key was last set to, though it be cleared or taken since; 0: it was
 *  never set. */
static inline int64_t wax_timers_last(const struct wax_timers *timers, const void *state)
{
	return ((const struct wax_timer *)(const void *)((const char *)state + timers->offset))->at;
}

/** Take a timer that is due at `now`, the earliest first; it is not set afterwards.
 *  @return lends the key's state; NULL: none is due */
void *wax_timers_pop_due(struct wax_timers *timers, int64_t now);

/** When the earliest is due; WAX_NEVER: none is set. */
int64_t wax_timers_next(struct wax_timers *timers);

#endif
