/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/report.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "launcher/report_private.h"
#include "runtime/units.h"
#include "shm/atomic.h"

enum { COLUMNS_USUAL = 80, COLUMNS_MAX = 512 };

int wax_report_make(const struct wax_report_env *env, struct wax_report **ret_report,
		struct wax_err *err)
{
	const struct wax_options *options = env->options;
	const struct wax_control *control = env->control;
	struct wax_report *report = calloc(1, sizeof(*report));

	if (!report)
		return wax_err_set(err, -ENOMEM, "no memory for reports");
	report->env = *env;
	report->silent = options->quiet;
	report->looked_ns = control->header->started_ns;
	report->looks = calloc(control->worker_count, sizeof(*report->looks));
	report->holds = calloc(control->step_count + 1, sizeof(*report->holds));
	report->samples = calloc((size_t)control->worker_count * control->step_count + 1,
			sizeof(*report->samples));
	if (wax_outline_init(&report->outline, env->flow) < 0 || !report->looks ||
			!report->samples || !report->holds ||
			(options->profile &&
					wax_profile_make(control, report->looked_ns,
							&report->profile) < 0)) {
		wax_report_free(report);
		return wax_err_set(err, -ENOMEM, "no memory for reports");
	}

	if (options->json_path && strcmp(options->json_path, "-") == 0) {
		report->json = env->to;
		report->silent = true;
	} else if (options->json_path) {
		/* A restart adds to what was reported before it. */
		bool again = env->recovery && env->recovery->restarts > 0;

		report->json = fopen(options->json_path, again ? "ae" : "we");
		if (!report->json) {
			int code = wax_err_set(
					err, -errno, "--json: open '%s': %m", options->json_path);

			wax_report_free(report);
			return code;
		}
	}
	*ret_report = report;
	return 0;
}

void wax_report_free(struct wax_report *report)
{
	if (!report)
		return;
	if (report->json && report->json != report->env.to)
		fclose(report->json);
	wax_outline_fini(&report->outline);
	free(report->looks);
	free(report->samples);
	free(report->holds);
	wax_profile_free(report->profile);
	free(report);
}

/* ---- The banner */

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void print_exchange(const struct wax_report *report)
{
	const struct wax_report_env *env = &report->env;

	if (!env->exchange || env->plan->edge_count == 0) {
		fprintf(env->to, "  exchange: none, items stay where they are\n");
		return;
	}
	fprintf(env->to, "  exchange: %s, %u edge%s, slabs of %s, %u a lane\n",
			wax_units_print_bytes(env->exchange_bytes).text, env->plan->edge_count,
			plural(env->plan->edge_count),
			wax_units_print_bytes(env->exchange->slab_bytes).text,
			env->exchange->slabs_per_lane);
}

static void print_details(const struct wax_report *report)
{
	const struct wax_report_env *env = &report->env;
	int64_t interval_ns = env->options->snapshot_interval_ns;

	fprintf(env->to, "  workers: %s%s\n", env->placement->reason,
			env->placement->overcommitted ? ", overcommitted" : "");
	print_exchange(report);
	if (env->io)
		fprintf(env->to, "  input and output: %s\n", env->io);
	if (interval_ns > 0)
		fprintf(env->to, "  epochs: every %s%s\n",
				wax_units_print_duration(interval_ns).text,
				env->options->rehearse ? ", state is rehearsed" : "");
	else
		fprintf(env->to, "  epochs: none\n");
}

void wax_report_banner(struct wax_report *report)
{
	const struct wax_report_env *env = &report->env;
	uint32_t workers = env->placement->worker_count, cores = env->placement->core_count;

	if (report->silent || (!env->is_terminal && !env->options->verbose))
		return;
	fprintf(env->to, "waxrun: %s, %u worker%s on %u core%s", env->flow->name, workers,
			plural(workers), cores, plural(cores));
	if (env->exchange && env->plan->edge_count > 0)
		fprintf(env->to, ", exchange %s", wax_units_print_bytes(env->exchange_bytes).text);
	if (env->recovery)
		fprintf(env->to, ", %s in '%s'",
				wax_recovery_epoch_text(env->recovery->resumed_epoch).text,
				env->options->recovery_path);
	fputc('\n', env->to);
	if (env->options->verbose)
		print_details(report);
	fflush(env->to);
}

/* ---- Progress */

int64_t wax_report_sample_ns(const struct wax_report *report)
{
	return report->profile ? wax_profile_interval_ns(report->env.control->worker_count)
			       : report->env.options->interval_ns / 10;
}

void wax_report_sample(struct wax_report *report, uint64_t now_ns)
{
	const struct wax_control *control = report->env.control;

	if (report->profile)
		wax_profile_look(report->profile, now_ns);
	for (uint32_t i = 0; i < control->worker_count; i++) {
		uint32_t step = wax_load_relaxed(&wax_control_worker(control, i)->step_now);

		if (step < control->step_count)
			report->samples[(size_t)i * control->step_count + step]++;
	}
}

/*
 * Share of an interval that a worker was not asleep. slept_ns grows when a sleep ends, so one that
 * has lasted longer than the interval is cut to it, and one that still lasts is seen by a worker
 * that has done nothing since.
 */
static double busy_share(struct wax_report_look *look, const struct wax_worker_record *record,
		uint64_t length_ns)
{
	uint64_t slept_ns = wax_load_relaxed(&record->slept_ns);
	uint64_t turns = wax_load_relaxed(&record->turns);
	uint64_t idle_ns = slept_ns - look->slept_ns;
	bool still = slept_ns == look->slept_ns && turns == look->turns &&
			wax_load_relaxed(&record->turn_started_ns) == 0;

	look->slept_ns = slept_ns;
	look->turns = turns;
	if (still || idle_ns > length_ns || wax_load_relaxed(&record->state) >= WAX_WORKER_DONE)
		idle_ns = length_ns;
	look->busy = length_ns ? 1 - (double)idle_ns / (double)length_ns : 0;
	return look->busy;
}

static uint32_t most_seen_step(const struct wax_report *report, uint32_t worker)
{
	uint32_t step_count = report->env.control->step_count;
	const uint32_t *samples = report->samples + (size_t)worker * step_count;
	uint32_t best = WAX_NO_STEP, best_samples = 0;

	for (uint32_t i = 0; i < step_count; i++) {
		if (samples[i] > best_samples) {
			best = i;
			best_samples = samples[i];
		}
	}
	return best;
}

static double per_second(uint64_t items, uint64_t ns)
{
	return ns ? (double)items * 1e9 / (double)ns : 0;
}

static struct wax_report_interval look(struct wax_report *report, uint64_t now_ns)
{
	const struct wax_control *control = report->env.control;
	struct wax_report_interval now = {
			.elapsed_ns = now_ns - control->header->started_ns,
			.length_ns = now_ns - report->looked_ns,
			.items_in = wax_report_items_in(report),
			.items_out = wax_report_items_out(report),
			.epoch = wax_load_relaxed(&control->header->epoch),
	};
	double busiest = -1;

	now.in_per_s = per_second(now.items_in - report->items_in, now.length_ns);
	now.out_per_s = per_second(now.items_out - report->items_out, now.length_ns);
	for (uint32_t i = 0; i < control->worker_count; i++) {
		double busy = busy_share(
				&report->looks[i], wax_control_worker(control, i), now.length_ns);

		now.busy += busy / control->worker_count;
		if (busy > busiest) {
			busiest = busy;
			now.busiest = i;
		}
	}
	now.busiest_step = most_seen_step(report, now.busiest);

	report->looked_ns = now_ns;
	report->items_in = now.items_in;
	report->items_out = now.items_out;
	memset(report->samples, 0,
			(size_t)control->worker_count * control->step_count *
					sizeof(*report->samples));
	return now;
}

static void format_line(const struct wax_report *report, const struct wax_report_interval *now,
		char *line, size_t line_bytes)
{
	uint32_t worker = now->busiest;
	const char *step = wax_report_step_name(report, now->busiest_step);

	/* "join@3" */
	snprintf(line, line_bytes,
			"%s  in %s  out %s  busy %.0f%%  worst: %s%s%u %.0f%%  epoch %" PRIu64,
			wax_units_print_seconds((int64_t)now->elapsed_ns).text,
			wax_units_print_rate(now->in_per_s).text,
			wax_units_print_rate(now->out_per_s).text, now->busy * 100, step,
			*step ? "@" : "worker ", worker, report->looks[worker].busy * 100,
			now->epoch);
}

static uint32_t terminal_columns(const struct wax_report *report)
{
	const char *text = getenv("COLUMNS");
	uint64_t columns;
	struct winsize size;

	if (report->env.columns > 0)
		return report->env.columns;
	if (text && wax_units_parse_number(text, &columns, NULL) == 0 && columns > 0)
		return columns < COLUMNS_MAX ? (uint32_t)columns : COLUMNS_MAX;
	if (ioctl(fileno(report->env.to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return COLUMNS_USUAL;
}

/* Write over the line that stands there. The last column stays free: a cursor behind it would be
 * on the next line of some terminals. */
static void replace_line(struct wax_report *report, const char *line)
{
	uint32_t room = terminal_columns(report) - 1;
	uint32_t width = (uint32_t)strlen(line);

	if (width > room)
		width = room;

	uint32_t rest = report->line_width > width ? report->line_width - width : 0;

	fprintf(report->env.to, "\r%.*s%*s", (int)width, line, (int)rest, "");
	fflush(report->env.to);
	report->line_width = width;
}

void wax_report_progress(struct wax_report *report, uint64_t now_ns)
{
	char line[COLUMNS_MAX];

	wax_report_sample(report, now_ns);

	struct wax_report_interval now = look(report, now_ns);

	if (report->json)
		wax_report_write_interval(report, &now);
	if (report->silent || (!report->env.is_terminal && !report->env.options->verbose))
		return;

	format_line(report, &now, line, sizeof(line));
	if (report->env.is_terminal && !report->env.shares_terminal) {
		replace_line(report, line);
	} else {
		fprintf(report->env.to, "%s\n", line);
		fflush(report->env.to);
	}
}

void wax_report_erase(struct wax_report *report)
{
	if (report->line_width == 0)
		return;
	fprintf(report->env.to, "\r%*s\r", (int)report->line_width, "");
	fflush(report->env.to);
	report->line_width = 0;
}

/* ---- Failures */

void wax_report_notice(struct wax_report *report, const char *sentence)
{
	wax_report_erase(report);
	fprintf(report->env.to, "waxrun: %s\n", sentence);
	fflush(report->env.to);
}

void wax_report_hold(struct wax_report *report, const struct wax_hold *hold)
{
	FILE *to = report->env.to;
	struct wax_report_holds *holds = &report->holds[hold->step];
	holds->count += !hold->is_over;
	if (hold->held_ns > holds->longest_ns)
		holds->longest_ns = hold->held_ns;
	if (!hold->is_new)
		return;
	wax_report_erase(report);
	fprintf(to,
			"waxrun: warning: step \"%s\" holds worker %u: one call takes %s so far, %s of it "
			"at work, and nothing else of this worker runs\n",
			report->env.flow->steps[hold->step]->id, hold->worker,
			wax_units_print_seconds((int64_t)hold->held_ns).text,
			wax_units_print_seconds((int64_t)hold->busy_ns).text);
	for (uint32_t i = 0; i < hold->stack.frame_count; i++) {
		/* What follows is the runtime's way to the callback. */
		if (strncmp(hold->stack.frames[i], "wax_op_", 7) == 0 &&
				!report->env.options->verbose)
			break;
		fprintf(to, "  at %s\n", hold->stack.frames[i]);
	}
	if (hold->no_stack)
		fprintf(to, "  %s\n", hold->no_stack);
	fflush(to);
}

/* What a worker wrote: cut where it ends, and without what would move the cursor. */
static void copy_text(char *to, const char *from, size_t bytes)
{
	size_t length = strnlen(from, bytes - 1);

	for (size_t i = 0; i < length; i++)
		to[i] = (unsigned char)from[i] < 0x20 || from[i] == 0x7f ? ' ' : from[i];
	to[length] = '\0';
}

static const char *hint_for_signal(int signal_number)
{
	switch (signal_number) {
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
		return "a callback of this step is the first suspect: compile the flow with "
		       "-g -fsanitize=address,undefined, or run it in a debugger with --procs 1";
	case SIGILL:
		return "the flow may be compiled for another CPU (-march=native): compile it here";
	case SIGABRT:
		return "a callback called abort, or an assertion failed: what it said is above";
	case SIGKILL:
		return "the kernel kills what takes too much memory: look at dmesg, or at the "
		       "limits of the batch system or container";
	case SIGXCPU:
		return "the limit of CPU time is reached: see ulimit -t, or the batch system";
	default:
		return NULL;
	}
}

static void describe_worker(const struct wax_report *report, struct wax_report_failure *failure,
		uint32_t worker)
{
	const struct wax_control *control = report->env.control;
	const struct wax_worker_record *record = wax_control_worker(control, worker);

	failure->worker = (int32_t)worker;
	copy_text(failure->source, record->source, sizeof(failure->source));
	failure->offset = wax_load_relaxed(&record->source_offset);
	failure->epoch = wax_load_relaxed(&record->epoch_done) + 1;
	failure->step = wax_load_relaxed(&record->step_now);
	for (uint32_t i = 0; i < control->worker_count; i++) {
		const struct wax_worker_record *other = wax_control_worker(control, i);

		failure->others +=
				i != worker && wax_load_relaxed(&other->state) == WAX_WORKER_FAILED;
	}
}

static void describe_failed(const struct wax_report *report, struct wax_report_failure *failure,
		const struct wax_ended *ended)
{
	const struct wax_worker_record *record =
			wax_control_worker(report->env.control, ended->worker);

	describe_worker(report, failure, ended->worker);
	failure->step = record->fail_step;
	failure->epoch = record->fail_epoch;
	copy_text(failure->sentence, record->fail_sentence, sizeof(failure->sentence));
	copy_text(failure->item, record->fail_item, sizeof(failure->item));
}

struct wax_report_failure wax_report_find_failure(
		const struct wax_report *report, const struct wax_ended *ended)
{
	struct wax_report_failure failure = {.failed = true, .worker = -1, .step = WAX_NO_STEP};

	switch (ended->ending) {
	case WAX_ENDING_FAILED:
		describe_failed(report, &failure, ended);
		break;
	case WAX_ENDING_KILLED:
		describe_worker(report, &failure, ended->worker);
		snprintf(failure.sentence, sizeof(failure.sentence),
				"worker %u was killed by signal %d (%s)", ended->worker,
				ended->signal, strsignal(ended->signal));
		failure.hint = hint_for_signal(ended->signal);
		break;
	case WAX_ENDING_VANISHED:
		describe_worker(report, &failure, ended->worker);
		snprintf(failure.sentence, sizeof(failure.sentence),
				"worker %u ended without a word", ended->worker);
		failure.hint = "does a callback, or a library that it uses, call exit?";
		break;
	case WAX_ENDING_TIMEOUT:
		snprintf(failure.sentence, sizeof(failure.sentence),
				"the run was not done in the time of --timeout %s",
				wax_units_print_duration(report->env.options->timeout_ns).text);
		break;
	case WAX_ENDING_DONE:
	case WAX_ENDING_STOPPED:
	case WAX_ENDING_ABORTED:
		failure.failed = false;
		break;
	}
	if (failure.step >= report->env.flow->step_count)
		failure.step = WAX_NO_STEP;
	return failure;
}

/* "(worker 3, epoch 41, source in.csv offset 91823)"; who it was may have been said before. */
static void print_place(FILE *to, const struct wax_report_failure *failure, bool with_worker)
{
	fputs(" (", to);
	if (with_worker)
		fprintf(to, "worker %d, ", failure->worker);
	fprintf(to, "epoch %" PRIu64, failure->epoch);
	if (failure->source[0])
		fprintf(to, ", source %s offset %" PRIu64, failure->source, failure->offset);
	fputc(')', to);
}

/* The worker said it itself: what failed, then the sentence. */
static void print_told(FILE *to, const struct wax_report_failure *failure, const char *step)
{
	if (step)
		fprintf(to, "step \"%s\"", step);
	else
		fprintf(to, "worker %d", failure->worker);
	print_place(to, failure, step != NULL);
	fprintf(to, ": %s", failure->sentence);
}

/* The launcher saw it: the sentence, then where the worker was. */
static void print_seen(FILE *to, const struct wax_report_failure *failure, const char *step)
{
	fputs(failure->sentence, to);
	if (step)
		fprintf(to, " in step \"%s\"", step);
	if (failure->worker >= 0)
		print_place(to, failure, false);
}

void wax_report_failure(struct wax_report *report, const struct wax_ended *ended)
{
	struct wax_report_failure failure = wax_report_find_failure(report, ended);
	const char *step = failure.step == WAX_NO_STEP ? NULL
						       : report->env.flow->steps[failure.step]->id;
	FILE *to = report->env.to;

	wax_report_erase(report);
	if (!failure.failed)
		return;
	fputs("waxrun: error: ", to);
	if (ended->ending == WAX_ENDING_FAILED)
		print_told(to, &failure, step);
	else
		print_seen(to, &failure, step);
	fputc('\n', to);
	if (failure.item[0])
		fprintf(to, "  item: \"%s\"\n", failure.item);
	if (failure.hint)
		fprintf(to, "  hint: %s\n", failure.hint);
	if (failure.others > 0)
		fprintf(to, "  %u other worker%s failed after it\n", failure.others,
				plural(failure.others));
	fflush(to);
}

const char *wax_ending_name(enum wax_ending ending)
{
	static const char *const names[] = {
			[WAX_ENDING_DONE] = "finished",
			[WAX_ENDING_STOPPED] = "stopped",
			[WAX_ENDING_FAILED] = "failed",
			[WAX_ENDING_KILLED] = "killed",
			[WAX_ENDING_VANISHED] = "vanished",
			[WAX_ENDING_ABORTED] = "aborted",
			[WAX_ENDING_TIMEOUT] = "timeout",
	};
	return names[ending];
}
