/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_GROUPING_H
#define OPERATORS_GROUPING_H

#include <stdint.h>

/*
 * The items of a batch, grouped by key. The state of a key begins with a uint32_t that says which
 * group it last was in, so that grouping is one more look at what was just looked up:
 *
 *     wax_grouping_reserve(&grouping, batch->count);
 *     ... write grouping.states, of each item that of its key
 *     count = wax_grouping_make(&grouping, batch->count);
 */

/** The items of one key: indexes[first] and behind it, as they came. */
struct wax_group {
	void *state;
	uint32_t first;
	uint32_t count;
};

/** Zeroed at first. */
struct wax_grouping {
	uint32_t capacity;
	void **states;            /* of each item */
	uint32_t *group_of;       /* of each item */
	uint32_t *indexes;        /* of items, group by group */
	struct wax_group *groups; /* in the order of their first items */
};

/** Have room for a batch of so many items. @return 0 or -ENOMEM */
int wax_grouping_reserve(struct wax_grouping *grouping, uint32_t count);

/** Group as many items as there are states. @return how many groups there are */
uint32_t wax_grouping_make(struct wax_grouping *grouping, uint32_t count);

void wax_grouping_fini(struct wax_grouping *grouping);

#endif
