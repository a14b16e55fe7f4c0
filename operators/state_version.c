/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/stateful.h>

#include "runtime/flow.h"
#include "runtime/step.h"

struct wax_stream wax_state_version(struct wax_stream stream, uint32_t version)
{
	/* Of a step that failed, or no stream at all: whoever reads it is told. */
	if (!wax_stream_type(stream))
		return stream;

	struct wax_flow *flow = stream.flow;
	struct wax_step *step = flow->steps[wax_flow_stream(flow, stream.id)->step];
	struct wax_step *named = step->owner ? step->owner : step;

	if (!step->class->keeps)
		wax_step_fail(flow, named,
				"wax_state_version is for steps with a state that is kept, this is "
				"a %s",
				step->class->kind);
	else if (version == 0)
		wax_step_fail(flow, named, "version 0 of its state: the first is 1");
	else
		step->state_version = named->state_version = version;
	return stream;
}
