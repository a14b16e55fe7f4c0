/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "operators/stateful_batch.h"

/* A caller that was compiled with an older header knows fewer callbacks. */
static struct wax_stateful_item read_ops(const struct wax_stateful_item *given)
{
	struct wax_stateful_item ops = {0};

	if (given && given->size_bytes > 0)
		memcpy(&ops, given,
				given->size_bytes < sizeof(ops) ? given->size_bytes : sizeof(ops));
	return ops;
}

struct wax_stream wax_stateful_items(struct wax_stream up, const char *id,
		const struct wax_type *type, const struct wax_stateful_item *given, void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &wax_stateful_items_class);
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);
	struct wax_stateful_item ops = read_ops(given);
	const struct wax_stateful common = {
			.size_bytes = ops.size_bytes ? sizeof(common) : 0,
			.state_bytes = ops.state_bytes,
			.build = ops.build,
			.on_notify = ops.on_notify,
			.on_eof = ops.on_eof,
			.notify_at = ops.notify_at,
			.snapshot = ops.snapshot,
			.free = ops.free,
	};

	wax_stateful_describe(
			up.flow, step, given ? &common : NULL, ops.on_item, NULL, ctx, up_type);
	if (ops.size_bytes > 0 && !ops.on_item)
		wax_step_fail(up.flow, step, "its callback on_item is NULL");
	return wax_keyed_output(up, step, up_type, type);
}
