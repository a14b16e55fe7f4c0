/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include "runtime/op.h"
#include "runtime/step.h"

/* The exchange in front of the step does it all. */
static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	(void)input;
	return wax_op_lend(op, 0, batch);
}

static const struct wax_op_class redistribute_class = {.kind = "redistribute", .push = push};

struct wax_stream wax_redistribute(struct wax_stream up, const char *id, enum wax_deal deal)
{
	struct wax_step *step = wax_step_add(up.flow, id, &redistribute_class);
	const struct wax_type *type = wax_step_input(up.flow, step, up);

	step->route = deal == WAX_DEAL_ITEMS ? WAX_ROUTE_ITEMS : WAX_ROUTE_BATCHES;
	if (deal != WAX_DEAL_ITEMS && deal != WAX_DEAL_BATCHES)
		wax_step_fail(up.flow, step, "deals neither WAX_DEAL_BATCHES nor WAX_DEAL_ITEMS");
	return wax_step_output(up.flow, step, type, false);
}
