/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include "operators/select.h"
#include "runtime/step.h"

/* wax_filter that insists on a key. */
static const struct wax_op_class filter_value_class = WAX_SELECT_CLASS("filter_value");

struct wax_stream wax_filter_value(
		struct wax_stream up, const char *id, wax_test_fn test, void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &filter_value_class);

	return wax_select_finish(up, step, wax_step_input_keyed(up.flow, step, up), test, ctx);
}
