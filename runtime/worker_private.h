/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_WORKER_PRIVATE_H
#define RUNTIME_WORKER_PRIVATE_H

/* Shared by worker.c, stage.c and op.c; for nobody else. */

#include "runtime/assert.h"
#include "runtime/connector.h"
#include "runtime/exchange.h"
#include "runtime/letters.h"
#include "runtime/op.h"
#include "runtime/perturb.h"
#include "runtime/port.h"
#include "runtime/snapshot.h"
#include "runtime/step.h"
#include "runtime/worker.h"

/** Where a stage gets its items from: a source, or an edge that was cut. */
struct wax_root {
	struct wax_op *op;
	uint32_t input;
	uint32_t edge; /* WAX_NO_EDGE: a source */
	bool marked;   /* stands at the end of the epoch */
	bool ended;
};

struct wax_stage {
	struct wax_op **ops; /* in topological order */
	uint32_t op_count;
	uint32_t ops_live;
	struct wax_root *roots;
	uint32_t root_count;
	uint32_t next_root;
	uint32_t *edges; /* that it sends on */
	uint32_t edge_count;
	uint64_t epoch; /* the last that it has finished */
	struct wax_op **endings; /* whose inputs have ended and that have not; a queue */
	uint32_t endings_head;
	uint32_t endings_tail;
};

/** Who takes the batches of an output port. */
struct wax_consumer {
	struct wax_op *op;
	uint32_t input;
	uint32_t edge;
};

/** taker of a port. */
struct wax_deliverer {
	struct wax_op *op;
	struct wax_consumer *consumers;
	uint32_t consumer_count;
};

struct wax_worker {
	struct wax_worker_env env;
	struct wax_worker_record *record;
	struct wax_loop *loop;
	struct wax_exchange *exchange;
	struct wax_snapshot *snapshot;   /* NULL: the run keeps no state */
	struct wax_perturber *perturber; /* NULL: the run is not perturbed */
	struct wax_op *ops; /* one for each step */
	struct wax_stage *stages; /* furthest downstream first */
	uint32_t stages_live;
	struct wax_completion bell;

	uint64_t now_ns; /* CLOCK_MONOTONIC, of this turn */
	int64_t wall_ns; /* since the Unix epoch, of this turn */
	int64_t wall_offset_ns;
	uint64_t wall_checked_ns;
	uint64_t epoch; /* as the launcher says; the one before has ended */
	uint64_t epoch_before; /* the last of the run that this one goes on from: the exchange counts
				* from 1 in each */
	uint64_t committed; /* as the launcher says, and sinks were told */
	uint32_t stop;      /* enum wax_stop */
	bool spun;      /* the clock was looked at just now, while there was nothing to do */
	bool more;      /* a stage stopped in this turn though it could have read on */
	bool woken;     /* something was completed that may be of use to a stage */
	int64_t spin_ns;
	bool roused;  /* from its last sleep soon: it naps before it sleeps again */
	bool napping; /* or has just napped, and nothing was there */

	struct wax_letters *letters; /* one for each box of the flow */
	const struct wax_op *posted; /* whose letter was not written yet; NULL: all are */

	struct wax_err err;
	char item[WAX_CONTROL_ITEM_BYTES]; /* at which a callback failed */
	int status;                       /* exit status; 0 while nothing failed */
};

/** Record the first failure. @param status the run's exit status @return a negative number */
int wax_worker_fail(struct wax_worker *worker, const struct wax_op *op, int status);

/** Write the dead letters that there are. @return 0, or negative when the worker has failed */
int wax_worker_post(struct wax_worker *worker);

/** Note how much memory keyed state takes, if that is more than ever. */
void wax_worker_note_state(struct wax_worker *worker);

/** Hand a batch to an operator of the same stage. */
int wax_op_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input);
/** Call `call` of an operator as the step that runs now, and hand on what it emitted. */
int wax_op_call(struct wax_op *op, int (*call)(struct wax_op *op));
/** take of the ports of operators. */
int wax_op_deliver(struct wax_port *port, const struct wax_batch *batch);

/** Run a stage for a bounded time. @param worked set when there was something to do
 *  @return 0, or negative when the worker has failed */
int wax_stage_run(struct wax_worker *worker, struct wax_stage *stage, bool *worked);

/** When the stage wants to run though nothing came; WAX_NEVER while it waits for something else. */
int64_t wax_stage_next_timer(const struct wax_worker *worker, const struct wax_stage *stage);

/** Nothing is left to do or to send for this stage. */
bool wax_stage_is_done(const struct wax_stage *stage, const struct wax_exchange *exchange);

#endif
