/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/store_walk.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Generations from the newest on, in each the logs of workers that own any group which is wanted, in
 * each log the frames from the last of the epoch backwards. Groups are taken off what is wanted, step
 * by step, where a CLEAR or a base says that nothing older of them counts; a log has no keys of
 * others' groups.
 */

struct state {
	const struct wax_store_walk *walk;
	struct wax_groups *wanted; /* of each step */
	uint32_t generation;       /* index */
};

static int walk_frame(struct state *state, const struct wax_log_scan *scan,
		const struct wax_log_frame *frame, struct wax_err *err)
{
	const struct wax_store_walk *walk = state->walk;
	uint32_t kind = frame->head.kind;

	if (kind != WAX_LOG_STATE && kind != WAX_LOG_GONE && kind != WAX_LOG_CLEAR)
		return 0;

	uint32_t step = walk->step_of(walk->context, state->generation, frame->head.step);

	if (step >= walk->step_count)
		return 0;

	struct wax_groups *wanted = &state->wanted[step];

	if (!wax_groups_any(wanted, scan->worker, scan->worker_count))
		return 0;
	if (kind == WAX_LOG_CLEAR) {
		wax_groups_set(wanted, scan->worker, scan->worker_count, false);
		return 0;
	}

	const struct wax_store_frame taken = {
			.step = step, .scan = scan, .frame = frame, .wanted = wanted};
	int r = wax_log_check_frame(scan, frame, err);

	return r < 0 ? r : walk->take(walk->context, &taken, err);
}

static int walk_log(struct state *state, const struct wax_store_generation *generation,
		const struct wax_log_scan *scan, struct wax_err *err)
{
	const struct wax_log_epoch *last = wax_log_find_epoch(scan, generation->epoch_last);
	int r = 0;

	if (!last)
		return wax_err_set(err, -EBADMSG, "the log of worker %u in '%s' lacks epoch %llu",
				scan->worker, generation->path,
				(unsigned long long)generation->epoch_last);

	uint64_t first = last->base ? last->base : generation->epoch_first;

	for (uint32_t i = last->end_frame + 1; i-- > 0 && r == 0;) {
		const struct wax_log_frame *frame = &scan->frames[i];

		/* An OPEN is of no epoch. */
		if (frame->head.kind == WAX_LOG_OPEN)
			continue;
		if (frame->head.epoch < first)
			break;
		r = walk_frame(state, scan, frame, err);
	}
	if (last->base == 0)
		return r;
	for (uint32_t i = 0; i < state->walk->step_count; i++)
		wax_groups_set(&state->wanted[i], scan->worker, scan->worker_count, false);
	return r;
}

static int walk_generation(struct state *state, struct wax_err *err)
{
	const struct wax_store_generation *generation =
			&state->walk->resume->generations[state->generation];
	uint32_t worker_count = generation->manifest.worker_count;
	int r = 0;

	for (uint32_t i = 0; i < worker_count && r == 0; i++) {
		if (wax_groups_any(&state->walk->own, i, worker_count))
			r = walk_log(state, generation, &generation->scans[i], err);
	}
	return r;
}

int wax_store_walk(const struct wax_store_walk *walk, struct wax_err *err)
{
	struct state state = {.walk = walk};
	int r = 0;

	state.wanted = calloc(walk->step_count + 1, sizeof(*state.wanted));
	if (!state.wanted)
		return wax_err_set(err, -ENOMEM, "no memory to read what was saved");
	for (uint32_t i = 0; i < walk->step_count; i++)
		state.wanted[i] = walk->own;
	for (; state.generation < walk->resume->generation_count && r == 0; state.generation++)
		r = walk_generation(&state, err);
	free(state.wanted);
	return r;
}
