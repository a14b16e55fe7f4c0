/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include <errno.h>

#include "operators/items.h"
#include "operators/line.h"
#include "runtime/op.h"
#include "runtime/room.h"
#include "runtime/step.h"

typedef int (*inspect_fn)(const struct wax_place *place, const struct wax_item *item, void *ctx);

struct params {
	inspect_fn fn;
	void *ctx;
	const struct wax_type *type;
};

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
		int r = params->fn ? params->fn(&place, &item, params->ctx)
				   : wax_line_print_item(op, &place, params->type, &item);

		if (r < 0)
			r = wax_items_leave_out(op, batch, &first, i, r);
		if (r < 0)
			return r;
	}
	return wax_items_lend_rest(op, batch, first);
}

static void close(struct wax_op *op)
{
	wax_room_fini(op->data);
}

static const struct wax_op_class inspect_class = {
		.kind = "inspect",
		.params_bytes = sizeof(struct params),
		.data_bytes = sizeof(struct wax_room),
		.counts_as_output = true,
		.push = push,
		.close = close,
};

struct wax_stream wax_inspect(struct wax_stream up, const char *id,
		int (*fn)(const struct wax_place *place, const struct wax_item *item, void *ctx),
		void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &inspect_class);
	struct params *params = step->params;
	const struct wax_type *type = wax_step_input(up.flow, step, up);

	*params = (struct params){fn, ctx, type};
	return wax_step_output(up.flow, step, type, wax_stream_by_key(up));
}
