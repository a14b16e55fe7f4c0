/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_LINE_H
#define OPERATORS_LINE_H

#include <stddef.h>

#include <wax/operators.h>
#include <wax/type.h>

#include "runtime/op.h"
#include "runtime/step.h"

/* A line about an item on standard error: what inspect and inspect_debug print. */

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

/** Print "step W0 @1: item"; in a run whose outputs are captured, nothing. op->data is struct wax_room.
 *  @param type of the stream @return 0; negative: -ENOMEM, or what the printer of the type gave back */
int wax_line_print_item(struct wax_op *op, const struct wax_place *place,
		const struct wax_type *type, const struct wax_item *item);

/** Print "step W0 @1: text", likewise. */
int wax_line_print_text(struct wax_op *op, const struct wax_place *place, const char *text);

/** Hand a batch to the capture, if there is one. @return 0; negative, and the operator has failed */
static inline int wax_line_capture(struct wax_op *op, const struct wax_batch *batch)
{
	return wax_op_capture(op) ? wax_op_capture_batch(op, batch) : 0;
}

#endif
