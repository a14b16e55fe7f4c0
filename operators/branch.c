/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include <errno.h>

#include "operators/select.h"
#include "runtime/step.h"

/* The order of the output ports is that of the fields of struct wax_branches. */
enum {
	PORT_TRUES,
	PORT_FALSES,
};

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	struct wax_select *select = op->data;
	uint32_t counts[2];

	(void)input;
	int r = wax_select_test(op, batch, counts);

	if (r == 0)
		r = wax_select_lend(select, op, PORT_TRUES, batch, select->indexes[1], counts[1]);
	if (r == 0)
		r = wax_select_lend(select, op, PORT_FALSES, batch, select->indexes[0], counts[0]);
	return r;
}

static const struct wax_op_class branch_class = {
		.kind = "branch",
		.params_bytes = sizeof(struct wax_select_params),
		.data_bytes = sizeof(struct wax_select),
		.push = push,
		.close = wax_select_close,
};

struct wax_branches wax_branch(struct wax_stream up, const char *id, wax_test_fn test, void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &branch_class);
	struct wax_select_params *params = step->params;
	const struct wax_type *type = wax_step_input(up.flow, step, up);
	struct wax_branches branches;

	*params = (struct wax_select_params){test, ctx};
	if (!test)
		wax_step_fail(up.flow, step, "its callback is NULL");
	branches.trues = wax_step_output(up.flow, step, type, wax_stream_by_key(up));
	branches.falses = wax_step_output(up.flow, step, type, wax_stream_by_key(up));
	return branches;
}
