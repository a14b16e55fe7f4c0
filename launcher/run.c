/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/run.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/compile.h"
#include "launcher/graph.h"
#include "launcher/load.h"
#include "launcher/options.h"
#include "launcher/options_table.h"
#include "launcher/partitions.h"
#include "launcher/placement.h"
#include "launcher/report.h"
#include "launcher/sanitize.h"
#include "launcher/setup.h"
#include "launcher/streams.h"
#include "launcher/supervise.h"
#include "runtime/clock.h"
#include "runtime/flow.h"

/* waxrun from the command line to the exit status. What is made on the way is freed in one place;
 * a step that fails says so and gives back the status. */

struct run {
	struct wax_options options;
	struct wax_flow *flow;
	struct wax_recovery recovery;
	struct wax_setup setup;
	struct wax_report *report;
	uint64_t started_ns; /* CLOCK_MONOTONIC, of the first attempt */
	struct wax_err err;
};

const char *wax_version(void)
{
#define TEXT(x) #x
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)
	return VERSION(WAX_VERSION_MAJOR, WAX_VERSION_MINOR, WAX_VERSION_PATCH);
}

static int say(const struct wax_err *err, int status)
{
	fprintf(stderr, "waxrun: error: %s\n", err->text);
	return status;
}

/* ---- The flow */

static int load(struct run *run, const struct wax_flow_entry **ret_entry)
{
	const char *path = run->options.flow_path;
	if (!wax_compile_wants(path))
		return wax_load_flow(path, path, ret_entry, &run->err);

	struct wax_compiled compiled;
	int r = wax_compile(path, NULL, &compiled, &run->err);
	if (r < 0)
		return r;
	r = wax_load_flow(compiled.path, path, ret_entry, &run->err);
	wax_compiled_close(&compiled);
	return r;
}

static int build(struct run *run)
{
	const struct wax_options *options = &run->options;
	const struct wax_flow_entry *entry;
	if (load(run, &entry) < 0)
		return say(&run->err, WAX_EXIT_USAGE);
	if (wax_flow_make(entry, options->flow_argc, options->flow_argv, &run->flow, &run->err) <
			0) {
		wax_err_wrap(&run->err, "flow '%s'", options->flow_path);
		return say(&run->err, WAX_EXIT_USAGE);
	}
	if (wax_flow_wants_help(run->flow)) {
		wax_flow_print_help(run->flow, stdout, options->flow_path);
		return 0;
	}

	for (uint32_t i = 0; i < run->flow->mistake_count; i++)
		fprintf(stderr, "waxrun: error: %s\n", run->flow->mistakes[i]);
	if (run->flow->usage_mistake_count > 0)
		fprintf(stderr, "hint: `waxrun %s -- --help` lists the arguments of this flow\n",
				options->flow_path);
	/* Without its arguments a flow cannot be right. */
	if (run->flow->usage_mistake_count > 0)
		return WAX_EXIT_USAGE;
	if (run->flow->mistake_count > 0)
		return WAX_EXIT_GRAPH;
	if (wax_flow_set_policies(run->flow, options->on_error.texts, options->on_error.count,
			    &run->err) < 0)
		return say(&run->err, WAX_EXIT_USAGE);
	return 0;
}

/* ---- Running it */

static void show_progress(void *context)
{
	struct run *run = context;
	wax_report_progress(run->report, wax_clock_monotonic());
}

static void show_sample(void *context)
{
	struct run *run = context;
	wax_report_sample(run->report, wax_clock_monotonic());
}

static void show_hold(void *context, const struct wax_hold *hold)
{
	struct run *run = context;
	wax_report_hold(run->report, hold);
}

static void show_notice(void *context, const char *sentence)
{
	struct run *run = context;
	wax_report_notice(run->report, sentence);
}

/* What io_uring the workers will find: asked here, where nothing has started yet. */
static int probe_io(struct run *run, const char **ret_backend)
{
	struct wax_loop *loop;
	int r = wax_loop_open(run->options.io, 8, &loop, &run->err);
	if (r < 0)
		return r;
	*ret_backend = wax_loop_backend(loop);
	wax_loop_close(loop);
	return 0;
}

/* Does the flow write to standard output? */
static bool prints(const struct wax_flow *flow)
{
	for (uint32_t i = 0; i < flow->step_count; i++) {
		const char *connector = flow->steps[i]->connector;
		if (connector && strcmp(connector, "stdout") == 0)
			return true;
	}
	return false;
}

static int make_report(struct run *run, const char *backend)
{
	struct wax_report_env env = {
			.flow = run->flow,
			.plan = run->setup.plan,
			.control = &run->setup.control,
			.options = &run->options,
			.placement = run->setup.placement,
			.exchange = run->setup.plan->edge_count > 0 ? &run->setup.exchange : NULL,
			.exchange_bytes = run->setup.exchange_bytes,
			.io = backend,
			.to = stderr,
			.is_terminal = isatty(STDERR_FILENO) == 1,
			.shares_terminal = isatty(STDOUT_FILENO) == 1 && prints(run->flow),
			.recovery = run->setup.recovery,
	};
	env.color = wax_options_color(&run->options, environ, env.is_terminal);
	return wax_report_make(&env, &run->report, &run->err);
}

static void free_attempt(struct run *run)
{
	wax_report_free(run->report);
	run->report = NULL;
	wax_setup_free(&run->setup);
	if (run->flow)
		wax_recovery_end(&run->recovery, run->flow);
}

/* Run it once. @param ret_ended written when workers were started @return the exit status, which is
 * that of ended if they were */
static int execute(struct run *run, struct wax_ended *ret_ended)
{
	const char *backend = NULL;
	/* A report that nobody reads is no reason to end the run. */
	signal(SIGPIPE, SIG_IGN);
	int status = wax_setup_share(&run->setup, &run->options, &run->err);
	if (status != 0)
		return say(&run->err, status);
	if (probe_io(run, &backend) < 0)
		return say(&run->err, WAX_EXIT_RESOURCES);
	if (make_report(run, backend) < 0)
		return say(&run->err, WAX_EXIT_USAGE);
	if (run->options.report_bindings)
		wax_placement_print(run->setup.placement, stderr);
	wax_report_banner(run->report);

	struct wax_supervision supervision = wax_setup_supervision(&run->setup, &run->options);
	supervision.progress = show_progress;
	supervision.sample = show_sample;
	supervision.sample_ns = wax_report_sample_ns(run->report);
	supervision.held = show_hold;
	supervision.notice = show_notice;
	supervision.context = run;
	supervision.since_ns = run->started_ns;
	if (wax_supervise(&supervision, ret_ended, &run->err) < 0)
		return say(&run->err, WAX_EXIT_RESOURCES);

	wax_report_failure(run->report, ret_ended);
	return ret_ended->status;
}

/* A worker was lost, and what it did is saved: once more from there? Not against the will of who has
 * asked for a stop: what was not saved is left to another run. */
static bool is_to_restart(struct run *run, const struct wax_ended *ended)
{
	bool lost = ended->ending == WAX_ENDING_KILLED || ended->ending == WAX_ENDING_VANISHED;
	uint32_t limit = run->options.restart_limit;
	char sentence[256];
	if (!lost || !run->recovery.store || limit == 0)
		return false;
	if (ended->stopping) {
		snprintf(sentence, sizeof(sentence),
				"not begun again: it was told to stop; the next run goes on %s",
				wax_recovery_epoch_text(ended->committed).text);
		wax_report_notice(run->report, sentence);
		return false;
	}
	if (!wax_recovery_may_restart(&run->recovery, &run->options, wax_clock_monotonic())) {
		snprintf(sentence, sizeof(sentence),
				"not begun again: it was %u times within a minute (--restart)",
				limit);
		wax_report_notice(run->report, sentence);
		return false;
	}
	bool known = wax_recovery_suspect(&run->recovery, &run->setup.control, ended->worker,
			ended->ending == WAX_ENDING_KILLED ? ended->signal : 0);
	snprintf(sentence, sizeof(sentence), "going on %s (restart %u; at most %u in a minute)%s",
			wax_recovery_epoch_text(ended->committed).text, run->recovery.restarts,
			limit,
			known ? "; the item at which the worker died again is put aside" : "");
	wax_report_notice(run->report, sentence);
	return true;
}

static void say_sound(const struct run *run)
{
	uint32_t step_count = 0;
	if (run->options.quiet)
		return;
	for (uint32_t i = 0; i < run->flow->step_count; i++)
		step_count += !run->flow->steps[i]->internal;
	fprintf(stderr, "waxrun: flow \"%s\" is sound: %u steps, %u exchanges with %u workers\n",
			run->flow->name, step_count, run->setup.plan->edge_count,
			run->setup.plan->worker_count);
}

static int attempt(struct run *run, bool *ret_again)
{
	struct wax_ended ended = {0};
	*ret_again = false;
	if (run->recovery.store)
		run->setup.recovery = &run->recovery;
	int status = wax_setup_plan(&run->setup, run->flow, &run->options, &run->err);
	if (status != 0)
		return say(&run->err, status);
	if (run->options.report_partitions)
		wax_partitions_print(run->flow, run->setup.plan->worker_count, stderr);
	if (run->options.action == WAX_OPTION_GRAPH)
		return wax_graph_print(run->flow, run->setup.plan, run->options.graph, stdout) < 0
				? WAX_EXIT_CONNECTOR
				: 0;
	if (run->options.action == WAX_OPTION_CHECK) {
		say_sound(run);
		return 0;
	}
	status = execute(run, &ended);
	*ret_again = status != 0 && is_to_restart(run, &ended);
	if (*ret_again || ended.wall_ns == 0)
		return status;
	if (wax_report_summary(run->report, &ended, &run->err) < 0)
		return say(&run->err, status ? status : WAX_EXIT_CONNECTOR);
	return status;
}

static void free_run(struct run *run)
{
	free_attempt(run);
	if (run->flow)
		wax_recovery_close(&run->recovery, run->flow);
	wax_flow_free(run->flow);
}

static int run_flow(struct run *run)
{
	int status = build(run);
	if (status != 0 || wax_flow_wants_help(run->flow))
		return status;
	if (run->options.sanitize && run->options.action == WAX_OPTION_RUN) {
		status = wax_sanitize(run->flow, &run->options, stderr, &run->err);
		return run->err.code ? say(&run->err, status) : status;
	}
	if (run->options.action == WAX_OPTION_RUN) {
		status = wax_recovery_open(&run->recovery, &run->options, &run->err);
		if (status != 0)
			return say(&run->err, status);
	}
	run->started_ns = wax_clock_monotonic();
	for (bool again = true; again;) {
		free_attempt(run);
		status = attempt(run, &again);
	}
	return status;
}

int wax_main(int argc, char **argv)
{
	wax_streams_hold();
	/* A file that grows too large is an error of the write, here and in the workers. */
	signal(SIGXFSZ, SIG_IGN);
	struct run run = {.recovery = WAX_RECOVERY_NONE};
	if (wax_options_parse(argc, argv, environ, &run.options, &run.err) < 0)
		return say(&run.err, WAX_EXIT_USAGE);

	int status;
	switch (run.options.action) {
	case WAX_OPTION_TELL:
		status = wax_program_answer(&wax_option_program, &run.options, NULL, stdout) < 0
				? WAX_EXIT_CONNECTOR
				: 0;
		break;
	default:
		status = run_flow(&run);
	}
	free_run(&run);
	return wax_streams_finish("waxrun", status);
}
