/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <string.h>

#include "launcher/report_private.h"

/* What can be said for certain, in a sentence each: what is slow, why, and what to do about it. */

enum {
	/* With fewer items a share says nothing. */
	ITEMS_MIN = 1000,
	/* How often an exchange must have been seen at work. */
	EDGE_LOOKS_MIN = 100,
};

struct advice {
	const struct wax_report *report;
	void (*say)(void *to, const char *line);
	void *to;
};

static void say(const struct advice *advice, const char *fmt, ...) WAX_PRINTF(2, 3);

static void say(const struct advice *advice, const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	advice->say(advice->to, line);
}

/* ---- How items are spread over workers */

/* More than twice its share; of two workers that would be all, so there it is less. */
static double hot_skew(uint32_t workers)
{
	return workers > 2 ? 2 : 1.6;
}

static void advise_keys(const struct advice *advice, uint32_t index)
{
	const struct wax_report *report = advice->report;
	const struct wax_plan_edge *edge = &report->env.plan->edges[index];
	struct wax_report_share share = wax_report_share_in(report, edge->step);
	uint32_t workers = report->env.control->worker_count;

	if (edge->route != WAX_ROUTE_KEY || share.total < ITEMS_MIN ||
			share.skew <= hot_skew(workers))
		return;
	say(advice,
			"hot: worker %u got %.0f%% of the items of %s -> %s (%u workers): "
			"a few keys carry most of the load",
			share.busiest, share.busiest_share * 100,
			wax_report_step_name(report, wax_report_edge_from(report, index)),
			wax_report_step_name(report, edge->step), workers);
}

static void advise_holds(const struct advice *advice, uint32_t step)
{
	const struct wax_report *report = advice->report;
	const struct wax_report_holds *holds = &report->holds[step];

	if (holds->count > 0)
		say(advice,
				"held: %s held its worker %llu time%s for more than %s, %s the longest: "
				"nothing else of that worker ran meanwhile",
				wax_report_step_name(report, step),
				(unsigned long long)holds->count, holds->count == 1 ? "" : "s",
				wax_units_print_duration(report->env.options->watchdog_ns).text,
				wax_units_print_seconds((int64_t)holds->longest_ns).text);
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

static void advise_source(const struct advice *advice, uint32_t step)
{
	const struct wax_report *report = advice->report;
	struct wax_report_share share = wax_report_share_out(report, step);

	if (report->env.control->worker_count == 1 || share.total < ITEMS_MIN ||
			share.busiest_share < 1 || is_dealt_out(report, step))
		return;
	say(advice,
			"all input of \"%s\" comes from worker %u: "
			"put redistribute behind it if the work per item is large",
			wax_report_step_name(report, step), share.busiest);
}

/* ---- Where the time went */

/* Time in the steps of a stage but for one, and for sending what they give. */
static uint64_t work_behind(const struct wax_report *report, uint32_t entry)
{
	const struct wax_plan *plan = report->env.plan;
	uint32_t stage = plan->step_stage[entry];
	uint64_t ns = 0;

	for (uint32_t i = 0; i < plan->flow->step_count; i++) {
		if (plan->step_stage[i] == stage && i != entry)
			ns += wax_report_step_ns(report, i);
	}
	for (uint32_t i = 0; i < plan->edge_count; i++) {
		if (plan->step_stage[wax_report_edge_from(report, i)] == stage)
			ns += wax_profile_edge(report->profile, i).sending_ns;
	}
	return ns;
}

/*
 * Items are dealt out so that others share the work behind. For nothing, when sending them takes
 * longer than that work; and when all workers had as many anyway, and the exchange takes longer.
 * Other steps of that stage count as work behind it, so what is said is true, if not all of it.
 */
static void advise_redistribute(const struct advice *advice, uint32_t index)
{
	const struct wax_report *report = advice->report;
	const struct wax_plan_edge *edge = &report->env.plan->edges[index];
	struct wax_profile_edge time = wax_profile_edge(report->profile, index);
	struct wax_report_share share =
			wax_report_share_out(report, wax_report_edge_from(report, index));
	uint64_t items = wax_report_edge(report, index).items_in;
	uint64_t cost_ns = time.sending_ns + time.receiving_ns;
	uint64_t work_ns = work_behind(report, edge->step);
	uint64_t shared_ns = share.skew > 1.25 ? time.sending_ns : cost_ns;

	if ((edge->route != WAX_ROUTE_BATCHES && edge->route != WAX_ROUTE_ITEMS) ||
			items < ITEMS_MIN ||
			shared_ns < EDGE_LOOKS_MIN * wax_report_look_ns(report) ||
			shared_ns < work_ns + work_ns / 4)
		return;

	struct wax_units_text cost = wax_report_print_per_item(report, cost_ns, items);
	struct wax_units_text work = wax_report_print_per_item(report, work_ns, items);
	bool seen = work.text[0] != '-';

	say(advice, "step \"%s\": redistribute cost %s an item for %s work behind it: remove it",
			wax_report_step_name(report, edge->step), cost.text,
			seen ? strcat(work.text, " of") : "next to no");
}

/* Where more than half of all time goes, nothing else helps as much. */
static void advise_step(const struct advice *advice, uint32_t step)
{
	const struct wax_report *report = advice->report;
	struct wax_profile_time all = wax_profile_all(report->profile);
	struct wax_step_figures figures = wax_report_step(report, step);
	uint64_t items = figures.items_in > 0 ? figures.items_in : figures.items_out;
	uint64_t ns = wax_report_step_ns(report, step);

	if (ns <= wax_profile_total_ns(&all) / 2 || items == 0)
		return;
	say(advice,
			"step \"%s\": %.0f%% of the workers' time, %s an item: what is saved there "
			"counts most",
			wax_report_step_name(report, step),
			100 * (double)ns / (double)wax_profile_total_ns(&all),
			wax_report_print_per_item(report, ns, items).text);
}

static void advise_busy(const struct advice *advice)
{
	struct wax_report_busy busy = wax_report_busy(advice->report);

	if (advice->report->env.control->worker_count > 1 && busy.most_share > 0.8 &&
			busy.others_share < 0.25)
		say(advice,
				"worker %u was busy %.0f%% of the time, the others %.0f%%: "
				"the run takes as long as it does",
				busy.most, busy.most_share * 100, busy.others_share * 100);
}

static void advise_times(const struct advice *advice)
{
	const struct wax_report *report = advice->report;

	if (!report->profile || wax_profile_looks(report->profile) < WAX_REPORT_LOOKS_MIN)
		return;
	for (uint32_t i = 0; i < report->env.flow->step_count; i++)
		advise_step(advice, i);
	for (uint32_t i = 0; i < report->env.plan->edge_count; i++)
		advise_redistribute(advice, i);
	advise_busy(advice);
}

void wax_report_advise(const struct wax_report *report,
		void (*say_line)(void *to, const char *line), void *to)
{
	const struct advice advice = {report, say_line, to};
	const struct wax_flow *flow = report->env.flow;

	for (uint32_t i = 0; i < flow->step_count; i++) {
		if (flow->steps[i]->input_count == 0)
			advise_source(&advice, i);
		advise_holds(&advice, i);
	}
	for (uint32_t i = 0; i < report->env.plan->edge_count; i++)
		advise_keys(&advice, i);
	advise_times(&advice);
}
