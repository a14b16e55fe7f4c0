/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include "runtime/op.h"
#include "runtime/step.h"

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	struct wax_batch bare = *batch;

	(void)input;
	bare.keyed = 0;
	bare.key_bytes = 0;
	bare.keys = NULL;
	bare.key_heap = NULL;
	bare.key_heap_bytes = 0;
	return wax_op_lend(op, 0, &bare);
}

static const struct wax_op_class key_rm_class = {.kind = "key_rm", .push = push};

struct wax_stream wax_key_rm(struct wax_stream up, const char *id)
{
	struct wax_step *step = wax_step_add(up.flow, id, &key_rm_class);
	const struct wax_type *type = wax_step_input_keyed(up.flow, step, up);

	return wax_step_output(up.flow, step, type ? type->value : NULL, false);
}
