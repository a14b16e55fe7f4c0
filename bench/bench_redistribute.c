/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "bench/bench.h"
#include "bench/flow.h"
#include "bench/meter.h"
#include "bench/race.h"
#include "bench/report.h"
#include "bench/stats.h"

/*
 * One worker has all the input. From how much work per item on does it pay to share it?
 *
 *     input (worker 0) -> [redistribute] -> work -> output
 */

static uint64_t spins_per_item;
static bool sharing;
static struct flow_items items = {.make = flow_make_numbers};

/* Work that nothing but the CPU's clock bounds: each step needs the one before. */
static inline uint64_t spin(uint64_t x, uint64_t spins)
{
	for (uint64_t i = 0; i < spins; i++) {
		x = x * UINT64_C(0x9e3779b97f4a7c15) + i;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}

/* What an item's work begins with comes from the one before it, so that none overlap. */
WAX_MAP(work, uint64_t, in, uint64_t, out)
{
	static uint64_t last;
	last = spin(last ^ *in, spins_per_item);
	*out = *in;
}

static void build(struct wax_flow *flow)
{
	items.type = WAX_U64;
	struct wax_stream numbers = wax_input(flow, "numbers", flow_source(&items));
	if (sharing)
		numbers = wax_redistribute(numbers, "redistribute", WAX_DEAL_BATCHES);
	numbers = wax_map_typed(numbers, "work", &work);
	wax_output(numbers, "add", flow_sink(flow_sum_numbers, false));
}

static double ns_per_spin(void)
{
	double best = INFINITY;
	for (int i = 0; i < 20; i++) {
		uint64_t from = clock_ns();
		spin(1, 1000000);
		double took = (double)(clock_ns() - from) / 1e6;
		best = took < best ? took : best;
	}
	return best;
}

/* ---- A given number of items, from the first to the last */

struct load {
	double work_ns;
	bool shared;
	bool all_busy; /* every worker has input, so that none is idle who could take some */
};

static double spin_ns;

/* Batches of at most 100 us: whoever computes that long on one item has few of them. */
static uint32_t batch_for(double work_ns)
{
	double fit = work_ns > 0 ? 100000 / work_ns : 4096;
	return fit < 4 ? 4 : fit > 4096 ? 4096 : (uint32_t)fit;
}

static double run(const struct load *load, uint64_t count, bool *ret_clean)
{
	uint64_t last = 0;
	sharing = load->shared;
	spins_per_item = load->work_ns > 0 ? (uint64_t)(load->work_ns / spin_ns) : 0;
	items.single = !load->all_busy;
	items.per_call = batch_for(load->work_ns);
	items.count_max = count;
	meter_start(0, 16384);
	flow_run(&(struct flow_run){.build = build, .procs = bench.procs});
	meter_check_sums(bench.procs, "redistribute");
	for (uint32_t i = 0; i < bench.procs; i++)
		last = meter()->logs[i].last_ns > last ? meter()->logs[i].last_ns : last;
	uint64_t took = last - meter()->logs[0].first_ns; /* of `count` items of each source */
	*ret_clean = meter_waited_ns(bench.procs) < took / 50;
	return (double)took / (double)count;
}

static uint64_t whole_count(void)
{
	return (uint64_t)bench_pick(100000, 10000000, 100000000);
}

static double run_whole(void *context, bool *ret_clean)
{
	return run(context, whole_count(), ret_clean);
}

/* ---- Work per item */

static double run_load(void *context, bool *ret_clean)
{
	const struct load *load = context;
	uint64_t count = (uint64_t)((double)bench_pick(5, 40, 200) * 1e6 / (load->work_ns + 1));
	uint64_t least = (uint64_t)bench_pick(8, 64, 128);
	return run(load, count > least ? count : least, ret_clean);
}

/* Where the gain passes 1, between two loads, on the scale of the logarithm. */
static double break_even(const double *load, const double *gain, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (gain[i] < 1)
			continue;
		if (i == 0)
			return load[0];
		double share = (1 - gain[i - 1]) / (gain[i] - gain[i - 1]);
		return exp(log(load[i - 1]) + share * (log(load[i]) - log(load[i - 1])));
	}
	return INFINITY;
}

static const char *ns_text(double ns, char text[32])
{
	if (ns < 1000)
		snprintf(text, 32, "%.3g ns", ns);
	else if (ns >= 1e6)
		snprintf(text, 32, "%.3g ms", ns / 1e6);
	else
		snprintf(text, 32, "%.3g us", ns / 1000);
	return text;
}

/* What the exchange costs when every worker has enough to do: each item is made, crosses or does
 * not, and is added up. */
static void measure_cost(void)
{
	char text[32];
	static struct load with = {0, true, true}, without = {0, false, true};
	struct race_runner runners[] = {
			{.name = "with", .run = run_whole, .context = &with},
			{.name = "without", .run = run_whole, .context = &without},
	};
	race(runners, 2, bench_rounds());
	race_report_difference("redistribute/cost", "all workers busy, no work: with less without",
			&runners[0], &runners[1], bench_rounds(), "ns/item");
	report_say("The exchange of redistribute costs a busy worker %s an item.",
			ns_text(runners[0].median - runners[1].median, text));
}

static void measure_numbers(void)
{
	static struct load with = {0, true, false}, without = {0, false, false};
	struct race_runner runners[] = {
			{.name = "with", .run = run_whole, .context = &with},
			{.name = "without", .run = run_whole, .context = &without},
	};
	char params[64];
	race(runners, 2, bench_rounds());
	snprintf(params, sizeof(params), "%g M numbers, no work; yardstick: without",
			(double)whole_count() / 1e6);
	race_report("redistribute/numbers", params, &runners[0], &runners[1], bench_rounds(), 1,
			"ns/item", false);
}

static const char rates[] = "redistribute: items a second, by ns of work per item";
static const char shares[] =
		"redistribute: workers that are at work on items, by ns of work per item";

static void add_points(const char *curve, double work_ns, double ns_per_item)
{
	report_point(rates, curve, work_ns, 1e9 / ns_per_item);
	report_point(shares, curve, work_ns, work_ns / ns_per_item);
}

/* @return how many times as fast it is with redistribute; NAN when nobody wants to know */
static double measure_load(double work_ns)
{
	struct load with = {work_ns, true, false}, without = {work_ns, false, false};
	uint32_t rounds = (uint32_t)bench_pick(1, 3, 5);
	char name[64];
	struct race_runner runners[] = {
			{.name = "with", .run = run_load, .context = &with},
			{.name = "without", .run = run_load, .context = &without},
	};
	snprintf(name, sizeof(name), "redistribute/work_%.0fns", work_ns);
	if (!bench_wants(name) && !bench_wants("redistribute/break_even"))
		return NAN;
	race(runners, 2, rounds);
	race_report(name, "yardstick: without", &runners[0], &runners[1], rounds, 1, "ns/item",
			false);
	add_points("with redistribute", work_ns, runners[0].median);
	add_points("without", work_ns, runners[1].median);
	return runners[1].median / runners[0].median;
}

static void measure_series(void)
{
	static const double loads[] = {1, 3, 10, 30, 100, 300, 1000, 10000, 100000, 1000000};
	enum { COUNT = sizeof(loads) / sizeof(*loads) };
	double gains[COUNT];
	char text[32];
	for (uint32_t i = 0; i < COUNT; i++)
		gains[i] = measure_load(loads[i]);
	if (!bench_wants("redistribute/break_even"))
		return;
	double even = break_even(loads, gains, COUNT);
	report_value("redistribute/break_even", "work per item", even, "ns", false);
	if (even < loads[COUNT - 1]) {
		report_line(rates, "pays from here on", even);
		report_line(shares, "pays from here on", even);
	}
	report_say("Sharing the input of one among %u workers pays from %s of work per item on; "
		   "with 1 ms it is %.2f times as fast.",
			bench.procs, ns_text(even, text), gains[COUNT - 1]);
}

void bench_redistribute(void)
{
	char text[32];
	spin_ns = ns_per_spin();
	if (bench.work_ns) {
		double gain = measure_load((double)bench.work_ns);
		report_say("With %s of work per item and %u workers, redistribute makes it %.2f "
			   "times as fast.",
				ns_text((double)bench.work_ns, text), bench.procs, gain);
		return;
	}
	if (bench_wants("redistribute/cost"))
		measure_cost();
	if (bench_wants("redistribute/numbers"))
		measure_numbers();
	measure_series();
}
