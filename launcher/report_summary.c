/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "launcher/report_private.h"
#include "launcher/tabular.h"
#include "runtime/units.h"

/* The summary of a run, for people: steps, exchanges, totals, and advice where there is any. */

/* With fewer items a share says nothing. */
enum { ADVICE_ITEMS_MIN = 1000 };

static const char *const steps_heading[] = {
		"step", "kind", "items in", "items out", "bytes out", "rate", "skew", NULL};
static const char *const edges_heading[] = {
		"exchange", "by", "items", "crossed", "bytes", "a batch", "blocked", NULL};

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

/* ---- Steps */

/* What it is given counts; of a source, what it gives. */
static void add_rate(struct wax_tabular *table, const struct wax_step *step,
		const struct wax_step_figures *figures, uint64_t wall_ns)
{
	uint64_t items = step->input_count ? figures->items_in : figures->items_out;

	wax_tabular_add(table, "%s",
			wax_units_print_rate((double)items * 1e9 / (double)wall_ns).text);
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
	}
}

static void print_steps(const struct wax_report *report, uint64_t wall_ns)
{
	const struct wax_flow *flow = report->env.flow;
	struct wax_tabular table;

	wax_tabular_init(&table, "llrrrrr");
	add_heading(&table, steps_heading);
	for (uint32_t i = 0; i < flow->step_count; i++) {
		if (report->outline.owner[i] != i)
			continue;

		struct wax_step_figures figures = wax_report_group(report, i);
		struct wax_report_share keys = wax_report_keys(report, i);

		wax_tabular_add(&table, "%s", wax_outline_name(&report->outline, i));
		add_step(&table, report, i, &figures, &keys, wall_ns);
		if (report->env.options->verbose)
			add_parts(&table, report, i, wall_ns);
	}
	wax_tabular_print(&table, report->env.to, true, report->env.color);
	wax_tabular_fini(&table);
}

/* ---- Exchanges */

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
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

	wax_tabular_init(&table, "llrrrrr");
	add_heading(&table, edges_heading);
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
	fprintf(to, "; dropped %s\n", wax_units_print_count(wax_report_items_dropped(report)).text);
	print_dropped(report);
}

/* ---- Advice */

/* More than twice its share; of two workers that would be all, so there it is less. */
static double hot_skew(uint32_t workers)
{
	return workers > 2 ? 2 : 1.6;
}

static void advise_keys(const struct wax_report *report, uint32_t index)
{
	const struct wax_plan_edge *edge = &report->env.plan->edges[index];
	struct wax_report_share share = wax_report_share_in(report, edge->step);
	uint32_t workers = report->env.control->worker_count;

	if (edge->route != WAX_ROUTE_KEY || share.total < ADVICE_ITEMS_MIN ||
			share.skew <= hot_skew(workers))
		return;
	fprintf(report->env.to,
			"hot: worker %u got %.0f%% of the items of %s -> %s (%u workers): "
			"a few keys carry most of the load\n",
			share.busiest, share.busiest_share * 100,
			wax_report_step_name(report, wax_report_edge_from(report, index)),
			wax_report_step_name(report, edge->step), workers);
}

/* Is everything that the step gives dealt out to all workers at once? */
static bool is_dealt_out(const struct wax_report *report, uint32_t step)
{
	const struct wax_plan *plan = report->env.plan;
	const struct wax_step *this = report->env.flow->steps[step];

	for (uint32_t i = 0; i < this->output_count; i++) {
		const struct wax_plan_stream *stream = &plan->streams[this->first_output + i];

		for (uint32_t j = 0; j < stream->consumer_count; j++) {
			uint32_t edge = plan->consumers[stream->first_consumer + j].edge;

			if (edge == WAX_NO_EDGE || plan->edges[edge].route == WAX_ROUTE_LOCAL)
				return false;
		}
	}
	return true;
}

static void advise_source(const struct wax_report *report, uint32_t step)
{
	struct wax_report_share share = wax_report_share_out(report, step);

	if (report->env.control->worker_count == 1 || share.total < ADVICE_ITEMS_MIN ||
			share.busiest_share < 1 || is_dealt_out(report, step))
		return;
	fprintf(report->env.to,
			"all input of \"%s\" comes from worker %u: "
			"put redistribute behind it if the work per item is large\n",
			wax_report_step_name(report, step), share.busiest);
}

static void print_advice(const struct wax_report *report)
{
	const struct wax_flow *flow = report->env.flow;

	for (uint32_t i = 0; i < flow->step_count; i++) {
		if (flow->steps[i]->input_count == 0)
			advise_source(report, i);
	}
	for (uint32_t i = 0; i < report->env.plan->edge_count; i++)
		advise_keys(report, i);
}

/* After a failure the error shall be the last thing seen: its table is for those who ask. */
static bool is_brief(const struct wax_report *report, const struct wax_ended *ended)
{
	return !report->env.options->verbose &&
			(ended->ending == WAX_ENDING_FAILED || ended->ending == WAX_ENDING_KILLED ||
					ended->ending == WAX_ENDING_VANISHED);
}

static void print_all(const struct wax_report *report, const struct wax_ended *ended)
{
	if (is_brief(report, ended)) {
		print_ending(report, ended);
		return;
	}
	print_steps(report, ended->wall_ns);
	print_edges(report);
	fputc('\n', report->env.to);
	print_ending(report, ended);
	print_totals(report, ended);
	print_advice(report);
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
