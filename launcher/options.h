/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_OPTIONS_H
#define LAUNCHER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <wax/err.h>

#include "launcher/placement.h"
#include "runtime/loop.h"

/**
 * The command line of waxrun: what it may say (one table, launcher/options_table.c), what it said
 * (wax_options_parse), and the table as help, manual page and shell completion.
 */

/** What waxrun is to do. */
enum wax_option_action {
	WAX_OPTION_RUN,
	WAX_OPTION_CHECK,            /* --check */
	WAX_OPTION_GRAPH,            /* --graph */
	WAX_OPTION_HELP,             /* -h, --help */
	WAX_OPTION_VERSION,          /* --version */
	WAX_OPTION_PRINT_MAN,        /* --print-man */
	WAX_OPTION_PRINT_COMPLETION, /* --print-completion */
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

enum wax_option_shell {
	WAX_OPTION_SHELL_NONE,
	WAX_OPTION_SHELL_BASH,
	WAX_OPTION_SHELL_ZSH,
	WAX_OPTION_SHELL_FISH,
};

/** Most workers of one run. */
#define WAX_OPTION_PROCS_MAX 256

/** spin_ns for as long as it takes to wake a worker, measured; 0 when overcommitted. */
#define WAX_OPTION_SPIN_AUTO INT64_C(-1)

/** Most times that an option of a list may be given. */
#define WAX_OPTION_LIST_MAX 64

/** Texts of an option that may be given many times; they are lent as other strings are. */
struct wax_option_list {
	const char *texts[WAX_OPTION_LIST_MAX];
	uint32_t count;
};

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
	bool rehearse;
	struct wax_option_list on_error; /* policies: see wax_flow_set_policies */
	int64_t watchdog_ns; /* 0: none */
	int64_t drain_timeout_ns; /* 0: do not wait */
	int64_t timeout_ns;       /* 0: none */

	int64_t interval_ns;   /* 0: no progress lines */
	const char *json_path; /* NULL: no JSON; "-": standard error */
	bool profile;
	bool quiet;
	bool verbose;
	enum wax_option_color color;

	bool check;
	enum wax_option_graph graph;
	bool help;
	bool version;
	bool print_man;
	enum wax_option_shell print_completion;

	uint64_t sanitize; /* seed; 0: no; or WAX_OPTION_SANITIZE_AUTO */

	const char *flow_path; /* FLOW; NULL only where the action needs none */
	int flow_argc;         /* what follows "--"; 0 when there is none */
	char **flow_argv;      /* flow_argc strings, then NULL; no program name in front */
};

/**
 * Parse a command line. An option counts as the command line gives it, else as WAX_<NAME> does in
 * the environment (--snapshot-interval: WAX_SNAPSHOT_INTERVAL; set but empty is not set), else as
 * its default. Given twice, the last one counts. Help, version and what the packager asks for
 * (--print-...) have no variable, need no flow and do not look at the environment.
 *
 * Options may follow FLOW; "--" ends them. A unique beginning of a long name will do. A flag can
 * be taken back: --quiet=no.
 *
 * Called once, by main: getopt_long(3) has state of its own.
 *
 * @param argc        at least 1
 * @param argv        the program's name first, NULL last; nothing in it is changed or moved;
 *                    borrows until the last use of *ret_options
 * @param environment as environ(7); NULL is an empty one; borrows until the last use of
 *                    *ret_options
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

/**
 * Print --help: one screen of 80 columns.
 *
 * @param out borrows until return
 * @return 0, or -EIO  out did not take it
 */
int wax_options_print_help(FILE *out);

/** Print waxrun(1) in mdoc(7). Parameters and return value as wax_options_print_help. */
int wax_options_print_man(FILE *out);

/**
 * Print a script that completes the command line of waxrun.
 *
 * @param shell any but WAX_OPTION_SHELL_NONE
 * @param out   borrows until return
 * @return 0, or -EINVAL  no such shell
 *               -EIO     out did not take it
 */
int wax_options_print_completion(enum wax_option_shell shell, FILE *out);

#endif
