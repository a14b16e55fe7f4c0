/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_RECOVER_H
#define LAUNCHER_RECOVER_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/err.h>

#include "launcher/options.h"
#include "runtime/flow.h"
#include "runtime/restore.h"
#include "runtime/store.h"
#include "runtime/worker.h"
#include "shm/control.h"

/*
 * The launcher's part in recovery: which epoch a run goes on from, the generation that it writes,
 * what of the directory is of no use any more, and whether a run that was lost begins again.
 *
 * Calls in this order: open, then for each attempt resume, begin, start, committed ..., end; close.
 */
struct wax_recovery {
	struct wax_store *store; /* NULL: the run keeps no state */
	struct wax_resume *resume;
	struct wax_restore_plan restore;
	struct wax_manifest manifest;
	struct wax_recovery_env env;
	char path[512]; /* of the generation */
	bool begun;
	bool trimmed_others;
	uint32_t worker_count;

	/* Of the last epochs that were committed, the latest at the end: from which segment on each
	 * worker's log is needed. As many as are kept. */
	struct wax_recovery_bases *bases;
	uint32_t base_count;
	uint32_t base_capacity;

	/* Of steps in which workers died: see struct wax_quarantine. */
	struct wax_quarantine quarantine; /* of the next attempt; points to these: */
	uint64_t *suspect_items;          /* of each step; NULL: none is suspected */
	struct wax_deadly_item *deadly;
	/* Of each step, the items of all workers: when the last epoch was committed, and the one
	 * before. */
	uint64_t *items_last, *items_before;

	uint32_t attempts;      /* begun so far */
	uint64_t resumed_epoch; /* of this attempt; 0: from nothing */
	uint64_t *restarted_ns; /* CLOCK_MONOTONIC, of the last restarts */
	uint32_t restarted_count;
	uint32_t restarts; /* of this run */
};

/** Of a run that keeps no state. */
#define WAX_RECOVERY_NONE                                                                          \
	{                                                                                          \
		.env = {.dir = -1, .launcher_bell = -1 }                                           \
	}

/** "from epoch 17", "from the beginning". By value. */
struct wax_recovery_text {
	char text[48];
};
struct wax_recovery_text wax_recovery_epoch_text(uint64_t epoch);

/**
 * Open the directory of --recovery and lock it, if there is that option.
 *
 * @return 0, or an exit status, with a sentence
 */
int wax_recovery_open(struct wax_recovery *recovery, const struct wax_options *options,
		struct wax_err *err);

/**
 * Find what to go on from, see whether it fits the flow, and have the flow's steps know of it. Before
 * wax_flow_prepare. --from counts for the first attempt; later ones take the newest epoch.
 *
 * @return 0, or an exit status, with a sentence
 */
int wax_recovery_resume(struct wax_recovery *recovery, struct wax_flow *flow,
		const struct wax_options *options, struct wax_err *err);

/**
 * Begin the generation that this attempt writes, and set the epochs of the control page.
 *
 * @return 0, or an exit status, with a sentence
 */
int wax_recovery_begin(struct wax_recovery *recovery, const struct wax_control *control,
		const struct wax_options *options, struct wax_err *err);

/** What workers are given; NULL where the run keeps no state. */
const struct wax_recovery_env *wax_recovery_env(const struct wax_recovery *recovery);

/** An epoch is committed: remove what no kept epoch needs. */
void wax_recovery_committed(struct wax_recovery *recovery, const struct wax_control *control);

/** May a run that was lost, and that keeps state, begin again at this time? Counts it. */
bool wax_recovery_may_restart(
		struct wax_recovery *recovery, const struct wax_options *options, uint64_t now_ns);

/**
 * A worker of the attempt was lost: if it died by its own doing in a step, that step is suspected in
 * the next attempt.
 *
 * @param signal that it died by; 0: it ended without one
 * @return is an item known now that will be dropped?
 */
bool wax_recovery_suspect(struct wax_recovery *recovery, const struct wax_control *control,
		uint32_t worker, int signal);

/** The attempt is over. */
void wax_recovery_end(struct wax_recovery *recovery, struct wax_flow *flow);
void wax_recovery_close(struct wax_recovery *recovery, struct wax_flow *flow);

#endif
