/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/kernel.h>
#include <wax/stateful.h>

#include <errno.h>

#include "operators/column.h"
#include "operators/expiry.h"
#include "operators/items.h"
#include "operators/kernel.h"
#include "operators/keyed.h"
#include "operators/running.h"
#include "runtime/kept.h"
#include "runtime/table.h"

/* One value comes of each, in order: so the keys of the input are those of the output, and only a
 * column of values is made. */
struct params {
	int (*fn)(struct wax_out *out, void *state, const struct wax_item *item, void *ctx);
	void *ctx;
	const struct wax_type *value;
	uint32_t key_bytes; /* 0: any length */
	uint32_t state_bytes;
};

struct data {
	struct wax_table table;
	struct wax_expiry expiry;
	struct wax_column column;
};

static int open(struct wax_op *op, struct wax_err *err)
{
	const struct params *params = op->params;
	struct data *data = op->data;

	wax_expiry_init(&data->expiry, op, &data->table, params->key_bytes, params->state_bytes, 0);

	int r = wax_expiry_keep(
			&data->expiry, op, &data->table, params->state_bytes, &wax_kept_plain, err);

	return r < 0 ? r : wax_column_init(&data->column, op, params->value, false, err);
}

/* @return 0: the item is dropped */
static int item_fail(struct wax_op *op, const struct wax_batch *batch, uint32_t index, int r,
		uint64_t emitted)
{
	struct data *data = op->data;
	struct wax_port *port = &data->column.port;

	if (wax_op_drops(op) && wax_items_is_refusal(port, r))
		return wax_op_refuse(op, port, batch, &index, 1, r < 0 ? r : -EBADMSG);
	if (r > WAX_DISCARD)
		return wax_op_fail(op, batch, index, -EINVAL,
				"the callback gave back %d, must be WAX_RETAIN (0) or WAX_DISCARD "
				"(1)",
				r);
	return wax_items_fail(op, port, batch, index, r, emitted, WAX_ITEMS_ONE);
}

/* @param guarded a constant: it is compiled in */
static inline __attribute__((always_inline)) int push_block(struct wax_op *op,
		const struct wax_batch *batch, uint32_t first, uint32_t count, bool guarded)
{
	const struct params *params = op->params;
	const struct wax_batch in = *batch;
	struct data *data = op->data;
	struct wax_table *table = &data->table;
	struct wax_port *port = &data->column.port;
	uint64_t before = wax_port_emitted(port);
	int64_t now = wax_op_now(op);
	void *states[WAX_TABLE_BLOCK];
	bool discarded = false;

	if (wax_table_get_many(table, batch, first, count, states, NULL) < 0)
		return wax_op_fail(op, batch, first, -ENOMEM, "no memory for another key");

	for (uint32_t i = 0; i < count; i++) {
		struct wax_item item = wax_batch_item(&in, first + i);
		void *state = states[i];

		/* What was looked up may be gone since, or serve another key. */
		if (discarded)
			state = wax_table_get(table, item.key, NULL);
		if (wax_unlikely(!state || wax_expiry_touch(&data->expiry, state, now) < 0))
			return wax_op_fail(op, batch, first + i, -ENOMEM, NULL);

		if (guarded)
			wax_port_guard(port);

		wax_op_called(op);
		int r = params->fn(&port->out, state, &item, params->ctx);
		uint64_t emitted = wax_port_emitted(port) - before;

		if (wax_unlikely(r < 0 || r > WAX_DISCARD || port->failed || emitted != 1)) {
			r = item_fail(op, batch, first + i, r, emitted);
			if (!guarded || r < 0)
				return r;
			continue;
		}
		before++;
		if (r == WAX_DISCARD) {
			wax_expiry_drop(&data->expiry, state);
			wax_table_remove(table, state);
			discarded = true;
		}
	}
	return 0;
}

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	struct data *data = op->data;
	bool guarded = wax_op_drops(op);
	int r = 0, end;

	(void)input;
	wax_column_begin(&data->column, batch);
	for (uint32_t first = 0; first < batch->count && r == 0; first += WAX_TABLE_BLOCK) {
		uint32_t count = wax_table_block(batch, first);

		r = guarded ? push_block(op, batch, first, count, true)
			    : push_block(op, batch, first, count, false);
	}
	wax_port_unguard(&data->column.port);
	end = wax_column_end(&data->column);
	wax_expiry_wake(&data->expiry, op);
	return r < 0 ? r : end;
}

static int wake(struct wax_op *op, int64_t now)
{
	struct data *data = op->data;
	wax_expiry_remove(&data->expiry, op, &data->table, now);
	return 0;
}

static void close(struct wax_op *op)
{
	struct data *data = op->data;

	wax_column_fini(&data->column);
	wax_expiry_fini(&data->expiry);
	wax_table_fini(&data->table);
}

static size_t state_bytes(const struct wax_op *op)
{
	return wax_table_bytes(&((const struct data *)op->data)->table);
}

static const struct wax_op_class stateful_map_class = {
		.kind = "stateful_map",
		.params_bytes = sizeof(struct params),
		.data_bytes = sizeof(struct data),
		.open = open,
		.push = push,
		.wake = wake,
		.expires = true,
		.keeps = true,
		.state_bytes = state_bytes,
		.close = close,
};

struct wax_stream wax_stateful_map(struct wax_stream up, const char *id,
		const struct wax_type *type, size_t state_bytes,
		int (*fn)(struct wax_out *out, void *state, const struct wax_item *item, void *ctx),
		void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &stateful_map_class);
	struct params *params = step->params;
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);

	*params = (struct params){
			.fn = fn, .ctx = ctx, .value = type, .state_bytes = (uint32_t)state_bytes};
	if (!fn)
		wax_step_fail(up.flow, step, "its callback is NULL");
	wax_keyed_check_state(up.flow, step, state_bytes);
	if (up_type)
		params->key_bytes = up_type->key->item_bytes;
	return wax_keyed_output(up, step, up_type, type);
}

static const struct wax_op_class typed_class = WAX_RUNNING_CLASS("stateful_map");

struct wax_stream wax_stateful_map_typed(
		struct wax_stream up, const char *id, const struct wax_kernel *kernel)
{
	struct wax_step *step = wax_step_add(up.flow, id, &typed_class);
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);

	if (!wax_kernel_check(up.flow, step, kernel, WAX_KERNEL_STATEFUL_MAP, up_type))
		return wax_step_output(up.flow, step, NULL, false);
	wax_keyed_check_state(up.flow, step, kernel->state_bytes);
	return wax_running_finish(up, step, up_type, kernel, kernel->in_bytes);
}
