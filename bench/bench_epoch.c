/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench/bench.h"
#include "bench/flow.h"
#include "bench/meter.h"
#include "bench/pairs.h"
#include "bench/race.h"
#include "bench/report.h"
#include "shm/control.h"

/*
 * A round is an epoch: the epoch word advances, sources mark its end, the marks cross all channels,
 * and every worker reports it done.
 *
 *     input -> redistribute(keys) -> output
 *
 * The launcher turns epochs on a timer, so here it is told not to, and the input of worker 0 does
 * what the launcher does, as soon as the epoch before is done everywhere. By hand: each process
 * writes the number of the round into a cache line of its own and waits for all others.
 */

/* The epoch in which each worker has sent its item, a line each. */
struct said {
	_Alignas(128) _Atomic uint64_t epoch;
};

static struct said *said; /* shared with the workers */
static bool with_items;

struct driver {
	struct wax_env *env;
	struct wax_control_header *header;
	uint64_t key; /* of the next worker */
	uint64_t said;
};

static int open_driver(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct driver *driver = calloc(1, sizeof(*driver));
	uint32_t me = wax_env_worker(env), count = wax_env_worker_count(env);
	(void)source;
	(void)saved;
	(void)err;
	BENCH_CHECK(driver);
	if (meter_has_cpus(count))
		meter_settle(me);
	*driver = (struct driver){.env = env,
			.header = flow_control()->header,
			.key = pairs_key_of((me + 1) % count, count)};
	*ret_part = driver;
	return 0;
}

static bool all_are_at(uint64_t epoch, uint32_t worker_count)
{
	for (uint32_t i = 0; i < worker_count; i++) {
		const struct wax_worker_record *record = wax_control_worker(flow_control(), i);
		/* done:A. Pairs with the release in report_epoch of the worker. */
		if (wax_load_acquire(&record->epoch_done) + 1 < epoch)
			return false;
		if (with_items && wax_load_relaxed(&said[i].epoch) < epoch)
			return false;
	}
	return true;
}

/* @return is the time over? */
static bool turn_epoch(struct driver *driver)
{
	struct wax_control_header *header = driver->header;
	uint64_t epoch = wax_load_relaxed(&header->epoch);
	if (!all_are_at(epoch, wax_env_worker_count(driver->env)))
		return false;
	if (meter_add(&meter()->logs[0], 1)) {
		wax_store_relaxed(&header->stop, 1);
		return true;
	}
	/* epoch:A. Pairs with the acquire in look_at_launcher of the worker. */
	wax_store_release(&header->epoch, epoch + 1);
	return false;
}

static int drive(void *part, struct wax_out *out, struct wax_err *err)
{
	struct driver *driver = part;
	uint32_t me = wax_env_worker(driver->env);
	uint64_t epoch = wax_load_relaxed(&driver->header->epoch);
	(void)err;
	if (with_items && driver->said < epoch) {
		wax_emit_kv(out, &driver->key, sizeof(driver->key), &epoch, sizeof(epoch));
		driver->said = epoch;
		wax_store_relaxed(&said[me].epoch, epoch);
	}
	if (me == 0 && turn_epoch(driver))
		return WAX_END;
	/* Nothing else would make those without an item look again. */
	if (me == 0 || with_items)
		wax_env_wake(driver->env);
	return WAX_IDLE;
}

static const struct wax_source_ops driver_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "driver",
		.open = open_driver,
		.next = drive,
		.close = free,
};

static void build(struct wax_flow *flow)
{
	struct wax_stream items = wax_input(flow, "drive",
			wax_source_make(&driver_ops, WAX_KEYED(WAX_U64, WAX_U64), NULL, NULL));
	items = wax_redistribute(items, "exchange", WAX_DEAL_KEYS);
	wax_output(items, "out", wax_null());
}

static void start_meter(void)
{
	meter_start((uint32_t)bench_pick(10, 60, 200), 16);
}

static double run_flow(void *context, bool *ret_clean)
{
	with_items = *(const bool *)context;
	for (uint32_t i = 0; i < bench.procs; i++)
		wax_store_relaxed(&said[i].epoch, 0);
	start_meter();
	flow_run(&(struct flow_run){.build = build, .procs = bench.procs});
	return meter_ns_per_item(bench.procs, ret_clean);
}

/* The last round is a number that no round has. */
static void meet_by_hand(uint32_t index, void *context)
{
	struct said *lines = context;
	bool over = false;
	for (uint64_t round = 1; !over; round++) {
		if (index == 0)
			over = meter_add(&meter()->logs[0], 1);
		wax_store_release(&lines[index].epoch, over ? UINT64_MAX : round);
		for (uint32_t i = 0; i < bench.procs; i++) {
			uint64_t seen;
			while ((seen = wax_load_acquire(&lines[i].epoch)) < round)
				;
			over |= seen == UINT64_MAX;
		}
	}
	wax_store_release(&lines[index].epoch, UINT64_MAX);
}

static double run_by_hand(void *context, bool *ret_clean)
{
	(void)context;
	for (uint32_t i = 0; i < bench.procs; i++)
		wax_store_relaxed(&said[i].epoch, 0);
	start_meter();
	meter_fork(bench.procs, meet_by_hand, said);
	return meter_ns_per_item(bench.procs, ret_clean);
}

void bench_epoch(void)
{
	static bool yes = true, no = false;
	char params[64];
	struct race_runner runners[] = {
			{.name = "empty", .run = run_flow, .context = &no},
			{.name = "by hand", .run = run_by_hand},
			{.name = "one item", .run = run_flow, .context = &yes},
	};
	if (!meter_has_cpus(bench.procs)) {
		report_skip("epoch", "%u workers that stay awake need as many CPUs", bench.procs);
		return;
	}
	said = mmap(NULL, METER_PROCS_MAX * sizeof(*said), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	BENCH_CHECK(said != MAP_FAILED);
	race(runners, 3, bench_rounds());
	snprintf(params, sizeof(params), "%u workers; yardstick: a line each", bench.procs);
	race_report("epoch/round_empty", params, &runners[0], &runners[1], bench_rounds(), 1e-3,
			"us", false);
	race_report("epoch/round_one_item", params, &runners[2], &runners[1], bench_rounds(), 1e-3,
			"us", false);
	munmap(said, METER_PROCS_MAX * sizeof(*said));
}
