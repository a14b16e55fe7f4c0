/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/outline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int wax_outline_init(struct wax_outline *outline, const struct wax_flow *flow)
{
	outline->flow = flow;
	outline->owner = calloc(flow->step_count + 1, sizeof(*outline->owner));
	if (!outline->owner)
		return -ENOMEM;

	for (uint32_t i = 0; i < flow->step_count; i++)
		outline->owner[i] = flow->steps[i]->owner ? flow->steps[i]->owner->index : i;
	return 0;
}

void wax_outline_fini(struct wax_outline *outline)
{
	free(outline->owner);
	outline->owner = NULL;
}

const char *wax_outline_name(const struct wax_outline *outline, uint32_t step)
{
	return outline->flow->steps[step]->id + strlen(outline->flow->name) + 1;
}

bool wax_outline_owns(const struct wax_outline *outline, uint32_t group, uint32_t stream)
{
	return outline->owner[wax_flow_stream(outline->flow, stream)->step] == group;
}

bool wax_outline_is_entry(const struct wax_outline *outline, uint32_t step)
{
	const struct wax_step *this = outline->flow->steps[step];

	for (uint32_t i = 0; i < this->input_count; i++) {
		if (!wax_outline_owns(outline, outline->owner[step], this->inputs[i]))
			return true;
	}
	return false;
}

bool wax_outline_is_exit(const struct wax_outline *outline, uint32_t step)
{
	const struct wax_flow *flow = outline->flow;
	uint32_t first = flow->steps[step]->first_output;
	uint32_t count = flow->steps[step]->output_count;

	for (uint32_t i = 0; i < flow->step_count; i++) {
		const struct wax_step *other = flow->steps[i];

		if (outline->owner[i] != outline->owner[step])
			continue;
		for (uint32_t input = 0; input < other->input_count; input++) {
			if (other->inputs[input] - first < count)
				return false;
		}
	}
	return count > 0;
}

const char *wax_route_name(enum wax_route route)
{
	static const char *const names[] = {
			[WAX_ROUTE_LOCAL] = "local",
			[WAX_ROUTE_KEY] = "key",
			[WAX_ROUTE_BATCHES] = "batches",
			[WAX_ROUTE_ITEMS] = "items",
			[WAX_ROUTE_PART] = "partition",
			[WAX_ROUTE_ALL] = "broadcast",
	};
	return names[route];
}
