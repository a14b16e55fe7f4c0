/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/aggregates.h>

#include "operators/running.h"

/* It looks at no value, so that any type will do. */
WAX_STATEFUL_MAP(count_any, char, in, uint64_t, count, uint64_t, out)
{
	(void)in;
	*out = ++*count;
}

static const struct wax_op_class count_running_class = WAX_RUNNING_CLASS("count_running");

struct wax_stream wax_count_running(struct wax_stream up, const char *id)
{
	struct wax_step *step = wax_step_add(up.flow, id, &count_running_class);
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);

	return wax_running_finish(up, step, up_type, &count_any, 0);
}
