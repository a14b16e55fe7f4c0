/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/column.h"

#include <errno.h>

#include "runtime/assert.h"

static int take(struct wax_port *port, const struct wax_batch *made)
{
	struct wax_column *column = port->taker;

	/* A callback that emits many items where it owes one: it is told so when it returns. */
	if (made->count > column->batch->count - column->done)
		return -EINVAL;

	struct wax_batch whole = wax_batch_slice(column->batch, column->done, made->count);

	column->done += made->count;
	if (column->is_key)
		return wax_column_lend_keys(column->op, &whole, made->values, made->value_bytes,
				made->value_heap, made->value_heap_bytes);
	whole.values = made->values;
	whole.value_bytes = made->value_bytes;
	whole.value_heap = made->value_heap;
	whole.value_heap_bytes = made->value_heap_bytes;
	return wax_op_lend(column->op, 0, &whole);
}

/* An item was dropped: what was made belongs to those before it, and the next to the one behind. */
static int gap(struct wax_port *port)
{
	struct wax_column *column = port->taker;
	int r = wax_port_flush(port);

	column->done++;
	return r;
}

int wax_column_lend_keys(struct wax_op *op, const struct wax_batch *batch, const void *keys,
		uint32_t key_bytes, const char *heap, size_t heap_bytes)
{
	struct wax_batch whole = *batch;

	whole.keyed = 1;
	whole.keys = keys;
	whole.key_bytes = key_bytes;
	whole.key_heap = heap;
	whole.key_heap_bytes = heap_bytes;
	return wax_op_lend(op, 0, &whole);
}

int wax_column_init(struct wax_column *column, struct wax_op *op, const struct wax_type *type,
		bool is_key, struct wax_err *err)
{
	column->op = op;
	column->is_key = is_key;
	/* Its failures are the operator's. */
	if (wax_port_init(&column->port, type, take, column, op->ports[0].err) < 0)
		return wax_err_set(err, -ENOMEM, "no memory for a column of %s", type->name);
	column->port.gap = gap;
	return 0;
}

void wax_column_fini(struct wax_column *column)
{
	wax_port_fini(&column->port);
}

void wax_column_begin(struct wax_column *column, const struct wax_batch *batch)
{
	column->batch = batch;
	column->done = 0;
	wax_port_read(&column->port, batch);
}

int wax_column_end(struct wax_column *column)
{
	int r = wax_port_flush(&column->port);

	wax_port_read(&column->port, NULL);
	column->batch = NULL;
	return r;
}
