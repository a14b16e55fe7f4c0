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

static const struct wax_op_class broadcast_class = {.kind = "broadcast", .push = push};

struct wax_stream wax_broadcast(struct wax_stream up, const char *id)
{
	struct wax_step *step = wax_step_add(up.flow, id, &broadcast_class);
	const struct wax_type *type = wax_step_input(up.flow, step, up);

	step->route = WAX_ROUTE_ALL;
	return wax_step_output(up.flow, step, type, false);
}
