/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "launcher/report_private.h"
#include "launcher/tabular.h"
#include "runtime/units.h"

/* The summary of a run, for people: steps, exchanges, totals, and advice where there is any. With
 * --profile the tables say where the time went, and there is one more. */

enum { WORKERS_SHOWN_MAX = 16 /* with -v: all */ };

static const char *const steps_heading[] = {
		"step", "kind", "items in", "items out", "bytes out", "rate", "skew", NULL};
static const char *const steps_time_heading[] = {"time", "an item", NULL};
static const char *const edges_heading[] = {
		"exchange", "by", "items", "crossed", "bytes", "a batch", "blocked", NULL};
static const char *const edges_time_heading[] = {"sending", "receiving", "busiest", NULL};
static const char *const time_heading[] = {
		"worker", "steps", "sending", "receiving", "runtime", "spinning", "asleep", NULL};

static void add_heading(struct wax_tabular *table, const char *const *heading)
{
	for (; *heading; heading++)
		wax_tabular_add(table, "%s", *heading);
}

static void add_count(struct wax_tabular *table, uint64_t count)
{
	wax_tabular_add(table, "%s", wax_units_print_count(count).text);
}

static void add_bytes(struct wax_tabular *table, uint64_t bytes)
{
	wax_tabular_add(table, "%s", wax_units_print_bytes(bytes).text);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

static void add_percent(struct wax_tabular *table, uint64_t part, uint64_t whole)
{
	wax_tabular_add(table, "%.1f%%", percent(part, whole));
}

static void add_per_item(struct wax_tabular *table, const struct wax_report *report, uint64_t ns,
		uint64_t items)
{
	wax_tabular_add(table, "%s", wax_report_print_per_item(report, ns, items).text);
}

/* ---- Steps */

/* What it is given counts; of a source, what it gives. */
static void add_rate(struct wax_tabular *table, const struct wax_step *step,
		const struct wax_step_figures *figures, uint64_t wall_ns)
{
	uint64_t items = step->input_count ? figures->items_in : figures->items_out;

	wax_tabular_add(table, "%s",
			wax_units_print_rate((double)items * 1e9 / (double)wall_ns).text);
}

static void add_step_time(struct wax_tabular *table, const struct wax_report *report,
		uint32_t index, const struct wax_step_figures *figures, uint64_t ns)
{
	struct wax_profile_time all = wax_profile_all(report->profile);
	bool has_input = report->env.flow->steps[index]->input_count > 0;

	add_percent(table, ns, wax_profile_total_ns(&all));
	add_per_item(table, report, ns, has_input ? figures->items_in : figures->items_out);
}

static void add_step(struct wax_tabular *table, const struct wax_report *report, uint32_t index,
		const struct wax_step_figures *figures, const struct wax_report_share *keys,
		uint64_t wall_ns)
{
	const struct wax_step *step = report->env.flow->steps[index];
	bool has_input = figures->items_in > 0 || step->input_count > 0;

	wax_tabular_add(table, "%s", step->class->kind);
	if (has_input)
		add_count(table, figures->items_in);
	else
		wax_tabular_add(table, "-");
	if (step->output_count > 0) {
		add_count(table, figures->items_out);
		add_bytes(table, figures->bytes_out);
	} else {
		wax_tabular_add(table, "-");
		wax_tabular_add(table, "-");
	}
	add_rate(table, step, figures, wall_ns);
	if (keys->skew > 0 && report->env.control->worker_count > 1)
		wax_tabular_add(table, "%.2f", keys->skew);
	else
		wax_tabular_add(table, "%s", "");
}

/* With -v: a step that has parts, taken apart. */
static void add_parts(struct wax_tabular *table, const struct wax_report *report, uint32_t group,
		uint64_t wall_ns)
{
	const struct wax_outline *outline = &report->outline;
	const struct wax_report_share none = {0};

	for (uint32_t i = 0; i < outline->flow->step_count; i++) {
		if (outline->owner[i] != group || i == group)
			continue;

		struct wax_step_figures figures = wax_report_step(report, i);

		wax_tabular_add(table, "  %s", wax_outline_name(outline, i));
		add_step(table, report, i, &figures, &none, wall_ns);
		if (report->profile)
			add_step_time(table, report, i, &figures, wax_report_step_ns(report, i));
	}
}

static void print_steps(const struct wax_report *report, uint64_t wall_ns)
{
	const struct wax_flow *flow = report->env.flow;
	struct wax_tabular table;

	wax_tabular_init(&table, report->profile ? "llrrrrrrr" : "llrrrrr");
	add_heading(&table, steps_heading);
	if (report->profile)
		add_heading(&table, steps_time_heading);
	for (uint32_t i = 0; i < flow->step_count; i++) {
		if (report->outline.owner[i] != i)
			continue;

		struct wax_step_figures figures = wax_report_group(report, i);
		struct wax_report_share keys = wax_report_keys(report, i);

		wax_tabular_add(&table, "%s", wax_outline_name(&report->outline, i));
		add_step(&table, report, i, &figures, &keys, wall_ns);
		if (report->profile)
			add_step_time(&table, report, i, &figures, wax_report_group_ns(report, i));
		if (report->env.options->verbose)
			add_parts(&table, report, i, wall_ns);
	}
	wax_tabular_print(&table, report->env.to, true, report->env.color);
	wax_tabular_fini(&table);
}

/* ---- Exchanges */

static void add_edge_time(struct wax_tabular *table, const struct wax_report *report,
		uint32_t index, const struct wax_edge_figures *figures)
{
	struct wax_profile_edge time = wax_profile_edge(report->profile, index);
	struct wax_report_share share = wax_report_share_edge(report, index);

	add_per_item(table, report, time.sending_ns, figures->items_out);
	add_per_item(table, report, time.receiving_ns, figures->items_in);
	if (share.total > 0)
		wax_tabular_add(table, "%.1f%% @%u", share.busiest_share * 100, share.busiest);
	else
		wax_tabular_add(table, "-");
}

static void add_edge(struct wax_tabular *table, const struct wax_report *report, uint32_t index)
{
	const struct wax_plan_edge *edge = &report->env.plan->edges[index];
	struct wax_edge_figures figures = wax_report_edge(report, index);

	wax_tabular_add(table, "%s -> %s",
			wax_report_step_name(report, wax_report_edge_from(report, index)),
			wax_report_step_name(report, edge->step));
	wax_tabular_add(table, "%s", wax_route_name(edge->route));
	add_count(table, figures.items_out);
	wax_tabular_add(table, "%.1f%%", percent(figures.items_crossed, figures.items_out));
	add_bytes(table, figures.bytes_crossed);
	if (figures.messages > 0 && figures.items_crossed > 0)
		add_count(table, (figures.items_crossed + figures.messages - 1) / figures.messages);
	else
		wax_tabular_add(table, "-");
	wax_tabular_add(table, "%s",
			figures.blocked_ns
					? wax_units_print_seconds((int64_t)figures.blocked_ns).text
					: "-");
	if (report->profile)
		add_edge_time(table, report, index, &figures);
}

/* A queue within each worker is no exchange, and of interest with -v only. */
static bool shows_edge(const struct wax_report *report, uint32_t index)
{
	return report->env.plan->edges[index].route != WAX_ROUTE_LOCAL ||
			report->env.options->verbose;
}

static void print_edges(const struct wax_report *report)
{
	struct wax_tabular table;
	uint32_t shown = 0;

	wax_tabular_init(&table, report->profile ? "llrrrrrrrr" : "llrrrrr");
	add_heading(&table, edges_heading);
	if (report->profile)
		add_heading(&table, edges_time_heading);
	for (uint32_t i = 0; i < report->env.plan->edge_count; i++) {
		if (!shows_edge(report, i))
			continue;
		add_edge(&table, report, i);
		shown++;
	}
	if (shown > 0) {
		fputc('\n', report->env.to);
		wax_tabular_print(&table, report->env.to, true, report->env.color);
	}
	wax_tabular_fini(&table);
}

/* ---- Workers */

static void add_time(struct wax_tabular *table, struct wax_profile_time time)
{
	uint64_t total = wax_profile_total_ns(&time);

	add_percent(table, time.steps_ns, total);
	add_percent(table, time.sending_ns, total);
	add_percent(table, time.receiving_ns, total);
	add_percent(table, time.runtime_ns, total);
	add_percent(table, time.spinning_ns, total);
	add_percent(table, time.asleep_ns, total);
}

/* Of many workers those that did most and least. */
static void add_workers(struct wax_tabular *table, const struct wax_report *report)
{
	uint32_t count = report->env.control->worker_count;
	bool all = count <= WORKERS_SHOWN_MAX || report->env.options->verbose;
	struct wax_report_busy busy = wax_report_busy(report);

	for (uint32_t i = 0; i < count; i++) {
		if (!all && i != busy.most && i != busy.least)
			continue;
		wax_tabular_add(table, "%u", i);
		add_time(table, wax_profile_worker(report->profile, i));
	}
}

static void print_times(const struct wax_report *report)
{
	uint64_t looks = wax_profile_looks(report->profile);
	struct wax_tabular table;

	wax_tabular_init(&table, "lrrrrrr");
	add_heading(&table, time_heading);
	wax_tabular_add(&table, "all");
	add_time(&table, wax_profile_all(report->profile));
	if (report->env.control->worker_count > 1)
		add_workers(&table, report);
	fputc('\n', report->env.to);
	wax_tabular_print(&table, report->env.to, true, report->env.color);
	wax_tabular_fini(&table);
	if (looks < WAX_REPORT_LOOKS_MIN)
		fprintf(report->env.to,
				"shares come from %" PRIu64 " look%s at each worker, which is few: "
				"give it more input\n",
				looks, looks == 1 ? "" : "s");
}

/* ---- Totals */

static uint64_t cpu_ns(const struct rusage *usage)
{
	return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * UINT64_C(1000000000) +
			(uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000;
}

static void print_ending(const struct wax_report *report, const struct wax_ended *ended)
{
	uint64_t items = wax_report_items_in(report);

	fprintf(report->env.to, "%s: %s after %s: %s item%s in, %s out\n", report->env.flow->name,
			wax_ending_name(ended->ending),
			wax_units_print_seconds((int64_t)ended->wall_ns).text,
			wax_units_print_count(items).text, items == 1 ? "" : "s",
			wax_units_print_count(wax_report_items_out(report)).text);
}

/* Nothing is lost without a word: which steps dropped how many, and where they are. */
static void print_dropped(const struct wax_report *report)
{
	const struct wax_flow *flow = report->env.flow;

	for (uint32_t i = 0; i < flow->step_count; i++) {
		const struct wax_step *step = flow->steps[i];
		uint64_t dropped = report->outline.owner[i] == i
				? wax_report_group(report, i).items_dropped
				: 0;

		if (dropped == 0)
			continue;
		fprintf(report->env.to, "dropped by \"%s\": %s item%s",
				wax_report_step_name(report, i),
				wax_units_print_count(dropped).text, dropped == 1 ? "" : "s");
		if (step->policy == WAX_DLQ)
			fprintf(report->env.to, ", written to '%s'",
					flow->letter_boxes[step->letter_box].path);
		fputc('\n', report->env.to);
	}
}

static void print_totals(const struct wax_report *report, const struct wax_ended *ended)
{
	FILE *to = report->env.to;
	uint32_t workers = report->env.control->worker_count;
	uint64_t cpu = cpu_ns(&ended->usage), items = wax_report_items_in(report);
	uint64_t memory = (uint64_t)ended->usage.ru_maxrss * 1024;
	uint64_t first_ns = wax_report_first_item(report);

	fprintf(to, "CPU %s, %.0f%% of %u worker%s", wax_units_print_seconds((int64_t)cpu).text,
			percent(cpu, ended->wall_ns * workers), workers, workers == 1 ? "" : "s");
	if (items > 0)
		fprintf(to, ", %s an item", wax_units_print_seconds((int64_t)(cpu / items)).text);
	fprintf(to, "; memory %s", wax_units_print_bytes(memory).text);
	if (workers > 1)
		fprintf(to, ", at most %s a worker",
				wax_units_print_bytes(ended->rss_max_kib * 1024).text);

	fprintf(to, "\nepochs %" PRIu64, wax_report_epochs(report));
	if (first_ns > 0)
		fprintf(to, "; first item after %s",
				wax_units_print_seconds((int64_t)first_ns).text);
	if (wax_report_expired(report) > 0)
		fprintf(to, "; expired %s keys",
				wax_units_print_count(wax_report_expired(report)).text);
	fprintf(to, "; dropped %s\n", wax_units_print_count(wax_report_items_dropped(report)).text);
	print_dropped(report);
}

/* What was kept of the run's state, where that was wanted. */
static void print_kept(const struct wax_report *report, const struct wax_ended *ended)
{
	FILE *to = report->env.to;
	const struct wax_recovery *recovery = report->env.recovery;
	struct wax_report_kept kept = wax_report_kept(report);

	if (!recovery)
		return;
	fprintf(to, "state: ");
	if (ended->committed > recovery->resumed_epoch)
		fprintf(to, "epoch %" PRIu64 " committed", ended->committed);
	else
		fprintf(to, "nothing committed");
	if (recovery->resumed_epoch > 0)
		fprintf(to, "; went on %s, %s keys loaded in %s",
				wax_recovery_epoch_text(recovery->resumed_epoch).text,
				wax_units_print_count(kept.keys_loaded).text,
				wax_units_print_seconds((int64_t)kept.load_ns_max).text);
	fprintf(to, "; %s alive, %s written", wax_units_print_bytes(kept.live_bytes).text,
			wax_units_print_bytes(kept.log_bytes).text);
	fprintf(to, "; longest pause %s", wax_units_print_seconds((int64_t)kept.save_ns_max).text);
	if (recovery->restarts > 0)
		fprintf(to, "; %u restart%s", recovery->restarts,
				recovery->restarts == 1 ? "" : "s");
	fputc('\n', to);
}

/* After a failure the error shall be the last thing seen: its table is for those who ask. */
static bool is_brief(const struct wax_report *report, const struct wax_ended *ended)
{
	return !report->env.options->verbose &&
			(ended->ending == WAX_ENDING_FAILED || ended->ending == WAX_ENDING_KILLED ||
					ended->ending == WAX_ENDING_VANISHED);
}

static void print_line(void *to, const char *line)
{
	fprintf(to, "%s\n", line);
}

static void print_all(const struct wax_report *report, const struct wax_ended *ended)
{
	if (is_brief(report, ended)) {
		print_ending(report, ended);
		return;
	}
	print_steps(report, ended->wall_ns);
	print_edges(report);
	if (report->profile)
		print_times(report);
	fputc('\n', report->env.to);
	print_ending(report, ended);
	print_totals(report, ended);
	print_kept(report, ended);
	wax_report_advise(report, print_line, report->env.to);
}

int wax_report_summary(
		struct wax_report *report, const struct wax_ended *ended, struct wax_err *err)
{
	wax_report_erase(report);
	if (!report->silent)
		print_all(report, ended);
	fflush(report->env.to);
	if (report->json && wax_report_write_summary(report, ended) < 0)
		return wax_err_set(err, -EIO,
				"--json: '%s' did not take the report: is its disk full?",
				report->env.options->json_path);
	return 0;
}
