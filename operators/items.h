/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_ITEMS_H
#define OPERATORS_ITEMS_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/operators.h>

#include "runtime/assert.h"
#include "runtime/op.h"
#include "runtime/port.h"
#include "runtime/step.h"

/* The loops over the items of a batch that call back for each. */

/** How many items a callback may emit. */
enum wax_items_rule {
	WAX_ITEMS_ANY,
	WAX_ITEMS_ONE,
	WAX_ITEMS_AT_MOST_ONE,
};

/**
 * Report what went wrong at an item: what the callback said, an emit that failed, or a number of
 * items that the rule forbids.
 *
 * @param port    that the callback emits to
 * @param r       what it gave back
 * @param emitted how many items
 * @return negative
 */
int wax_items_fail(struct wax_op *op, const struct wax_port *port, const struct wax_batch *batch,
		uint32_t index, int r, uint64_t emitted, enum wax_items_rule rule);

static inline bool wax_items_allows(enum wax_items_rule rule, uint64_t emitted)
{
	return rule == WAX_ITEMS_ANY || (rule == WAX_ITEMS_ONE ? emitted == 1 : emitted <= 1);
}

/** Did the callback say that it cannot process the item, and nothing else go wrong?
 *  @param r what it gave back */
static inline bool wax_items_is_refusal(const struct wax_port *port, int r)
{
	return (r < 0 || port->refused) && !wax_port_broke(port);
}

/** The loop of the two functions below, where items at which a callback fails are dropped. */
int wax_items_each_guarded(struct wax_op *op, struct wax_port *port, const struct wax_batch *batch,
		wax_item_fn fn, void *ctx, enum wax_items_rule rule, bool adds_key);

/** The same, whatever the policy. @param adds_key as rule, a constant */
static inline __attribute__((always_inline)) int wax_items_loop(struct wax_op *op,
		struct wax_port *port, const struct wax_batch *batch, wax_item_fn fn, void *ctx,
		enum wax_items_rule rule, bool adds_key)
{
	/* A copy that nobody else sees stays in registers, whatever the callback writes. */
	const struct wax_batch in = *batch;
	uint64_t before = wax_port_emitted(port);

	if (wax_unlikely(wax_op_drops(op)))
		return wax_items_each_guarded(op, port, batch, fn, ctx, rule, adds_key);
	for (uint32_t i = 0; i < in.count; i++) {
		struct wax_item item = wax_batch_item(&in, i);

		if (adds_key)
			wax_port_fix_key(port, item.key);

		wax_op_called(op);
		int r = fn(&port->out, &item, ctx);
		uint64_t emitted = wax_port_emitted(port) - before;

		if (wax_unlikely(r < 0 || port->failed || !wax_items_allows(rule, emitted)))
			return wax_items_fail(op, port, batch, i, r, emitted, rule);
		before += emitted;
	}
	return 0;
}

/** Call fn, which emits to port, for each item. @param rule a constant: it is compiled in */
static inline __attribute__((always_inline)) int wax_items_each(struct wax_op *op,
		struct wax_port *port, const struct wax_batch *batch, wax_item_fn fn, void *ctx,
		enum wax_items_rule rule)
{
	return wax_items_loop(op, port, batch, fn, ctx, rule, false);
}

/** The same in a keyed stream: fn emits values to port 0, each gets the key of the item. */
static inline __attribute__((always_inline)) int wax_items_each_value(struct wax_op *op,
		const struct wax_batch *batch, wax_item_fn fn, void *ctx, enum wax_items_rule rule)
{
	struct wax_port *port = &op->ports[0];
	int r = wax_items_loop(op, port, batch, fn, ctx, rule, true);

	wax_port_unfix_key(port);
	return r;
}

/**
 * Of a step that looks at each item and passes it on: its callback failed at this one. Where it is
 * dropped, hand on those in front of it.
 *
 * @param first of the items not handed on yet; moved behind this one
 * @return 0: go on with the next; negative: the run fails, and that is recorded
 */
int wax_items_leave_out(struct wax_op *op, const struct wax_batch *batch, uint32_t *first,
		uint32_t index, int code);

/** Hand on the items from `first` to the end. */
int wax_items_lend_rest(struct wax_op *op, const struct wax_batch *batch, uint32_t first);

/** What a step with a callback for each item knows: its params, or their beginning. */
struct wax_items_params {
	wax_item_fn fn;
	void *ctx;
};

/**
 * Give a step an output for values of a type under the keys of its input, where they stay.
 *
 * @param up_type of its input; NULL: the step has failed
 * @param type    of the values; must not be keyed itself, which is reported
 */
struct wax_stream wax_items_output(struct wax_stream up, struct wax_step *step,
		const struct wax_type *up_type, const struct wax_type *type);

/** Add a step of a class that turns items into items of a type, with struct wax_items_params. */
struct wax_stream wax_items_step(struct wax_stream up, const char *id,
		const struct wax_op_class *class, const struct wax_type *type, wax_item_fn fn,
		void *ctx);

/** Add a step of a class that turns values into values, with struct wax_items_params. */
struct wax_stream wax_items_value_step(struct wax_stream up, const char *id,
		const struct wax_op_class *class, const struct wax_type *type, wax_item_fn fn,
		void *ctx);

#endif
