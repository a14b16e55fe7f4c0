/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/kernel.h>
#include <wax/operators.h>

#include "operators/column.h"
#include "operators/items.h"
#include "operators/kernel.h"
#include "runtime/step.h"

struct params {
	wax_item_fn fn;
	void *ctx;
	const struct wax_kernel *kernel;
	const struct wax_type *key;
};

static int open(struct wax_op *op, struct wax_err *err)
{
	const struct params *params = op->params;

	return wax_column_init(op->data, op, params->key, true, err);
}

static int push_items(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
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

static int push_kernel(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct params *params = op->params;
	struct wax_column *column = op->data;

	(void)input;
	wax_column_begin(column, batch);
	wax_kernel_map(params->kernel, batch, &column->port.out);
	return wax_column_end(column);
}

/* The value itself is the key: the one column serves as both. */
static int push_self(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	(void)input;
	return wax_column_lend_keys(op, batch, batch->values, batch->value_bytes, batch->value_heap,
			batch->value_heap_bytes);
}

static void close(struct wax_op *op)
{
	wax_column_fini(op->data);
}

static const struct wax_op_class key_on_class = {
		.kind = "key_on",
		.params_bytes = sizeof(struct params),
		.data_bytes = sizeof(struct wax_column),
		.open = open,
		.push = push_items,
		.close = close,
};

static const struct wax_op_class typed_class = {
		.kind = "key_on",
		.params_bytes = sizeof(struct params),
		.data_bytes = sizeof(struct wax_column),
		.open = open,
		.push = push_kernel,
		.close = close,
};

static const struct wax_op_class self_class = {
		.kind = "key_on",
		.params_bytes = sizeof(struct params),
		.push = push_self,
};

int wax_key_self(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit(out, item->value.data, item->value.bytes);
}

/* Is the column of values a column of keys as it is? */
static bool can_share(const struct wax_type *key, const struct wax_type *type)
{
	const struct wax_type *value = type ? wax_type_value(type) : NULL;

	return key && value && key->item_bytes == value->item_bytes && key->align <= value->align;
}

struct wax_stream wax_key_on(struct wax_stream up, const char *id, const struct wax_type *key,
		wax_item_fn fn, void *ctx)
{
	bool shares = fn == wax_key_self && can_share(key, wax_stream_type(up));
	struct wax_step *step = wax_step_add(up.flow, id, shares ? &self_class : &key_on_class);
	struct params *params = step->params;
	const struct wax_type *type = wax_step_input(up.flow, step, up);

	*params = (struct params){.fn = fn, .ctx = ctx, .key = key};
	if (!fn)
		wax_step_fail(up.flow, step, "its callback is NULL");
	if (key && key->key)
		wax_step_fail(up.flow, step, "its key is of the type %s: a key has no key itself",
				key->name);
	return wax_step_output(up.flow, step,
			type ? wax_type_keyed(key, wax_type_value(type)) : NULL, false);
}

struct wax_stream wax_key_on_typed(
		struct wax_stream up, const char *id, const struct wax_kernel *kernel)
{
	struct wax_step *step = wax_step_add(up.flow, id, &typed_class);
	struct params *params = step->params;
	const struct wax_type *type = wax_step_input(up.flow, step, up);

	params->kernel = kernel;
	if (!wax_kernel_check(up.flow, step, kernel, WAX_KERNEL_KEY, type))
		return wax_step_output(up.flow, step, NULL, false);
	params->key = wax_kernel_type(up.flow, step, kernel);
	return wax_step_output(
			up.flow, step, wax_type_keyed(params->key, wax_type_value(type)), false);
}
