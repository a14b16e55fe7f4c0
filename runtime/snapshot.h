/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_SNAPSHOT_H
#define RUNTIME_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/err.h>

#include "runtime/frames.h"

/*
 * The snapshots of a worker: at the end of each epoch all of its state and all positions of its
 * sources and sinks, as they are then, go into its log, while it goes on with the next epoch.
 *
 *     end of the epoch at a stage   its steps mark what changed (runtime/kept.h); sources note their
 *                                   positions, sinks begin to prepare
 *     turns of the worker           some of what is marked is saved in each
 *     all saved, all prepared       END, with the positions, and a linked fdatasync
 *     durable                       the launcher is told; when all workers are there, the epoch is
 *                                   committed, and sinks are told in turn
 *
 * The launcher begins the next epoch when this one is committed, so that there is one snapshot at a
 * time. What a step does not get into the log, because it has none of these callbacks, is not kept.
 */
struct wax_snapshot;
struct wax_op;
struct wax_stage;
struct wax_worker;

/** Positions, gathered. */
struct wax_positions {
	struct wax_frames_position *positions;
	uint32_t count;
	uint32_t capacity;
};

/** @param name, position borrowed as long as the positions are used @return 0 or -ENOMEM */
int wax_positions_add(struct wax_positions *positions, const struct wax_frames_position *position);

/** Open the log, and load what is gone on from into the steps, which are open.
 *  @return 0; negative after wax_worker_fail */
int wax_snapshot_make(struct wax_worker *worker);
void wax_snapshot_free(struct wax_snapshot *snapshot);

/** The epoch has ended for the steps of a stage. @return 0; negative after wax_worker_fail */
int wax_snapshot_mark_stage(struct wax_worker *worker, const struct wax_stage *stage);

/**
 * Save some, see whether all is durable, tell sinks what was committed. In each turn.
 *
 * @param worked set when something was done
 * @return 0; negative after wax_worker_fail
 */
int wax_snapshot_turn(struct wax_worker *worker, bool *worked);

/** Is there a step that was not told of what is committed, or has not made it visible yet? */
bool wax_snapshot_is_busy(const struct wax_snapshot *snapshot);

#endif
