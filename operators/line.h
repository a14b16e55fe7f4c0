/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_LINE_H
#define OPERATORS_LINE_H

#include <stddef.h>

#include <wax/operators.h>
#include <wax/type.h>

#include "runtime/op.h"
#include "runtime/room.h"
#include "runtime/step.h"

/* What inspect and inspect_debug share: they tell of each item, by a line on standard error if nobody
 * else is to be told. */

/** Where an operator is at work. */
static inline struct wax_place wax_op_place(const struct wax_op *op)
{
	return (struct wax_place){
			.step = op->step->id,
			.epoch = wax_op_epoch(op),
			.worker = wax_op_worker_index(op),
			.worker_count = wax_op_worker_count(op),
	};
}

/** What inspect and inspect_debug know. Their op->data is struct wax_room, where a line is written. */
struct wax_line_params {
	int (*fn)(const struct wax_place *place, const struct wax_item *item, void *ctx);
	wax_moment_fn moment_fn; /* neither: a line is printed */
	void *ctx;
	const struct wax_type *type; /* of the stream */
};

/** Tell of each item, and pass it on. */
int wax_line_op_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input);
void wax_line_op_close(struct wax_op *op);

/** Print "step W0 @1: text"; in a run whose outputs are captured, nothing.
 *  @return 0; negative: -ENOMEM, or what the printer of the type gave back */
int wax_line_print_text(struct wax_op *op, const struct wax_place *place, const char *text);

#endif
