/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_EXCHANGE_H
#define RUNTIME_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/batch.h>
#include <wax/err.h>

#include "runtime/plan.h"
#include "shm/channel.h"
#include "shm/control.h"

/*
 * The exchange of one worker. Life of an item: the step upstream hands over its batch
 * (wax_exchange_send); each item is routed and written straight into the open slab of its
 * destination; a slab that is full, or waited long enough (wax_exchange_flush), goes into the ring
 * to that worker. There the message is moved from the ring into the inbox of its edge
 * (wax_exchange_receive), the stage behind that edge reads the batch in the slab
 * (wax_exchange_next), and the slab goes home (wax_exchange_release).
 *
 * Credit: a lane, which is one edge to one worker, owns a few slabs. A sender without a free one
 * writes on into private memory, the outbox; its stage does not run before that is sent
 * (wax_exchange_unblock). What waits there is bounded by what one batch can become.
 */

struct wax_exchange;

/** What the exchange is part of. All borrowed until wax_exchange_free. */
struct wax_exchange_env {
	const struct wax_plan *plan;
	const struct wax_segment *segment;
	const struct wax_control *control;
	const int *bells; /* eventfd of each worker */
	uint32_t me;
};

int wax_exchange_make(const struct wax_exchange_env *env, struct wax_exchange **ret_exchange,
		struct wax_err *err);
void wax_exchange_free(struct wax_exchange *exchange);

/* ---- Sending; `edge` is an index in plan->edges. */

/** Route a batch; it is copied. @return 0 or -ENOMEM with a sentence */
int wax_exchange_send(struct wax_exchange *exchange, uint32_t edge, const struct wax_batch *batch,
		struct wax_err *err);

/**
 * Behind everything sent on this edge: the end of an epoch, or of the input, to all workers. While
 * the edge is blocked the mark waits for its outbox, and nothing may be sent: a stage does not run.
 *
 * @param epoch one more than before, from 1 on
 */
void wax_exchange_end_epoch(struct wax_exchange *exchange, uint32_t edge, uint64_t epoch);
void wax_exchange_end_input(struct wax_exchange *exchange, uint32_t edge);

/** Send open slabs of all edges that were opened before `opened_before`, a time as `now_ns`. */
void wax_exchange_flush(struct wax_exchange *exchange, uint64_t opened_before);

/** Is anything in open slabs? */
bool wax_exchange_dirty(const struct wax_exchange *exchange);

/** Try to send the outbox of an edge, and the mark behind it. @return true when nothing is left */
bool wax_exchange_unblock(struct wax_exchange *exchange, uint32_t edge);

/** Is something in the outbox of this edge; of any edge? */
bool wax_exchange_blocked(const struct wax_exchange *exchange, uint32_t edge);
bool wax_exchange_blocked_any(const struct wax_exchange *exchange);

/* ---- Receiving */

/** Look at the marks of the others, and move what is in the rings to the inboxes.
 *  @return how many messages; -EBADMSG with a sentence */
int wax_exchange_receive(struct wax_exchange *exchange, struct wax_err *err);

/** What wax_exchange_next found. */
enum wax_arrival {
	WAX_ARRIVAL_NONE = 0,
	WAX_ARRIVAL_BATCH = 1,
	WAX_ARRIVAL_EPOCH = 2,
	WAX_ARRIVAL_END = 3,
};

/**
 * Take the next message of an edge. Senders take turns. What lies behind the end of an epoch is not
 * read before all senders have ended it and wax_exchange_resume: that is how an epoch is aligned.
 *
 * @param ret_batch on WAX_ARRIVAL_BATCH: lends until wax_exchange_release, which must follow
 * @return an enum wax_arrival; EPOCH and END when all that have not ended before have come to it;
 *         -EBADMSG with a sentence when the message is damaged
 */
int wax_exchange_next(struct wax_exchange *exchange, uint32_t edge, struct wax_batch *ret_batch,
		struct wax_err *err);

/** Give the slab of the batch back to its sender. */
void wax_exchange_release(struct wax_exchange *exchange, uint32_t edge);

/** Go on reading behind the end of an epoch. */
void wax_exchange_resume(struct wax_exchange *exchange, uint32_t edge);

/* ---- Sleeping and waking */

/** Is there anything in rings that are not emptied, a mark that was awaited, or credit for a blocked
 *  edge? For the look before sleep. */
bool wax_exchange_pending(struct wax_exchange *exchange);

/** Wake the workers that were sent something since the last call, if they sleep. */
void wax_exchange_ring(struct wax_exchange *exchange);

/** Has this worker sent itself something since the last call? wax_exchange_pending does not see
 *  that: it may lie behind the end of an epoch, where looking at it would be of no use. */
bool wax_exchange_sent_own(struct wax_exchange *exchange);

/** Time of this turn, ns of CLOCK_MONOTONIC: for the age of slabs and the time blocked. */
void wax_exchange_now(struct wax_exchange *exchange, uint64_t now_ns);

#endif
