/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_RUNNING_H
#define OPERATORS_RUNNING_H

#include <stdint.h>

#include <wax/aggregates.h>
#include <wax/kernel.h>

#include "operators/column.h"
#include "operators/expiry.h"
#include "runtime/op.h"
#include "runtime/step.h"
#include "runtime/table.h"

/* A value of each value, by a kernel with a state for each key: stateful_map_typed and the running
 * aggregates. */

/** step->params. */
struct wax_running_params {
	const struct wax_kernel *kernel;
	const struct wax_type *value; /* that it makes */
	uint32_t key_bytes;           /* 0: any length */
	uint32_t in_bytes;            /* from one value to the next; 0: the kernel looks at none */
};

/** op->data. */
struct wax_running {
	struct wax_table table;
	struct wax_expiry expiry;
	struct wax_column column;
};

int wax_running_open(struct wax_op *op, struct wax_err *err);
int wax_running_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input);
int wax_running_wake(struct wax_op *op, int64_t now);
size_t wax_running_state_bytes(const struct wax_op *op);
void wax_running_close(struct wax_op *op);

#define WAX_RUNNING_CLASS(name)                                                                    \
	{                                                                                          \
		.kind = name, .params_bytes = sizeof(struct wax_running_params),                   \
		.data_bytes = sizeof(struct wax_running), .open = wax_running_open,                \
		.push = wax_running_push, .wake = wax_running_wake, .expires = true,               \
		.keeps = true, .state_bytes = wax_running_state_bytes, .close = wax_running_close  \
	}

/**
 * Fill in the params, route the step by key and give it its output.
 *
 * @param up_type  of its input; NULL: the step has failed
 * @param kernel   NULL: the step has failed
 * @param in_bytes of params
 */
struct wax_stream wax_running_finish(struct wax_stream up, struct wax_step *step,
		const struct wax_type *up_type, const struct wax_kernel *kernel, uint32_t in_bytes);

/** Add a step of a class that has a kernel for each type of number. @param kernels ends in NULL */
struct wax_stream wax_running_of_numbers(struct wax_stream up, const char *id,
		const struct wax_op_class *class, const struct wax_kernel *const *kernels);

#endif
