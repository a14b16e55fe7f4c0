/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_SELECT_H
#define OPERATORS_SELECT_H

#include <stdint.h>

#include <wax/operators.h>

#include "runtime/op.h"
#include "runtime/step.h"

/* Hand on some of the items of a batch. Items of fixed size are copied together; of variable ones
 * only the spans are, and the bytes stay where they are. */
struct wax_select {
	uint32_t *indexes[2]; /* room for those of a batch, twice */
	uint32_t capacity;
	void *keys; /* what the columns are gathered in */
	void *values;
	size_t keys_bytes;
	size_t values_bytes;
};

/** Zeroed is allowed. */
void wax_select_fini(struct wax_select *select);

/** Make room for a batch. @return 0 or -ENOMEM */
int wax_select_reserve(struct wax_select *select, const struct wax_batch *batch);

/** Hand on the items with these indexes, which rise. @return as wax_op_lend */
int wax_select_lend(struct wax_select *select, struct wax_op *op, uint32_t port,
		const struct wax_batch *batch, const uint32_t *indexes, uint32_t count);

/* A step that keeps what a callback says: its params, and struct wax_select is its data. */
struct wax_select_params {
	wax_test_fn test;
	void *ctx;
};

/**
 * Ask about each item of the batch.
 *
 * @param ret_counts of the select, indexes[1] are those with the answer 1, indexes[0] the others
 * @return 0; negative, and reported: no memory, or an answer that was neither, unless the item is
 *         dropped
 */
int wax_select_test(struct wax_op *op, const struct wax_batch *batch, uint32_t ret_counts[2]);

int wax_select_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input);
void wax_select_close(struct wax_op *op);

#define WAX_SELECT_CLASS(name)                                                                     \
	{                                                                                          \
		.kind = name, .params_bytes = sizeof(struct wax_select_params),                    \
		.data_bytes = sizeof(struct wax_select), .push = wax_select_push,                  \
		.close = wax_select_close                                                          \
	}

/** Fill in the params and give the step its output. @param type of its input, and of what it gives */
struct wax_stream wax_select_finish(struct wax_stream up, struct wax_step *step,
		const struct wax_type *type, wax_test_fn test, void *ctx);

#endif
