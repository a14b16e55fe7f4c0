/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/running.h"

#include <errno.h>

#include "operators/kernel.h"
#include "operators/keyed.h"
#include "runtime/kept.h"

/* One value comes of each, in order: so the keys of the input are those of the output, and only a
 * column of values is made. */

int wax_running_open(struct wax_op *op, struct wax_err *err)
{
	const struct wax_running_params *params = op->params;
	struct wax_running *running = op->data;

	wax_expiry_init(&running->expiry, op, &running->table, params->key_bytes,
			params->kernel->state_bytes, params->kernel->state_align);

	int r = wax_expiry_keep(&running->expiry, op, &running->table, params->kernel->state_bytes,
			&wax_kept_plain, err);

	return r < 0 ? r : wax_column_init(&running->column, op, params->value, false, err);
}

static int push_block(
		struct wax_op *op, const struct wax_batch *batch, uint32_t first, uint32_t count)
{
	const struct wax_running_params *params = op->params;
	const struct wax_kernel *kernel = params->kernel;
	struct wax_running *running = op->data;
	struct wax_out *out = &running->column.port.out;
	void *states[WAX_TABLE_BLOCK];

	if (wax_table_get_many(&running->table, batch, first, count, states, NULL) < 0)
		return wax_op_fail(op, batch, first, -ENOMEM, "no memory for another key");
	for (uint32_t i = 0; running->expiry.ttl_ns && i < count; i++) {
		if (wax_expiry_touch(&running->expiry, states[i], wax_op_now(op)) < 0)
			return wax_op_fail(op, batch, first, -ENOMEM, "no memory for a timer");
	}

	for (uint32_t done = 0, room; done < count; done += room) {
		room = wax_out_room(out, count - done);
		kernel->stateful_map((const char *)batch->values +
						(size_t)(first + done) * params->in_bytes,
				states + done,
				(char *)out->values + (size_t)out->count * kernel->out_bytes, room);
		wax_out_advance(out, room);
	}
	return 0;
}

int wax_running_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	struct wax_running *running = op->data;
	int r = 0, end;

	(void)input;
	wax_column_begin(&running->column, batch);
	for (uint32_t first = 0; first < batch->count && r == 0; first += WAX_TABLE_BLOCK)
		r = push_block(op, batch, first, wax_table_block(batch, first));
	end = wax_column_end(&running->column);
	wax_expiry_wake(&running->expiry, op);
	return r < 0 ? r : end;
}

int wax_running_wake(struct wax_op *op, int64_t now)
{
	struct wax_running *running = op->data;

	wax_expiry_remove(&running->expiry, op, &running->table, now);
	return 0;
}

size_t wax_running_state_bytes(const struct wax_op *op)
{
	return wax_table_bytes(&((const struct wax_running *)op->data)->table);
}

void wax_running_close(struct wax_op *op)
{
	struct wax_running *running = op->data;

	wax_column_fini(&running->column);
	wax_expiry_fini(&running->expiry);
	wax_table_fini(&running->table);
}

struct wax_stream wax_running_finish(struct wax_stream up, struct wax_step *step,
		const struct wax_type *up_type, const struct wax_kernel *kernel, uint32_t in_bytes)
{
	struct wax_running_params *params = step->params;

	*params = (struct wax_running_params){.kernel = kernel, .in_bytes = in_bytes};
	if (!up_type || !kernel)
		return wax_step_output(up.flow, step, NULL, true);
	params->key_bytes = up_type->key->item_bytes;
	params->value = wax_kernel_type(up.flow, step, kernel);
	return wax_keyed_output(up, step, up_type, params->value);
}

struct wax_stream wax_running_of_numbers(struct wax_stream up, const char *id,
		const struct wax_op_class *class, const struct wax_kernel *const *kernels)
{
	struct wax_step *step = wax_step_add(up.flow, id, class);
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);

	while (up_type && *kernels && !wax_kernel_takes(*kernels, up_type->value))
		kernels++;
	if (up_type && !*kernels)
		wax_step_fail(up.flow, step,
				"its values are %s, it takes int32_t, uint32_t, int64_t, uint64_t "
				"or double: use wax_stateful_map for others",
				up_type->value->name);
	return wax_running_finish(up, step, up_type, up_type ? *kernels : NULL,
			up_type ? up_type->value->item_bytes : 0);
}
