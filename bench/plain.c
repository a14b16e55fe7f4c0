/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench/bench.h"
#include "bench/flow.h"
#include "bench/ideal_exchange.h"
#include "bench/items.h"
#include "bench/meter.h"
#include "bench/race.h"
#include "bench/report.h"

/*
 * Numbers without a key, in rounds: every worker makes a batch, and the next when all batches of
 * the round have arrived.
 *
 *     input -> redistribute(items, or batches) -> output
 */

static struct flow_items items = {.make = flow_make_numbers, .silent = true, .ahead = 1};
static enum wax_deal deal;

static void build(struct wax_flow *flow)
{
	items.type = WAX_U64;
	struct wax_stream numbers = wax_input(flow, "make", flow_source(&items));
	numbers = wax_redistribute(numbers, "exchange", deal);
	wax_output(numbers, "add", flow_sink(flow_sum_numbers, true));
}

struct load {
	uint32_t round;
	enum wax_deal deal;
};

static void start_meter(void)
{
	meter_start((uint32_t)bench_pick(20, 50, 120), 1000);
}

/* Items a ns, of all workers together. */
static double finish(bool *ret_clean)
{
	meter_check_sums(bench.procs, "exchange/plain");
	return 1 / meter_ns_per_item(bench.procs, ret_clean);
}

static double run_flow(void *context, bool *ret_clean)
{
	const struct load *load = context;
	deal = load->deal;
	items.round = load->round;
	start_meter();
	flow_run(&(struct flow_run){.build = build, .procs = bench.procs});
	return finish(ret_clean);
}

static double run_ideal(void *context, bool *ret_clean)
{
	const struct load *load = context;
	const struct ideal ideal = {.shape = {ITEMS_NUMBER, 8}, .round = load->round, .ahead = 1};
	start_meter();
	ideal_exchange(&ideal, bench.procs);
	return finish(ret_clean);
}

static void measure_plain(uint32_t round, const char *name)
{
	struct load by_items = {round, WAX_DEAL_ITEMS}, by_batches = {round, WAX_DEAL_BATCHES};
	char one[64], whole[64], params[64];
	struct race_runner runners[] = {
			{.name = "items", .run = run_flow, .context = &by_items},
			{.name = "by hand", .run = run_ideal, .context = &by_items},
			{.name = "batches", .run = run_flow, .context = &by_batches},
	};
	snprintf(one, sizeof(one), "exchange/plain_items_%s", name);
	snprintf(whole, sizeof(whole), "exchange/plain_batches_%s", name);
	if (!bench_wants(one) && !bench_wants(whole))
		return;
	race(runners, 3, bench_rounds());
	snprintf(params, sizeof(params), "%u workers, numbers, one round under way", bench.procs);
	race_report(one, params, &runners[0], &runners[1], bench_rounds(), 1e3, "Mitems/s", true);
	race_report(whole, params, &runners[2], &runners[1], bench_rounds(), 1e3, "Mitems/s", true);
}

/* ---- Bulk: batches of 256 KiB from one worker to another, which adds them up where they lie */

enum { BULK_BYTES = 256 * 1024, BULK_NUMBERS = BULK_BYTES / 8, BULK_SLABS = 16 };

/* All that cross have worker 0 as their end, where the only partition of the output is. */
static int list_one(void *sink, struct wax_parts *parts, struct wax_err *err)
{
	(void)sink;
	(void)err;
	return wax_parts_add(parts, "only");
}

static int open_bulk(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	(void)sink;
	(void)saved;
	(void)err;
	*ret_part = &meter()->logs[wax_env_worker(env)];
	return 0;
}

static int add_bulk(void *part, const struct wax_batch *batch, struct wax_err *err)
{
	struct meter_log *log = part;
	(void)err;
	log->taken_sum += flow_sum_numbers(batch);
	meter_add(log, batch->count);
	return WAX_READY;
}

static const struct wax_sink_ops bulk_ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "bulk",
		.list = list_one,
		.open = open_bulk,
		.write = add_bulk,
};

static void fill_numbers(uint64_t *to, uint64_t count, uint64_t from)
{
	for (uint64_t i = 0; i < count; i++)
		to[i] = from;
}

static void make_bulk(struct wax_out *out, uint32_t count, uint64_t *seed, uint64_t *sum)
{
	*seed += 1;
	*sum += *seed * count;
	while (count > 0) {
		uint32_t room = wax_out_room(out, count);
		fill_numbers(WAX_OUT_VALUES(out, uint64_t), room, *seed);
		wax_out_advance(out, room);
		count -= room;
	}
}

static struct flow_items bulk = {
		.make = make_bulk, .per_call = BULK_NUMBERS, .silent = true, .last_only = true};

static void build_bulk(struct wax_flow *flow)
{
	bulk.type = WAX_U64;
	wax_output(wax_input(flow, "make", flow_source(&bulk)), "add",
			wax_sink_make(&bulk_ops, NULL, NULL, NULL));
}

static void start_bulk(void)
{
	meter_start((uint32_t)bench_pick(20, 60, 150), BULK_NUMBERS);
}

static double finish_bulk(bool *ret_clean)
{
	meter_check_sums(2, "exchange/bulk");
	return 8 / meter_ns_per_item(2, ret_clean);
}

static double run_bulk(void *context, bool *ret_clean)
{
	(void)context;
	start_bulk();
	flow_run(&(struct flow_run){.build = build_bulk, .procs = 2, .slab_bytes = BULK_BYTES});
	return finish_bulk(ret_clean);
}

struct bulk_ring {
	_Alignas(128) uint64_t head;
	_Alignas(128) uint64_t tail;
	_Alignas(4096) uint64_t slabs[BULK_SLABS][BULK_NUMBERS];
};

static void bulk_produce(struct bulk_ring *ring)
{
	struct meter_log *log = &meter()->logs[1];
	uint64_t over = 0;
	for (uint64_t i = 0; !over; i++) {
		while (i - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) >= BULK_SLABS)
			clock_relax();
		fill_numbers(ring->slabs[i % BULK_SLABS], BULK_NUMBERS, i);
		log->made_sum += i * BULK_NUMBERS;
		over = clock_ns() >= meter()->until_ns;
		__atomic_store_n(&ring->head, (i + 1) << 1 | over, __ATOMIC_RELEASE);
	}
}

static uint64_t sum_slab(const uint64_t *slab)
{
	return items_sum(slab, BULK_NUMBERS);
}

static void bulk_consume(struct bulk_ring *ring)
{
	struct meter_log *log = &meter()->logs[0];
	uint64_t head = 0;
	for (uint64_t i = 0; !(head & 1) || i < head >> 1; i++) {
		while ((head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE)) >> 1 <= i)
			clock_relax();
		log->taken_sum += sum_slab(ring->slabs[i % BULK_SLABS]);
		__atomic_store_n(&ring->tail, i + 1, __ATOMIC_RELEASE);
		meter_add(log, BULK_NUMBERS);
	}
}

static void bulk_by_hand(uint32_t index, void *context)
{
	meter_meet(2);
	if (index == 0)
		bulk_consume(context);
	else
		bulk_produce(context);
}

static double run_bulk_by_hand(void *context, bool *ret_clean)
{
	struct bulk_ring *ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)context;
	BENCH_CHECK(ring != MAP_FAILED);
	start_bulk();
	meter_fork(2, bulk_by_hand, ring);
	munmap(ring, sizeof(*ring));
	return finish_bulk(ret_clean);
}

static void measure_bulk(void)
{
	struct race_runner runners[] = {
			{.name = "wax", .run = run_bulk},
			{.name = "by hand", .run = run_bulk_by_hand},
	};
	race(runners, 2, bench_rounds());
	race_report("exchange/bulk_256k", "numbers, 1 worker to 1; slabs of 256 KiB", &runners[0],
			&runners[1], bench_rounds(), 1, "GB/s", true);
}

void bench_plain(void)
{
	measure_plain(1000, "1k");
	measure_plain(100000, "100k");
	measure_plain(1000000, "1m");
	if (bench_wants("exchange/bulk_256k"))
		measure_bulk();
}
