/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/keyed.h"

#define STATE_BYTES_MAX 65536

void wax_keyed_check_state(struct wax_flow *flow, struct wax_step *step, size_t state_bytes)
{
	if (state_bytes > STATE_BYTES_MAX)
		wax_step_fail(flow, step,
				"its state has %zu bytes, %d are the most: let it point to what is "
				"larger",
				state_bytes, STATE_BYTES_MAX);
}

struct wax_stream wax_keyed_output(struct wax_stream up, struct wax_step *step,
		const struct wax_type *up_type, const struct wax_type *type)
{
	if (type && type->key)
		wax_step_fail(up.flow, step,
				"its type %s is keyed: give that of the value alone, "
				"the key is added",
				type->name);
	step->route = wax_stream_by_key(up) ? WAX_ROUTE_LOCAL : WAX_ROUTE_KEY;
	return wax_step_output(
			up.flow, step, up_type ? wax_type_keyed(up_type->key, type) : NULL, true);
}
