/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_SUPERVISE_H
#define LAUNCHER_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include <wax/err.h>

#include "launcher/options.h"
#include "launcher/placement.h"
#include "launcher/recover.h"
#include "launcher/watchdog.h"
#include "runtime/plan.h"
#include "shm/control.h"
#include "shm/segment.h"

/*
 * The launcher while a flow runs: it forks the workers and then only watches. Everything it waits
 * for (the workers' ends, signals, time) comes through one event loop. It advances the epoch, asks
 * for progress to be shown, stops the run when it is told to, and ends it when a worker dies.
 *
 * Where the run keeps state, workers stay when their input has ended or a stop was asked for: then
 * comes a last epoch, and when that is committed they are told to go.
 */

/** What to run, and whom to tell. All borrowed while wax_supervise runs. */
struct wax_supervision {
	const struct wax_plan *plan;
	const struct wax_segment *segment;
	const struct wax_control *control;
	const struct wax_options *options;
	const struct wax_placement *placement;
	const int *bells; /* eventfd of each worker */
	uint64_t since_ns; /* CLOCK_MONOTONIC: from when on --timeout counts; 0: now */
	struct wax_recovery *recovery; /* NULL: the run keeps no state */
	struct wax_test_clock *clock; /* see struct wax_worker_env */
	/* Called every --interval. May be NULL. */
	void (*progress)(void *context);
	/* Called after sample_ns on average, not in step with anything that is regular. May be
	 * NULL. */
	void (*sample)(void *context);
	int64_t sample_ns; /* 0: never */
	/* Called when a call holds its worker for longer than --watchdog, and when it is over.
	 * May be NULL. */
	void (*held)(void *context, const struct wax_hold *hold);
	/* Called with a sentence for people: a stop was asked for, and so on. May be NULL. */
	void (*notice)(void *context, const char *sentence);
	void *context;
};

/** Why a run ended. */
enum wax_ending {
	WAX_ENDING_DONE,     /* the input ended */
	WAX_ENDING_STOPPED,  /* a signal; drained */
	WAX_ENDING_FAILED,   /* a worker said why */
	WAX_ENDING_KILLED,   /* a worker died by a signal */
	WAX_ENDING_VANISHED, /* a worker exited without a word */
	WAX_ENDING_ABORTED,  /* a second signal, or draining took too long */
	WAX_ENDING_TIMEOUT,  /* --timeout */
};

struct wax_ended {
	enum wax_ending ending;
	int status;      /* exit status of the run, see waxrun(1) */
	uint32_t worker; /* FAILED, KILLED, VANISHED */
	int signal;      /* KILLED, STOPPED, ABORTED */
	bool stopping;   /* a stop had been asked for, however it ended */
	uint64_t committed; /* the last epoch that was; 0: none, or the run keeps no state */
	struct rusage usage; /* of all workers; ru_maxrss is the sum, KiB */
	uint64_t rss_max_kib; /* of the largest worker */
	uint64_t wall_ns;
};

/**
 * Fork the workers and stay with them until all are gone: when this returns, no process is left.
 *
 * @param ret_ended written on success
 * @return 0, whatever became of the run; negative with a sentence when it could not be started
 */
int wax_supervise(const struct wax_supervision *supervision, struct wax_ended *ret_ended,
		struct wax_err *err);

#endif
