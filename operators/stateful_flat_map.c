/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/stateful_batch.h"

struct flat_map {
	int (*fn)(struct wax_out *out, void *state, const struct wax_item *item, void *ctx);
	void *ctx;
};

static int on_item(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	const struct flat_map *flat_map = ctx;

	return flat_map->fn(keyed->out, state, item, flat_map->ctx);
}

struct wax_stream wax_stateful_flat_map(struct wax_stream up, const char *id,
		const struct wax_type *type, size_t state_bytes,
		int (*fn)(struct wax_out *out, void *state, const struct wax_item *item, void *ctx),
		void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &wax_stateful_flat_map_class);
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);
	const struct wax_stateful ops = {.size_bytes = sizeof(ops), .state_bytes = state_bytes};
	struct flat_map *flat_map = WAX_FLOW_NEW(up.flow, struct flat_map);

	*flat_map = (struct flat_map){fn, ctx};
	if (!fn)
		wax_step_fail(up.flow, step, "its callback is NULL");
	wax_stateful_describe(up.flow, step, &ops, on_item, NULL, flat_map, up_type);
	return wax_keyed_output(up, step, up_type, type);
}
