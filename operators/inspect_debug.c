/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include <errno.h>

#include "operators/items.h"
#include "operators/line.h"
#include "runtime/op.h"
#include "runtime/room.h"
#include "runtime/step.h"

struct params {
	wax_moment_fn fn;
	void *ctx;
	const struct wax_type *type;
};

static const char *text_of(enum wax_moment moment)
{
	return moment == WAX_MOMENT_END ? "end of input" : "end of epoch";
}

static int tell_moment(struct wax_op *op, enum wax_moment moment, uint64_t epoch)
{
	const struct params *params = op->params;
	struct wax_place place = wax_op_place(op);
	int r;

	place.epoch = epoch;
	r = params->fn ? params->fn(&place, moment, NULL, params->ctx)
		       : wax_line_print_text(op, &place, text_of(moment));
	return r < 0 ? wax_op_fail(op, NULL, 0, r, NULL) : 0;
}

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct params *params = op->params;
	const struct wax_batch in = *batch;
	const struct wax_place place = wax_op_place(op);
	uint32_t first = 0;

	(void)input;
	if (wax_line_capture(op, batch) < 0)
		return -ECANCELED;
	for (uint32_t i = 0; i < in.count; i++) {
		struct wax_item item = wax_batch_item(&in, i);
		wax_op_called(op);
		int r = params->fn ? params->fn(&place, WAX_MOMENT_ITEM, &item, params->ctx)
				   : wax_line_print_item(op, &place, params->type, &item);

		if (r < 0)
			r = wax_items_leave_out(op, batch, &first, i, r);
		if (r < 0)
			return r;
	}
	return wax_items_lend_rest(op, batch, first);
}

static int epoch_end(struct wax_op *op, uint64_t epoch)
{
	return tell_moment(op, WAX_MOMENT_EPOCH_END, epoch);
}

static int end(struct wax_op *op)
{
	return tell_moment(op, WAX_MOMENT_END, wax_op_epoch(op));
}

static void close(struct wax_op *op)
{
	wax_room_fini(op->data);
}

static const struct wax_op_class inspect_debug_class = {
		.kind = "inspect_debug",
		.params_bytes = sizeof(struct params),
		.data_bytes = sizeof(struct wax_room),
		.counts_as_output = true,
		.push = push,
		.epoch_end = epoch_end,
		.end = end,
		.close = close,
};

struct wax_stream wax_inspect_debug(
		struct wax_stream up, const char *id, wax_moment_fn fn, void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &inspect_debug_class);
	struct params *params = step->params;
	const struct wax_type *type = wax_step_input(up.flow, step, up);

	*params = (struct params){fn, ctx, type};
	return wax_step_output(up.flow, step, type, wax_stream_by_key(up));
}
