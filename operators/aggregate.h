/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_AGGREGATE_H
#define OPERATORS_AGGREGATE_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/flow.h>
#include <wax/type.h>

#include "operators/expiry.h"
#include "operators/top.h"
#include "runtime/op.h"
#include "runtime/step.h"
#include "runtime/table.h"

/*
 * One value per key, emitted when the key ends, with the input or because nothing came for it for
 * the time to live: what fold_final, reduce_final, count_final,
 * min_final and max_final have in common.
 *
 * The final step stands behind the exchange and has the keys of its worker. Where partial results
 * can be combined a combiner stands in front of the exchange: it is the step that the flow names,
 * and the final step is a part of it. The combiner keeps a bounded number of keys, hands its
 * partial results on when that is reached, at the end of an epoch and at the end, and looks what
 * it was good for: where hardly any two items had the same key it hands on what comes as it is, and
 * tries again later.
 */

/** What is done; the beginning of step->params of both steps. */
struct wax_aggregate {
	/**
	 * Add items first ... first + count - 1 of the batch to the states, of which those of the
	 * items in `added` are zeroed. count is at most WAX_TABLE_BLOCK.
	 * @return 0; negative after wax_op_fail
	 */
	int (*add)(struct wax_op *op, const struct wax_batch *batch, uint32_t first, uint32_t count,
			void *const *states, const struct wax_table_added *added);
	/** Of a combiner: hand on a batch as partial results, each of one item. NULL: it is that. */
	int (*pass)(struct wax_op *op, const struct wax_batch *batch);
	/** Making a partial result of each item costs more than combining them: pass only what was
	 *  tried in vain, also with one worker. */
	bool passes_dearly;
	/** What is emitted for a state. NULL: the state itself. */
	struct wax_bytes (*value)(const void *state);
	/** The same, of any number of values: emit them. May be NULL. */
	void (*emit)(struct wax_op *op, struct wax_bytes key, void *state);
	/** Free what a state points to, and zero it. May be NULL. */
	void (*free)(struct wax_op *op, void *state);
	/** How states are saved. NULL: as the bytes that they are. */
	const struct wax_kept_ops *kept;
	/** Items are partial results too, and add may fail at one. Where such are dropped, each comes
	 *  to the key's worker as it is: a partial result that cannot be added there would be many. */
	bool may_fail;
	uint32_t key_bytes; /* 0: any length */
	uint32_t state_bytes;
	uint32_t state_align;
};

/** op->data of a final step. */
struct wax_final {
	struct wax_table table;
	struct wax_expiry expiry;   /* of a combiner: none */
	struct wax_table_walk walk; /* at the end */
	size_t apart_bytes;         /* that states point to */
	struct wax_room saved;      /* of top_n_final: for what is saved of a key */
};

/** op->data of a combiner. */
struct wax_combiner {
	struct wax_final kept;
	uint64_t items;     /* since it was last empty */
	uint64_t pass_left; /* items to hand on before it tries again */
};

/** Of either: count memory that states point to. */
static inline void wax_aggregate_apart(struct wax_op *op, ptrdiff_t bytes)
{
	((struct wax_final *)op->data)->apart_bytes += (size_t)bytes;
}

int wax_combiner_open(struct wax_op *op, struct wax_err *err);
int wax_combiner_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input);
int wax_combiner_epoch_end(struct wax_op *op, uint64_t epoch);

#define WAX_COMBINER_CLASS(name, params)                                                           \
	{                                                                                          \
		.kind = name, .params_bytes = sizeof(params),                                      \
		.data_bytes = sizeof(struct wax_combiner), .open = wax_combiner_open,              \
		.push = wax_combiner_push, .epoch_end = wax_combiner_epoch_end,                    \
		.end = wax_final_end, .close = wax_final_close                                     \
	}

int wax_final_open(struct wax_op *op, struct wax_err *err);
int wax_final_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input);
int wax_final_wake(struct wax_op *op, int64_t now);
int wax_final_end(struct wax_op *op);
size_t wax_final_state_bytes(const struct wax_op *op);
void wax_final_close(struct wax_op *op);

/* `commutes`: the order in which the values of a key are added does not matter. */
#define WAX_FINAL_CLASS(name, params, commutes)                                                    \
	{                                                                                          \
		.kind = name, .params_bytes = sizeof(params), .any_order = commutes,               \
		.data_bytes = sizeof(struct wax_final), .open = wax_final_open,                    \
		.push = wax_final_push, .wake = wax_final_wake, .end = wax_final_end,              \
		.state_bytes = wax_final_state_bytes, .close = wax_final_close, .expires = true,   \
		.keeps = true                                                                      \
	}

/** Fill in what follows from the types. @param state NULL: state_bytes is set already */
void wax_aggregate_describe(struct wax_aggregate *aggregate, const struct wax_type *key,
		const struct wax_type *state);

/**
 * Connect a combiner with its final step, which is added.
 *
 * @param combiner its input is connected and params are filled in
 * @param type     of partial results and of what is emitted; NULL: the step has failed
 * @param params   of the final step; copied
 * @return the output of the final step
 */
struct wax_stream wax_aggregate_finish(struct wax_flow *flow, struct wax_step *combiner,
		const struct wax_type *type, const struct wax_op_class *final_class,
		const void *params);

#endif
