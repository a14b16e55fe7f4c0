/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_OPTIONS_H
#define LAUNCHER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <wax/err.h>

#include "launcher/placement.h"
#include "launcher/program.h"
#include "runtime/loop.h"

/**
 * The command line of waxrun: what it may say (one table, launcher/options_table.c) and what it said.
 */

/** What waxrun is to do. */
enum wax_option_action {
	WAX_OPTION_RUN,
	WAX_OPTION_CHECK, /* --check */
	WAX_OPTION_GRAPH, /* --graph */
	WAX_OPTION_TELL,  /* about itself: -h, --help, --version, what the packager asks for */
};

enum wax_option_graph {
	WAX_OPTION_GRAPH_NONE,
	WAX_OPTION_GRAPH_TEXT,
	WAX_OPTION_GRAPH_MERMAID,
	WAX_OPTION_GRAPH_JSON,
};

enum wax_option_color {
	WAX_OPTION_COLOR_AUTO,
	WAX_OPTION_COLOR_ALWAYS,
	WAX_OPTION_COLOR_NEVER,
};

/** Most workers of one run. */
#define WAX_OPTION_PROCS_MAX 256

/** spin_ns for as long as it takes to wake a worker, measured; 0 when overcommitted. */
#define WAX_OPTION_SPIN_AUTO INT64_C(-1)

/** Restarts in a minute: of --restart=on-crash, and at most. */
enum { WAX_OPTION_RESTARTS_USUAL = 5, WAX_OPTION_RESTARTS_MAX = 1000 };

/** sanitize with a seed that is chosen. */
#define WAX_OPTION_SANITIZE_AUTO INT64_MAX

/** What the command line, the environment and the defaults say together. A plain value. */
struct wax_options {
	enum wax_option_action action; /* the others are filled whatever it is */

	uint32_t procs; /* 0: auto, the capacity of the placement */
	enum wax_bind bind;
	bool report_bindings;
	bool report_partitions;
	enum wax_io io;
	int64_t spin_ns; /* or WAX_OPTION_SPIN_AUTO */

	uint64_t exchange_mem_bytes; /* of all workers together; 0: auto */
	uint32_t slab_bytes;         /* a power of two from 512 to 1 MiB; 0: auto */

	int64_t snapshot_interval_ns; /* 0: no epochs */
	const char *recovery_path;    /* directory; NULL: the run keeps no state */
	const char *from_text;        /* as given; from_epoch is what it says */
	uint64_t from_epoch;          /* 0: the newest; UINT64_MAX: begin from nothing */
	uint32_t keep_epochs;         /* that can be gone on from; at least 1 */
	const char *restart_text;     /* as given; restart_limit is what it says */
	uint32_t restart_limit;       /* restarts in a minute; 0: none */
	bool rehearse;
	struct wax_option_list on_error; /* policies: see wax_flow_set_policies */
	int64_t watchdog_ns;             /* 0: none */
	int64_t drain_timeout_ns;        /* 0: do not wait */
	int64_t timeout_ns;              /* 0: none */

	int64_t interval_ns;   /* 0: no progress lines */
	const char *json_path; /* NULL: no JSON; "-": standard error */
	bool profile;
	bool quiet;
	bool verbose;
	enum wax_option_color color;

	bool check;
	enum wax_option_graph graph;
	struct wax_program_asks asks;

	uint64_t sanitize; /* seed; 0: no; or WAX_OPTION_SANITIZE_AUTO */

	const char *flow_path; /* FLOW; NULL only where the action needs none */
	int flow_argc;         /* what follows "--"; 0 when there is none */
	char **flow_argv;      /* flow_argc strings, then NULL; no program name in front */
};

/**
 * Parse a command line of waxrun: see wax_program_parse, which says what is borrowed.
 *
 * @param ret_options lends its strings from argv and environment: nothing to release
 * @return 0, or -EINVAL  with a sentence about the first thing wrong: exit status 2
 */
int wax_options_parse(int argc, char **argv, char *const *environment,
		struct wax_options *ret_options, struct wax_err *err);

/**
 * May text be coloured? --color decides; auto means: unless NO_COLOR is set, yes where
 * CLICOLOR_FORCE is set to other than 0, and yes on a terminal whose TERM is not dumb.
 *
 * @param environment as environ(7); NULL is an empty one; borrows until return
 * @param is_terminal what isatty(3) says of the stream
 */
bool wax_options_color(
		const struct wax_options *options, char *const *environment, bool is_terminal);

#endif
