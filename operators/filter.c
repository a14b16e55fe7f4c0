/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/kernel.h>
#include <wax/operators.h>

#include <errno.h>

#include "operators/kernel.h"
#include "operators/select.h"
#include "runtime/step.h"

static const struct wax_op_class filter_class = WAX_SELECT_CLASS("filter");

struct wax_stream wax_filter(struct wax_stream up, const char *id, wax_test_fn test, void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &filter_class);

	return wax_select_finish(up, step, wax_step_input(up.flow, step, up), test, ctx);
}

/* ---- typed */

struct params {
	const struct wax_kernel *kernel;
};

static int push_kernel(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct params *params = op->params;
	struct wax_select *select = op->data;

	(void)input;
	if (wax_select_reserve(select, batch) < 0)
		return wax_op_fail(op, NULL, 0, -ENOMEM, NULL);

	uint32_t *kept = select->indexes[1];
	uint32_t count = params->kernel->filter(batch->values, kept, batch->count);

	return wax_select_lend(select, op, 0, batch, kept, count);
}

static const struct wax_op_class typed_class = {
		.kind = "filter",
		.params_bytes = sizeof(struct params),
		.data_bytes = sizeof(struct wax_select),
		.push = push_kernel,
		.close = wax_select_close,
};

struct wax_stream wax_filter_typed(
		struct wax_stream up, const char *id, const struct wax_kernel *kernel)
{
	struct wax_step *step = wax_step_add(up.flow, id, &typed_class);
	struct params *params = step->params;
	const struct wax_type *type = wax_step_input(up.flow, step, up);

	params->kernel = kernel;
	wax_kernel_check(up.flow, step, kernel, WAX_KERNEL_FILTER, type);
	return wax_step_output(up.flow, step, type, wax_stream_by_key(up));
}
