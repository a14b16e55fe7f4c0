/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include "runtime/op.h"
#include "runtime/step.h"

struct params {
	wax_batch_fn fn;
	void *ctx;
};

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct params *params = op->params;
	int r = params->fn(wax_op_out(op, 0), batch, params->ctx);

	(void)input;
	/* The callback saw a batch; which of its items was wrong is in its sentence. */
	if (r < 0)
		return wax_op_fail(op, NULL, 0, r, NULL);
	return 0;
}

static const struct wax_op_class flat_map_batch_class = {
		.kind = "flat_map_batch",
		.params_bytes = sizeof(struct params),
		.push = push,
};

struct wax_stream wax_flat_map_batch(struct wax_stream up, const char *id,
		const struct wax_type *type, wax_batch_fn fn, void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &flat_map_batch_class);
	struct params *params = step->params;

	*params = (struct params){fn, ctx};
	wax_step_input(up.flow, step, up);
	if (!fn)
		wax_step_fail(up.flow, step, "its callback is NULL");
	return wax_step_output(up.flow, step, type, false);
}
