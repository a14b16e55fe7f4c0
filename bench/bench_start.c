/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "bench/bench.h"
#include "bench/fixtures.h"
#include "bench/flow.h"
#include "bench/items.h"
#include "bench/meter.h"
#include "bench/race.h"
#include "bench/report.h"

/* From the call to the first item, and from the last item until every process is gone. By hand:
 * fork, be bound to a CPU, exit. */

static uint64_t called_ns, ended_ns;
static struct flow_items items = {.count_max = 1};

static void make_one(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	uint64_t pair[2] = {items_random(seed), 1};
	(void)count;
	(void)sum;
	wax_emit_kv(out, &pair[0], 8, &pair[1], 8);
}

static void build(struct wax_flow *flow)
{
	items.type = WAX_KEYED(WAX_U64, WAX_U64);
	items.make = make_one;
	struct wax_stream stream = wax_input(flow, "one", flow_source(&items));
	stream = wax_redistribute(stream, "exchange", WAX_DEAL_KEYS);
	wax_output(stream, "out", flow_sink(NULL, false));
}

static void run_flow(uint32_t procs)
{
	struct flow_result result = flow_run(&(struct flow_run){.build = build, .procs = procs});
	called_ns = result.called_ns;
	ended_ns = result.ended_ns;
}

static void come_and_go(uint32_t index, void *context)
{
	(void)context;
	meter()->logs[index].first_ns = meter()->logs[index].last_ns = clock_ns();
}

static void run_fork(uint32_t procs)
{
	called_ns = clock_ns();
	meter_fork(procs, come_and_go, NULL);
	ended_ns = clock_ns();
}

struct kind {
	void (*run)(uint32_t procs);
	uint32_t procs;
	bool end;
};

static double run_kind(void *context, bool *ret_clean)
{
	const struct kind *kind = context;
	uint64_t first = UINT64_MAX, last = 0;
	(void)ret_clean;
	meter_start(0, 1);
	kind->run(kind->procs);
	for (uint32_t i = 0; i < kind->procs; i++) {
		const struct meter_log *log = &meter()->logs[i];
		first = log->first_ns && log->first_ns < first ? log->first_ns : first;
		last = log->last_ns > last ? log->last_ns : last;
	}
	return (double)(kind->end ? ended_ns - last : first - called_ns);
}

static void measure(uint32_t procs, bool end)
{
	struct kind wax = {run_flow, procs, end}, by_hand = {run_fork, procs, end};
	struct race_runner runners[] = {
			{.name = "wax", .run = run_kind, .context = &wax},
			{.name = "by hand", .run = run_kind, .context = &by_hand},
	};
	char name[64];
	race(runners, 2, bench_rounds());
	snprintf(name, sizeof(name), "start/%s_%u", end ? "exit" : "first_item", procs);
	race_report(name, end ? "yardstick: exit and wait" : "yardstick: fork and bind",
			&runners[0], &runners[1], bench_rounds(), 1e-6, "ms", false);
}

/* ---- waxrun as a whole */

static double run_program(void *context, bool *ret_clean)
{
	(void)ret_clean;
	return fixture_spawn(context, NULL, NULL);
}

static void measure_program(void)
{
	const char *waxrun = fixture_built("waxrun", "start/waxrun_one_item");
	const char *flow = fixture_built("examples/redistribute.so", "start/waxrun_one_item");
	if (!waxrun || !flow)
		return;
	const char *const argv[] = {waxrun, "--quiet", "--procs=2", flow, "--", "--items=1", NULL};
	const char *const nothing[] = {"true", NULL};
	struct race_runner runners[] = {
			{.name = "waxrun", .run = run_program, .context = (void *)argv},
			{.name = "true", .run = run_program, .context = (void *)nothing},
	};
	race(runners, 2, bench_rounds());
	race_report("start/waxrun_one_item", "2 workers, start to end; yardstick: true",
			&runners[0], &runners[1], bench_rounds(), 1e-6, "ms", false);
}

void bench_start(void)
{
	for (uint32_t procs = 2; procs <= 8; procs *= 4) {
		measure(procs, false);
		measure(procs, true);
	}
	if (bench_wants("start/waxrun_one_item"))
		measure_program();
}
