/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_REPORT_H
#define LAUNCHER_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <wax/err.h>

#include "launcher/options.h"
#include "launcher/placement.h"
#include "launcher/supervise.h"
#include "runtime/flow.h"
#include "runtime/plan.h"
#include "shm/control.h"
#include "shm/segment.h"

/*
 * What the launcher says about a run: a banner, a line now and then, failures, a summary; and the
 * same as JSON lines. Figures come from the control page, so a report can be made at any time; it
 * changes nothing there. Times are ns of CLOCK_MONOTONIC and come from the caller.
 */

/** What a report is about. All is borrowed until wax_report_free. */
struct wax_report_env {
	const struct wax_flow *flow;
	const struct wax_plan *plan;
	const struct wax_control *control;
	const struct wax_options *options;
	const struct wax_placement *placement;
	const struct wax_recovery *recovery;     /* NULL: the run keeps no state */
	const struct wax_segment_plan *exchange; /* what its memory is divided into; NULL: none */
	uint64_t exchange_bytes;
	const char *io;   /* "io_uring" or "posix"; NULL: not known yet */
	FILE *to;         /* for people; for --json without a file too, and then for nothing else
			 * but failures and notices */
	bool is_terminal; /* isatty(3) of `to` */
	bool shares_terminal; /* the flow prints there too: a line is never written over */
	bool color;           /* see wax_options_color */
	uint32_t columns; /* of the terminal; 0: ask COLUMNS, then the terminal, for each line */
};

struct wax_report;

/**
 * Make a report; opens, and empties, the file of --json.
 *
 * @param env        copied; what it points to is borrowed until wax_report_free
 * @param ret_report gives; release with wax_report_free
 * @return 0, or -ENOMEM
 *               negative errno of the file, with a sentence: exit status 2
 */
int wax_report_make(const struct wax_report_env *env, struct wax_report **ret_report,
		struct wax_err *err);
/** NULL is allowed. */
void wax_report_free(struct wax_report *report);

/** One line on a terminal, more with -v: what runs, where, with what memory. */
void wax_report_banner(struct wax_report *report);

/**
 * Look what the workers are doing now, to find what they do most of the time. Cheap (loads from
 * each worker's record): call it every wax_report_sample_ns. wax_report_progress does so too.
 */
void wax_report_sample(struct wax_report *report, uint64_t now_ns);

/** Some ten times in an interval, with --profile more often; 0: no need. In ns, on average. */
int64_t wax_report_sample_ns(const struct wax_report *report);

/**
 * Say how it goes, once an interval: a line that is written over on a terminal, lines with -v, an
 * object of --json. Rates are since the last call. Nothing else of this file needs it.
 */
void wax_report_progress(struct wax_report *report, uint64_t now_ns);

/** Take the progress line off the terminal, before anything else is printed there. */
void wax_report_erase(struct wax_report *report);

/** Note that a step holds its worker, or has; print it, once for each place in the code. */
void wax_report_hold(struct wax_report *report, const struct wax_hold *hold);

/** Print a sentence of the launcher's: "waxrun: sentence". */
void wax_report_notice(struct wax_report *report, const char *sentence);

/** Why a run failed, out of what the launcher and the worker said. */
struct wax_report_failure {
	bool failed;    /* nothing below otherwise */
	int32_t worker; /* -1: no worker in particular */
	uint32_t step;  /* or WAX_NO_STEP */
	uint64_t epoch;
	uint64_t offset;
	char source[WAX_CONTROL_SOURCE_BYTES];
	char sentence[WAX_CONTROL_SENTENCE_BYTES];
	char item[WAX_CONTROL_ITEM_BYTES];
	const char *hint; /* NULL: none */
	uint32_t others;  /* workers that failed too */
};

struct wax_report_failure wax_report_find_failure(
		const struct wax_report *report, const struct wax_ended *ended);

/**
 * Print why the run failed, with a hint if there is one. Nothing after a run that ended well, was
 * stopped, or was aborted: those are no failures, or were noticed.
 */
void wax_report_failure(struct wax_report *report, const struct wax_ended *ended);

/**
 * Print the summary (unless -q, or unless --json goes to the same place), and the last object of
 * --json. Call it when the workers have gone, after wax_report_failure.
 *
 * @return 0, or -EIO  the file of --json did not take it, with a sentence
 */
int wax_report_summary(
		struct wax_report *report, const struct wax_ended *ended, struct wax_err *err);

#endif
