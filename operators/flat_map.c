/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include "operators/items.h"
#include "runtime/step.h"

struct params {
	wax_item_fn fn;
	void *ctx;
};

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct params *params = op->params;

	(void)input;
	return wax_items_each(op, &op->ports[0], batch, params->fn, params->ctx, WAX_ITEMS_ANY);
}

static const struct wax_op_class flat_map_class = {
		.kind = "flat_map",
		.params_bytes = sizeof(struct params),
		.push = push,
};

struct wax_stream wax_flat_map(struct wax_stream up, const char *id, const struct wax_type *type,
		wax_item_fn fn, void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &flat_map_class);
	struct params *params = step->params;

	*params = (struct params){fn, ctx};
	wax_step_input(up.flow, step, up);
	if (!fn)
		wax_step_fail(up.flow, step, "its callback is NULL");
	return wax_step_output(up.flow, step, type, false);
}
