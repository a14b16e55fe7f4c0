/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <wax/test.h>

#include "runtime/clock.h"
#include "runtime/kept.h"
#include "runtime/store.h"
#include "runtime/worker_private.h"
#include "shm/bell.h"

/*
 * A worker: one thread, one event loop, all steps of the flow. A turn of it:
 *
 *     completions of I/O -> messages of the others -> every stage, furthest downstream first ->
 *     open slabs that are old, or all when there was nothing else to do -> doorbells
 *
 * and when a turn found nothing: sinks are flushed, then it looks for a while, then it sleeps.
 */

enum {
	LOOP_ENTRIES = 64,
	/* Under load a slab waits this long to be filled; in calm it does not wait. */
	SLAB_AGE_NS = 100 * 1000,
	WALL_CHECK_NS = 100 * 1000 * 1000,
	WALL_TRUST_NS = 1000 * 1000 * 1000,
	HAND_CHECK_NS = 1000 * 1000,
	/* Spinning costs at most as much as it can save: about the time that waking takes. */
	SPIN_NS_FIRST = 30 * 1000,
	SPIN_NS_MIN = 5 * 1000,
	SPIN_NS_MAX = 100 * 1000,
	SPINS_PER_CLOCK = 32,
	/* Where workers outnumber CPUs, the least time from one wake-up for a few items to the next. */
	NAP_NS = 1000 * 1000,
};

int wax_worker_fail(struct wax_worker *worker, const struct wax_op *op, int status)
{
	if (worker->status != 0)
		return -ECANCELED;
	worker->status = status;
	struct wax_worker_record *record = worker->record;
	record->fail_status = status;
	record->fail_step = op ? op->index : WAX_NO_STEP;
	record->fail_epoch = op ? wax_op_epoch(op) : worker->epoch;
	memcpy(record->fail_sentence, worker->err.text, sizeof(worker->err.text));
	memcpy(record->fail_item, worker->item, sizeof(record->fail_item));
	return -ECANCELED;
}

/* ---- Dead letters */

static int each_letters(struct wax_worker *worker,
		int (*call)(struct wax_letters *, const struct wax_letter_box *, struct wax_err *))
{
	const struct wax_flow *flow = worker->env.plan->flow;
	int r = 0;
	for (uint32_t i = 0; i < flow->letter_box_count && r == 0; i++) {
		if (flow->capture)
			wax_letters_fini(&worker->letters[i]); /* a trial writes nothing */
		else
			r = call(&worker->letters[i], &flow->letter_boxes[i], &worker->err);
	}
	return r < 0 ? wax_worker_fail(worker, worker->posted, 5) : 0;
}

int wax_worker_post(struct wax_worker *worker)
{
	int r = each_letters(worker, wax_letters_flush);
	if (r == 0)
		worker->posted = NULL;
	return r;
}

/* What was dropped before the worker failed is written too, as far as that is possible. */
static void post_last(struct wax_worker *worker)
{
	if (worker->letters)
		each_letters(worker, worker->status == 0 ? wax_letters_sync : wax_letters_flush);
}

static void free_letters(struct wax_worker *worker)
{
	for (uint32_t i = 0; worker->letters && i < worker->env.plan->flow->letter_box_count; i++)
		wax_letters_fini(&worker->letters[i]);
	free(worker->letters);
}

/* ---- Making a worker out of the plan */

static int make_deliverer(struct wax_worker *worker, struct wax_op *op, uint32_t port)
{
	const struct wax_plan *plan = worker->env.plan;
	uint32_t stream = op->step->first_output + port;
	const struct wax_plan_stream *planned = &plan->streams[stream];
	struct wax_deliverer *deliverer = calloc(1, sizeof(*deliverer));
	struct wax_consumer *consumers =
			calloc(planned->consumer_count + 1, sizeof(*deliverer->consumers));
	if (!deliverer || !consumers) {
		free(deliverer);
		free(consumers);
		return -ENOMEM;
	}

	for (uint32_t i = 0; i < planned->consumer_count; i++) {
		const struct wax_plan_consumer *consumer =
				&plan->consumers[planned->first_consumer + i];
		consumers[i] = (struct wax_consumer){&worker->ops[consumer->step],
				consumer->input, consumer->edge};
	}
	*deliverer = (struct wax_deliverer){op, consumers, planned->consumer_count};
	const struct wax_type *type = wax_flow_stream(plan->flow, stream)->type;
	int r = wax_port_init(
			&op->ports[port], type, wax_op_deliver, deliverer, &worker->err);
	op->ports[port].taker = deliverer; /* also when that failed: it is freed from there */
	return r;
}

static int make_op(struct wax_worker *worker, const struct wax_step *step)
{
	struct wax_op *op = &worker->ops[step->index];
	*op = (struct wax_op){
			.class = step->class,
			.step = step,
			.worker = worker,
			.params = step->params,
			.index = step->index,
			.inputs_live = step->input_count,
			.wake_at = WAX_NEVER,
			.calls = &worker->record->calls,
			.ports = calloc(step->output_count + 1, sizeof(*op->ports)),
			.data = calloc(1, step->class->data_bytes + 1),
	};
	if (worker->env.quarantine)
		op->suspect_items = worker->env.quarantine->items[step->index];
	if (!op->ports || !op->data)
		return -ENOMEM;
	for (uint32_t port = 0; port < step->output_count; port++) {
		if (make_deliverer(worker, op, port) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int make_stage(struct wax_worker *worker, uint32_t index)
{
	const struct wax_plan *plan = worker->env.plan;
	const struct wax_plan_stage *planned = &plan->stages[index];
	struct wax_stage *stage = &worker->stages[index];
	stage->op_count = stage->ops_live = planned->step_count;
	stage->epoch = worker->epoch_before;
	stage->ops = calloc(planned->step_count, sizeof(*stage->ops));
	stage->endings = calloc(planned->step_count, sizeof(*stage->endings));
	stage->roots = calloc(planned->step_count + plan->edge_count, sizeof(*stage->roots));
	stage->edges = calloc(plan->edge_count + 1, sizeof(*stage->edges));
	if (!stage->ops || !stage->endings || !stage->roots || !stage->edges)
		return -ENOMEM;

	for (uint32_t i = 0; i < planned->step_count; i++) {
		struct wax_op *op = &worker->ops[plan->stage_steps[planned->first_step + i]];
		stage->ops[i] = op;
		if (op->step->input_count == 0)
			stage->roots[stage->root_count++] =
					(struct wax_root){.op = op, .edge = WAX_NO_EDGE};
	}
	for (uint32_t i = 0; i < plan->edge_count; i++) {
		const struct wax_plan_edge *edge = &plan->edges[i];
		if (plan->step_stage[edge->step] == index)
			stage->roots[stage->root_count++] = (struct wax_root){
					&worker->ops[edge->step], edge->input, i, false, false};
		uint32_t from = wax_flow_stream(plan->flow, edge->stream)->step;
		if (plan->step_stage[from] == index)
			stage->edges[stage->edge_count++] = i;
	}
	return 0;
}

static int make_worker(struct wax_worker *worker)
{
	const struct wax_plan *plan = worker->env.plan;
	struct wax_err *err = &worker->err;
	wax_port_fail_to(err);
	worker->ops = calloc(plan->flow->step_count + 1, sizeof(*worker->ops));
	worker->stages = calloc(plan->stage_count + 1, sizeof(*worker->stages));
	worker->letters = calloc(plan->flow->letter_box_count + 1, sizeof(*worker->letters));
	int r = worker->ops && worker->stages && worker->letters ? 0 : -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < plan->flow->step_count; i++)
		r = make_op(worker, plan->flow->steps[i]);
	for (uint32_t i = 0; r == 0 && i < plan->stage_count; i++)
		r = make_stage(worker, i);
	if (r < 0)
		return wax_err_set(err, r, "no memory to start worker %u", worker->env.me);
	worker->stages_live = plan->stage_count;
	if (plan->perturb) {
		worker->perturber = wax_perturber_make(plan->perturb, worker);
		if (!worker->perturber)
			return wax_err_set(err, -ENOMEM, "no memory to perturb the run");
	}

	struct wax_exchange_env env = {plan, worker->env.segment, worker->env.control,
			worker->env.bells, worker->env.me};
	r = wax_exchange_make(&env, &worker->exchange, err);
	if (r == 0)
		r = wax_loop_open(worker->env.io, LOOP_ENTRIES, &worker->loop, err);
	return r;
}

static void bell_rang(struct wax_completion *completion, int result)
{
	(void)completion;
	(void)result; /* what it rang for is found in the rings */
}

static int open_ops(struct wax_worker *worker)
{
	for (uint32_t i = 0; i < worker->env.plan->flow->step_count; i++) {
		struct wax_op *op = &worker->ops[i];
		wax_store_relaxed(&worker->record->step_now, i);
		if (op->class->open && op->class->open(op, &worker->err) < 0) {
			bool connector = op->class->poll || op->class->flush;
			return wax_worker_fail(worker, op, connector ? 5 : 71);
		}
	}
	wax_store_relaxed(&worker->record->step_now, WAX_NO_STEP);
	return 0;
}

static void free_op(struct wax_op *op)
{
	for (uint32_t port = 0; op->ports && port < op->step->output_count; port++) {
		struct wax_deliverer *deliverer = op->ports[port].taker;
		if (deliverer)
			free(deliverer->consumers);
		free(deliverer);
		wax_port_fini(&op->ports[port]);
	}
	free(op->ports);
	free(op->data);
}

static void free_worker(struct wax_worker *worker)
{
	const struct wax_plan *plan = worker->env.plan;
	wax_port_fail_to(NULL);
	for (uint32_t i = 0; worker->ops && i < plan->flow->step_count; i++) {
		struct wax_op *op = &worker->ops[i];
		if (!op->class)
			continue;
		wax_kept_free(op->kept);
		if (op->class->close && op->data)
			op->class->close(op);
		free_op(op);
	}
	wax_snapshot_free(worker->snapshot);
	for (uint32_t i = 0; worker->stages && i < plan->stage_count; i++) {
		free(worker->stages[i].ops);
		free(worker->stages[i].endings);
		free(worker->stages[i].roots);
		free(worker->stages[i].edges);
	}
	/* Closed after those who cancel what they have under way. */
	wax_loop_close(worker->loop);
	free_letters(worker);
	free(worker->ops);
	free(worker->stages);
	wax_exchange_free(worker->exchange);
	wax_perturber_free(worker->perturber);
}

/* ---- A turn */

void wax_worker_note_state(struct wax_worker *worker)
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < worker->env.plan->flow->step_count; i++) {
		const struct wax_op *op = &worker->ops[i];
		if (op->class->state_bytes)
			bytes += op->class->state_bytes(op);
	}
	if (bytes > wax_load_relaxed(&worker->record->state_bytes_max))
		wax_store_relaxed(&worker->record->state_bytes_max, bytes);
}

static void look_at_clock(struct wax_worker *worker)
{
	uint64_t now = wax_clock_monotonic();
	if (worker->env.clock)
		worker->wall_offset_ns = wax_test_clock_now(worker->env.clock) - (int64_t)now;
	/* The wall clock may be set while we run. */
	if (now - worker->wall_checked_ns > WALL_CHECK_NS || worker->wall_checked_ns == 0) {
		if (!worker->env.clock)
			worker->wall_offset_ns = wax_clock_wall() - (int64_t)now;
		worker->wall_checked_ns = now;
		wax_worker_note_state(worker);
	}
	worker->now_ns = now;
	worker->wall_ns = (int64_t)now + worker->wall_offset_ns;
	wax_exchange_now(worker->exchange, now);
	/* Relaxed: read by who watches for callbacks that take too long. */
	wax_store_relaxed(&worker->record->turn_started_ns, now);
}

/* What the launcher says: has the epoch ended, is it time to stop? */
static bool look_at_launcher(struct wax_worker *worker)
{
	struct wax_control_header *header = worker->env.control->header;
	/* epoch:A. Pairs with the release of the launcher. */
	uint64_t epoch = wax_load_acquire(&header->epoch);
	/* Behind the epoch: who sees one that was begun behind a stop sees the stop.
	 * stop:A. Pairs with the release of the launcher: who is told to go sees what is committed. */
	uint32_t stop = wax_load_acquire(&header->stop);
	/* Relaxed: nothing but the number counts. */
	uint64_t committed = wax_load_relaxed(&header->committed);
	bool news = epoch != worker->epoch || stop != worker->stop || committed != worker->committed;
	worker->epoch = epoch;
	worker->stop = stop;
	worker->committed = committed;
	return news;
}

static int run_stages(struct wax_worker *worker, bool *worked)
{
	uint32_t live = 0;
	for (uint32_t i = 0; i < worker->env.plan->stage_count; i++) {
		struct wax_stage *stage = &worker->stages[i];
		int r = wax_stage_run(worker, stage, worked);
		if (r < 0)
			return r;
		live += !wax_stage_is_done(stage, worker->exchange);
	}
	*worked |= live != worker->stages_live;
	worker->stages_live = live;
	return 0;
}

/* Tell the launcher when every stage and every sink has finished the epoch before this one. Where
 * state is kept the snapshot does. */
static void report_epoch(struct wax_worker *worker)
{
	uint64_t before = worker->epoch - 1;
	if (worker->snapshot)
		return;
	if (wax_load_relaxed(&worker->record->epoch_done) >= before)
		return;
	for (uint32_t i = 0; i < worker->env.plan->stage_count; i++) {
		const struct wax_stage *stage = &worker->stages[i];
		if (stage->ops_live > 0 && stage->epoch < before)
			return;
		for (uint32_t j = 0; j < stage->op_count; j++) {
			if (stage->ops[j]->flushing)
				return;
		}
	}
	/* done:A. Pairs with the acquire in the launcher. */
	wax_store_release(&worker->record->epoch_done, before);
}

static int turn(struct wax_worker *worker, bool *worked)
{
	if (!worker->spun)
		look_at_clock(worker);
	worker->spun = false;
	*worked = wax_loop_reap(worker->loop) > 0;
	worker->woken = false;
	worker->more = false;

	int received = wax_exchange_receive(worker->exchange, &worker->err);
	if (received < 0)
		return wax_worker_fail(worker, NULL, received == -ENOMEM ? 71 : 70);
	*worked |= received > 0;
	/* After the messages: whoever sent the mark of an epoch has seen that it ended, and so do
	 * we now. */
	*worked |= look_at_launcher(worker);
	/* Before the stages: a sink that was woken while it prepares is asked again first. */
	int r = worker->snapshot ? wax_snapshot_turn(worker, worked) : 0;
	if (r == 0)
		r = run_stages(worker, worked);
	if (r == 0 && wax_unlikely(worker->posted != NULL))
		r = wax_worker_post(worker);
	if (r < 0)
		return r;
	report_epoch(worker);

	if (wax_exchange_dirty(worker->exchange)) {
		/* In calm everything goes at once; while there is more, slabs are given time to
		 * fill. */
		bool calm = !worker->more && !wax_exchange_pending(worker->exchange);
		uint64_t before = calm ? UINT64_MAX : worker->now_ns - SLAB_AGE_NS;
		wax_exchange_flush(worker->exchange, before);
		*worked = true;
	}
	/* What a stage sends to its own worker, be it what has waited for credit that came back with
	 * the pieces of a large item, was sent after those downstream had their turn. */
	*worked |= wax_exchange_sent_own(worker->exchange);
	wax_exchange_ring(worker->exchange);
	return 0;
}

/* ---- Nothing to do */

/* Sinks hand everything out before the worker rests. */
static int flush_sinks(struct wax_worker *worker)
{
	for (uint32_t i = 0; i < worker->env.plan->flow->step_count; i++) {
		struct wax_op *op = &worker->ops[i];
		if (!op->class->flush || op->ended || op->flushing || op->busy)
			continue;
		int r = wax_op_call(op, op->class->flush);
		if (r < 0)
			return r;
	}
	return 0;
}

static int64_t next_timer(const struct wax_worker *worker)
{
	int64_t next = WAX_NEVER;
	for (uint32_t i = 0; i < worker->env.plan->stage_count; i++) {
		int64_t at = wax_stage_next_timer(worker, &worker->stages[i]);
		next = at < next ? at : next;
	}
	return next;
}

static bool something_came(struct wax_worker *worker)
{
	return worker->woken || wax_exchange_pending(worker->exchange) || look_at_launcher(worker);
}

/* Look for a while without sleeping. @return true when something came: the clock has been looked at
 * within the last microsecond */
static bool spin(struct wax_worker *worker, int64_t wake_at)
{
	look_at_clock(worker); /* sinks may have taken their time */
	worker->spun = true;
	uint64_t until = worker->now_ns + (uint64_t)worker->spin_ns;
	for (;;) {
		for (int i = 0; i < SPINS_PER_CLOCK; i++) {
			if (wax_loop_reap(worker->loop) > 0 || something_came(worker))
				return true;
			wax_cpu_relax();
		}
		look_at_clock(worker);
		if (worker->wall_ns >= wake_at)
			return true;
		if (worker->now_ns >= until)
			break;
	}
	worker->spun = false;
	return false;
}

/* Sleepers learn how long a wake-up takes here, and look that long before the next. */
static void learn_wake_up(struct wax_worker *worker, const struct wax_bell *bell, uint64_t slept_at,
		uint64_t now)
{
	uint64_t rung = wax_load_relaxed(&bell->rung_ns);
	if (worker->env.spin_ns >= 0 || worker->env.overcommitted || rung < slept_at || rung > now)
		return;
	int64_t took = (int64_t)(now - rung) * 3 / 2;
	took = took < SPIN_NS_MIN ? SPIN_NS_MIN : took > SPIN_NS_MAX ? SPIN_NS_MAX : took;
	worker->spin_ns += (took - worker->spin_ns) / 8;
}

/* What to be rung for: credit that nobody waits for is found when something else comes. */
static uint32_t awaited(const struct wax_worker *worker)
{
	return WAX_BELL_NOW | (worker->napping ? 0 : WAX_BELL_SOON) |
			(wax_exchange_blocked_any(worker->exchange) ? WAX_BELL_CREDIT : 0);
}

static void sleep_until(struct wax_worker *worker, int64_t wake_at)
{
	struct wax_bell *bell = wax_segment_bell(worker->env.segment, worker->env.me);
	uint64_t slept_at = wax_clock_monotonic();
	wax_bell_doze(bell, awaited(worker));
	if (!something_came(worker)) {
		int64_t timeout = WAX_NEVER;
		if (wake_at != WAX_NEVER) {
			timeout = wake_at - ((int64_t)slept_at + worker->wall_offset_ns);
			/* The wall clock may be set back while we sleep: look at it again. */
			timeout = timeout < 0 ? 0 : timeout < WALL_TRUST_NS ? timeout : WALL_TRUST_NS;
		}
		wax_store_relaxed(&worker->record->turn_started_ns, 0);
		wax_loop_wait(worker->loop, timeout);
		uint64_t now = wax_clock_monotonic();
		learn_wake_up(worker, bell, slept_at, now);
		wax_count(&worker->record->sleeps, 1);
		wax_count(&worker->record->slept_ns, now - slept_at);
		if (!worker->napping)
			worker->roused = worker->env.overcommitted && now - slept_at < NAP_NS;
	}
	wax_bell_rise(bell);
}

/*
 * Workers that outnumber the CPUs do not look for work before they sleep, and each few items from
 * each of the others would wake them. So who was woken out of a short sleep naps before the next:
 * to a nap few items ring no bell, they are found together when it is over. Only a nap after which
 * nothing was there is followed by a sleep, so that what comes now and then is never kept waiting.
 */
static void sleep_or_nap(struct wax_worker *worker, int64_t wake_at)
{
	int64_t nap_end = worker->wall_ns + NAP_NS;
	worker->napping = worker->roused && !worker->napping;
	sleep_until(worker, worker->napping && nap_end < wake_at ? nap_end : wake_at);
}

/* A clock that is turned by hand stands while we sleep: alone we turn it ourselves, to what comes
 * next; otherwise look now and then whether somebody has. */
static void rest_by_hand(struct wax_worker *worker, int64_t wake_at)
{
	if (something_came(worker))
		return;
	if (wake_at <= wax_test_clock_now(worker->env.clock))
		return;
	if (wake_at != WAX_NEVER && worker->env.plan->worker_count == 1)
		wax_test_clock_set(worker->env.clock, wake_at);
	else
		sleep_until(worker, worker->wall_ns + HAND_CHECK_NS);
}

static int rest(struct wax_worker *worker)
{
	int r = flush_sinks(worker);
	if (r < 0)
		return r;
	int64_t wake_at = next_timer(worker);
	if (worker->env.clock) {
		rest_by_hand(worker, wake_at);
		return 0;
	}
	wax_worker_does(worker->record, WAX_DOING_SPINNING);
	bool came = worker->spin_ns > 0 && spin(worker, wake_at);
	wax_worker_does(worker->record, WAX_DOING_STEPS);
	if (!came)
		sleep_or_nap(worker, wake_at);
	return 0;
}

/* ---- The whole of it */

/* Where state is kept the last snapshot comes behind the end of the input: the launcher says when it
 * is committed. */
static bool is_over(const struct wax_worker *worker)
{
	if (!worker->snapshot)
		return worker->stages_live == 0;
	return worker->stop == WAX_STOP_QUIT && !wax_snapshot_is_busy(worker->snapshot);
}

static int loop(struct wax_worker *worker)
{
	wax_loop_watch(worker->loop, &worker->bell,
			worker->env.bells[worker->env.me]);
	while (!is_over(worker)) {
		bool worked = false;
		int r = turn(worker, &worked);
		if (r < 0)
			return r;
		if (worked) {
			worker->napping = false;
			wax_count(&worker->record->turns, 1);
		} else if (!is_over(worker)) {
			r = rest(worker);
			if (r < 0)
				return r;
		}
	}
	/* The last messages, and whoever waits for them. */
	wax_exchange_flush(worker->exchange, UINT64_MAX);
	wax_exchange_ring(worker->exchange);
	return 0;
}

int wax_worker_run(const struct wax_worker_env *env)
{
	struct wax_worker worker = {
			.env = *env,
			.record = wax_control_worker(env->control, env->me),
			.epoch = wax_load_relaxed(&env->control->header->epoch),
			.committed = wax_load_relaxed(&env->control->header->committed),
			.bell = {.done = bell_rang},
			.spin_ns = env->spin_ns >= 0 ? env->spin_ns : SPIN_NS_FIRST,
	};
	/* The launcher may have ended an epoch already: it is not read off the control page. */
	if (env->recovery && env->recovery->resume)
		worker.epoch_before = env->recovery->resume->epoch;
	if (env->overcommitted && env->spin_ns < 0)
		worker.spin_ns = 0;
	/* Relaxed: until a step is opened, none is to blame. */
	wax_store_relaxed(&worker.record->step_now, WAX_NO_STEP);
	signal(SIGPIPE, SIG_IGN); /* a reader that is gone is an error of the write */

	if (make_worker(&worker) < 0)
		wax_worker_fail(&worker, NULL, 71);
	if (worker.status == 0) {
		look_at_clock(&worker);
		open_ops(&worker);
	}
	if (worker.status == 0 && env->recovery)
		wax_snapshot_make(&worker);
	if (worker.status == 0) {
		wax_store_relaxed(&worker.record->state, WAX_WORKER_RUNNING);
		loop(&worker);
	}
	post_last(&worker);
	free_worker(&worker);
	/* state:A. Pairs with the acquire in the launcher: the failure is written before it. */
	wax_store_release(&worker.record->state,
			worker.status == 0 ? WAX_WORKER_DONE : WAX_WORKER_FAILED);
	return worker.status;
}

/* A sink empties its file before a source has read it. Labels are paths where there are such. */
static int check_paths(const struct wax_flow *flow, struct wax_err *err)
{
	for (uint32_t i = 0; i < flow->step_count; i++) {
		const struct wax_step *source = flow->steps[i];
		struct stat read, written;
		if (source->input_count > 0 || !source->label || stat(source->label, &read) < 0)
			continue;
		for (uint32_t j = 0; j < flow->step_count; j++) {
			const struct wax_step *sink = flow->steps[j];
			if (sink->output_count == 0 && sink->label &&
					stat(sink->label, &written) == 0 &&
					written.st_dev == read.st_dev &&
					written.st_ino == read.st_ino &&
					!S_ISCHR(written.st_mode))
				return wax_err_set(err, -EINVAL,
						"step \"%s\" writes to '%s', which step \"%s\" "
						"reads: write somewhere else",
						sink->id, sink->label, source->id);
		}
	}
	return 0;
}

int wax_flow_prepare(struct wax_flow *flow, uint32_t worker_count, struct wax_err *err)
{
	for (uint32_t i = 0; i < flow->step_count; i++) {
		struct wax_step *step = flow->steps[i];
		if (!step->class->prepare)
			continue;
		int r = step->class->prepare(flow, step, worker_count, err);
		if (r < 0) {
			wax_err_wrap(err, "step \"%s\"", step->id);
			return r;
		}
	}
	int r = check_paths(flow, err);
	return r < 0 || flow->capture ? r : wax_flow_open_letters(flow, err);
}
