/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_COLUMN_H
#define OPERATORS_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/op.h"
#include "runtime/port.h"

/*
 * One column made anew, one item for each of the input's, and handed on together with the input's
 * other column, which is not copied. The callbacks emit to a port of its own:
 *
 *     wax_column_begin(&data->column, batch);
 *     ... emit to &data->column.port.out, for each item of the batch in turn ...
 *     return wax_column_end(&data->column);
 */
struct wax_column {
	struct wax_port port;
	struct wax_op *op;
	const struct wax_batch *batch; /* that is read */
	uint32_t done;                 /* of its items handed on */
	bool is_key;                   /* the new column is that of keys, else of values */
};

/** @param op   hands on at its port 0; borrows until wax_column_fini
 *  @param type of the items of the column */
int wax_column_init(struct wax_column *column, struct wax_op *op, const struct wax_type *type,
		bool is_key, struct wax_err *err);
/** Zeroed is allowed. */
void wax_column_fini(struct wax_column *column);

/** @param batch borrows until wax_column_end */
void wax_column_begin(struct wax_column *column, const struct wax_batch *batch);
/** Hand on what is left. @return 0; negative: an emit, or a step downstream, failed */
int wax_column_end(struct wax_column *column);

/** Hand on the input with these columns: the same without a port. */
int wax_column_lend_keys(struct wax_op *op, const struct wax_batch *batch, const void *keys,
		uint32_t key_bytes, const char *heap, size_t heap_bytes);

#endif
