/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/connector.h"
#include "runtime/flow.h"
#include "runtime/kept.h"
#include "runtime/store_walk.h"
#include "runtime/worker_private.h"

/*
 * Logs are read backwards: generation by generation and frame by frame, the newest first, so that the
 * first record that is met of a key is the one that counts, and each state is made once.
 *
 * A worker owns a range of the key groups (runtime/hash.h). It reads the logs of those whose range
 * touched its own, and takes of them the keys that are its own now.
 */

enum { EXIT_RECOVERY = 4 };

/* ---- before the fork */

static int compare_parts(const void *a, const void *b)
{
	const struct wax_saved_part *one = a, *other = b;
	size_t bytes = one->name.bytes < other->name.bytes ? one->name.bytes : other->name.bytes;
	int order = bytes > 0 ? memcmp(one->name.data, other->name.data, bytes) : 0;

	if (order == 0)
		order = (one->name.bytes > other->name.bytes) -
				(one->name.bytes < other->name.bytes);
	return order ? order
		     : (one->instance > other->instance) - (one->instance < other->instance);
}

static int add_part(struct wax_saved_parts *parts, const struct wax_saved_part *part)
{
	struct wax_saved_part *grown =
			reallocarray(parts->parts, parts->count + 1, sizeof(*parts->parts));

	if (!grown)
		return -ENOMEM;
	parts->parts = grown;
	parts->parts[parts->count++] = *part;
	return 0;
}

/* The positions that one worker has saved with an epoch. */
static int read_positions(const struct wax_log_scan *scan, uint64_t epoch_number,
		const struct wax_step_map *map, struct wax_saved_parts *parts, struct wax_err *err)
{
	const struct wax_log_epoch *epoch = wax_log_find_epoch(scan, epoch_number);
	const struct wax_log_frame *frame = &scan->frames[epoch->end_frame];
	struct wax_log_positions walk;
	struct wax_log_position position;
	struct wax_bytes name, bytes;
	int r = wax_log_check_frame(scan, frame, err);

	if (r == 0 && wax_log_positions(frame, &walk) < 0)
		r = wax_err_set(err, -EBADMSG, "the positions in '%s' are damaged",
				scan->segments[frame->segment].name);
	if (r < 0)
		return r;
	while ((r = wax_log_next_position(&walk, &position, &name, &bytes)) == 1) {
		const struct wax_saved_part part = {position.instance, name, bytes};
		uint32_t step = position.step < map->count ? map->steps[position.step]
							   : WAX_STORE_NO_STEP;

		if (step != WAX_STORE_NO_STEP && add_part(&parts[step], &part) < 0)
			return wax_err_set(err, -ENOMEM, "no memory for positions");
	}
	return r < 0 ? wax_err_set(err, r, "the positions in '%s' are damaged",
				       scan->segments[frame->segment].name)
		     : 0;
}

static int make_map(const struct wax_flow *flow, const struct wax_manifest *manifest,
		struct wax_step_map *map)
{
	for (uint32_t i = 0; i < manifest->step_count; i++) {
		if (manifest->steps[i].index >= map->count)
			map->count = manifest->steps[i].index + 1;
	}
	map->steps = calloc(map->count + 1, sizeof(*map->steps));
	if (!map->steps)
		return -ENOMEM;
	for (uint32_t i = 0; i < map->count; i++)
		map->steps[i] = WAX_STORE_NO_STEP;
	for (uint32_t i = 0; i < manifest->step_count; i++) {
		for (uint32_t j = 0; j < flow->step_count; j++) {
			if (strcmp(flow->steps[j]->id, manifest->steps[i].id) == 0)
				map->steps[manifest->steps[i].index] = j;
		}
	}
	return 0;
}

static int plan_positions(struct wax_flow *flow, const struct wax_resume *resume,
		struct wax_restore_plan *plan, struct wax_err *err)
{
	const struct wax_store_generation *newest = &resume->generations[0];
	int r = 0;

	for (uint32_t i = 0; i < newest->manifest.worker_count && r == 0; i++)
		r = read_positions(&newest->scans[i], newest->epoch_last, &plan->maps[0],
				plan->parts, err);
	for (uint32_t i = 0; i < flow->step_count && r == 0; i++) {
		struct wax_saved_parts *parts = &plan->parts[i];

		if (parts->count > 1)
			qsort(parts->parts, parts->count, sizeof(*parts->parts), compare_parts);
		parts->worker_count = newest->manifest.worker_count;
		flow->steps[i]->saved = parts->count > 0 ? parts : NULL;
	}
	return r;
}

int wax_restore_plan_make(struct wax_flow *flow, const struct wax_resume *resume,
		struct wax_restore_plan *ret_plan, struct wax_err *err)
{
	struct wax_restore_plan plan = {
			.maps = calloc(resume->generation_count + 1, sizeof(*plan.maps)),
			.map_count = resume->generation_count,
			.parts = calloc(flow->step_count + 1, sizeof(*plan.parts)),
			.step_count = flow->step_count,
	};
	int r = plan.maps && plan.parts ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < resume->generation_count && r == 0; i++)
		r = make_map(flow, &resume->generations[i].manifest, &plan.maps[i]);
	if (r < 0)
		wax_err_set(err, r, "no memory to go on from what was saved");
	else if (resume->generation_count > 0)
		r = plan_positions(flow, resume, &plan, err);
	if (r < 0) {
		wax_restore_plan_free(flow, &plan);
		return r;
	}
	*ret_plan = plan;
	return 0;
}

void wax_restore_plan_free(struct wax_flow *flow, struct wax_restore_plan *plan)
{
	for (uint32_t i = 0; plan->maps && i < plan->map_count; i++)
		free(plan->maps[i].steps);
	for (uint32_t i = 0; plan->parts && i < plan->step_count; i++) {
		free(plan->parts[i].parts);
		flow->steps[i]->saved = NULL;
	}
	free(plan->maps);
	free(plan->parts);
	*plan = (struct wax_restore_plan){0};
}

/* ---- in a worker */

static int fail(struct wax_worker *worker, const struct wax_op *op)
{
	return wax_worker_fail(worker, op, EXIT_RECOVERY);
}

/* Of a step that keeps nothing, or is no more, nothing is taken. */
static uint32_t step_of(void *context, uint32_t generation, uint32_t index)
{
	const struct wax_worker *worker = context;
	const struct wax_step_map *map = &worker->env.recovery->maps[generation];
	uint32_t step = index < map->count ? map->steps[index] : WAX_STORE_NO_STEP;

	return step != WAX_STORE_NO_STEP && worker->ops[step].kept ? step : WAX_STORE_NO_STEP;
}

static int take(void *context, const struct wax_store_frame *frame, struct wax_err *err)
{
	struct wax_worker *worker = context;
	struct wax_op *op = &worker->ops[frame->step];

	wax_store_relaxed(&worker->record->step_now, frame->step);
	int r = wax_kept_load(op->kept, frame->frame, frame->wanted, err);
	wax_store_relaxed(&worker->record->step_now, WAX_NO_STEP);
	return r < 0 ? fail(worker, op) : 0;
}

static int finish(struct wax_worker *worker)
{
	const struct wax_flow *flow = worker->env.plan->flow;
	uint64_t keys = 0;

	for (uint32_t i = 0; i < flow->step_count; i++) {
		struct wax_op *op = &worker->ops[i];

		if (!op->kept)
			continue;
		if (wax_kept_loaded(op->kept, &worker->err) < 0)
			return fail(worker, op);
		keys += wax_kept_stats(op->kept).live_keys;
	}
	wax_store_relaxed(&worker->record->keys_loaded, keys);
	return 0;
}

int wax_restore(struct wax_worker *worker)
{
	const struct wax_recovery_env *recovery = worker->env.recovery;
	const struct wax_resume *resume = recovery->resume;
	uint64_t since = wax_clock_monotonic();
	struct wax_store_walk walk = {
			.resume = resume,
			.step_count = worker->env.plan->flow->step_count,
			.step_of = step_of,
			.take = take,
			.context = worker,
	};

	wax_groups_set(&walk.own, worker->env.me, worker->env.plan->worker_count, true);

	int r = resume ? wax_store_walk(&walk, &worker->err) : 0;
	r = r < 0 ? fail(worker, NULL) : finish(worker);
	wax_store_relaxed(&worker->record->load_ns, wax_clock_monotonic() - since);
	return r;
}
