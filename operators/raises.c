/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include "runtime/op.h"
#include "runtime/step.h"

struct params {
	const char *why;
};

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct params *params = op->params;
	int r = 0;

	(void)input;
	for (uint32_t i = 0; i < batch->count && r == 0; i++)
		r = wax_op_refuse(op, NULL, batch, &i, 1, wax_fail(NULL, "%s", params->why));
	return r;
}

static const struct wax_op_class raises_class = {
		.kind = "raises",
		.params_bytes = sizeof(struct params),
		.counts_as_output = true,
		.push = push,
};

void wax_raises(struct wax_stream up, const char *id, const char *why)
{
	struct wax_step *step = wax_step_add(up.flow, id, &raises_class);
	struct params *params = step->params;

	params->why = why ? why : "no item may come here";
	wax_step_input(up.flow, step, up);
}
