/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_STATEFUL_BATCH_H
#define OPERATORS_STATEFUL_BATCH_H

#include <stdint.h>

#include <wax/stateful.h>

#include "operators/keyed.h"
#include "runtime/op.h"
#include "runtime/step.h"

/*
 * The keyed steps whose keys are built, called back, woken, ended, saved and freed alike. They
 * differ in what they are called back with: all values of a key in a batch (stateful_batch), or
 * item by item in the order of arrival (the others).
 */

extern const struct wax_op_class wax_stateful_batch_class, wax_stateful_items_class,
		wax_stateful_flat_map_class, wax_collect_class, wax_join_class;

/** Serve one item; keyed->input says which input it came by. @return as on_batch */
typedef int (*wax_on_item_fn)(
		struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx);

/**
 * Describe a step of one of these classes, whose inputs are connected.
 *
 * @param ops     copied; NULL or without size_bytes: reported
 * @param on_item NULL: ops->on_batch is called
 * @param up_type of its inputs, whose keys are all alike; NULL: the step has failed
 */
void wax_stateful_describe(struct wax_flow *flow, struct wax_step *step,
		const struct wax_stateful *ops, wax_on_item_fn on_item, void *ctx,
		const struct wax_type *up_type);

#endif
