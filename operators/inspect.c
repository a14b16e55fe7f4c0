/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include "operators/line.h"
#include "runtime/step.h"

static const struct wax_op_class inspect_class = {
		.kind = "inspect",
		.params_bytes = sizeof(struct wax_line_params),
		.data_bytes = sizeof(struct wax_room),
		.counts_as_output = true,
		.push = wax_line_op_push,
		.close = wax_line_op_close,
};

struct wax_stream wax_inspect(struct wax_stream up, const char *id,
		int (*fn)(const struct wax_place *place, const struct wax_item *item, void *ctx),
		void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &inspect_class);
	struct wax_line_params *params = step->params;
	const struct wax_type *type = wax_step_input(up.flow, step, up);

	*params = (struct wax_line_params){.fn = fn, .ctx = ctx, .type = type};
	return wax_step_output(up.flow, step, type, wax_stream_by_key(up));
}
