/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/open_loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench/bench.h"
#include "bench/flow.h"
#include "bench/histogram.h"
#include "bench/items.h"
#include "bench/meter.h"
#include "bench/race.h"
#include "bench/report.h"

/*
 * Items at a rate, whatever becomes of them: item i is due at i/rate, the source admits all that
 * are due each time that it is asked, and the latency of an item is when it arrives less when it
 * was due. So whoever is late is not spared.
 *
 *     input (all workers) -> redistribute(keys) -> output
 *
 * By hand: one process admits all that are due into a ring, another looks at it all the time.
 */

enum { WARM_PERCENT = 20, ADMIT_MAX = 4096, PERCENTILES = 4 };

static const struct {
	const char *name;
	double share;
} percentiles[PERCENTILES] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"p9999", 0.9999}};

struct record {
	uint64_t key, due_ns;
};

enum { RING = 1 << 16 };

/* Shared with the workers. */
struct loop {
	uint64_t start_ns, warm_ns, end_ns;
	struct histogram histograms[METER_PROCS_MAX];
	_Alignas(128) uint64_t head;
	_Alignas(128) uint64_t tail;
	struct record ring[RING];
};

static struct loop *loop;
static double gap_ns; /* between two items of one source */

/* ---- What all do */

struct schedule {
	uint64_t next; /* item */
	uint64_t random;
};

static uint64_t due_of(uint64_t item)
{
	return loop->start_ns + (uint64_t)((double)item * gap_ns);
}

/* Items due by now that were not admitted yet, at most ADMIT_MAX. */
static uint32_t count_due(const struct schedule *schedule, uint64_t now)
{
	if (now < loop->start_ns)
		return 0;
	now = now < loop->end_ns ? now : loop->end_ns;
	uint64_t due = (uint64_t)((double)(now - loop->start_ns) / gap_ns) + 1; /* 0 at the start */
	if (due <= schedule->next)
		return 0;
	return due - schedule->next < ADMIT_MAX ? (uint32_t)(due - schedule->next) : ADMIT_MAX;
}

static void note(struct histogram *histogram, uint64_t due, uint64_t now)
{
	if (due >= loop->warm_ns)
		histogram_add(histogram, now > due ? now - due : 0);
}

static void set_times(uint64_t delay_ns)
{
	uint64_t length = (uint64_t)bench_pick(20, 300, 2000) * 1000000;
	memset(loop->histograms, 0, sizeof(loop->histograms));
	loop->head = loop->tail = 0;
	loop->start_ns = clock_ns() + delay_ns;
	loop->warm_ns = loop->start_ns + length * WARM_PERCENT / 100;
	loop->end_ns = loop->start_ns + length;
}

/* ---- Through operators */

struct admitter {
	struct wax_env *env;
	struct schedule schedule;
};

static int open_admitter(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct admitter *admitter = calloc(1, sizeof(*admitter));
	(void)source;
	(void)saved;
	(void)err;
	BENCH_CHECK(admitter);
	if (meter_has_cpus(wax_env_worker_count(env)))
		meter_settle(wax_env_worker(env));
	*admitter = (struct admitter){env, {0, 0x1234567 + wax_env_worker(env) * UINT64_C(7919)}};
	*ret_part = admitter;
	return 0;
}

static int admit(void *part, struct wax_out *out, struct wax_err *err)
{
	struct admitter *admitter = part;
	struct schedule *schedule = &admitter->schedule;
	uint64_t now = clock_ns();
	uint32_t count = count_due(schedule, now);
	(void)err;
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		uint64_t *keys = WAX_OUT_KEYS(out, uint64_t), *dues = WAX_OUT_VALUES(out, uint64_t);
		for (uint32_t i = 0; i < room; i++) {
			keys[i] = items_random(&schedule->random);
			dues[i] = due_of(schedule->next++);
		}
		wax_out_advance(out, room);
		count -= room;
	}
	wax_env_wake(admitter->env);
	return now >= loop->end_ns && count_due(schedule, now) == 0 ? WAX_END : WAX_IDLE;
}

static int open_noter(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	(void)sink;
	(void)saved;
	(void)err;
	*ret_part = &loop->histograms[wax_env_worker(env)];
	return 0;
}

static int note_batch(void *part, const struct wax_batch *batch, struct wax_err *err)
{
	uint64_t now = clock_ns();
	(void)err;
	for (uint32_t i = 0; i < batch->count; i++)
		note(part, WAX_VALUES(batch, uint64_t)[i], now);
	return WAX_READY;
}

static const struct wax_source_ops admitter_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "open loop",
		.open = open_admitter,
		.next = admit,
		.close = free,
};

static const struct wax_sink_ops noter_ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "latency",
		.open = open_noter,
		.write = note_batch,
};

static void build(struct wax_flow *flow)
{
	struct wax_stream items = wax_input(flow, "admit",
			wax_source_make(&admitter_ops, WAX_KEYED(WAX_U64, WAX_U64), NULL, NULL));
	items = wax_redistribute(items, "exchange", WAX_DEAL_KEYS);
	wax_output(items, "note", wax_sink_make(&noter_ops, NULL, NULL, NULL));
}

/* ---- Runs */

struct load {
	double rate; /* a second */
	double found[RACE_ALSO_MAX];
};

static double finish(struct load *load)
{
	struct histogram all = {{0}};
	for (uint32_t i = 0; i < METER_PROCS_MAX; i++)
		histogram_merge(&all, &loop->histograms[i]);
	for (uint32_t i = 0; i < PERCENTILES; i++)
		load->found[i] = histogram_quantile(&all, percentiles[i].share);
	return load->found[0];
}

static double run_flow(void *context, bool *ret_clean)
{
	struct load *load = context;
	(void)ret_clean; /* what is late because of others counts: the yardstick has it too */
	gap_ns = 1e9 / load->rate * bench.procs;
	set_times(5000000); /* until all workers are there */
	flow_run(&(struct flow_run){.build = build, .procs = bench.procs});
	return finish(load);
}

static void admit_by_hand(struct schedule *schedule)
{
	uint64_t now;
	do {
		now = clock_ns();
		uint32_t count = count_due(schedule, now);
		while (count > RING -
						(schedule->next -
								__atomic_load_n(&loop->tail,
										__ATOMIC_ACQUIRE)))
			clock_relax();
		for (uint32_t i = 0; i < count; i++) {
			loop->ring[schedule->next % RING] = (struct record){
					items_random(&schedule->random), due_of(schedule->next)};
			schedule->next++;
		}
		if (count > 0)
			__atomic_store_n(&loop->head, schedule->next, __ATOMIC_RELEASE);
	} while (now < loop->end_ns || count_due(schedule, now) > 0);
	__atomic_store_n(&loop->head, schedule->next | UINT64_C(1) << 63, __ATOMIC_RELEASE);
}

static void take_by_hand(void)
{
	uint64_t at = 0, head = 0, over = UINT64_C(1) << 63;
	while (head != (at | over)) {
		head = __atomic_load_n(&loop->head, __ATOMIC_ACQUIRE);
		uint64_t now = (head & ~over) > at ? clock_ns() : 0;
		for (; at < (head & ~over); at++)
			note(&loop->histograms[1], loop->ring[at % RING].due_ns, now);
		__atomic_store_n(&loop->tail, at, __ATOMIC_RELEASE);
	}
}

static void one_process(uint32_t index, void *context)
{
	struct schedule schedule = {0, 1};
	(void)context;
	if (index == 0)
		admit_by_hand(&schedule);
	else
		take_by_hand();
}

static double run_by_hand(void *context, bool *ret_clean)
{
	struct load *load = context;
	(void)ret_clean;
	gap_ns = 1e9 / load->rate;
	set_times(5000000);
	meter_fork(2, one_process, NULL);
	return finish(load);
}

static void measure(double rate, const char *rate_name)
{
	struct load wax = {.rate = rate}, by_hand = {.rate = rate};
	uint32_t rounds = (uint32_t)bench_pick(1, 3, 5);
	char prefix[40], name[64], params[64];
	struct race_runner runners[] = {
			{.name = "wax", .run = run_flow, .context = &wax, .also = wax.found},
			{.name = "by hand",
					.run = run_by_hand,
					.context = &by_hand,
					.also = by_hand.found},
	};
	snprintf(prefix, sizeof(prefix), "latency/open_loop_%s", rate_name);
	if (!bench_wants(prefix))
		return;
	race(runners, 2, rounds);
	snprintf(params, sizeof(params), "%u workers; yardstick: 1 ring, 2 busy loops",
			bench.procs);
	for (uint32_t i = 0; i < PERCENTILES; i++) {
		struct race_runner one = race_also(&runners[0], i, rounds);
		struct race_runner other = race_also(&runners[1], i, rounds);
		snprintf(name, sizeof(name), "%s_%s", prefix, percentiles[i].name);
		race_report(name, params, &one, &other, rounds, 1e-3, "us", false);
	}
}

void open_loop(void)
{
	char name[24];
	if (!meter_has_cpus(bench.procs)) {
		report_skip("latency/open_loop", "%u workers that stay awake need as many CPUs",
				bench.procs);
		return;
	}
	loop = mmap(NULL, sizeof(*loop), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	BENCH_CHECK(loop != MAP_FAILED);
	if (bench.rate) {
		snprintf(name, sizeof(name), "%.0fk", (double)bench.rate / 1e3);
		measure((double)bench.rate, name);
	} else {
		measure(1e5, "100k");
		measure(1e6, "1m");
		measure(1e7, "10m");
	}
	munmap(loop, sizeof(*loop));
}
