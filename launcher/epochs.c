/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/epochs.h"

#include "runtime/clock.h"
#include "shm/bell.h"

/* How soon to look again when an epoch took longer than its interval. */
enum { RETRY_NS = 1000 * 1000 };

static void set_next(struct wax_epochs *epochs, uint64_t now)
{
	epochs->next_at =
			epochs->interval_ns > 0 ? now + (uint64_t)epochs->interval_ns : UINT64_MAX;
}

static void ring_all(const struct wax_epochs *epochs)
{
	wax_bell_barrier(wax_segment_bell(epochs->segment, 0));
	for (uint32_t i = 0; i < epochs->control->worker_count; i++) {
		struct wax_bell *bell = wax_segment_bell(epochs->segment, i);
		if (wax_bell_wanted(bell, WAX_BELL_NOW))
			wax_bell_ring(bell, epochs->bells[i]);
	}
}

/* ---- Beginning the next */

/* One epoch at a time: the next begins when all workers have finished the one before. */
static bool epoch_is_done(const struct wax_epochs *epochs)
{
	const struct wax_control *control = epochs->control;
	uint64_t before = wax_load_relaxed(&control->header->epoch) - 1; /* we alone write it */
	for (uint32_t i = 0; i < control->worker_count; i++) {
		const struct wax_worker_record *record = wax_control_worker(control, i);
		/* done:A. Pairs with the release in report_epoch of the worker. */
		if (epochs->pids[i] > 0 && wax_load_acquire(&record->epoch_done) < before)
			return false;
	}
	return true;
}

/* Where state is kept: and it is committed, and the sinks know. */
static bool commit_is_told(const struct wax_epochs *epochs)
{
	const struct wax_control *control = epochs->control;
	uint64_t before = wax_load_relaxed(&control->header->epoch) - 1; /* we alone write it */
	for (uint32_t i = 0; epochs->recovery && i < control->worker_count; i++) {
		/* Relaxed: nothing is read by its order. */
		if (wax_load_relaxed(&wax_control_worker(control, i)->commit_told) < before)
			return false;
	}
	return true;
}

static void try_to_advance(struct wax_epochs *epochs, uint64_t now)
{
	struct wax_control_header *header = epochs->control->header;
	if (!epoch_is_done(epochs) || !commit_is_told(epochs)) {
		epochs->next_at = now + RETRY_NS;
		return;
	}
	/* epoch:A. Pairs with the acquire in look_at_launcher of the worker. */
	wax_store_release(&header->epoch, wax_load_relaxed(&header->epoch) + 1);
	ring_all(epochs);
	set_next(epochs, now);
}

/* ---- Commit */

/* The epoch before the current one is whole in all logs: so it is committed, whatever happens from
 * now on. Saying so makes it visible. */
static void commit(struct wax_epochs *epochs)
{
	struct wax_control_header *header = epochs->control->header;
	/* Relaxed: we alone write these. */
	uint64_t done = wax_load_relaxed(&header->epoch) - 1;
	if (!epoch_is_done(epochs) || wax_load_relaxed(&header->committed) >= done)
		return;
	/* Relaxed: workers act on the number alone. */
	wax_store_relaxed(&header->committed, done);
	ring_all(epochs);
	wax_recovery_committed(epochs->recovery, epochs->control);
}

/* ---- The end */

static bool all_finished(const struct wax_epochs *epochs)
{
	const struct wax_control *control = epochs->control;
	for (uint32_t i = 0; i < control->worker_count; i++) {
		/* Relaxed: the worker rings behind it, and nothing is read by its order. */
		if (wax_load_relaxed(&wax_control_worker(control, i)->finished) == 0)
			return false;
	}
	return true;
}

/* Where state is kept: nothing will come any more but a last epoch. */
static bool is_ending(const struct wax_epochs *epochs)
{
	return epochs->recovery && (epochs->stopping || all_finished(epochs));
}

/* When nothing more will come there is a last epoch, and behind it the end. */
static void end_behind_last(struct wax_epochs *epochs)
{
	struct wax_control_header *header = epochs->control->header;
	if (!is_ending(epochs))
		return;
	if (epochs->last == 0) {
		uint64_t epoch = wax_load_relaxed(&header->epoch);
		try_to_advance(epochs, wax_clock_monotonic());
		if (wax_load_relaxed(&header->epoch) == epoch)
			return; /* it is tried again soon */
		epochs->last = epoch;
		epochs->next_at = UINT64_MAX;
	}
	if (wax_load_relaxed(&header->committed) < epochs->last)
		return;
	/* stop:A. Pairs with the acquire in look_at_launcher of the worker: what is committed comes
	 * before it. */
	wax_store_release(&header->stop, WAX_STOP_QUIT);
	ring_all(epochs);
}

/* ---- For the launcher */

void wax_epochs_begin(struct wax_epochs *epochs, uint64_t now)
{
	set_next(epochs, now);
}

void wax_epochs_advance(struct wax_epochs *epochs, uint64_t now)
{
	if (!is_ending(epochs))
		try_to_advance(epochs, now);
}

void wax_epochs_look(struct wax_epochs *epochs)
{
	if (!epochs->recovery)
		return;
	commit(epochs);
	end_behind_last(epochs);
}

void wax_epochs_stop(struct wax_epochs *epochs)
{
	_Atomic uint32_t *word = &epochs->control->header->stop; /* we alone write it */
	uint32_t stop = epochs->recovery ? WAX_STOP_SUSPEND : WAX_STOP_INPUT;
	epochs->stopping = true;
	if (wax_load_relaxed(word) >= stop)
		return; /* the end is there already */
	/* Relaxed: the bell's barrier orders it. */
	wax_store_relaxed(word, stop);
	ring_all(epochs);
}
