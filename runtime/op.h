/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_OP_H
#define RUNTIME_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wax/batch.h>
#include <wax/err.h>
#include <wax/type.h>

#include "shm/atomic.h"

/* An operator at work in one worker: what operators/ implements and the worker drives. */

struct wax_op;
struct wax_parts;
struct wax_port;
struct wax_positions;
struct wax_step;
struct wax_worker;
struct wax_flow;
struct wax_kept;

/**
 * What an operator does. All but kind and push (for operators with inputs) may be NULL. Callbacks
 * give back 0 or a negative errno; before a failure they say why with wax_op_fail, or the user's
 * callback did with wax_fail.
 */
struct wax_op_class {
	const char *kind;   /* "map": as graphs show it */
	size_t params_bytes; /* of step->params: what the flow said; the same in all workers */
	size_t data_bytes;   /* of op->data: this worker's own; zeroed */
	bool counts_as_output; /* a flow needs at least one of these */
	bool any_order; /* has state, but what becomes of it does not depend on the order of items */
	bool expires;          /* its keys can: wax_ttl */
	bool keeps;            /* has state that outlives the run, where that keeps it: wax_op_keep */

	/* In the launcher, when the number of workers is known, before the fork: find what can only
	 * be found there (are the files there? which partitions?). */
	int (*prepare)(struct wax_flow *flow, struct wax_step *step, uint32_t worker_count,
			struct wax_err *err);
	/* Of a source or sink, after prepare: its partitions; NULL: it has one in each worker. */
	const struct wax_parts *(*parts)(const struct wax_step *step);
	/* Free what params point to; in the launcher. */
	void (*forget)(struct wax_step *step);
	/* In the worker, before anything else. Outputs are ready. */
	int (*open)(struct wax_op *op, struct wax_err *err);
	/* Process a batch, lent until return; never empty. What is emitted to the outs during the
	 * call is handed on at its end by the worker. */
	int (*push)(struct wax_op *op, const struct wax_batch *batch, uint32_t input);
	/* A source: emit a batch. @return an enum wax_next */
	int (*poll)(struct wax_op *op);
	/* op->wake_at has come. NULL: it is enough that the stage runs. */
	int (*wake)(struct wax_op *op, int64_t now);
	/* A sink: hand everything to the outside. @return an enum wax_written */
	int (*flush)(struct wax_op *op);
	/* All items of an epoch were pushed; called before the mark is passed on. */
	int (*epoch_end)(struct wax_op *op, uint64_t epoch);
	/* Make all state that changed anew from its snapshot: see wax_op_rehearses. */
	int (*rehearse)(struct wax_op *op);
	/* Of a source or sink, where the run keeps state: the epoch has ended for it, after
	 * epoch_end. See to it that its positions of now can be saved. Called until it gives
	 * WAX_READY, when woken; while it gives WAX_BUSY its stage waits. @return an enum wax_written */
	int (*prepare_epoch)(struct wax_op *op, uint64_t epoch);
	/* And these positions, when that gave WAX_READY. Lends until the next. */
	int (*positions)(struct wax_op *op, struct wax_positions *to);
	/* All workers have saved the epoch. Called until it gives WAX_READY, when woken. */
	int (*commit_epoch)(struct wax_op *op, uint64_t epoch);
	/* All inputs ended. What is emitted may be much: emit some thousand items, give back 1 to
	 * be called again when there is room for more, and 0 at the end. */
	int (*end)(struct wax_op *op);
	/* Bytes of memory that its keyed state takes now. */
	size_t (*state_bytes)(const struct wax_op *op);
	/* Once, at the end or after a failure. */
	void (*close)(struct wax_op *op);
};

struct wax_op {
	const struct wax_op_class *class;
	const struct wax_step *step;
	struct wax_worker *worker;
	struct wax_port *ports; /* one for each output: see runtime/port.h */
	void *params;           /* step->params */
	void *data;
	struct wax_kept *kept; /* see wax_op_keep; NULL: its state does not outlive the run */
	int64_t wake_at; /* when to call wake, ns since the Unix epoch; WAX_NEVER at first */
	_Atomic uint64_t *calls; /* of this worker: see wax_op_called */
	uint64_t suspect_items;  /* so many are given one by one: see struct wax_quarantine */
	uint32_t index;          /* of the step */
	uint32_t inputs_live;
	uint32_t input; /* by which the batch came that is read */
	bool busy;  /* a sink that takes nothing now: its stage waits */
	bool flushing; /* a sink whose flush is under way: call it again when woken */
	bool woken; /* by wax_env_wake: its stage has something to do */
	bool ended;
};

/** Where output `port` of the operator emits. */
struct wax_out *wax_op_out(struct wax_op *op, uint32_t port);

/**
 * Hand on a batch that lies elsewhere, without a copy, behind what is in the open batch of the
 * port (which is handed on first).
 *
 * @param batch borrows until return; its columns are of the port's types
 * @return 0; negative when a step downstream failed
 */
int wax_op_lend(struct wax_op *op, uint32_t port, const struct wax_batch *batch);

/** Items emitted on a port so far, those in the open batch included. */
uint64_t wax_op_emitted(const struct wax_op *op, uint32_t port);

/** Did an emit to this port, or a step downstream of it, fail? */
bool wax_op_failed(const struct wax_op *op, uint32_t port);

/**
 * Record that the operator failed at an item; the first failure counts, a sentence given by
 * wax_fail stands.
 *
 * @param batch NULL: at no item in particular
 * @param index of the item in batch
 * @param code  negative errno that the callback gave
 * @param fmt   used where nothing said why; may be NULL: then errno's text
 * @return code
 */
int wax_op_fail(struct wax_op *op, const struct wax_batch *batch, uint32_t index, int code,
		const char *fmt, ...) WAX_PRINTF(5, 6);

/** Are items at which a callback fails dropped? Then callbacks that emit are called with the port
 *  guarded (wax_port_guard). */
bool wax_op_drops(const struct wax_op *op);

/**
 * A callback said that it cannot process these items: do with them as the policy of the step says.
 * Where they are dropped they are counted, and what the callback emitted is withdrawn.
 *
 * @param port    guarded, where the callback emitted; NULL: nowhere
 * @param indexes of the items in batch, at least one
 * @param code    negative, that the callback gave
 * @return 0: go on with the next; negative: the run fails, and that is recorded
 */
int wax_op_refuse(struct wax_op *op, struct wax_port *port, const struct wax_batch *batch,
		const uint32_t *indexes, uint32_t count, int code);

/** Withdraw what the callback emitted, and forget that it failed: it is called again. */
void wax_op_forgive(struct wax_op *op, struct wax_port *port);

/** Type of the stream that an input reads. */
const struct wax_type *wax_op_input_type(const struct wax_op *op, uint32_t input);

/** Where a sentence about a failure goes. */
struct wax_err *wax_op_err(struct wax_op *op);
/** Is the run being stopped, so that sources end now? */
bool wax_op_stopping(const struct wax_op *op);
/** Is the run to go on another time, so that what is open stays so until all is saved? */
bool wax_op_keeps(const struct wax_op *op);
/** Has anything failed in this worker? */
bool wax_op_run_failed(const struct wax_op *op);
/** The time of this turn, ns since the Unix epoch. */
int64_t wax_op_now(const struct wax_op *op);
uint64_t wax_op_epoch(const struct wax_op *op);
uint32_t wax_op_worker_index(const struct wax_op *op);
uint32_t wax_op_worker_count(const struct wax_op *op);
/** Where what an output is given goes, in place of its sink or the terminal; NULL: nowhere. */
const struct wax_capture *wax_op_capture(const struct wax_op *op);
/** Hand a batch to the capture. @return 0; negative, and the operator has failed */
int wax_op_capture_batch(struct wax_op *op, const struct wax_batch *batch);
/** Count a key that was forgotten because nothing came for it (wax_ttl). */
void wax_op_count_expired(const struct wax_op *op);
/** Count a lookup that a cache had no answer for. */
void wax_op_count_miss(const struct wax_op *op);
/** Is every changed key to be snapshot and rebuilt at the end of an epoch (--rehearse)? */
bool wax_op_rehearses(const struct wax_op *op);

/** A callback of the user is called, or has returned, or another item of its loop begins: who watches
 *  from outside sees that the worker is not held. */
static inline void wax_op_called(const struct wax_op *op)
{
	wax_count(op->calls, 1);
}

/** For op->wake_at: ask to be woken at a time no later than this. */
static inline void wax_op_wake_by(struct wax_op *op, int64_t at)
{
	if (at < op->wake_at)
		op->wake_at = at;
}

#endif
