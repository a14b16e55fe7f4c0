/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/scatter.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/items.h"
#include "bench/meter.h"
#include "bench/net.h"
#include "bench/race.h"
#include "bench/report.h"
#include "runtime/hash.h"

/*
 * Scattering alone: one process routes batches of 16-byte items to 2 or 64 workers, whose slabs
 * come home at once. By hand: a pointer per destination, slabs aligned to their size.
 */

enum { BATCH = 2048, BATCHES = 16, SLAB_BYTES = 64 * 1024, SLABS_EACH = 2 };

static uint64_t keys[BATCHES][BATCH], values[BATCHES][BATCH];

static void fill_batches(void)
{
	uint64_t random = 88172645463325252;
	for (uint32_t i = 0; i < BATCHES; i++) {
		for (uint32_t j = 0; j < BATCH; j++) {
			keys[i][j] = items_random(&random);
			values[i][j] = keys[i][j] + 1;
		}
	}
}

static void scatter_wax(uint32_t index, void *context)
{
	const uint32_t *worker_count = context;
	struct meter_log *log = &meter()->logs[index];
	struct net net;
	net_open(&net, *worker_count, WAX_KEYED(WAX_U64, WAX_U64));
	for (uint32_t i = 0;; i = (i + 1) % BATCHES) {
		const struct wax_batch batch = {.count = BATCH,
				.key_bytes = 8,
				.value_bytes = 8,
				.keyed = 1,
				.keys = keys[i],
				.values = values[i]};
		BENCH_CHECK(wax_exchange_send(net.exchange, 0, &batch, NULL) == 0);
		net_recycle(&net);
		if (meter_add(log, BATCH))
			break;
	}
	net_close(&net);
}

static void scatter_by_hand(uint32_t index, void *context)
{
	const uint32_t worker_count = *(const uint32_t *)context;
	struct meter_log *log = &meter()->logs[index];
	struct item {
		uint64_t key, value;
	} * open[METER_PROCS_MAX];
	uint32_t slab_count = worker_count * SLABS_EACH, next = 0;
	char *slabs = aligned_alloc(SLAB_BYTES, (size_t)slab_count * SLAB_BYTES);
	BENCH_CHECK(slabs);
	for (uint32_t i = 0; i < worker_count; i++)
		open[i] = (struct item *)(slabs + (size_t)next++ * SLAB_BYTES);
	for (uint32_t i = 0;; i = (i + 1) % BATCHES) {
		for (uint32_t j = 0; j < BATCH; j++) {
			uint64_t hash = XXH3_64bits(&keys[i][j], 8);
			uint32_t to = (uint32_t)(((hash >> 52) * worker_count) >> 12);
			struct item *item = open[to];
			*item++ = (struct item){keys[i][j], values[i][j]};
			if (__builtin_expect(((uintptr_t)item & (SLAB_BYTES - 1)) == 0, 0)) {
				next = next + 1 < slab_count ? next + 1 : 0;
				item = (struct item *)(slabs + (size_t)next * SLAB_BYTES);
			}
			open[to] = item;
		}
		if (meter_add(log, BATCH))
			break;
	}
	free(slabs);
}

static double run(void (*body)(uint32_t, void *), void *context, bool *ret_clean)
{
	meter_start((uint32_t)bench_pick(10, 40, 100), 8192);
	meter_fork(1, body, context);
	return meter_ns_per_item(1, ret_clean);
}

static double run_wax(void *context, bool *ret_clean)
{
	return run(scatter_wax, context, ret_clean);
}

static double run_by_hand(void *context, bool *ret_clean)
{
	return run(scatter_by_hand, context, ret_clean);
}

void bench_scatter(void)
{
	static uint32_t few = 2, many = 64;
	struct race_runner runners[] = {
			{.name = "wax, 2", .run = run_wax, .context = &few},
			{.name = "by hand, 2", .run = run_by_hand, .context = &few},
			{.name = "wax, 64", .run = run_wax, .context = &many},
			{.name = "by hand, 64", .run = run_by_hand, .context = &many},
	};
	fill_batches();
	race(runners, 4, bench_rounds());
	race_report("exchange/scatter_2", "1 process, 16-byte items", &runners[0], &runners[1],
			bench_rounds(), 1, "ns/item", false);
	race_report("exchange/scatter_64", "1 process, 16-byte items", &runners[2], &runners[3],
			bench_rounds(), 1, "ns/item", false);
	race_report("exchange/scatter_64_to_2", "yardstick: to 2", &runners[2], &runners[0],
			bench_rounds(), 1, "ns/item", false);
}
