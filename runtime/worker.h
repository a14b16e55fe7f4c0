/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_WORKER_H
#define RUNTIME_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/loop.h"
#include "runtime/plan.h"
#include "shm/control.h"
#include "shm/segment.h"

struct wax_resume;
struct wax_step_map;

/** Where a run keeps its state, and what it goes on from; the same for all workers. */
struct wax_recovery_env {
	const struct wax_resume *resume; /* mapped before the fork; NULL: from nothing */
	const struct wax_step_map *maps; /* one for each of its generations: see runtime/restore.h */
	int dir;          /* of the generation that is written */
	const char *path; /* of it */
	uint64_t generation;
	uint64_t run;
	int launcher_bell; /* eventfd: rung when an epoch is durable, and when the input has ended */
};

/** An item at which workers of earlier attempts died. */
struct wax_deadly_item {
	uint64_t hash;
	uint32_t step;   /* in which: others may be given the same one and live */
	uint32_t deaths; /* from two on it is known to kill, and is not given any more */
};

/**
 * Steps in which workers of earlier attempts died, and what is known of the items that did it. Their
 * items are given to them one by one, and which one it is stands in the worker's record, so that the
 * launcher finds it there if the worker dies again. Those that are known are not given to the step,
 * but dropped as its policy says.
 */
struct wax_quarantine {
	const uint64_t *items; /* of each step: that many are given one by one, then it is forgotten */
	const struct wax_deadly_item *deadly;
	uint32_t deadly_count;
};

/** What a worker is started with; the same in all but `me`. All borrowed while it runs. */
struct wax_worker_env {
	const struct wax_plan *plan;
	const struct wax_segment *segment;
	const struct wax_control *control;
	const int *bells; /* eventfd of each worker */
	uint32_t me;
	enum wax_io io;
	int64_t spin_ns;    /* how long an idle worker looks before it sleeps; -1: what waking takes */
	bool overcommitted; /* more workers than CPUs: do not spin */
	bool rehearse;      /* see wax_op_rehearses */
	const struct wax_recovery_env *recovery; /* NULL: the run keeps no state */
	const struct wax_quarantine *quarantine; /* NULL: nothing is suspected */
	bool keeps;         /* keyed state is to outlive the run: see wax_op_keep */
	struct wax_test_clock *clock; /* in place of the wall clock; NULL: the time it is */
};

/**
 * Run the flow in this process until its input ends, it fails, or it is told to stop.
 * Reports in the worker's record of the control page.
 *
 * @return the exit status: 0, or as waxrun(1) lists them
 */
int wax_worker_run(const struct wax_worker_env *env);

/**
 * Prepare a flow for a number of workers, in the launcher: sources and sinks list their partitions.
 *
 * @return 0; negative with a sentence, which names the step
 */
int wax_flow_prepare(struct wax_flow *flow, uint32_t worker_count, struct wax_err *err);

#endif
