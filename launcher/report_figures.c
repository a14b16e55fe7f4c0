/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "launcher/report_private.h"
#include "shm/atomic.h"

/*
 * Figures out of the control page. All loads are relaxed: counters are for people, who see some a
 * little older than others; after the run the writers are gone.
 */

enum { SEEN_MIN = 5 }; /* how often for a length to be worth telling */

#define ADD(name, unit, help) sum.name += wax_load_relaxed(&counters->name);

static uint32_t worker_count(const struct wax_report *report)
{
	return report->env.control->worker_count;
}

struct wax_step_figures wax_report_step(const struct wax_report *report, uint32_t step)
{
	struct wax_step_figures sum = {0};

	for (uint32_t i = 0; i < worker_count(report); i++) {
		const struct wax_step_counters *counters =
				wax_control_step(report->env.control, i, step);

		WAX_STEP_COUNTERS(ADD)
	}
	return sum;
}

struct wax_edge_figures wax_report_edge(const struct wax_report *report, uint32_t edge)
{
	struct wax_edge_figures sum = {0};

	for (uint32_t i = 0; i < worker_count(report); i++) {
		const struct wax_edge_counters *counters =
				wax_control_edge(report->env.control, i, edge);

		WAX_EDGE_COUNTERS(ADD)
	}
	return sum;
}

struct wax_step_figures wax_report_group(const struct wax_report *report, uint32_t group)
{
	const struct wax_outline *outline = &report->outline;
	struct wax_step_figures sum = {0};

	for (uint32_t i = 0; i < outline->flow->step_count; i++) {
		if (outline->owner[i] != group)
			continue;

		struct wax_step_figures part = wax_report_step(report, i);

		sum.items_dropped += part.items_dropped;
		sum.keys_expired += part.keys_expired;
		sum.cache_misses += part.cache_misses;
		if (wax_outline_is_entry(outline, i)) {
			sum.items_in += part.items_in;
			sum.bytes_in += part.bytes_in;
			sum.batches_in += part.batches_in;
		}
		if (wax_outline_is_exit(outline, i)) {
			sum.items_out += part.items_out;
			sum.bytes_out += part.bytes_out;
		}
	}
	return sum;
}

static void share_add(struct wax_report_share *share, uint32_t worker, uint64_t items)
{
	share->total += items;
	/* Holds the number until share_end. */
	if ((double)items > share->busiest_share) {
		share->busiest_share = (double)items;
		share->busiest = worker;
	}
}

static void share_end(struct wax_report_share *share, uint32_t workers)
{
	if (share->total == 0)
		return;
	share->busiest_share /= (double)share->total;
	share->skew = share->busiest_share * workers;
}

struct wax_report_share wax_report_share_in(const struct wax_report *report, uint32_t step)
{
	const struct wax_control *control = report->env.control;
	struct wax_report_share share = {0};

	for (uint32_t i = 0; i < worker_count(report); i++)
		share_add(&share, i,
				wax_load_relaxed(&wax_control_step(control, i, step)->items_in));
	share_end(&share, worker_count(report));
	return share;
}

struct wax_report_share wax_report_share_out(const struct wax_report *report, uint32_t step)
{
	const struct wax_control *control = report->env.control;
	struct wax_report_share share = {0};

	for (uint32_t i = 0; i < worker_count(report); i++)
		share_add(&share, i,
				wax_load_relaxed(&wax_control_step(control, i, step)->items_out));
	share_end(&share, worker_count(report));
	return share;
}

struct wax_report_share wax_report_share_edge(const struct wax_report *report, uint32_t edge)
{
	const struct wax_control *control = report->env.control;
	struct wax_report_share share = {0};

	for (uint32_t i = 0; i < worker_count(report); i++)
		share_add(&share, i,
				wax_load_relaxed(&wax_control_edge(control, i, edge)->items_in));
	share_end(&share, worker_count(report));
	return share;
}

struct wax_report_share wax_report_keys(const struct wax_report *report, uint32_t group)
{
	const struct wax_outline *outline = &report->outline;

	for (uint32_t i = 0; i < outline->flow->step_count; i++) {
		if (outline->owner[i] == group && outline->flow->steps[i]->route == WAX_ROUTE_KEY)
			return wax_report_share_in(report, i);
	}
	return (struct wax_report_share){0};
}

uint64_t wax_report_step_ns(const struct wax_report *report, uint32_t step)
{
	uint64_t ns = 0;

	for (uint32_t i = 0; i < worker_count(report); i++)
		ns += wax_profile_step_ns(report->profile, i, step);
	return ns;
}

uint64_t wax_report_group_ns(const struct wax_report *report, uint32_t group)
{
	const struct wax_outline *outline = &report->outline;
	uint64_t ns = 0;

	for (uint32_t i = 0; i < outline->flow->step_count; i++) {
		if (outline->owner[i] == group)
			ns += wax_report_step_ns(report, i);
	}
	return ns;
}

struct wax_report_busy wax_report_busy(const struct wax_report *report)
{
	struct wax_report_busy busy = {.most_share = -1};
	double sum = 0, least_share = 2;

	for (uint32_t i = 0; i < worker_count(report); i++) {
		struct wax_profile_time time = wax_profile_worker(report->profile, i);
		uint64_t total = wax_profile_total_ns(&time);
		uint64_t waited = time.spinning_ns + time.asleep_ns;
		double share = total ? 1 - (double)waited / (double)total : 0;

		sum += share;
		if (share > busy.most_share) {
			busy.most_share = share;
			busy.most = i;
		}
		if (share < least_share) {
			least_share = share;
			busy.least = i;
		}
	}
	if (worker_count(report) > 1)
		busy.others_share = (sum - busy.most_share) / (worker_count(report) - 1);
	return busy;
}

uint64_t wax_report_look_ns(const struct wax_report *report)
{
	struct wax_profile_time one = wax_profile_worker(report->profile, 0);
	uint64_t looks = wax_profile_looks(report->profile);

	return looks ? wax_profile_total_ns(&one) / looks : 0;
}

struct wax_units_text wax_report_print_per_item(
		const struct wax_report *report, uint64_t ns, uint64_t items)
{
	double per_item = items ? (double)ns / (double)items : 0;
	struct wax_units_text out = {"-"};

	/* What was seen but now and then has no length. */
	if (items == 0 || ns < SEEN_MIN * wax_report_look_ns(report))
		return out;
	/* Of few nanoseconds the tenths count, too. */
	if (per_item >= 9.95)
		return wax_units_print_seconds((int64_t)(per_item + 0.5));
	snprintf(out.text, sizeof(out.text), "%.1fns", per_item);
	return out;
}

uint64_t wax_report_items_in(const struct wax_report *report)
{
	const struct wax_flow *flow = report->env.flow;
	uint64_t items = 0;

	for (uint32_t i = 0; i < flow->step_count; i++) {
		if (flow->steps[i]->input_count == 0)
			items += wax_report_step(report, i).items_out;
	}
	return items;
}

/* Items into the steps where the flow ends. A step to look through (wax_inspect) counts only where
 * there is no such step: its items would be counted twice. */
uint64_t wax_report_items_out(const struct wax_report *report)
{
	const struct wax_flow *flow = report->env.flow;
	uint64_t ends = 0, passing = 0;
	bool has_end = false;

	for (uint32_t i = 0; i < flow->step_count; i++) {
		const struct wax_step *step = flow->steps[i];

		if (!step->class->counts_as_output)
			continue;
		*(step->output_count == 0 ? &ends : &passing) +=
				wax_report_step(report, i).items_in;
		has_end |= step->output_count == 0;
	}
	return has_end ? ends : passing;
}

uint64_t wax_report_items_dropped(const struct wax_report *report)
{
	uint64_t items = 0;

	for (uint32_t i = 0; i < report->env.flow->step_count; i++)
		items += wax_report_step(report, i).items_dropped;
	return items;
}

uint64_t wax_report_expired(const struct wax_report *report)
{
	uint64_t keys = 0;

	for (uint32_t i = 0; i < report->env.flow->step_count; i++)
		keys += wax_report_step(report, i).keys_expired;
	return keys;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

struct wax_report_kept wax_report_kept(const struct wax_report *report)
{
	struct wax_report_kept kept = {0};

	for (uint32_t i = 0; i < worker_count(report); i++) {
		const struct wax_worker_record *record = wax_control_worker(report->env.control, i);

		kept.keys_loaded += wax_load_relaxed(&record->keys_loaded);
		kept.load_ns_max = greater(kept.load_ns_max, wax_load_relaxed(&record->load_ns));
		kept.live_bytes += wax_load_relaxed(&record->live_bytes);
		kept.log_bytes += wax_load_relaxed(&record->log_bytes);
		kept.save_ns_max =
				greater(kept.save_ns_max, wax_load_relaxed(&record->save_ns_max));
	}
	return kept;
}

uint64_t wax_report_epochs(const struct wax_report *report)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < worker_count(report); i++) {
		const struct wax_worker_record *record = wax_control_worker(report->env.control, i);
		uint64_t done = wax_load_relaxed(&record->epoch_done);

		if (done < least)
			least = done;
	}
	return least == UINT64_MAX ? 0 : least;
}

uint64_t wax_report_first_item(const struct wax_report *report)
{
	uint64_t first = 0;

	for (uint32_t i = 0; i < worker_count(report); i++) {
		const struct wax_worker_record *record = wax_control_worker(report->env.control, i);
		uint64_t at = wax_load_relaxed(&record->first_item_ns);

		if (at > 0 && (first == 0 || at < first))
			first = at;
	}
	return first;
}

const char *wax_report_step_name(const struct wax_report *report, uint32_t step)
{
	/* The number comes from a worker, which may have been writing anything anywhere. */
	return step < report->env.flow->step_count ? wax_outline_name(&report->outline, step) : "";
}

uint32_t wax_report_edge_from(const struct wax_report *report, uint32_t edge)
{
	return wax_flow_stream(report->env.flow, report->env.plan->edges[edge].stream)->step;
}
