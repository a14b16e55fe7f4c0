/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include "operators/column.h"
#include "operators/items.h"
#include "runtime/step.h"

struct params {
	wax_item_fn fn;
	void *ctx;
	const struct wax_type *value;
};

static int open(struct wax_op *op, struct wax_err *err)
{
	const struct params *params = op->params;

	return wax_column_init(op->data, op, params->value, false, err);
}

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct params *params = op->params;
	struct wax_column *column = op->data;
	int r, end;

	(void)input;
	wax_column_begin(column, batch);
	r = wax_items_each(op, &column->port, batch, params->fn, params->ctx, WAX_ITEMS_ONE);
	end = wax_column_end(column);
	return r < 0 ? r : end;
}

static void close(struct wax_op *op)
{
	wax_column_fini(op->data);
}

static const struct wax_op_class map_value_class = {
		.kind = "map_value",
		.params_bytes = sizeof(struct params),
		.data_bytes = sizeof(struct wax_column),
		.open = open,
		.push = push,
		.close = close,
};

struct wax_stream wax_map_value(struct wax_stream up, const char *id, const struct wax_type *type,
		wax_item_fn fn, void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &map_value_class);
	struct params *params = step->params;
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);

	*params = (struct params){fn, ctx, type};
	if (!fn)
		wax_step_fail(up.flow, step, "its callback is NULL");
	return wax_items_output(up, step, up_type, type);
}
