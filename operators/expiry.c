/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/expiry.h"

#include <inttypes.h>

#include <wax/stateful.h>

#include "runtime/flow.h"
#include "runtime/step.h"

void wax_expiry_init(struct wax_expiry *expiry, const struct wax_op *op, struct wax_table *table,
		uint32_t key_bytes, uint32_t state_bytes, uint32_t state_align)
{
	uint32_t timer_at = (state_bytes + 7) & ~UINT32_C(7);

	*expiry = (struct wax_expiry){.ttl_ns = op->step->ttl_ns};
	if (expiry->ttl_ns) {
		state_bytes = timer_at + (uint32_t)sizeof(struct wax_timer);
		if (state_align > 0 && state_align < 8)
			state_align = 8;
	}
	wax_table_init(table, key_bytes, state_bytes, state_align);
	wax_timers_init(&expiry->timers, timer_at);
}

int wax_expiry_keep(struct wax_expiry *expiry, struct wax_op *op, struct wax_table *table,
		uint32_t value_bytes, const struct wax_kept_ops *ops, struct wax_err *err)
{
	struct wax_timers *timers = expiry->ttl_ns ? &expiry->timers : NULL;

	return wax_op_keep(op, table, value_bytes, timers, ops, err);
}

void wax_expiry_fini(struct wax_expiry *expiry)
{
	wax_timers_fini(&expiry->timers);
	expiry->ttl_ns = 0;
}

void *wax_expiry_pop(struct wax_expiry *expiry, struct wax_op *op, int64_t now)
{
	void *state = expiry->ttl_ns ? wax_timers_pop_due(&expiry->timers, now) : NULL;

	if (state)
		wax_op_count_expired(op);
	return state;
}

void wax_expiry_remove(
		struct wax_expiry *expiry, struct wax_op *op, struct wax_table *table, int64_t now)
{
	void *state;

	while ((state = wax_expiry_pop(expiry, op, now)))
		wax_table_remove(table, state);
	wax_expiry_wake(expiry, op);
}

void wax_expiry_wake(struct wax_expiry *expiry, struct wax_op *op)
{
	if (expiry->ttl_ns)
		wax_op_wake_by(op, wax_timers_next(&expiry->timers));
}

struct wax_stream wax_ttl(struct wax_stream stream, int64_t ttl_ns)
{
	/* Of a step that failed, or no stream at all: whoever reads it is told. */
	if (!wax_stream_type(stream))
		return stream;

	struct wax_flow *flow = stream.flow;
	struct wax_step *step = flow->steps[wax_flow_stream(flow, stream.id)->step];
	struct wax_step *named = step->owner ? step->owner : step;

	if (!step->class->expires)
		wax_step_fail(flow, named,
				"wax_ttl is for steps with a state for each key, this is a %s",
				step->class->kind);
	else if (ttl_ns <= 0)
		wax_step_fail(flow, named,
				"a time to live of %" PRId64 " ns: it must be more than 0", ttl_ns);
	else
		step->ttl_ns = named->ttl_ns = ttl_ns;
	return stream;
}
