/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "bench/bench.h"
#include "bench/flow.h"
#include "bench/items.h"
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
static void make_numbers(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		uint64_t *values = WAX_OUT_VALUES(out, uint64_t);
		for (uint32_t i = 0; i < room; i++) {
			values[i] = *seed + i;
			*sum += values[i];
		}
		*seed += room;
		wax_out_advance(out, room);
		count -= room;
	}
}

static struct flow_items items = {.make = make_numbers, .single = true};

static uint64_t sum_numbers(const struct wax_batch *batch)
{
	return items_sum(WAX_VALUES(batch, uint64_t), batch->count);
}

/* Work that nothing but the CPU's clock bounds: each step needs the one before. */
static inline uint64_t spin(uint64_t x, uint64_t spins)
{
	for (uint64_t i = 0; i < spins; i++) {
		x = x * UINT64_C(0x9e3779b97f4a7c15) + i;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}

WAX_MAP(work, uint64_t, in, uint64_t, out)
{
	uint64_t kept = *in;
	spin(kept, spins_per_item);
	*out = kept;
}

static void build(struct wax_flow *flow)
{
	items.type = WAX_U64;
	struct wax_stream numbers = wax_input(flow, "numbers", flow_source(&items));
	if (sharing)
		numbers = wax_redistribute(numbers, "redistribute", WAX_DEAL_BATCHES);
	numbers = wax_map_typed(numbers, "work", &work);
	wax_output(numbers, "add", flow_sink(sum_numbers, false));
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
	items.per_call = batch_for(load->work_ns);
	items.count_max = count;
	meter_start(0, 16384);
	flow_run(&(struct flow_run){.build = build, .procs = bench.procs});
	meter_check_sums(bench.procs, "redistribute");
	for (uint32_t i = 0; i < bench.procs; i++)
		last = meter()->logs[i].last_ns > last ? meter()->logs[i].last_ns : last;
	uint64_t took = last - meter()->logs[0].first_ns;
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
	uint64_t count = (uint64_t)((double)bench_pick(5, 60, 300) * 1e6 / (load->work_ns + 1));
	return run(load, count > 64 ? count : 64, ret_clean);
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
	else
		snprintf(text, 32, "%.3g us", ns / 1000);
	return text;
}

static double compare_whole(void)
{
	static struct load with = {0, true}, without = {0, false};
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
	return runners[0].median - runners[1].median;
}

void bench_redistribute(void)
{
	static const double loads[] = {1, 3, 10, 30, 100, 300, 1000, 10000, 100000};
	enum { COUNT = sizeof(loads) / sizeof(*loads) };
	double gains[COUNT];
	uint32_t rounds = (uint32_t)bench_pick(1, 3, 5);
	char name[64], text[32], each[32];

	double cost = compare_whole();
	spin_ns = ns_per_spin();
	for (uint32_t i = 0; i < COUNT; i++) {
		struct load with = {loads[i], true}, without = {loads[i], false};
		struct race_runner runners[] = {
				{.name = "with", .run = run_load, .context = &with},
				{.name = "without", .run = run_load, .context = &without},
		};
		race(runners, 2, rounds);
		snprintf(name, sizeof(name), "redistribute/work_%gns", loads[i]);
		race_report(name, "yardstick: without", &runners[0], &runners[1], rounds, 1,
				"ns/item", false);
		gains[i] = runners[1].median / runners[0].median;
		report_point("redistribute: gain by ns of work per item", loads[i], gains[i]);
	}
	double even = break_even(loads, gains, COUNT);
	report_value("redistribute/break_even", "work per item", even, "ns", false);
	report_say("Redistributing costs %s an item and pays from %s of work per item on; with %u "
		   "workers and 100 us it is %.2f times as fast.",
			ns_text(cost, each), ns_text(even, text), bench.procs, gains[COUNT - 1]);
}
