/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "runtime/clock.h"
#include "runtime/worker_private.h"

/*
 * A stage at work. It reads from its roots (sources, and edges that were cut) and pushes through
 * its steps; marks that end an epoch, or the input, meet at the roots.
 *
 * End of an epoch: a root that has delivered the mark is not read. When all roots have, everything
 * of the epoch has been pushed: the steps are told, the mark goes out on all edges, and the roots
 * are read again. Nothing is buffered; what waits, waits in the rings of its senders.
 *
 * End of input: a step whose inputs have all ended emits what it has left, is done, and its
 * consumers have one input less.
 *
 * Blocked: a stage with something in an outbox, or with a sink that takes no more, does not run.
 */

enum {
	/* Bounds of one run, so that no stage starves another: */
	SOURCE_BATCHES = 4,
	EDGE_BATCHES = 16,
};

/* ---- Blocked or not */

static bool edges_are_blocked(const struct wax_exchange *exchange, const struct wax_stage *stage)
{
	if (!wax_exchange_blocked_any(exchange))
		return false;
	for (uint32_t i = 0; i < stage->edge_count; i++) {
		if (wax_exchange_blocked(exchange, stage->edges[i]))
			return true;
	}
	return false;
}

static bool is_blocked(const struct wax_worker *worker, const struct wax_stage *stage)
{
	if (edges_are_blocked(worker->exchange, stage))
		return true;
	for (uint32_t i = 0; i < stage->op_count; i++) {
		if (stage->ops[i]->busy)
			return true;
	}
	return false;
}

static bool unblock(struct wax_worker *worker, struct wax_stage *stage)
{
	if (edges_are_blocked(worker->exchange, stage)) {
		for (uint32_t i = 0; i < stage->edge_count; i++)
			wax_exchange_unblock(worker->exchange, stage->edges[i]);
	}
	return !is_blocked(worker, stage);
}

bool wax_stage_is_done(const struct wax_stage *stage, const struct wax_exchange *exchange)
{
	return stage->ops_live == 0 && !edges_are_blocked(exchange, stage);
}

int64_t wax_stage_next_timer(const struct wax_worker *worker, const struct wax_stage *stage)
{
	int64_t next = WAX_NEVER;
	if (is_blocked(worker, stage) || worker->stop >= WAX_STOP_SUSPEND)
		return next;
	for (uint32_t i = 0; i < stage->op_count; i++) {
		const struct wax_op *op = stage->ops[i];
		if (!op->class->poll && !op->ended && op->wake_at < next)
			next = op->wake_at;
	}
	/* A source that stands at the end of the epoch is not asked before that is over. */
	for (uint32_t i = 0; i < stage->root_count; i++) {
		const struct wax_root *root = &stage->roots[i];
		if (root->edge == WAX_NO_EDGE && !root->marked && !root->ended &&
				root->op->wake_at < next)
			next = root->op->wake_at;
	}
	return next;
}

/* ---- End of input */

static void input_ended(struct wax_stage *stage, struct wax_op *op)
{
	WAX_ASSERT(op->inputs_live > 0);
	if (--op->inputs_live > 0)
		return;
	stage->endings[stage->endings_tail++] = op;
	wax_worker_note_state(op->worker); /* before it is emitted and freed */
}

/* A step has emitted its last item: tell its consumers. */
static void pass_end_on(struct wax_worker *worker, struct wax_stage *stage, struct wax_op *op)
{
	op->ended = true;
	stage->ops_live--;
	for (uint32_t port = 0; port < op->step->output_count; port++) {
		const struct wax_deliverer *deliverer = op->ports[port].taker;
		for (uint32_t i = 0; i < deliverer->consumer_count; i++) {
			const struct wax_consumer *consumer = &deliverer->consumers[i];
			if (consumer->edge == WAX_NO_EDGE)
				input_ended(stage, consumer->op);
			else
				wax_exchange_end_input(worker->exchange, consumer->edge);
		}
	}
}

/* Let steps whose inputs have ended emit what they have left, as far as there is room. */
static int run_endings(struct wax_worker *worker, struct wax_stage *stage, bool *worked)
{
	while (stage->endings_head < stage->endings_tail) {
		struct wax_op *op = stage->endings[stage->endings_head];
		int more = op->class->end ? wax_op_call(op, op->class->end) : 0;
		if (more < 0)
			return more;
		*worked |= more == 0 || !op->busy;
		if (more > 0) {
			if (is_blocked(worker, stage))
				return 0;
			continue;
		}
		stage->endings_head++;
		pass_end_on(worker, stage, op);
	}
	return 0;
}

static void root_ended(struct wax_stage *stage, struct wax_root *root)
{
	root->ended = true;
	if (root->edge == WAX_NO_EDGE) {
		/* A source has no inputs: its own end comes next. */
		root->op->inputs_live = 1;
	}
	input_ended(stage, root->op);
}

/* ---- End of an epoch */

static bool epoch_is_over(const struct wax_stage *stage)
{
	bool marked = false;
	for (uint32_t i = 0; i < stage->root_count; i++) {
		const struct wax_root *root = &stage->roots[i];
		if (!root->ended && !root->marked)
			return false;
		marked |= root->marked;
	}
	/* What still has to be emitted at the end of input comes first. */
	return marked && stage->endings_head == stage->endings_tail;
}

static int tell_epoch_end(struct wax_op *op, uint64_t epoch)
{
	struct wax_worker_record *record = op->worker->record;
	wax_store_relaxed(&record->step_now, op->index);
	int r = op->class->epoch_end(op, epoch);
	for (uint32_t port = 0; r >= 0 && port < op->step->output_count; port++)
		r = wax_port_flush(&op->ports[port]);
	wax_store_relaxed(&record->step_now, WAX_NO_STEP);
	return r < 0 ? wax_op_fail(op, NULL, 0, r, NULL) : 0;
}

static int end_epoch(struct wax_worker *worker, struct wax_stage *stage)
{
	uint64_t epoch = worker->epoch - 1;
	for (uint32_t i = 0; i < stage->op_count; i++) {
		struct wax_op *op = stage->ops[i];
		if (op->class->epoch_end && !op->ended && tell_epoch_end(op, epoch) < 0)
			return -ECANCELED;
	}
	if (worker->snapshot && wax_snapshot_mark_stage(worker, stage) < 0)
		return -ECANCELED;
	/* Edges of steps that have ended carried the end of input, which says it all. */
	for (uint32_t i = 0; i < stage->edge_count; i++) {
		uint32_t edge = stage->edges[i];
		const struct wax_plan *plan = worker->env.plan;
		uint32_t step = wax_flow_stream(plan->flow, plan->edges[edge].stream)->step;
		if (!worker->ops[step].ended)
			wax_exchange_end_epoch(
					worker->exchange, edge, epoch - worker->epoch_before);
	}
	for (uint32_t i = 0; i < stage->root_count; i++) {
		struct wax_root *root = &stage->roots[i];
		if (root->marked && root->edge != WAX_NO_EDGE)
			wax_exchange_resume(worker->exchange, root->edge);
		root->marked = false;
	}
	stage->epoch = epoch;
	return 0;
}

/* ---- Reading */

/* @return 1 there may be more, 0 nothing now, negative failed */
static int read_edge(struct wax_worker *worker, struct wax_stage *stage, struct wax_root *root)
{
	struct wax_batch batch;
	wax_worker_does(worker->record, WAX_DOING_RECEIVING | root->edge);
	int arrival = wax_exchange_next(worker->exchange, root->edge, &batch, &worker->err);
	wax_worker_does(worker->record, WAX_DOING_STEPS);
	switch (arrival) {
	case WAX_ARRIVAL_NONE:
		return 0;
	case WAX_ARRIVAL_BATCH: {
		int r = wax_op_push(root->op, &batch, root->input);
		wax_worker_does(worker->record, WAX_DOING_RECEIVING | root->edge);
		wax_exchange_release(worker->exchange, root->edge);
		wax_worker_does(worker->record, WAX_DOING_STEPS);
		return r < 0 ? r : 1;
	}
	case WAX_ARRIVAL_EPOCH:
		root->marked = true;
		return 1;
	case WAX_ARRIVAL_END:
		root_ended(stage, root);
		return 1;
	default:
		return wax_worker_fail(worker, root->op, arrival == -ENOMEM ? 71 : 70);
	}
}

static int read_source(struct wax_worker *worker, struct wax_stage *stage, struct wax_root *root)
{
	if (stage->epoch + 1 < worker->epoch) {
		root->marked = true;
		return 1;
	}
	/* What it would give is for another run, as is what timers would. */
	if (worker->stop >= WAX_STOP_SUSPEND)
		return 0;
	root->op->woken = false;
	int next = wax_op_call(root->op, root->op->class->poll);
	if (wax_load_relaxed(&worker->record->first_item_ns) == 0 &&
			wax_op_emitted(root->op, 0) > 0)
		wax_store_relaxed(&worker->record->first_item_ns,
				wax_clock_monotonic() - worker->env.control->header->started_ns);
	if (next == WAX_END)
		root_ended(stage, root);
	return next < 0 ? next : next != WAX_IDLE;
}

static int read_roots(struct wax_worker *worker, struct wax_stage *stage, bool *worked)
{
	for (uint32_t tried = 0; tried < stage->root_count; tried++) {
		struct wax_root *root = &stage->roots[stage->next_root];
		if (++stage->next_root == stage->root_count)
			stage->next_root = 0;
		int budget = root->edge == WAX_NO_EDGE ? SOURCE_BATCHES : EDGE_BATCHES;
		for (; !root->marked && !root->ended; budget--) {
			if (budget == 0) {
				worker->more = true;
				break;
			}
			int r = root->edge == WAX_NO_EDGE ? read_source(worker, stage, root)
							  : read_edge(worker, stage, root);
			if (r < 0)
				return r;
			if (r == 0)
				break;
			*worked = true;
			if (is_blocked(worker, stage))
				return 0;
		}
	}
	return 0;
}

static int wake(struct wax_op *op)
{
	return op->class->wake(op, op->worker->wall_ns);
}

static int fire_timers(struct wax_worker *worker, struct wax_stage *stage, bool *worked)
{
	for (uint32_t i = 0; i < stage->op_count; i++) {
		struct wax_op *op = stage->ops[i];
		if (op->wake_at > worker->wall_ns || op->ended)
			continue;
		op->wake_at = WAX_NEVER;
		if (!op->class->wake)
			continue;
		*worked = true;
		int r = wax_op_call(op, wake);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A sink that was woken goes on with the flush that it was at. */
static int go_on_flushing(struct wax_stage *stage)
{
	for (uint32_t i = 0; i < stage->op_count; i++) {
		struct wax_op *op = stage->ops[i];
		if (!op->woken || !op->flushing || op->ended)
			continue;
		op->woken = false;
		int r = wax_op_call(op, op->class->flush);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What steps ask for besides being given items: mostly nothing. */
struct wishes {
	bool flush;
	bool timer;
};

static struct wishes wishes_of(const struct wax_worker *worker, const struct wax_stage *stage)
{
	struct wishes wishes = {false, false};
	for (uint32_t i = 0; i < stage->op_count; i++) {
		const struct wax_op *op = stage->ops[i];
		wishes.flush |= op->woken & op->flushing;
		wishes.timer |= op->wake_at <= worker->wall_ns;
	}
	return wishes;
}

int wax_stage_run(struct wax_worker *worker, struct wax_stage *stage, bool *worked)
{
	if (stage->ops_live == 0) {
		unblock(worker, stage); /* what it sent last may wait for credit */
		return 0;
	}
	struct wishes wishes = wishes_of(worker, stage);
	int r = wishes.flush ? go_on_flushing(stage) : 0;
	if (r < 0 || !unblock(worker, stage))
		return r;
	if (wishes.timer && worker->stop < WAX_STOP_SUSPEND)
		r = fire_timers(worker, stage, worked);
	if (r == 0)
		r = run_endings(worker, stage, worked);
	if (r == 0 && !is_blocked(worker, stage))
		r = read_roots(worker, stage, worked);
	if (r == 0)
		r = run_endings(worker, stage, worked);
	if (r == 0 && epoch_is_over(stage)) {
		*worked = true;
		r = end_epoch(worker, stage);
	}
	return r < 0 ? r : 0;
}
