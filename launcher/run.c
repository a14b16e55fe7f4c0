/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/run.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "launcher/compile.h"
#include "launcher/graph.h"
#include "launcher/load.h"
#include "launcher/options.h"
#include "launcher/partitions.h"
#include "launcher/placement.h"
#include "launcher/report.h"
#include "launcher/supervise.h"
#include "runtime/clock.h"
#include "runtime/flow.h"
#include "runtime/plan.h"
#include "runtime/worker.h"
#include "shm/control.h"
#include "shm/segment.h"

/* waxrun from the command line to the exit status. What is made on the way is freed in one place;
 * a step that fails says so and gives back the status. */

enum {
	EXIT_USAGE = 2,
	EXIT_GRAPH = 3,
	EXIT_CONNECTOR = 5,
	EXIT_RESOURCES = 71,
};

struct run {
	struct wax_options options;
	struct wax_flow *flow;
	struct wax_placement *placement;
	struct wax_plan *plan;
	struct wax_segment_plan exchange;
	uint64_t exchange_bytes;
	struct wax_segment segment;
	struct wax_control control;
	int *bells;
	struct wax_report *report;
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

/* Was it the user who named something that is not there? */
static bool is_usage(int code)
{
	return code == -ENOENT || code == -EACCES || code == -ENOTDIR || code == -EISDIR ||
			code == -EINVAL || code == -EPERM || code == -ENAMETOOLONG ||
			code == -ELOOP || code == -ENXIO;
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
		return say(&run->err, EXIT_USAGE);
	if (wax_flow_make(entry, options->flow_argc, options->flow_argv, &run->flow, &run->err) <
			0) {
		wax_err_wrap(&run->err, "flow '%s'", options->flow_path);
		return say(&run->err, EXIT_USAGE);
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
		return EXIT_USAGE;
	if (run->flow->mistake_count > 0)
		return EXIT_GRAPH;
	if (wax_flow_set_policies(run->flow, options->on_error.texts, options->on_error.count,
			    &run->err) < 0)
		return say(&run->err, EXIT_USAGE);
	return 0;
}

static int plan(struct run *run)
{
	const struct wax_options *options = &run->options;
	if (wax_placement_make(NULL, options->procs, options->bind, &run->placement, &run->err) < 0)
		return say(&run->err, EXIT_RESOURCES);
	uint32_t worker_count = run->placement->worker_count;
	int r = wax_flow_prepare(run->flow, worker_count, &run->err);
	if (r < 0)
		return say(&run->err, is_usage(r) ? EXIT_USAGE : EXIT_CONNECTOR);
	if (wax_plan_make(run->flow, worker_count, &run->plan, &run->err) < 0)
		return say(&run->err, EXIT_RESOURCES);
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

static void show_notice(void *context, const char *sentence)
{
	struct run *run = context;
	wax_report_notice(run->report, sentence);
}

static int make_bells(struct run *run)
{
	uint32_t count = run->plan->worker_count;
	run->bells = calloc(count, sizeof(*run->bells));
	if (!run->bells)
		return wax_err_set(&run->err, -ENOMEM, "no memory for %u workers", count);
	for (uint32_t i = 0; i < count; i++)
		run->bells[i] = -1;
	for (uint32_t i = 0; i < count; i++) {
		run->bells[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (run->bells[i] < 0)
			return wax_err_set(&run->err, -errno,
					"doorbell of worker %u (eventfd): %m: raise the limit of "
					"open files (ulimit -n) to %u or more",
					i, count * 2 + 32);
	}
	return 0;
}

/* Share --exchange-mem out. */
static int fit_exchange(struct run *run)
{
	const struct wax_options *options = &run->options;
	run->exchange.worker_count = run->plan->worker_count;
	run->exchange.edge_count = run->plan->edge_count;
	return wax_segment_fit(options->exchange_mem_bytes, options->slab_bytes, &run->exchange,
			&run->exchange_bytes, &run->err);
}

static int make_shared(struct run *run)
{
	int r = wax_segment_make(&run->exchange, &run->segment, &run->err);
	/* It has a size as a file has. */
	if (r == -EFBIG)
		wax_err_wrap(&run->err, "the limit of file sizes is too low (raise ulimit -f)");
	if (r < 0)
		return r;
	struct wax_control_plan control = {run->flow->name, run->plan->worker_count,
			run->flow->step_count, run->plan->edge_count};
	r = wax_control_make(&control, &run->control, &run->err);
	return r < 0 ? r : make_bells(run);
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
			.plan = run->plan,
			.control = &run->control,
			.options = &run->options,
			.placement = run->placement,
			.exchange = run->plan->edge_count > 0 ? &run->exchange : NULL,
			.exchange_bytes = run->exchange_bytes,
			.io = backend,
			.to = stderr,
			.is_terminal = isatty(STDERR_FILENO) == 1,
			.shares_terminal = isatty(STDOUT_FILENO) == 1 && prints(run->flow),
	};
	env.color = wax_options_color(&run->options, environ, env.is_terminal);
	return wax_report_make(&env, &run->report, &run->err);
}

static int execute(struct run *run)
{
	const char *backend = NULL;
	/* A report that nobody reads is no reason to end the run. */
	signal(SIGPIPE, SIG_IGN);
	if (fit_exchange(run) < 0)
		return say(&run->err, EXIT_USAGE);
	if (make_shared(run) < 0)
		return say(&run->err, EXIT_RESOURCES);
	if (probe_io(run, &backend) < 0)
		return say(&run->err, EXIT_RESOURCES);
	if (make_report(run, backend) < 0)
		return say(&run->err, EXIT_USAGE);
	if (run->options.report_bindings)
		wax_placement_print(run->placement, stderr);
	wax_report_banner(run->report);

	struct wax_supervision supervision = {
			.plan = run->plan,
			.segment = &run->segment,
			.control = &run->control,
			.options = &run->options,
			.placement = run->placement,
			.bells = run->bells,
			.progress = show_progress,
			.sample = show_sample,
			.sample_ns = wax_report_sample_ns(run->report),
			.notice = show_notice,
			.context = run,
	};
	struct wax_ended ended;
	if (wax_supervise(&supervision, &ended, &run->err) < 0)
		return say(&run->err, EXIT_RESOURCES);

	wax_report_failure(run->report, &ended);
	if (wax_report_summary(run->report, &ended, &run->err) < 0)
		return say(&run->err, ended.status ? ended.status : EXIT_CONNECTOR);
	return ended.status;
}

static void free_run(struct run *run)
{
	wax_report_free(run->report);
	for (uint32_t i = 0; run->bells && i < run->plan->worker_count; i++) {
		if (run->bells[i] >= 0)
			close(run->bells[i]);
	}
	free(run->bells);
	wax_control_free(&run->control);
	wax_segment_free(&run->segment);
	wax_plan_free(run->plan);
	wax_placement_free(run->placement);
	wax_flow_free(run->flow);
}

static void say_sound(const struct run *run)
{
	uint32_t step_count = 0;
	if (run->options.quiet)
		return;
	for (uint32_t i = 0; i < run->flow->step_count; i++)
		step_count += !run->flow->steps[i]->internal;
	fprintf(stderr, "waxrun: flow \"%s\" is sound: %u steps, %u exchanges with %u workers\n",
			run->flow->name, step_count, run->plan->edge_count,
			run->plan->worker_count);
}

static int run_flow(struct run *run)
{
	int status = build(run);
	if (status != 0 || wax_flow_wants_help(run->flow))
		return status;
	status = plan(run);
	if (status != 0)
		return status;
	if (run->options.report_partitions)
		wax_partitions_print(run->flow, run->plan->worker_count, stderr);
	if (run->options.action == WAX_OPTION_GRAPH)
		return wax_graph_print(run->flow, run->plan, run->options.graph, stdout) < 0
				? EXIT_CONNECTOR
				: 0;
	if (run->options.action == WAX_OPTION_CHECK) {
		say_sound(run);
		return 0;
	}
	return execute(run);
}

/* What is opened later must not become descriptor 0, 1 or 2: one that is closed is held by a
 * descriptor that can neither be read nor written, so that it stays an error for those who try. */
static void hold_standard_descriptors(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/", O_PATH);
	}
}

/* What was printed here is out, or the exit status says that it is not. */
static int finish_stdout(int status)
{
	bool failed = ferror(stdout) != 0;
	if (fflush(stdout) == 0 && !failed)
		return status;
	if (failed)
		fputs("waxrun: error: standard output did not take all of it\n", stderr);
	else
		fprintf(stderr, "waxrun: error: standard output did not take all of it: %m\n");
	return status ? status : EXIT_CONNECTOR;
}

int wax_main(int argc, char **argv)
{
	hold_standard_descriptors();
	/* A file that grows too large is an error of the write, here and in the workers. */
	signal(SIGXFSZ, SIG_IGN);
	struct run run = {0};
	if (wax_options_parse(argc, argv, environ, &run.options, &run.err) < 0)
		return say(&run.err, EXIT_USAGE);

	int status;
	switch (run.options.action) {
	case WAX_OPTION_HELP:
		status = wax_options_print_help(stdout) < 0 ? EXIT_CONNECTOR : 0;
		break;
	case WAX_OPTION_VERSION:
		status = printf("waxrun %s\n", wax_version()) < 0 ? EXIT_CONNECTOR : 0;
		break;
	case WAX_OPTION_PRINT_MAN:
		status = wax_options_print_man(stdout) < 0 ? EXIT_CONNECTOR : 0;
		break;
	case WAX_OPTION_PRINT_COMPLETION:
		status = wax_options_print_completion(run.options.print_completion, stdout) < 0
				? EXIT_CONNECTOR
				: 0;
		break;
	default:
		status = run_flow(&run);
	}
	free_run(&run);
	return finish_stdout(status);
}
