/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/items.h"

#include <errno.h>
#include <inttypes.h>

int wax_items_fail(struct wax_op *op, const struct wax_port *port, const struct wax_batch *batch,
		uint32_t index, int r, uint64_t emitted, enum wax_items_rule rule)
{
	bool too_many = !wax_items_allows(rule, emitted);

	/* A column that got more items than it has room for fails without a sentence. */
	if (port->failed && too_many && !port->err->code)
		return wax_op_fail(op, batch, index, -EINVAL,
				"emitted at least %" PRIu64 " items, must be %s 1", emitted,
				rule == WAX_ITEMS_ONE ? "exactly" : "at most");
	if (r < 0)
		return wax_op_fail(op, batch, index, r, NULL);
	if (port->failed)
		return wax_op_fail(op, batch, index, port->err->code ? port->err->code : -ECANCELED,
				NULL);
	return wax_op_fail(op, batch, index, -EINVAL, "emitted %" PRIu64 " items, must be %s 1",
			emitted, rule == WAX_ITEMS_ONE ? "exactly" : "at most");
}

int wax_items_each_guarded(struct wax_op *op, struct wax_port *port, const struct wax_batch *batch,
		wax_item_fn fn, void *ctx, enum wax_items_rule rule, bool adds_key)
{
	int r = 0;

	for (uint32_t i = 0; i < batch->count && r == 0; i++) {
		struct wax_item item = wax_batch_item(batch, i);
		uint64_t before = wax_port_emitted(port);

		if (adds_key)
			wax_port_fix_key(port, item.key);
		wax_port_guard(port);
		wax_op_called(op);
		r = fn(&port->out, &item, ctx);

		uint64_t emitted = wax_port_emitted(port) - before;

		if (wax_items_is_refusal(port, r))
			r = wax_op_refuse(op, port, batch, &i, 1, r < 0 ? r : -EBADMSG);
		else if (port->failed || !wax_items_allows(rule, emitted))
			r = wax_items_fail(op, port, batch, i, r, emitted, rule);
		else
			r = 0;
	}
	wax_port_unguard(port);
	return r;
}

static int lend_some(struct wax_op *op, const struct wax_batch *batch, uint32_t from, uint32_t to)
{
	struct wax_batch some = wax_batch_slice(batch, from, to - from);

	return wax_op_lend(op, 0, &some);
}

int wax_items_leave_out(struct wax_op *op, const struct wax_batch *batch, uint32_t *first,
		uint32_t index, int code)
{
	int r = wax_op_refuse(op, NULL, batch, &index, 1, code);

	if (r == 0)
		r = lend_some(op, batch, *first, index);
	*first = index + 1;
	return r;
}

int wax_items_lend_rest(struct wax_op *op, const struct wax_batch *batch, uint32_t first)
{
	return lend_some(op, batch, first, batch->count);
}

struct wax_stream wax_items_step(struct wax_stream up, const char *id,
		const struct wax_op_class *class, const struct wax_type *type, wax_item_fn fn,
		void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, class);
	struct wax_items_params *params = step->params;

	*params = (struct wax_items_params){fn, ctx};
	wax_step_input(up.flow, step, up);
	if (!fn)
		wax_step_fail(up.flow, step, "its callback is NULL");
	return wax_step_output(up.flow, step, type, false);
}

struct wax_stream wax_items_output(struct wax_stream up, struct wax_step *step,
		const struct wax_type *up_type, const struct wax_type *type)
{
	if (type && type->key)
		wax_step_fail(up.flow, step,
				"its type %s is keyed: give that of the value alone, "
				"the key stays",
				type->name);
	return wax_step_output(up.flow, step, up_type ? wax_type_keyed(up_type->key, type) : NULL,
			wax_stream_by_key(up));
}

struct wax_stream wax_items_value_step(struct wax_stream up, const char *id,
		const struct wax_op_class *class, const struct wax_type *type, wax_item_fn fn,
		void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, class);
	struct wax_items_params *params = step->params;
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);

	*params = (struct wax_items_params){fn, ctx};
	if (!fn)
		wax_step_fail(up.flow, step, "its callback is NULL");
	return wax_items_output(up, step, up_type, type);
}
