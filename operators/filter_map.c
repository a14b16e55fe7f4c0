/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include "operators/items.h"

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct wax_items_params *params = op->params;

	(void)input;
	return wax_items_each(
			op, &op->ports[0], batch, params->fn, params->ctx, WAX_ITEMS_AT_MOST_ONE);
}

static const struct wax_op_class filter_map_class = {
		.kind = "filter_map",
		.params_bytes = sizeof(struct wax_items_params),
		.push = push,
};

struct wax_stream wax_filter_map(struct wax_stream up, const char *id, const struct wax_type *type,
		wax_item_fn fn, void *ctx)
{
	return wax_items_step(up, id, &filter_map_class, type, fn, ctx);
}
