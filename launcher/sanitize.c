/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/sanitize.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "launcher/report.h"
#include "launcher/sanitize_compare.h"
#include "launcher/setup.h"
#include "runtime/clock.h"
#include "runtime/item_text.h"
#include "runtime/perturb.h"

/*
 * The flow is built once and run some ten times, each time forked anew, so that no run sees what
 * the one before left in memory. In place of sinks a capture takes what reaches the outputs.
 *
 *     1. one worker, nothing perturbed: what all others are compared with
 *     2. the same again, in another second: a flow that differs from itself need not be tried
 *     3. one worker, items one by one: a call that emits too much or waits
 *     4. one worker, everything perturbed that can be: what it finds is most to the point
 *     5. two workers, nothing perturbed
 *     6. and so on: two to four workers, everything perturbed
 *
 * The first trial that fails or differs ends it: what is perturbed in it is tried alone.
 */

enum {
	RESULT_BYTES_MAX_GIB = 2,
	SHOWN_BYTES = 160, /* of an item */
	SECOND_NS = 1000000000,
	TICK_NS = 20 * 1000 * 1000,
};

/* What a trial perturbs. */
enum {
	WORKERS = 1 << 0, /* there are several */
	SPLITS = 1 << 1,
	SINGLE = 1 << 2,
	ROUTING = 1 << 3,
	EXCHANGE = 1 << 4,
	REHEARSE = 1 << 5,
	LENDS = 1 << 6,
	LIMITS = 1 << 7,
	PERTURBATIONS = 8,
	EVERYTHING = SPLITS | ROUTING | EXCHANGE | REHEARSE | LENDS | LIMITS,
};

struct trial {
	uint32_t workers;
	unsigned what; /* without WORKERS: that follows from workers */
	uint64_t seed;
};

/* The trials behind the plain ones; the rest of each is random. */
static const struct {
	uint32_t workers;
	unsigned what;
} trials[] = {
		{1, SINGLE | LIMITS},
		{1, EVERYTHING},
		{2, 0},
		{2, EVERYTHING},
		{3, EVERYTHING},
		{4, EVERYTHING},
		{2, EVERYTHING},
		{3, EVERYTHING},
};

enum { TRIAL_COUNT = sizeof(trials) / sizeof(trials[0]), PLAIN_COUNT = 2 };

static const struct {
	const char *name;
	const char *hint;
} perturbations[PERTURBATIONS] = {
		{"several workers",
				"a callback keeps something in a global or static variable, or in "
				"ctx, "
				"and each worker has its own; keep it in the state of a key. Or "
				"results "
				"depend on the order in which items of several workers come"},
		{"other batches",
				"where a batch begins and ends means nothing: a callback of "
				"flat_map_batch or stateful_batch takes it for a unit"},
		{"items one by one",
				"where a batch begins and ends means nothing: a callback of "
				"flat_map_batch or stateful_batch takes it for a unit"},
		{"other keys together in a worker",
				"a callback keeps something of several keys in one place, outside "
				"of the "
				"state of a key"},
		{"exchanges between steps",
				"two steps, or the calls of one, share a variable: they may run in "
				"different workers"},
		{"state rebuilt from snapshots",
				"snapshot leaves something out, or build does not set it up again"},
		{"memory of items overwritten after each call",
				"a callback keeps a pointer to an item, or reads behind the end of "
				"one: "
				"copy what you keep, and go by its length. Items that were lent "
				"and "
				"given back hold bytes 0xdb here"},
		{"", NULL}, /* limits: see is_over_limit */
};

struct session {
	struct wax_flow *flow;
	struct wax_options options;
	uint64_t seed;
	FILE *to;
	struct wax_capture capture;
	struct wax_capture_view plain; /* what the first run gave */
	uint32_t done;                 /* trials */
	bool noted;
	struct wax_err *err;
};

/* What became of a trial. */
struct outcome {
	struct wax_ended ended;
	struct wax_report_failure failure;
	struct wax_capture_view view;
	struct wax_difference difference;
};

/* ---- One trial */

static void forget(struct outcome *outcome)
{
	wax_capture_view_fini(&outcome->view);
}

static struct wax_perturb perturb_of(const struct trial *trial)
{
	return (struct wax_perturb){
			.seed = trial->seed,
			.splits = trial->what & SPLITS,
			.single = trial->what & SINGLE,
			.routing = trial->what & ROUTING,
			.exchange = trial->what & EXCHANGE,
			.rehearse = trial->what & REHEARSE,
			.lends = trial->what & LENDS,
			.limits = trial->what & LIMITS,
	};
}

static int find_failure(
		struct session *session, const struct wax_setup *setup, struct outcome *outcome)
{
	struct wax_report *report;
	struct wax_report_env env = {
			.flow = session->flow,
			.plan = setup->plan,
			.control = &setup->control,
			.options = &session->options,
			.placement = setup->placement,
			.to = session->to,
	};
	int r = wax_report_make(&env, &report, session->err);
	if (r < 0)
		return r;
	outcome->failure = wax_report_find_failure(report, &outcome->ended);
	wax_report_free(report);
	return 0;
}

static uint32_t emitting_workers(const struct wax_setup *setup, uint32_t step)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < setup->plan->worker_count; i++)
		count += wax_load_relaxed(&wax_control_step(&setup->control, i, step)->items_out) >
				0;
	return count;
}

static const struct wax_plan_edge *edge_of(
		const struct wax_plan *plan, uint32_t stream, uint32_t step)
{
	for (uint32_t i = 0; i < plan->edge_count; i++) {
		if (plan->edges[i].stream == stream && plan->edges[i].step == step)
			return &plan->edges[i];
	}
	return NULL;
}

/* Do items of a key reach a step in the order in which one worker has read them? */
static bool keeps_order(const struct wax_setup *setup, const struct wax_step *step)
{
	const struct wax_plan *plan = setup->plan;
	while (step->input_count == 1) {
		const struct wax_plan_edge *edge = edge_of(plan, step->inputs[0], step->index);
		if (edge && !edge->steady &&
				(edge->route == WAX_ROUTE_ITEMS ||
						edge->route == WAX_ROUTE_BATCHES))
			return false;
		step = plan->flow->steps[wax_flow_stream(plan->flow, step->inputs[0])->step];
	}
	return step->input_count == 0 && emitting_workers(setup, step->index) <= 1;
}

/* Against the plain run: the items of all steps, then their order where it is kept. */
static int compare(struct session *session, const struct wax_setup *setup, struct outcome *outcome)
{
	const struct wax_flow *flow = session->flow;
	struct wax_difference *difference = &outcome->difference;
	int r = wax_compare_items(&session->plain, &outcome->view, difference);
	for (uint32_t i = 0; r == 0 && !difference->found && i < flow->step_count; i++) {
		const struct wax_step *step = flow->steps[i];
		if (step->class->counts_as_output && keeps_order(setup, step))
			r = wax_compare_order(&session->plain, &outcome->view, i, difference);
	}
	return r < 0 ? wax_err_set(session->err, r, "no memory to compare the results") : 0;
}

static int look_at_results(
		struct session *session, const struct wax_setup *setup, struct outcome *outcome)
{
	int r = find_failure(session, setup, outcome);
	if (r < 0 || outcome->failure.failed)
		return r;
	r = wax_capture_view_init(&session->capture, &outcome->view, session->err);
	return r < 0 ? r : compare(session, setup, outcome);
}

/* What callbacks print is for a run that counts. @return what was there, for put_back; -1: nothing */
static int silence(int fd)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int kept = nowhere < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	fflush(NULL);
	if (kept >= 0)
		dup2(nowhere, fd);
	if (nowhere >= 0)
		close(nowhere);
	return kept;
}

static void put_back(int fd, int kept)
{
	if (kept < 0)
		return;
	dup2(kept, fd);
	close(kept);
}

static int supervise(struct session *session, const struct wax_setup *setup,
		const struct wax_options *options, struct outcome *outcome)
{
	struct wax_supervision supervision = wax_setup_supervision(setup, options);
	bool first = session->done++ == 0;
	int out = silence(STDOUT_FILENO), err = first ? -1 : silence(STDERR_FILENO);
	int r = wax_supervise(&supervision, &outcome->ended, session->err);
	put_back(STDERR_FILENO, err);
	put_back(STDOUT_FILENO, out);
	return r;
}

/* @return 0 it was run; exit status otherwise, with a sentence */
static int run_trial(struct session *session, const struct trial *trial, struct outcome *outcome)
{
	struct wax_perturb perturb = perturb_of(trial);
	struct wax_setup setup = {0};
	struct wax_options options = session->options;
	options.procs = trial->workers;
	options.rehearse = perturb.rehearse;
	session->flow->perturb = trial->what ? &perturb : NULL;
	*outcome = (struct outcome){0};
	wax_capture_clear(&session->capture);

	int status = wax_setup_plan(&setup, session->flow, &options, session->err);
	if (status == 0)
		status = wax_setup_share(&setup, &options, session->err);
	if (status == 0 &&
			(supervise(session, &setup, &options, outcome) < 0 ||
					look_at_results(session, &setup, outcome) < 0))
		status = WAX_EXIT_RESOURCES;
	wax_setup_free(&setup);
	session->flow->perturb = NULL;
	if (status == 0 &&
			(outcome->ended.ending == WAX_ENDING_STOPPED ||
					outcome->ended.ending == WAX_ENDING_ABORTED)) {
		forget(outcome);
		status = 128 + (outcome->ended.signal ? outcome->ended.signal : SIGINT);
		wax_err_set(session->err, -EINTR,
				"stopped by a signal before all trials were done");
	}
	return status;
}

static bool is_bad(const struct outcome *outcome)
{
	return outcome->failure.failed || outcome->difference.found;
}

/* ---- Telling */

static const char *step_id(const struct session *session, uint32_t step)
{
	return step < session->flow->step_count ? session->flow->steps[step]->id : "?";
}

static void print_item(const struct session *session, const char *label,
		const struct wax_captured *captured)
{
	const struct wax_step *step = session->flow->steps[captured->step];
	const struct wax_type *type = wax_flow_stream(session->flow, step->inputs[0])->type;
	struct wax_item item = {captured->key, captured->value};
	char *text = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&text, &bytes);
	if (!to)
		return;
	wax_item_write(to, type, &item);
	fclose(to);
	fprintf(session->to, "  %s \"", label);
	for (size_t i = 0; i < bytes && i < SHOWN_BYTES; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (byte == '\t' || (byte >= 0x20 && byte < 0x7f))
			fputc(byte, session->to);
		else
			fprintf(session->to, "\\x%02x", byte);
	}
	fprintf(session->to, "\"%s\n", bytes > SHOWN_BYTES ? "..." : "");
	free(text);
}

static void print_difference(const struct session *session, const struct wax_difference *difference)
{
	fprintf(session->to, "  step \"%s\": ", step_id(session, difference->step));
	if (difference->order)
		fprintf(session->to,
				"%zu of %zu items, but those of each key are in another order\n",
				difference->missing_count, difference->item_count);
	else
		fprintf(session->to, "of %zu items %zu are missing, and %zu others came\n",
				difference->item_count, difference->missing_count,
				difference->extra_count);
	for (int i = 0; i < WAX_DIFFERENCE_SHOWN && difference->missing[i]; i++)
		print_item(session, "plain:", difference->missing[i]);
	for (int i = 0; i < WAX_DIFFERENCE_SHOWN && difference->extra[i]; i++)
		print_item(session, "here: ", difference->extra[i]);
}

static void print_failure(const struct session *session, const struct wax_report_failure *failure)
{
	fputs("  ", session->to);
	if (failure->step != WAX_NO_STEP)
		fprintf(session->to, "step \"%s\": ", step_id(session, failure->step));
	fprintf(session->to, "%s\n", failure->sentence);
	if (failure->item[0])
		fprintf(session->to, "  item: \"%s\"\n", failure->item);
}

static void print_outcome(const struct session *session, const struct outcome *outcome)
{
	if (outcome->failure.failed)
		print_failure(session, &outcome->failure);
	else
		print_difference(session, &outcome->difference);
}

static const char *plural(uint32_t count)
{
	return count == 1 ? "" : "s";
}

/* ---- What brings it about */

/* Try one perturbation alone; -1: it could not be run */
static int causes(struct session *session, uint32_t workers, unsigned what, uint64_t seed)
{
	const struct trial trial = {workers, what, seed};
	struct outcome outcome;
	if (run_trial(session, &trial, &outcome) != 0)
		return -1;
	bool bad = is_bad(&outcome);
	forget(&outcome);
	return bad;
}

/* Is a step of this kind among those whose items a step gets? */
static bool comes_from(const struct wax_flow *flow, uint32_t step, const char *kind)
{
	const struct wax_step *at = flow->steps[step];
	if (strcmp(at->class->kind, kind) == 0)
		return true;
	for (uint32_t i = 0; i < at->input_count; i++) {
		if (comes_from(flow, wax_flow_stream(flow, at->inputs[i])->step, kind))
			return true;
	}
	return false;
}

static const char *hint_for(
		const struct session *session, unsigned cause, const struct outcome *outcome)
{
	const struct wax_flow *flow = session->flow;
	unsigned index = (unsigned)__builtin_ctz(cause);
	uint32_t step = outcome->difference.step;
	if (outcome->failure.failed && !(cause & (WORKERS | REHEARSE)))
		return outcome->ended.ending == WAX_ENDING_KILLED ? perturbations[index].hint
								  : NULL;
	if (cause == WORKERS && outcome->difference.found && comes_from(flow, step, "reduce_final"))
		return "values are reduced in each worker first, in no particular order: the "
		       "callback "
		       "of reduce_final must be associative and commutative (sums of "
		       "floating-point "
		       "numbers are not, in their last digits)";
	if (cause == WORKERS && outcome->difference.found &&
			(comes_from(flow, step, "stateful_map") ||
					comes_from(flow, step, "stateful_batch") ||
					comes_from(flow, step, "fold_final")))
		return "items of one key come from several workers in any order, and what the "
		       "keyed "
		       "step makes of them depends on it. Or a callback keeps something in a "
		       "global or static variable, or in ctx, of which each worker has its own";
	return perturbations[index].hint;
}

/* Alone with one worker where that will do. */
static uint32_t workers_for(unsigned what, uint32_t workers)
{
	return what & (WORKERS | ROUTING | EXCHANGE) ? workers : 1;
}

/* What the limits find needs no other cause than what they say. */
static bool is_over_limit(
		struct session *session, const struct trial *trial, const struct outcome *outcome)
{
	unsigned what = trial->what & (LIMITS | SINGLE);
	return outcome->failure.failed && (what & LIMITS) &&
			causes(session, 1, what, trial->seed) == 1;
}

static void explain(
		struct session *session, const struct trial *trial, const struct outcome *outcome)
{
	unsigned tried = (trial->what & ~(unsigned)LIMITS) | (trial->workers > 1 ? WORKERS : 0);
	unsigned found = 0;
	if (is_over_limit(session, trial, outcome))
		return;
	for (unsigned index = 0; index < PERTURBATIONS; index++) {
		unsigned what = 1u << index;
		/* What takes several workers is not alone where these do it already. */
		if (!(tried & what) || ((found & WORKERS) && (what & (ROUTING | EXCHANGE))))
			continue;
		uint32_t workers = workers_for(what, trial->workers);
		if (causes(session, workers, what & ~(unsigned)WORKERS, trial->seed) == 1) {
			const char *hint = hint_for(session, what, outcome);
			found |= what;
			fprintf(session->to, "  cause: %s\n", perturbations[index].name);
			if (hint)
				fprintf(session->to, "  hint: %s\n", hint);
		}
	}
	if (found)
		return;
	fputs("  cause: no one of these alone:", session->to);
	for (unsigned index = 0; index < PERTURBATIONS; index++) {
		if (tried & (1u << index))
			fprintf(session->to, " %s;", perturbations[index].name);
	}
	fputs(" or it depends on chance\n", session->to);
}

static void print_repeat(const struct session *session)
{
	fprintf(session->to, "  repeat: waxrun --sanitize=%" PRIu64 " %s\n", session->seed,
			session->options.flow_path);
}

/* ---- The plain runs */

static void wait_for_another_second(int64_t since)
{
	/* time(3) lags behind by a tick of the kernel's. */
	int64_t left = since / SECOND_NS * SECOND_NS + SECOND_NS + TICK_NS - wax_clock_wall();
	struct timespec pause = {.tv_sec = left / SECOND_NS, .tv_nsec = left % SECOND_NS};
	if (left > 0 && left <= SECOND_NS + TICK_NS)
		nanosleep(&pause, NULL);
}

static int run_plain(struct session *session)
{
	const struct trial plain = {.workers = 1};
	struct outcome outcome;
	int status = run_trial(session, &plain, &outcome);
	if (status != 0)
		return status;
	if (outcome.failure.failed) {
		fprintf(session->to,
				"waxrun: sanitize: the flow fails as it is, with one worker\n");
		print_failure(session, &outcome.failure);
		forget(&outcome);
		return outcome.ended.status;
	}
	session->plain = outcome.view;
	return 0;
}

static int run_plain_again(struct session *session)
{
	const struct trial plain = {.workers = 1};
	struct outcome outcome;
	int status = run_trial(session, &plain, &outcome);
	if (status != 0)
		return status;
	if (is_bad(&outcome)) {
		fprintf(session->to,
				"waxrun: sanitize: the flow does not give the same result twice, "
				"with one worker and nothing perturbed\n");
		print_outcome(session, &outcome);
		fputs("  hint: a callback reads the clock or random numbers, or a source does not "
		      "give the same items again\n",
				session->to);
		status = WAX_EXIT_FAILED;
	}
	forget(&outcome);
	return status;
}

/* ---- The trials */

/* A sink of the user's that gets items of a key from several workers gets them in any order. */
static void note_order(struct session *session, const struct outcome *outcome)
{
	const struct wax_flow *flow = session->flow;
	for (uint32_t i = 0; i < flow->step_count; i++) {
		const struct wax_step *step = flow->steps[i];
		if (step->output_count > 0 || !step->class->counts_as_output || !step->connector ||
				strcmp(step->connector, "null") == 0)
			continue;
		/* Where items become text first, each line stands for itself. */
		const struct wax_step *up =
				flow->steps[wax_flow_stream(flow, step->inputs[0])->step];
		const struct wax_captured *item =
				up->internal ? NULL : wax_find_scattered_key(&outcome->view, i);
		if (!item)
			continue;
		session->noted = true;
		fprintf(session->to,
				"waxrun: sanitize: note: step \"%s\": items of one key come from "
				"several workers, in any order: the sink must not depend on it, as "
				"one "
				"does that keeps the last value of a key\n",
				step->id);
		print_item(session, "item:", item);
	}
}

static int run_number(struct session *session, uint32_t number)
{
	const struct trial trial = {trials[number].workers, trials[number].what,
			wax_perturb_hash(session->seed, number)};
	struct outcome outcome;
	int status = run_trial(session, &trial, &outcome);
	if (status != 0)
		return status;
	if (is_bad(&outcome) && causes(session, 1, 0, 0) == 1) {
		status = run_plain_again(session); /* by chance it was the same before */
	} else if (is_bad(&outcome)) {
		fprintf(session->to, "waxrun: sanitize: trial %u of %d, %u worker%s: %s\n",
				number + 1 + PLAIN_COUNT, TRIAL_COUNT + PLAIN_COUNT, trial.workers,
				plural(trial.workers),
				outcome.failure.failed ? "it fails" : "the results differ");
		print_outcome(session, &outcome);
		explain(session, &trial, &outcome);
		print_repeat(session);
		status = WAX_EXIT_FAILED;
	} else if (trial.what == 0) {
		note_order(session, &outcome);
	}
	forget(&outcome);
	return status;
}

static int run_all(struct session *session)
{
	int64_t started = wax_clock_wall();
	int status = run_plain(session);
	if (status == 0) {
		wait_for_another_second(started);
		status = run_plain_again(session);
	}
	for (uint32_t i = 0; status == 0 && i < TRIAL_COUNT; i++)
		status = run_number(session, i);
	if (status == 0 && !session->options.quiet)
		fprintf(session->to,
				"waxrun: sanitize: %s: %zu items at the outputs, the same in %d "
				"trials "
				"with 1 to 4 workers (seed %" PRIu64 ")\n",
				session->flow->name, session->plain.count,
				TRIAL_COUNT + PLAIN_COUNT, session->seed);
	return status;
}

int wax_sanitize(struct wax_flow *flow, const struct wax_options *options, FILE *to,
		struct wax_err *err)
{
	struct session session = {.flow = flow, .options = *options, .to = to, .err = err};
	session.seed = options->sanitize != WAX_OPTION_SANITIZE_AUTO ? options->sanitize
								     : 1 +
					(wax_perturb_hash(wax_clock_monotonic(),
							 (uint64_t)getpid()) &
							0xffffff);
	session.options.bind = WAX_BIND_NONE;
	session.options.snapshot_interval_ns = 0;
	session.options.interval_ns = 0;
	session.options.json_path = NULL;
	if (wax_capture_open(&session.capture, err) < 0)
		return WAX_EXIT_RESOURCES;
	session.capture.bytes_limit = (uint64_t)RESULT_BYTES_MAX_GIB << 30;
	flow->capture = &session.capture;
	int status = run_all(&session);
	flow->capture = NULL;
	wax_capture_view_fini(&session.plain);
	wax_capture_close(&session.capture);
	return status;
}
