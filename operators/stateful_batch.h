/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_STATEFUL_BATCH_H
#define OPERATORS_STATEFUL_BATCH_H

#include <stdint.h>

#include <wax/stateful.h>

#include "operators/keyed.h"
#include "runtime/op.h"
#include "runtime/port.h"
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

/** Items that are served one after the other by one call. */
struct wax_keyed_run {
	struct wax_op *op;
	const struct wax_batch *batch;
	uint32_t first; /* index in the batch of item 0 */
	uint32_t count;
	uint32_t at;        /* the item that is served */
	void *const *heads; /* of each item's key: see wax_keyed_run_state */
	uint32_t state_at;
	uint8_t *answers; /* written: WAX_RETAIN or WAX_DISCARD for each item that was served */
};

/**
 * Serve the items from run->at on, which is moved along. No callback is called for a key that is
 * new: its state is zeroed. One that is discarded must be so again, with nothing left to free: the
 * next item may be of the same key.
 *
 * @return 0; negative: it failed at run->at
 */
typedef int (*wax_on_items_fn)(struct wax_keyed *keyed, struct wax_keyed_run *run, void *ctx);

/** The state of the key that is served. */
static inline void *wax_keyed_run_state(const struct wax_keyed_run *run)
{
	return (char *)run->heads[run->at] + run->state_at;
}

/** What is emitted from now on is of the key that is served. */
static inline void wax_keyed_run_emits(const struct wax_keyed_run *run)
{
	wax_port_fix_key(&run->op->ports[0], wax_batch_key(run->batch, run->first + run->at));
	wax_op_called(run->op);
}

/**
 * Describe a step of one of these classes, whose inputs are connected.
 *
 * @param ops      copied; NULL or without size_bytes: reported
 * @param on_item  NULL: ops->on_batch is called
 * @param on_items does what on_item does, for many items, where nothing has to be done between
 *                 them; NULL: on_item is called for each. Its state needs an alignment of 8
 * @param up_type  of its inputs, whose keys are all alike; NULL: the step has failed
 */
void wax_stateful_describe(struct wax_flow *flow, struct wax_step *step,
		const struct wax_stateful *ops, wax_on_item_fn on_item, wax_on_items_fn on_items,
		void *ctx, const struct wax_type *up_type);

#endif
