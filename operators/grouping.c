/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/grouping.h"

#include <errno.h>
#include <stdlib.h>

int wax_grouping_reserve(struct wax_grouping *grouping, uint32_t count)
{
	if (count <= grouping->capacity)
		return 0;

	void **states = reallocarray(grouping->states, count, sizeof(*states));

	if (!states)
		return -ENOMEM;
	grouping->states = states;

	uint32_t *group_of = reallocarray(grouping->group_of, count, sizeof(*group_of));

	if (!group_of)
		return -ENOMEM;
	grouping->group_of = group_of;

	uint32_t *indexes = reallocarray(grouping->indexes, count, sizeof(*indexes));

	if (!indexes)
		return -ENOMEM;
	grouping->indexes = indexes;

	struct wax_group *groups = reallocarray(grouping->groups, count, sizeof(*groups));

	if (!groups)
		return -ENOMEM;
	grouping->groups = groups;
	grouping->capacity = count;
	return 0;
}

/* Number the keys in the order of their first items. @return how many */
static uint32_t number_keys(struct wax_grouping *grouping, uint32_t count)
{
	struct wax_group *groups = grouping->groups;
	uint32_t group_count = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t *state = grouping->states[i];
		uint32_t group = *state;

		/* The number stands from some other batch unless the group agrees. */
		if (group >= group_count || groups[group].state != state) {
			group = group_count++;
			*state = group;
			groups[group] = (struct wax_group){state, i, 0};
		}
		groups[group].count++;
		grouping->group_of[i] = group;
	}
	return group_count;
}

/* Put the indexes of the items in the order of their groups, keeping theirs within each. */
static void sort_items(struct wax_grouping *grouping, uint32_t count, uint32_t group_count)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < group_count; i++) {
		struct wax_group *group = &grouping->groups[i];

		group->first = at;
		at += group->count;
		group->count = 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct wax_group *group = &grouping->groups[grouping->group_of[i]];

		grouping->indexes[group->first + group->count++] = i;
	}
}

uint32_t wax_grouping_make(struct wax_grouping *grouping, uint32_t count)
{
	uint32_t group_count = number_keys(grouping, count);

	sort_items(grouping, count, group_count);
	return group_count;
}

void wax_grouping_fini(struct wax_grouping *grouping)
{
	free(grouping->states);
	free(grouping->group_of);
	free(grouping->indexes);
	free(grouping->groups);
}
