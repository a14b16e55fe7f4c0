/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include "runtime/op.h"
#include "runtime/step.h"

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	(void)input;
	return wax_op_lend(op, 0, batch);
}

static const struct wax_op_class merge_class = {.kind = "merge", .push = push};

struct wax_stream wax_merge(const char *id, const struct wax_stream *ups, size_t count)
{
	/* Without a stream the flow that is being built is meant: wax_step_add knows which. */
	struct wax_flow *flow = ups && count > 0 ? ups[0].flow : NULL;
	struct wax_step *step = wax_step_add(flow, id, &merge_class);
	const struct wax_type *first = NULL;
	bool by_key = true;

	if (!ups || count == 0)
		wax_step_fail(flow, step, "merges no streams: it needs at least one");
	for (size_t i = 0; ups && i < count; i++) {
		const struct wax_type *type = wax_step_input(flow, step, ups[i]);

		by_key = by_key && wax_stream_by_key(ups[i]);
		if (!first)
			first = type;
		if (type && !wax_type_same(first, type))
			wax_step_fail(flow, step,
					"merges %s with %s: all its streams must have one type",
					first->name, type->name);
	}
	return wax_step_output(flow, step, first, by_key);
}
