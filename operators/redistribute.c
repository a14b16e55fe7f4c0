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
	const struct wax_type *type = deal == WAX_DEAL_KEYS ? wax_step_input_keyed(up.flow, step, up)
							    : wax_step_input(up.flow, step, up);

	switch (deal) {
	case WAX_DEAL_BATCHES:
		step->route = WAX_ROUTE_BATCHES;
		break;
	case WAX_DEAL_ITEMS:
		step->route = WAX_ROUTE_ITEMS;
		break;
	case WAX_DEAL_KEYS:
		step->route = WAX_ROUTE_KEY;
		break;
	default:
		wax_step_fail(up.flow, step, "deals neither batches, nor items, nor keys");
	}
	return wax_step_output(up.flow, step, type, deal == WAX_DEAL_KEYS);
}
