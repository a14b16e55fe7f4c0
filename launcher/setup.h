/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_SETUP_H
#define LAUNCHER_SETUP_H

#include <stdint.h>

#include <wax/err.h>

#include "launcher/options.h"
#include "launcher/placement.h"
#include "launcher/recover.h"
#include "launcher/supervise.h"
#include "runtime/flow.h"
#include "runtime/plan.h"
#include "shm/control.h"
#include "shm/segment.h"

/*
 * What a run needs besides its flow, made before the fork: placement, plan, shared memory and
 * doorbells. Zero is an empty one, to which recovery may be given; whatever became of it,
 * wax_setup_free frees it.
 */
struct wax_setup {
	struct wax_placement *placement;
	struct wax_plan *plan;
	struct wax_segment_plan exchange;
	uint64_t exchange_bytes;
	struct wax_segment segment;
	struct wax_control control;
	int *bells;                    /* eventfd of each worker */
	struct wax_recovery *recovery; /* borrowed; NULL: the run keeps no state */
};

/** Exit statuses of waxrun that more than one file gives: see waxrun(1). */
enum {
	WAX_EXIT_FAILED = 1,
	WAX_EXIT_USAGE = 2,
	WAX_EXIT_GRAPH = 3,
	WAX_EXIT_RECOVERY = 4,
	WAX_EXIT_CONNECTOR = 5,
	WAX_EXIT_RESOURCES = 71,
};

/**
 * Decide on the number of workers, have sources and sinks list their partitions, make the plan.
 *
 * @param flow borrows until wax_setup_free; without mistakes
 * @return 0, or the exit status, with a sentence
 */
int wax_setup_plan(struct wax_setup *setup, struct wax_flow *flow,
		const struct wax_options *options, struct wax_err *err);

/** Make what the workers share. Behind wax_setup_plan. @return as wax_setup_plan */
int wax_setup_share(
		struct wax_setup *setup, const struct wax_options *options, struct wax_err *err);

/** What wax_supervise is given; whom to tell is left out. Borrows until wax_setup_free. */
struct wax_supervision wax_setup_supervision(
		const struct wax_setup *setup, const struct wax_options *options);

void wax_setup_free(struct wax_setup *setup);

#endif
