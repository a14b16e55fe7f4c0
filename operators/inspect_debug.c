/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include "operators/line.h"
#include "runtime/op.h"
#include "runtime/step.h"

static const char *text_of(enum wax_moment moment)
{
	return moment == WAX_MOMENT_END ? "end of input" : "end of epoch";
}

static int tell_moment(struct wax_op *op, enum wax_moment moment, uint64_t epoch)
{
	const struct wax_line_params *params = op->params;
	struct wax_place place = wax_op_place(op);
	int r;

	place.epoch = epoch;
	r = params->moment_fn ? params->moment_fn(&place, moment, NULL, params->ctx)
			      : wax_line_print_text(op, &place, text_of(moment));
	return r < 0 ? wax_op_fail(op, NULL, 0, r, NULL) : 0;
}

static int epoch_end(struct wax_op *op, uint64_t epoch)
{
	return tell_moment(op, WAX_MOMENT_EPOCH_END, epoch);
}

static int end(struct wax_op *op)
{
	return tell_moment(op, WAX_MOMENT_END, wax_op_epoch(op));
}

static const struct wax_op_class inspect_debug_class = {
		.kind = "inspect_debug",
		.params_bytes = sizeof(struct wax_line_params),
		.data_bytes = sizeof(struct wax_room),
		.counts_as_output = true,
		.push = wax_line_op_push,
		.epoch_end = epoch_end,
		.end = end,
		.close = wax_line_op_close,
};

struct wax_stream wax_inspect_debug(
		struct wax_stream up, const char *id, wax_moment_fn fn, void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &inspect_debug_class);
	struct wax_line_params *params = step->params;
	const struct wax_type *type = wax_step_input(up.flow, step, up);

	*params = (struct wax_line_params){.moment_fn = fn, .ctx = ctx, .type = type};
	return wax_step_output(up.flow, step, type, wax_stream_by_key(up));
}
