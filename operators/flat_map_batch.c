/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include <errno.h>

#include "operators/items.h"
#include "runtime/op.h"
#include "runtime/step.h"

struct params {
	wax_batch_fn fn;
	void *ctx;
};

static int push_guarded(struct wax_op *op, const struct wax_batch *batch)
{
	const struct params *params = op->params;
	struct wax_port *port = &op->ports[0];
	uint32_t first = 0;

	wax_port_guard(port);

	int r = params->fn(&port->out, batch, params->ctx);

	if (!wax_items_is_refusal(port, r))
		return r < 0 || port->failed ? wax_op_fail(op, NULL, 0, r < 0 ? r : -EIO, NULL) : 0;
	if (batch->count == 1)
		return wax_op_refuse(op, port, batch, &first, 1, r < 0 ? r : -EBADMSG);

	/* Which of the items it is shows when each comes as a batch of its own, which it might have
	 * at first. */
	wax_op_forgive(op, port);
	r = 0;
	for (uint32_t i = 0; i < batch->count && r == 0; i++) {
		struct wax_batch one = wax_batch_slice(batch, i, 1);

		r = push_guarded(op, &one);
	}
	return r;
}

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct params *params = op->params;

	(void)input;
	if (wax_op_drops(op)) {
		int code = push_guarded(op, batch);

		wax_port_unguard(&op->ports[0]);
		return code;
	}

	int r = params->fn(wax_op_out(op, 0), batch, params->ctx);

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
