/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/timers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Do not bother with a few stale entries. */
#define STALE_MIN 64
#define CAPACITY_MIN 64

void wax_timers_init(struct wax_timers *timers, uint32_t offset)
{
	*timers = (struct wax_timers){.offset = offset};
}

void wax_timers_fini(struct wax_timers *timers)
{
	free(timers->heap);
	*timers = (struct wax_timers){.offset = timers->offset};
}

static struct wax_timer *timer_of(const struct wax_timers *timers, void *state)
{
	return (void *)((char *)state + timers->offset);
}

/* Tickets are never given twice, so this holds too when the key is gone, whose timer was cleared,
 * and when its memory serves another. */
static bool counts(const struct wax_timers *timers, const struct wax_timers_item *item)
{
	return timer_of(timers, item->state)->ticket == item->ticket;
}

static bool earlier(const struct wax_timers_item *a, const struct wax_timers_item *b)
{
	return a->at != b->at ? a->at < b->at : a->ticket < b->ticket;
}

static void sift_up(struct wax_timers_item *heap, size_t at, struct wax_timers_item item)
{
	for (size_t parent; at > 0; at = parent) {
		parent = (at - 1) / 2;
		if (!earlier(&item, &heap[parent]))
			break;
		heap[at] = heap[parent];
	}
	heap[at] = item;
}

static void sift_down(
		struct wax_timers_item *heap, size_t count, size_t at, struct wax_timers_item item)
{
	for (size_t child; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && earlier(&heap[child + 1], &heap[child]))
			child++;
		if (!earlier(&heap[child], &item))
			break;
		heap[at] = heap[child];
	}
	heap[at] = item;
}

static void drop_first(struct wax_timers *timers)
{
	timers->count--;
	if (timers->count > 0)
		sift_down(timers->heap, timers->count, 0, timers->heap[timers->count]);
}

/* Costs the heap once, for at least half as many timers that were set before. */
static void drop_stale(struct wax_timers *timers)
{
	size_t kept = 0;

	for (size_t i = 0; i < timers->count; i++) {
		if (counts(timers, &timers->heap[i]))
			timers->heap[kept++] = timers->heap[i];
	}
	timers->count = kept;
	for (size_t i = kept / 2; i-- > 0;)
		sift_down(timers->heap, kept, i, timers->heap[i]);
}

static int reserve(struct wax_timers *timers)
{
	if (timers->count - timers->set_count > STALE_MIN && timers->count > 2 * timers->set_count)
		drop_stale(timers);
	if (timers->count < timers->capacity)
		return 0;

	size_t capacity = timers->capacity ? 2 * timers->capacity : CAPACITY_MIN;
	struct wax_timers_item *heap =
			reallocarray(timers->heap, capacity, sizeof(struct wax_timers_item));

	if (!heap)
		return -ENOMEM;
	timers->heap = heap;
	timers->capacity = capacity;
	return 0;
}

static void clear(struct wax_timers *timers, struct wax_timer *timer)
{
	if (timer->ticket == 0)
		return;
	timer->ticket = 0;
	timers->set_count--;
}

int wax_timers_set(struct wax_timers *timers, void *state, int64_t at)
{
	struct wax_timer *timer = timer_of(timers, state);

	if (at == WAX_NEVER) {
		clear(timers, timer);
		return 0;
	}
	if (timer->ticket != 0 && at >= timer->at) {
		timer->at = at;
		return 0;
	}
	if (reserve(timers) < 0)
		return -ENOMEM;

	clear(timers, timer);
	*timer = (struct wax_timer){++timers->ticket, at};
	timers->set_count++;
	sift_up(timers->heap, timers->count++, (struct wax_timers_item){at, timer->ticket, state});
	return 0;
}

/* The earliest that counts; NULL: none. One that was set later meanwhile goes to its place. */
static struct wax_timers_item *first(struct wax_timers *timers)
{
	while (timers->count > 0) {
		struct wax_timers_item item = timers->heap[0];
		struct wax_timer *timer = timer_of(timers, item.state);

		if (!counts(timers, &item)) {
			drop_first(timers);
			continue;
		}
		if (timer->at == item.at)
			return &timers->heap[0];
		item.at = timer->at;
		item.ticket = timer->ticket = ++timers->ticket;
		sift_down(timers->heap, timers->count, 0, item);
	}
	return NULL;
}

void *wax_timers_pop_due(struct wax_timers *timers, int64_t now)
{
	struct wax_timers_item *item = first(timers);

	if (!item || item->at > now)
		return NULL;

	void *state = item->state;

	clear(timers, timer_of(timers, state));
	drop_first(timers);
	return state;
}

int64_t wax_timers_next(struct wax_timers *timers)
{
	struct wax_timers_item *item = first(timers);

	return item ? item->at : WAX_NEVER;
}
