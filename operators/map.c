/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/kernel.h>
#include <wax/operators.h>

#include "operators/column.h"
#include "operators/items.h"
#include "operators/kernel.h"
#include "runtime/port.h"
#include "runtime/step.h"

static int push_items(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct wax_items_params *params = op->params;

	(void)input;
	return wax_items_each(op, &op->ports[0], batch, params->fn, params->ctx, WAX_ITEMS_ONE);
}

static const struct wax_op_class map_class = {
		.kind = "map",
		.params_bytes = sizeof(struct wax_items_params),
		.push = push_items,
};

struct wax_stream wax_map(struct wax_stream up, const char *id, const struct wax_type *type,
		wax_item_fn fn, void *ctx)
{
	return wax_items_step(up, id, &map_class, type, fn, ctx);
}

/* ---- typed */

struct params {
	const struct wax_kernel *kernel;
	const struct wax_type *value; /* made by the kernel */
};

static int push_kernel(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct params *params = op->params;

	(void)input;
	wax_kernel_map(params->kernel, batch, wax_op_out(op, 0));
	return 0;
}

static const struct wax_op_class typed_class = {
		.kind = "map",
		.params_bytes = sizeof(struct params),
		.push = push_kernel,
};

/* In a keyed stream: a new column of values beside the keys of the input. */

static int open_keyed(struct wax_op *op, struct wax_err *err)
{
	const struct params *params = op->params;

	return wax_column_init(op->data, op, params->value, false, err);
}

static int push_keyed(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct params *params = op->params;
	struct wax_column *column = op->data;

	(void)input;
	wax_column_begin(column, batch);
	wax_kernel_map(params->kernel, batch, &column->port.out);
	return wax_column_end(column);
}

static void close_keyed(struct wax_op *op)
{
	wax_column_fini(op->data);
}

static const struct wax_op_class typed_keyed_class = {
		.kind = "map_value",
		.params_bytes = sizeof(struct params),
		.data_bytes = sizeof(struct wax_column),
		.open = open_keyed,
		.push = push_keyed,
		.close = close_keyed,
};

struct wax_stream wax_map_typed(
		struct wax_stream up, const char *id, const struct wax_kernel *kernel)
{
	const struct wax_type *up_type = wax_stream_type(up);
	bool keyed = up_type && up_type->key;
	struct wax_step *step =
			wax_step_add(up.flow, id, keyed ? &typed_keyed_class : &typed_class);
	struct params *params = step->params;
	const struct wax_type *type = wax_step_input(up.flow, step, up);

	params->kernel = kernel;
	if (!wax_kernel_check(up.flow, step, kernel, WAX_KERNEL_MAP, type))
		return wax_step_output(up.flow, step, NULL, false);
	params->value = wax_kernel_type(up.flow, step, kernel);
	if (!keyed)
		return wax_step_output(up.flow, step, params->value, false);
	return wax_step_output(up.flow, step, wax_type_keyed(type->key, params->value),
			wax_stream_by_key(up));
}
