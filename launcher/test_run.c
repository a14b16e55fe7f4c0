/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/test.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/options.h"
#include "launcher/report.h"
#include "launcher/setup.h"
#include "runtime/flow.h"
#include "runtime/worker.h"

/* A run from within a test: what waxrun does, without a word. */

enum { OPTIONS_MAX = 64 };

/* What wax_test_result is the public face of. */
struct result {
	struct wax_test_result result; /* first */
	char *mistakes;
	struct wax_report_failure failure;
	char step[256];
	/* Counters of all workers, and which steps they are of. */
	struct wax_step_counters *counters;
	char **steps;
	uint32_t step_count;
};

struct run {
	struct wax_test_options given;
	struct wax_options options;
	struct wax_flow *flow;
	struct wax_recovery recovery;
	struct wax_setup setup;
	struct wax_ended ended;
	struct result *result;
	struct wax_err err;
};

static int fail(struct run *run, int status)
{
	struct wax_report_failure *failure = &run->result->failure;
	run->result->result.status = status;
	snprintf(failure->sentence, sizeof(failure->sentence), "%s", run->err.text);
	return status;
}

/* ---- Before */

static int parse_options(struct run *run)
{
	char procs[32];
	uint32_t workers = run->given.workers > 0 ? run->given.workers : 1;
	const char *argv[OPTIONS_MAX + 1] = {"test", procs, "--bind=none", "--interval=0",
			"--snapshot-interval=0", "--timeout=60s"};
	int argc = 6;
	snprintf(procs, sizeof(procs), "--procs=%u", workers);
	for (const char *const *more = run->given.waxrun; more && *more; more++) {
		if (argc + 1 == OPTIONS_MAX)
			return wax_err_set(&run->err, -1, "more than %d options", OPTIONS_MAX);
		argv[argc++] = *more;
	}
	argv[argc++] = "flow";
	return wax_options_parse(argc, (char **)argv, NULL, &run->options, &run->err);
}

static int tell_mistakes(struct run *run)
{
	const struct wax_flow *flow = run->flow;
	size_t bytes = 0;
	FILE *to = open_memstream(&run->result->mistakes, &bytes);
	for (uint32_t i = 0; to && i < flow->mistake_count; i++)
		fprintf(to, "%s%s", i > 0 ? "\n" : "", flow->mistakes[i]);
	if (to)
		fclose(to);
	run->result->result.status =
			flow->usage_mistake_count > 0 ? WAX_EXIT_USAGE : WAX_EXIT_GRAPH;
	return run->result->result.status;
}

static int build_flow(struct run *run, const struct wax_flow_entry *entry)
{
	int arg_count = 0;
	while (run->given.args && run->given.args[arg_count])
		arg_count++;
	if (parse_options(run) < 0 ||
			wax_flow_make(entry, arg_count, (char **)run->given.args, &run->flow,
					&run->err) < 0)
		return fail(run, WAX_EXIT_USAGE);
	if (run->flow->mistake_count > 0)
		return tell_mistakes(run);
	const struct wax_option_list *rules = &run->options.on_error;
	if (wax_flow_set_policies(run->flow, rules->texts, rules->count, &run->err) < 0)
		return fail(run, WAX_EXIT_USAGE);
	return 0;
}

/* ---- The run */

static void run_here(struct run *run)
{
	struct wax_worker_env env = {
			.plan = run->setup.plan,
			.segment = &run->setup.segment,
			.control = &run->setup.control,
			.bells = run->setup.bells,
			.io = run->options.io,
			.spin_ns = run->options.spin_ns,
			.clock = run->given.clock,
	};
	struct sigaction pipe;
	sigaction(SIGPIPE, NULL, &pipe); /* a worker ignores it, a test need not */
	run->ended.status = wax_worker_run(&env);
	run->ended.ending = run->ended.status ? WAX_ENDING_FAILED : WAX_ENDING_DONE;
	sigaction(SIGPIPE, &pipe, NULL);
}

static int run_forked(struct run *run)
{
	struct wax_supervision supervision = wax_setup_supervision(&run->setup, &run->options);
	supervision.clock = run->given.clock;
	return wax_supervise(&supervision, &run->ended, &run->err);
}

/* ---- Behind it */

static void keep_counters(struct run *run)
{
	struct result *result = run->result;
	const struct wax_flow *flow = run->flow;
	result->counters = calloc(flow->step_count + 1, sizeof(*result->counters));
	result->steps = calloc(flow->step_count + 1, sizeof(*result->steps));
	if (!result->counters || !result->steps)
		return;
	result->step_count = flow->step_count;
	for (uint32_t step = 0; step < flow->step_count; step++) {
		struct wax_step_counters *sum = &result->counters[step];
		result->steps[step] = strdup(flow->steps[step]->id);
		for (uint32_t i = 0; i < run->setup.plan->worker_count; i++) {
			const struct wax_step_counters *one =
					wax_control_step(&run->setup.control, i, step);
#define ADD(name, unit, help) wax_count(&sum->name, wax_load_relaxed(&one->name));
			WAX_STEP_COUNTERS(ADD)
#undef ADD
		}
	}
}

static int explain(struct run *run)
{
	struct result *result = run->result;
	struct wax_report *report;
	struct wax_report_env env = {
			.flow = run->flow,
			.plan = run->setup.plan,
			.control = &run->setup.control,
			.options = &run->options,
			.placement = run->setup.placement,
			.to = stderr,
	};
	result->result.status = run->ended.status;
	if (wax_report_make(&env, &report, &run->err) < 0)
		return -1;
	result->failure = wax_report_find_failure(report, &run->ended);
	wax_report_free(report);
	if (result->failure.step != WAX_NO_STEP && result->failure.failed)
		snprintf(result->step, sizeof(result->step), "%s",
				run->flow->steps[result->failure.step]->id);
	return 0;
}

/* There must be somebody who says what is committed. */
static int open_recovery(struct run *run)
{
	if (!run->options.recovery_path)
		return 0;
	if (run->given.workers == 0) {
		wax_err_set(&run->err, -EINVAL,
				"--recovery needs workers: set workers to 1 or more");
		return WAX_EXIT_USAGE;
	}
	run->setup.recovery = &run->recovery;
	return wax_recovery_open(&run->recovery, &run->options, &run->err);
}

static void execute(struct run *run)
{
	int status = open_recovery(run);
	if (status == 0)
		status = wax_setup_plan(&run->setup, run->flow, &run->options, &run->err);
	if (status == 0)
		status = wax_setup_share(&run->setup, &run->options, &run->err);
	if (status != 0) {
		fail(run, status);
		return;
	}
	if (run->given.workers == 0)
		run_here(run);
	else if (run_forked(run) < 0)
		fail(run, WAX_EXIT_RESOURCES);
	keep_counters(run);
	if (run->result->result.status == 0 && explain(run) < 0)
		fail(run, WAX_EXIT_RESOURCES);
}

struct wax_test_result *wax_test_run_flow(
		const struct wax_flow_entry *entry, const struct wax_test_options *options)
{
	struct result *result = calloc(1, sizeof(*result));
	struct run run = {.result = result, .recovery = WAX_RECOVERY_NONE};
	if (!result)
		return NULL;
	if (options)
		memcpy(&run.given, options,
				options->size_bytes < sizeof(run.given) ? options->size_bytes
									: sizeof(run.given));
	if (build_flow(&run, entry) == 0)
		execute(&run);
	wax_setup_free(&run.setup);
	if (run.flow)
		wax_recovery_close(&run.recovery, run.flow);
	wax_flow_free(run.flow);

	const struct wax_report_failure *failure = &result->failure;
	result->result.sentence = result->mistakes ? result->mistakes : failure->sentence;
	result->result.step = result->step;
	result->result.item = failure->item;
	result->result.worker = failure->worker > 0 ? (uint32_t)failure->worker : 0;
	return &result->result;
}

struct wax_test_result *wax_test_run(
		void (*build)(struct wax_flow *flow), const struct wax_test_options *options)
{
	const struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR, WAX_VERSION_MINOR,
			"test", "a flow under test", build};
	return wax_test_run_flow(&entry, options);
}

static uint64_t counter_named(const struct wax_step_counters *counters, const char *name)
{
#define RETURN_IF_NAMED(counter, unit, help)                                                       \
	if (strcmp(name, #counter) == 0)                                                           \
		return wax_load_relaxed(&counters->counter);
	WAX_STEP_COUNTERS(RETURN_IF_NAMED)
#undef RETURN_IF_NAMED
	return UINT64_MAX;
}

uint64_t wax_test_counter(
		const struct wax_test_result *public_result, const char *step, const char *name)
{
	const struct result *result = (const struct result *)public_result;
	for (uint32_t i = 0; i < result->step_count; i++) {
		if (result->steps[i] && strcmp(result->steps[i], step) == 0)
			return counter_named(&result->counters[i], name);
	}
	return UINT64_MAX;
}

void wax_test_result_free(struct wax_test_result *public_result)
{
	struct result *result = (struct result *)public_result;
	if (!result)
		return;
	for (uint32_t i = 0; result->steps && i < result->step_count; i++)
		free(result->steps[i]);
	free(result->steps);
	free(result->counters);
	free(result->mistakes);
	free(result);
}
