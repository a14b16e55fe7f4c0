/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wax/connector.h>

#include "runtime/clock.h"
#include "runtime/kept.h"
#include "runtime/log.h"
#include "runtime/restore.h"
#include "runtime/store.h"
#include "runtime/worker_private.h"

/*
 * What goes wrong: the log cannot be written (the worker fails with a sentence that says what to do),
 * a callback that saves a state fails (likewise). A crash at any time leaves the log with a tail that
 * no END closes, which a reader does not take.
 *
 * A pass over all keys begins when the log has grown by more than half of what is alive, and with a
 * generation that needs an earlier one. It begins a segment; when the epoch in which it ends is
 * committed, all segments before that are of no use. In each epoch it saves twice as much as changed,
 * so that it ends before what changes meanwhile is as much as half of what is alive: the log is never
 * larger than three times the live state.
 */

enum {
	EXIT_RECOVERY = 4,
	/* Saved at a stretch: some 200 us, but cheaper than key by key when they are looked up. */
	SAVE_BYTES = 512 * 1024,
	/* Of a pass in one epoch at least: with little that changes it should end one day. Twice as
	 * much with each further generation that is needed: runs that all die before their pass has
	 * ended make the chain longer, and the pass of the next one shorter. */
	PASS_BYTES_MIN = 8 * 1024 * 1024,
	PASS_DOUBLINGS_MAX = 16,
	/* A log so small is not worth a pass. */
	LOG_BYTES_MIN = 1024 * 1024,
};

/* Of one step, in the epoch that is being saved. */
struct step {
	bool marked;    /* the epoch has ended for it */
	bool saved;     /* nothing is left of its state */
	bool prepared;  /* of a source or sink */
	bool passed;    /* the pass has come to its end here */
	bool committed; /* of a sink: told of worker->committed */
};

struct wax_snapshot {
	struct wax_log *log;
	struct wax_worker *worker;
	struct step *steps; /* one for each step of the flow */
	struct wax_positions positions;

	uint64_t epoch;   /* being saved, or to be saved next */
	bool any_marked;  /* a stage has come to its end */
	bool goes_on;     /* ... which had input left */
	bool ending;      /* END is on its way to the disk */
	uint64_t durable; /* epoch */

	uint64_t base;         /* what END says of the last epoch: see struct wax_log_end */
	uint64_t base_segment; /* where it begins */
	uint64_t base_bytes;   /* of the log before it */

	bool passing;
	uint64_t pass_bytes_min; /* in one epoch */
	uint64_t pass_epoch;     /* in which it began */
	uint64_t pass_segment;
	uint64_t pass_bytes; /* of the log before it */

	uint64_t told; /* commit: steps have been told of this epoch */
	bool telling;  /* some not yet */
};

int wax_positions_add(struct wax_positions *positions, const struct wax_frames_position *position)
{
	if (positions->count == positions->capacity) {
		uint32_t capacity = positions->capacity ? 2 * positions->capacity : 16;
		struct wax_frames_position *grown = reallocarray(
				positions->positions, capacity, sizeof(*positions->positions));

		if (!grown)
			return -ENOMEM;
		positions->positions = grown;
		positions->capacity = capacity;
	}
	positions->positions[positions->count++] = *position;
	return 0;
}

/* Something came from the disk: the worker looks. */
static void wake(void *waker)
{
	struct wax_worker *worker = waker;

	worker->woken = true;
}

static uint32_t step_count(const struct wax_worker *worker)
{
	return worker->env.plan->flow->step_count;
}

static int fail(struct wax_worker *worker, const struct wax_op *op)
{
	return wax_worker_fail(worker, op, EXIT_RECOVERY);
}

static int fail_memory(struct wax_worker *worker, const struct wax_op *op)
{
	wax_err_set(&worker->err, -ENOMEM, "no memory for a snapshot");
	return fail(worker, op);
}

static void begin_epoch(struct wax_snapshot *snapshot, uint64_t epoch)
{
	snapshot->epoch = epoch;
	snapshot->any_marked = false;
	snapshot->goes_on = false;
	snapshot->ending = false;
	for (uint32_t i = 0; i < step_count(snapshot->worker); i++) {
		struct step *step = &snapshot->steps[i];

		step->marked = step->saved = step->prepared = false;
	}
	wax_frames_epoch(wax_log_frames(snapshot->log), epoch);
}

int wax_snapshot_make(struct wax_worker *worker)
{
	const struct wax_recovery_env *recovery = worker->env.recovery;
	struct wax_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	const struct wax_log_env env = {
			.loop = worker->loop,
			.dir = recovery->dir,
			.dir_path = recovery->path,
			.generation = recovery->generation,
			.run = recovery->run,
			.worker = worker->env.me,
			.worker_count = worker->env.plan->worker_count,
			.wake = wake,
			.waker = worker,
	};

	worker->snapshot = snapshot;
	if (snapshot)
		snapshot->steps = calloc(step_count(worker) + 1, sizeof(*snapshot->steps));
	if (!snapshot || !snapshot->steps)
		return fail_memory(worker, NULL);
	snapshot->worker = worker;
	if (wax_log_open(&env, &snapshot->log, &worker->err) < 0)
		return fail(worker, NULL);
	if (wax_restore(worker) < 0)
		return -ECANCELED;

	/* From nothing: nothing is needed but what it writes itself. */
	uint32_t chain = recovery->resume ? recovery->resume->generation_count : 0;
	uint32_t doublings = chain > 1 ? chain - 1 : 0;

	snapshot->durable = snapshot->told = worker->epoch_before;
	wax_store_relaxed(&worker->record->commit_told, snapshot->told);
	snapshot->base = chain > 0 ? 0 : worker->epoch_before + 1;
	snapshot->base_segment = wax_log_segment(snapshot->log);
	snapshot->pass_bytes_min = (uint64_t)PASS_BYTES_MIN
			<< (doublings < PASS_DOUBLINGS_MAX ? doublings : PASS_DOUBLINGS_MAX);
	begin_epoch(snapshot, worker->epoch_before + 1);
	return 0;
}

void wax_snapshot_free(struct wax_snapshot *snapshot)
{
	if (!snapshot)
		return;
	wax_log_close(snapshot->log);
	free(snapshot->positions.positions);
	free(snapshot->steps);
	free(snapshot);
}

bool wax_snapshot_is_busy(const struct wax_snapshot *snapshot)
{
	return snapshot->telling || snapshot->told != snapshot->worker->committed;
}

/* ---- the pass */

struct amounts {
	uint64_t live_bytes;
	uint64_t live_keys;
	uint64_t changed_bytes; /* about, if all changed keys are like the others */
};

static uint64_t bytes_of_keys(const struct wax_kept_stats *stats, uint64_t keys)
{
	return stats->live_keys ? stats->live_bytes / stats->live_keys * keys : 0;
}

static struct amounts measure(const struct wax_worker *worker)
{
	struct amounts sum = {0};

	for (uint32_t i = 0; i < step_count(worker); i++) {
		const struct wax_op *op = &worker->ops[i];

		if (!op->kept)
			continue;

		struct wax_kept_stats stats = wax_kept_stats(op->kept);

		sum.live_bytes += stats.live_bytes;
		sum.live_keys += stats.live_keys;
		sum.changed_bytes += bytes_of_keys(&stats, wax_kept_changed(op->kept));
	}
	return sum;
}

/* Before anything of an epoch is appended: is it time for a pass? */
static int begin_pass_if_due(struct wax_worker *worker)
{
	struct wax_snapshot *snapshot = worker->snapshot;

	if (snapshot->passing)
		return 0;

	struct amounts sum = measure(worker);
	uint64_t log_bytes = wax_log_bytes(snapshot->log) - snapshot->base_bytes;

	if (snapshot->base != 0 &&
			log_bytes + sum.changed_bytes <
					LOG_BYTES_MIN + sum.live_bytes + sum.live_bytes / 2)
		return 0;

	/* The first segment is as good as a new one. */
	if (wax_log_bytes(snapshot->log) > 0 && wax_log_cut(snapshot->log, &worker->err) < 0)
		return fail(worker, NULL);
	snapshot->passing = true;
	snapshot->pass_epoch = snapshot->epoch;
	snapshot->pass_segment = wax_log_segment(snapshot->log);
	snapshot->pass_bytes = wax_log_bytes(snapshot->log);
	for (uint32_t i = 0; i < step_count(worker); i++)
		snapshot->steps[i].passed = !worker->ops[i].kept;
	return 0;
}

/* How many keys of a step the pass saves in this epoch. */
static uint64_t pass_keys(const struct wax_snapshot *snapshot, const struct wax_op *op)
{
	if (!snapshot->passing || snapshot->steps[op->index].passed)
		return 0;

	struct wax_kept_stats stats = wax_kept_stats(op->kept);
	uint64_t mean = stats.live_keys ? stats.live_bytes / stats.live_keys + 1 : 1;
	uint64_t keys = 2 * wax_kept_changed(op->kept);

	return keys > snapshot->pass_bytes_min / mean ? keys : snapshot->pass_bytes_min / mean + 1;
}

static void end_pass_if_over(struct wax_worker *worker)
{
	struct wax_snapshot *snapshot = worker->snapshot;

	if (!snapshot->passing)
		return;
	for (uint32_t i = 0; i < step_count(worker); i++) {
		if (!snapshot->steps[i].passed)
			return;
	}
	snapshot->passing = false;
	snapshot->base = snapshot->pass_epoch;
	snapshot->base_segment = snapshot->pass_segment;
	snapshot->base_bytes = snapshot->pass_bytes;
}

/* ---- the end of an epoch */

/* The step is called now. With a flush that is under way its stage goes on in the same turn. */
static void take_wake(struct wax_op *op)
{
	if (!op->flushing)
		op->woken = false;
}

/* Ask a source or sink to prepare, for the first time or again. */
static int prepare(struct wax_worker *worker, struct wax_op *op)
{
	struct wax_snapshot *snapshot = worker->snapshot;
	struct step *step = &snapshot->steps[op->index];
	int r = WAX_READY;

	take_wake(op);
	if (op->class->prepare_epoch) {
		wax_store_relaxed(&worker->record->step_now, op->index);
		r = op->class->prepare_epoch(op, snapshot->epoch);
		wax_store_relaxed(&worker->record->step_now, WAX_NO_STEP);
	}
	if (r < 0) {
		wax_op_fail(op, NULL, 0, r, NULL);
		return r;
	}
	step->prepared = r == WAX_READY;
	op->busy |= r == WAX_BUSY;
	return 0;
}

static int mark(struct wax_worker *worker, struct wax_op *op)
{
	struct wax_snapshot *snapshot = worker->snapshot;
	struct step *step = &snapshot->steps[op->index];

	step->marked = true;
	step->saved = !op->kept;
	if (op->kept) {
		int r = wax_kept_mark(
				op->kept, wax_log_frames(snapshot->log), pass_keys(snapshot, op));

		if (r < 0)
			return fail_memory(worker, op);
		step->passed |= r == 1;
	}
	return prepare(worker, op);
}

static int begin_marking(struct wax_worker *worker)
{
	struct wax_snapshot *snapshot = worker->snapshot;

	if (snapshot->any_marked)
		return 0;
	snapshot->any_marked = true;
	return begin_pass_if_due(worker);
}

int wax_snapshot_mark_stage(struct wax_worker *worker, const struct wax_stage *stage)
{
	int r = begin_marking(worker);

	worker->snapshot->goes_on = true;
	for (uint32_t i = 0; i < stage->op_count && r == 0; i++)
		r = mark(worker, stage->ops[i]);
	return r;
}

/* Steps of stages that ended before they came to the end of the epoch. */
static int mark_rest(struct wax_worker *worker)
{
	struct wax_snapshot *snapshot = worker->snapshot;
	int r = begin_marking(worker);

	for (uint32_t i = 0; i < step_count(worker) && r == 0; i++) {
		if (!snapshot->steps[i].marked)
			r = mark(worker, &worker->ops[i]);
	}
	return r;
}

/* ---- saving */

static int save_some(struct wax_worker *worker, bool *worked)
{
	struct wax_snapshot *snapshot = worker->snapshot;

	for (uint32_t i = 0; i < step_count(worker); i++) {
		struct step *step = &snapshot->steps[i];

		if (!step->marked || step->saved)
			continue;
		if (wax_log_is_full(snapshot->log))
			return 0;

		struct wax_op *op = &worker->ops[i];
		uint64_t since = wax_clock_monotonic();
		wax_store_relaxed(&worker->record->step_now, i);
		int r = wax_kept_save(op->kept, SAVE_BYTES);
		wax_store_relaxed(&worker->record->step_now, WAX_NO_STEP);
		uint64_t took = wax_clock_monotonic() - since;

		if (r < 0)
			return wax_op_fail(op, NULL, 0, r, NULL);
		step->saved = r == 0;
		wax_count(&worker->record->save_ns, took);
		if (took > wax_load_relaxed(&worker->record->save_ns_max))
			wax_store_relaxed(&worker->record->save_ns_max, took);
		*worked = true;
		return wax_log_push(snapshot->log, &worker->err) < 0 ? fail(worker, NULL) : 0;
	}
	return 0;
}

static int prepare_again(struct wax_worker *worker, bool *worked)
{
	struct wax_snapshot *snapshot = worker->snapshot;

	for (uint32_t i = 0; i < step_count(worker); i++) {
		struct step *step = &snapshot->steps[i];
		struct wax_op *op = &worker->ops[i];

		if (!step->marked || step->prepared || !op->woken)
			continue;
		*worked = true;
		if (prepare(worker, op) < 0)
			return -ECANCELED;
	}
	return 0;
}

static bool all_saved(const struct wax_worker *worker)
{
	for (uint32_t i = 0; i < step_count(worker); i++) {
		const struct step *step = &worker->snapshot->steps[i];

		if (!step->saved || !step->prepared)
			return false;
	}
	return true;
}

/* Every stage has come to the end of the epoch, or of all input. */
static bool all_passed(const struct wax_worker *worker)
{
	for (uint32_t i = 0; i < worker->env.plan->stage_count; i++) {
		const struct wax_stage *stage = &worker->stages[i];

		if (stage->ops_live > 0 && stage->epoch < worker->snapshot->epoch)
			return false;
	}
	return true;
}

static int end_epoch(struct wax_worker *worker)
{
	struct wax_snapshot *snapshot = worker->snapshot;
	struct wax_positions *positions = &snapshot->positions;
	struct wax_log_end end = {
			.flags = snapshot->goes_on ? 0 : WAX_LOG_FINISHED,
	};

	positions->count = 0;
	for (uint32_t i = 0; i < step_count(worker); i++) {
		struct wax_op *op = &worker->ops[i];

		if (op->class->positions && op->class->positions(op, positions) < 0)
			return fail_memory(worker, op);
	}
	end_pass_if_over(worker);

	struct amounts sum = measure(worker);

	end.base = snapshot->base;
	end.live_bytes = sum.live_bytes;
	end.live_keys = sum.live_keys;
	snapshot->ending = true;
	if (wax_log_end(snapshot->log, &end, positions->positions, positions->count, &worker->err) <
			0)
		return fail(worker, NULL);
	wax_store_relaxed(&worker->record->log_bytes, wax_log_bytes(snapshot->log));
	wax_store_relaxed(&worker->record->live_bytes, sum.live_bytes);
	return 0;
}

/* The launcher waits for this. */
static void ring_launcher(const struct wax_worker *worker)
{
	uint64_t one = 1;

	/* It cannot fail but for a counter that is full, and then it is rung already. */
	(void)!write(worker->env.recovery->launcher_bell, &one, sizeof(one));
}

static int look_at_log(struct wax_worker *worker, bool *worked)
{
	struct wax_snapshot *snapshot = worker->snapshot;

	if (wax_log_failure(snapshot->log, &worker->err) < 0)
		return fail(worker, NULL);
	if (!snapshot->ending || wax_log_durable(snapshot->log) < snapshot->epoch)
		return 0;
	*worked = true;
	snapshot->durable = snapshot->epoch;
	wax_store_relaxed(&worker->record->base_segment, snapshot->base_segment);
	wax_store_relaxed(&worker->record->own_base, snapshot->base != 0);
	begin_epoch(snapshot, snapshot->epoch + 1);
	return 0;
}

/* ---- what was committed */

static int tell_committed(struct wax_worker *worker, bool *worked)
{
	struct wax_snapshot *snapshot = worker->snapshot;

	if (!snapshot->telling && snapshot->told == worker->committed)
		return 0;

	bool begins = !snapshot->telling;

	snapshot->told = worker->committed;
	snapshot->telling = false;
	for (uint32_t i = 0; i < step_count(worker); i++) {
		struct wax_op *op = &worker->ops[i];
		struct step *step = &snapshot->steps[i];

		if (!op->class->commit_epoch || (!begins && (step->committed || !op->woken))) {
			snapshot->telling |= op->class->commit_epoch && !step->committed;
			continue;
		}
		take_wake(op);
		wax_store_relaxed(&worker->record->step_now, i);
		int r = op->class->commit_epoch(op, worker->committed);
		wax_store_relaxed(&worker->record->step_now, WAX_NO_STEP);
		if (r < 0)
			return wax_op_fail(op, NULL, 0, r, NULL);
		*worked = true;
		step->committed = r == WAX_READY;
		snapshot->telling |= !step->committed;
	}
	/* Relaxed: the launcher waits with the next epoch, so that no sink has to prepare one while
	 * it makes another visible. */
	if (!snapshot->telling)
		wax_store_relaxed(&worker->record->commit_told, snapshot->told);
	return 0;
}

/* ---- a turn */

static int save_epoch(struct wax_worker *worker, bool *worked)
{
	struct wax_snapshot *snapshot = worker->snapshot;
	bool passed = all_passed(worker);
	int r = passed ? mark_rest(worker) : 0;

	if (r == 0 && snapshot->any_marked)
		r = prepare_again(worker, worked);
	if (r == 0 && snapshot->any_marked)
		r = save_some(worker, worked);
	if (r == 0 && passed && all_saved(worker)) {
		*worked = true;
		r = end_epoch(worker);
	}
	return r;
}

int wax_snapshot_turn(struct wax_worker *worker, bool *worked)
{
	struct wax_snapshot *snapshot = worker->snapshot;
	int r = look_at_log(worker, worked);

	/* An epoch is saved from its end on; that is when the launcher has begun the next. */
	if (r == 0 && !snapshot->ending && snapshot->epoch < worker->epoch)
		r = save_epoch(worker, worked);
	if (r == 0)
		r = tell_committed(worker, worked);
	if (r < 0)
		return r;

	bool finished = worker->stages_live == 0;

	if (wax_load_relaxed(&worker->record->epoch_done) < snapshot->durable ||
			(finished && !wax_load_relaxed(&worker->record->finished))) {
		/* done:A. Pairs with the acquire in the launcher. */
		wax_store_release(&worker->record->epoch_done, snapshot->durable);
		wax_store_relaxed(&worker->record->finished, finished);
		ring_launcher(worker);
	}
	return 0;
}
