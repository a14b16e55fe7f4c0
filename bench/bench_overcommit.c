/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/exchange_items.h"
#include "bench/flow.h"
#include "bench/items.h"
#include "bench/meter.h"
#include "bench/race.h"
#include "bench/report.h"

/*
 * What workers cost beside their work: four times as many as there are CPUs beside as many, with
 * the same items in all, as fast as they can and at a rate that leaves them idle for the most part;
 * and workers that have nothing to do.
 */

/* ---- The same work with more workers */

enum { CPUS_MAX = METER_PROCS_MAX / 4, PACED_PER_S = 1000000 };

struct load {
	uint32_t worker_count;
	uint64_t item_count;
	double per_s; /* of all workers; 0: as fast as they can */
};

static struct flow_items items;
static struct exchange_items shaped;
static double items_per_s;

static void build(struct wax_flow *flow)
{
	struct wax_stream stream =
			wax_input(flow, "make", wax_rate(flow_source(&items), items_per_s));
	stream = wax_redistribute(stream, "exchange", WAX_DEAL_KEYS);
	wax_output(stream, "add", flow_sink(shaped.sum, false));
}

/* CPU time, ns an item. */
static double run_workers(void *context, bool *ret_clean)
{
	static const struct items_shape shape = {ITEMS_FIXED, 16};
	static const struct items_keys any_key = {0};
	const struct load *load = context;
	(void)ret_clean; /* others take time, and not of ours */
	shaped = exchange_items(&shape, &any_key);
	items = (struct flow_items){.type = shaped.type,
			.make = shaped.make,
			.count_max = load->item_count / load->worker_count,
			.per_call = load->per_s > 0 ? 32 : 0};
	items_per_s = load->per_s;
	meter_start(0, 16384);
	struct flow_result result =
			flow_run(&(struct flow_run){.build = build, .procs = load->worker_count});
	meter_check_sums(load->worker_count, "overcommit");
	return (double)result.cpu_ns / (double)load->item_count;
}

static uint32_t cpu_count(void)
{
	uint32_t count = 1;
	while (count < CPUS_MAX && meter_has_cpus(count + 1))
		count++;
	return count;
}

static void measure_workers(const char *suffix, uint64_t item_count, double per_s)
{
	uint32_t cpus = cpu_count();
	struct load few = {cpus, item_count, per_s}, many = {4 * cpus, item_count, per_s};
	char name[64], params[64];
	struct race_runner runners[] = {
			{.name = "many", .run = run_workers, .context = &many},
			{.name = "few", .run = run_workers, .context = &few},
	};
	snprintf(name, sizeof(name), "overcommit/cpu_%u_on_%u%s", many.worker_count, cpus, suffix);
	if (!bench_wants(name))
		return;
	race(runners, 2, bench_rounds());
	snprintf(params, sizeof(params), "CPU time of %u workers; yardstick: %u workers",
			many.worker_count, cpus);
	race_report(name, params, &runners[0], &runners[1], bench_rounds(), 1, "ns/item", false);
}

/* ---- Nothing to do */

static int64_t idle_ns;

static int open_idler(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	int64_t *end_at = malloc(sizeof(*end_at));
	(void)source;
	(void)saved;
	(void)err;
	BENCH_CHECK(end_at);
	*end_at = wax_env_now(env) + idle_ns;
	*ret_part = end_at;
	return 0;
}

static int idle(void *part, struct wax_out *out, struct wax_err *err)
{
	struct timespec now;
	(void)out;
	(void)err;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	return now_ns >= *(const int64_t *)part ? WAX_END : WAX_IDLE;
}

static int64_t idle_until(void *part)
{
	return *(const int64_t *)part;
}

static const struct wax_source_ops idler_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "idle",
		.open = open_idler,
		.next = idle,
		.next_awake = idle_until,
		.close = free,
};

static void build_idle(struct wax_flow *flow)
{
	struct wax_stream stream = wax_input(flow, "idle",
			wax_source_make(&idler_ops, WAX_KEYED(WAX_U64, WAX_U64), NULL, NULL));
	stream = wax_redistribute(stream, "exchange", WAX_DEAL_KEYS);
	wax_output(stream, "out", wax_null());
}

static double run_idle(int64_t ns)
{
	idle_ns = ns;
	struct flow_result result =
			flow_run(&(struct flow_run){.build = build_idle, .procs = bench.procs});
	return (double)result.cpu_ns / bench.procs;
}

/* Start and end cost as much in a short run: what is left is of idling. */
static void measure_idle(void)
{
	int64_t shorter = 50000000, longer = bench_pick(100, 2000, 5000) * 1000000;
	char params[64];
	double more = run_idle(longer) - run_idle(shorter);
	snprintf(params, sizeof(params), "%u workers, share of a CPU of each", bench.procs);
	report_value("overcommit/idle_cpu", params,
			fmax(0, more) / (double)(longer - shorter) * 100, "percent", false);
}

void bench_overcommit(void)
{
	measure_workers("", (uint64_t)bench_pick(100000, 16000000, 64000000), 0);
	measure_workers("_paced", (uint64_t)bench_pick(10000, 300000, 1000000), PACED_PER_S);
	if (bench_wants("overcommit/idle_cpu"))
		measure_idle();
}
