/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_EPOCHS_H
#define LAUNCHER_EPOCHS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "launcher/recover.h"
#include "shm/control.h"
#include "shm/segment.h"

/*
 * The launcher's part in epochs: it begins them, commits them, and ends a run that keeps state. All
 * of it are words on the control page, and bells for those who sleep.
 *
 *     advance   all workers have finished the epoch before, and all sinks know that it is committed:
 *               the next may begin
 *     commit    all workers have the epoch in their logs: whatever happens, it stays
 *     end       the input has ended everywhere, or a stop was asked for: one last epoch, and when
 *               that is committed the workers go
 *
 * docs/design/recovery.md says why so; tests/models/commit.pml is the model.
 */
struct wax_epochs {
	const struct wax_segment *segment;
	const struct wax_control *control;
	const int *bells;              /* eventfd of each worker */
	const pid_t *pids;             /* of each worker; 0: gone, it is not waited for */
	struct wax_recovery *recovery; /* NULL: the run keeps no state */
	int64_t interval_ns;           /* 0: no epochs but the last */

	uint64_t next_at; /* CLOCK_MONOTONIC; UINT64_MAX: never */
	bool stopping;
	uint64_t last; /* epoch, after which the run is over; 0: not known yet */
};

/** The run begins: sets next_at. All above it is given, and borrowed from here on. */
void wax_epochs_begin(struct wax_epochs *epochs, uint64_t now);

/** Begin the next epoch if it may begin; sets next_at, to when this is to be called again. */
void wax_epochs_advance(struct wax_epochs *epochs, uint64_t now);

/** Commit what can be committed, and end the run when it is time. To be called when a worker has
 *  rung, and after wax_epochs_advance. */
void wax_epochs_look(struct wax_epochs *epochs);

/** Ask for a stop: a run that keeps state is to go on later, another drains. */
void wax_epochs_stop(struct wax_epochs *epochs);

#endif
