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
	wax_output(numbers, "add", flow_sink(sum_numbers, true));
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

static double run_all(void *context, bool *ret_clean)
{
	const bool *shared = context;
	sharing = *shared;
	spins_per_item = 0;
	items.per_call = 0;
	items.count_max = (uint64_t)bench_pick(100000, 10000000, 100000000);
	meter_start(0, 16384);
	struct flow_result result = flow_run(&(struct flow_run){.build = build, .procs = bench.procs});
	meter_check_sums(bench.procs, "redistribute");
	uint64_t last = 0;
	for (uint32_t i = 0; i < bench.procs; i++)
		last = meter()->logs[i].last_ns > last ? meter()->logs[i].last_ns : last;
	*ret_clean = result.preempted == 0;
	return (double)(last - meter()->logs[0].first_ns) / (double)items.count_max;
}

/* ---- Work per item */

struct load {
	double work_ns;
	bool shared;
};

static double spin_ns;

static double run_load(void *context, bool *ret_clean)
{
	const struct load *load = context;
	sharing = load->shared;
	spins_per_item = (uint64_t)(load->work_ns / spin_ns);
	/* Batches of at most 100 us: whoever computes that long on one item has few of them. */
	double fit = load->work_ns > 0 ? 100000 / load->work_ns : 4096;
	items.per_call = fit < 4 ? 4 : fit > 4096 ? 4096 : (uint32_t)fit;
	items.count_max = 0;
	items.silent = true;
	meter_start((uint32_t)bench_pick(10, load->work_ns > 5000 ? 80 : 40, 200), items.per_call);
	flow_run(&(struct flow_run){.build = build, .procs = bench.procs});
	items.silent = false;
	meter_check_sums(bench.procs, "redistribute");
	return meter_ns_per_item(bench.procs, ret_clean);
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
	static bool yes = true, no = false;
	struct race_runner runners[] = {
			{.name = "with", .run = run_all, .context = &yes},
			{.name = "without", .run = run_all, .context = &no},
	};
	char params[64];
	race(runners, 2, bench_rounds());
	snprintf(params, sizeof(params), "%ld M numbers, no work; yardstick: without",
			(long)bench_pick(0, 10, 100));
	race_report("redistribute/numbers", params, &runners[0], &runners[1], bench_rounds(), 1,
			"ns/item", false);
	return runners[0].median - runners[1].median;
}

void bench_redistribute(void)
{
	static const double loads[] = {3, 10, 30, 100, 300, 1000, 10000, 100000};
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
