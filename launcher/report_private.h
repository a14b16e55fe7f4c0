/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_REPORT_PRIVATE_H
#define LAUNCHER_REPORT_PRIVATE_H

/* Shared by report.c, report_figures.c, report_summary.c and report_json.c; for nobody else. */

#include "launcher/outline.h"
#include "launcher/profile.h"
#include "launcher/report.h"
#include "runtime/units.h"

#define WAX_REPORT_FIELD(name, unit, help) uint64_t name;

/** Counters added up over workers. */
struct wax_step_figures {
	WAX_STEP_COUNTERS(WAX_REPORT_FIELD)
};
struct wax_edge_figures {
	WAX_EDGE_COUNTERS(WAX_REPORT_FIELD)
};

/** What a worker looked like at the last progress report. */
struct wax_report_look {
	uint64_t slept_ns;
	uint64_t turns;
	double busy; /* since the look before, in [0, 1] */
};

/** What a progress report says. */
struct wax_report_interval {
	uint64_t elapsed_ns; /* since the start of the run */
	uint64_t length_ns;
	uint64_t items_in; /* since the start */
	uint64_t items_out;
	double in_per_s; /* in this interval */
	double out_per_s;
	double busy;
	uint32_t busiest;      /* a worker */
	uint32_t busiest_step; /* what it did most of the time; WAX_NO_STEP: not known */
	uint64_t epoch;
};

/** Calls of a step that held their worker for longer than --watchdog. */
struct wax_report_holds {
	uint64_t count;
	uint64_t longest_ns;
};

struct wax_report {
	struct wax_report_env env;
	struct wax_outline outline;
	FILE *json;  /* NULL: none wanted */
	bool silent; /* nothing for people but failures and notices */

	/* Of the last progress report. */
	uint64_t looked_ns;
	uint64_t items_in;
	uint64_t items_out;
	struct wax_report_look *looks;
	uint32_t *samples;   /* workers x steps: how often it was seen at it since */
	struct wax_report_holds *holds; /* of each step */
	uint32_t line_width; /* of the line that stands on the terminal */

	struct wax_profile *profile; /* NULL: none wanted */
};

/** A step over all workers, or in one. */
struct wax_step_figures wax_report_step(const struct wax_report *report, uint32_t step);
/** A step with its parts: what came into the group and what left it. */
struct wax_step_figures wax_report_group(const struct wax_report *report, uint32_t group);
struct wax_edge_figures wax_report_edge(const struct wax_report *report, uint32_t edge);

/** How uneven: the greatest of the workers' shares, in units of an even one. */
struct wax_report_share {
	uint64_t total;
	double skew;          /* in [1, workers]; 0: there were no items */
	double busiest_share; /* in [0, 1] */
	uint32_t busiest;
};

/** Items that the workers' instances of a step were given. */
struct wax_report_share wax_report_share_in(const struct wax_report *report, uint32_t step);
/** Items that they emitted. */
struct wax_report_share wax_report_share_out(const struct wax_report *report, uint32_t step);
/** Items that they received on an edge. */
struct wax_report_share wax_report_share_edge(const struct wax_report *report, uint32_t edge);
/** How uneven the keys of a group are dealt out; skew 0: it is not dealt by key. */
struct wax_report_share wax_report_keys(const struct wax_report *report, uint32_t group);

/** With --profile: time that all workers spent in a step, and in a step with its parts. */
uint64_t wax_report_step_ns(const struct wax_report *report, uint32_t step);
uint64_t wax_report_group_ns(const struct wax_report *report, uint32_t group);

/** With --profile: who was at work most of the time. */
struct wax_report_busy {
	uint32_t most;
	uint32_t least;
	double most_share;   /* in [0, 1]: neither spinning nor asleep */
	double others_share; /* of all but the busiest, on average */
};

struct wax_report_busy wax_report_busy(const struct wax_report *report);

/** With fewer looks chance has too large a part in the shares. */
enum { WAX_REPORT_LOOKS_MIN = 100 };

/** With --profile: time that a look at one worker stands for. */
uint64_t wax_report_look_ns(const struct wax_report *report);

/** With --profile: "3.2ns", "41ns", "20.1us"; "-" where there was too little to see. */
struct wax_units_text wax_report_print_per_item(
		const struct wax_report *report, uint64_t ns, uint64_t items);

uint64_t wax_report_items_in(const struct wax_report *report);
uint64_t wax_report_items_out(const struct wax_report *report);
uint64_t wax_report_items_dropped(const struct wax_report *report);
/** Keys that were forgotten because their time to live was over. */
uint64_t wax_report_expired(const struct wax_report *report);
/** Epochs that all workers have finished. */
uint64_t wax_report_epochs(const struct wax_report *report);

/** What was kept of the state, of all workers. */
struct wax_report_kept {
	uint64_t keys_loaded;
	uint64_t load_ns_max; /* of the slowest worker */
	uint64_t live_bytes;
	uint64_t log_bytes;
	uint64_t save_ns_max; /* at a stretch, of any worker */
};

struct wax_report_kept wax_report_kept(const struct wax_report *report);
/** ns from the start to the first item of any worker; 0: there was none. */
uint64_t wax_report_first_item(const struct wax_report *report);

/** "count", "count.final"; "" for WAX_NO_STEP, and for what no step is. */
const char *wax_report_step_name(const struct wax_report *report, uint32_t step);
/** The step that an edge comes from. */
uint32_t wax_report_edge_from(const struct wax_report *report, uint32_t edge);

/** "finished", "stopped", "failed": as one word. */
const char *wax_ending_name(enum wax_ending ending);

void wax_report_write_interval(
		struct wax_report *report, const struct wax_report_interval *interval);
/** Say what could be done better, a line at a time, if anything. */
void wax_report_advise(const struct wax_report *report,
		void (*say_line)(void *to, const char *line), void *to);
/** @return 0 or -EIO */
int wax_report_write_summary(struct wax_report *report, const struct wax_ended *ended);

#endif
