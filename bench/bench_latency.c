/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/bench.h"
#include "bench/flow.h"
#include "bench/meter.h"
#include "bench/net.h"
#include "bench/open_loop.h"
#include "bench/pairs.h"
#include "bench/race.h"
#include "bench/report.h"
#include "bench/samples.h"

/*
 * One item there and back between two workers that are awake: a cache line by hand, a message of
 * the raw channel, and an item through operators:
 *
 *     input (worker 0) -> redistribute to 1 -> new key -> redistribute to 0 -> output (worker 0)
 *
 * where the output wakes the input.
 */

static uint32_t trips(void)
{
	return (uint32_t)bench_pick(500, 10000, 50000);
}

/* ---- A cache line each way */

struct lines {
	_Alignas(128) _Atomic uint64_t there;
	_Alignas(128) _Atomic uint64_t back;
};

static void line_trips(uint32_t index, void *context)
{
	struct lines *lines = context;
	uint32_t count = trips();
	double tick_ns = clock_tick_ns();
	meter_meet(2);
	for (uint64_t i = 1; i <= count; i++) {
		if (index == 1) {
			while (wax_load_acquire(&lines->there) != i)
				;
			wax_store_release(&lines->back, i);
			continue;
		}
		uint64_t from = clock_ticks();
		wax_store_release(&lines->there, i);
		while (wax_load_acquire(&lines->back) != i)
			;
		samples_add(samples(), (double)(clock_ticks() - from) * tick_ns);
	}
}

static double run_line(void *context, bool *ret_clean)
{
	struct lines *lines = mmap(NULL, sizeof(*lines), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)context;
	(void)ret_clean; /* a median of thousands: it does not mind */
	BENCH_CHECK(lines != MAP_FAILED);
	samples_clear();
	meter_start(0, 1);
	meter_fork(2, line_trips, lines);
	munmap(lines, sizeof(*lines));
	return samples_median();
}

/* ---- A message each way, and its credit */

static void send(struct wax_tx *tx, uint64_t value)
{
	uint32_t what;
	while (wax_tx_reclaim(tx, &what))
		;
	struct wax_slot *slot = wax_tx_slot(tx);
	slot->kind = WAX_SLOT_INLINE;
	slot->count = 1;
	memcpy(slot->payload, &value, sizeof(value));
	wax_tx_push(tx);
}

static uint64_t receive(struct wax_rx *rx)
{
	const struct wax_slot *slot;
	uint64_t value;
	while (!(slot = wax_rx_peek(rx)))
		;
	memcpy(&value, slot->payload, sizeof(value));
	wax_rx_pop(rx);
	wax_rx_return(rx, WAX_RETURN_INLINE);
	return value;
}

static void channel_trips(uint32_t index, void *context)
{
	const struct net *net = context;
	struct wax_tx tx = wax_tx_open(&net->segment, index, 1 - index);
	struct wax_rx rx = wax_rx_open(&net->segment, index, 1 - index);
	uint32_t count = trips();
	double tick_ns = clock_tick_ns();
	meter_meet(2);
	for (uint64_t i = 1; i <= count; i++) {
		if (index == 1) {
			send(&tx, receive(&rx));
			continue;
		}
		uint64_t from = clock_ticks();
		send(&tx, i);
		BENCH_CHECK(receive(&rx) == i);
		samples_add(samples(), (double)(clock_ticks() - from) * tick_ns);
	}
}

static double run_channel(void *context, bool *ret_clean)
{
	struct net net;
	(void)context;
	(void)ret_clean;
	samples_clear();
	meter_start(0, 1);
	net_open(&net, 2, WAX_KEYED(WAX_U64, WAX_U64));
	meter_fork(2, channel_trips, &net);
	net_close(&net);
	return samples_median();
}

/* ---- Through operators */

static uint64_t there_key, back_key;

/* In worker 0, where the input and the output are. */
static struct wax_env *input_env;
static uint64_t sent_at;
static uint32_t trip_count;
static bool is_back = true;

static int list_only(void *source, struct wax_parts *parts, struct wax_err *err)
{
	(void)source;
	(void)err;
	return wax_parts_add(parts, "only");
}

static int open_input(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	(void)source;
	(void)saved;
	(void)err;
	meter_settle(wax_env_worker(env));
	clock_tick_ns();
	input_env = env;
	*ret_part = NULL;
	return 0;
}

static int emit_one(void *part, struct wax_out *out, struct wax_err *err)
{
	(void)part;
	(void)err;
	if (!is_back)
		return WAX_IDLE;
	if (trip_count++ == trips())
		return WAX_END;
	is_back = false;
	sent_at = clock_ticks();
	wax_emit_kv(out, &there_key, sizeof(there_key), &sent_at, sizeof(sent_at));
	return WAX_IDLE;
}

static int turn_round(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit_kv(out, &back_key, sizeof(back_key), item->value.data, item->value.bytes);
}

static int open_output(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	(void)sink;
	(void)saved;
	(void)err;
	meter_settle(wax_env_worker(env));
	*ret_part = NULL;
	return 0;
}

static int arrive(void *part, const struct wax_batch *batch, struct wax_err *err)
{
	(void)part;
	(void)batch;
	(void)err;
	samples_add(samples(), (double)(clock_ticks() - sent_at) * clock_tick_ns());
	is_back = true;
	wax_env_wake(input_env);
	return WAX_READY;
}

static const struct wax_source_ops input_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "ping",
		.list = list_only,
		.open = open_input,
		.next = emit_one,
};

static const struct wax_sink_ops output_ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "pong",
		.open = open_output,
		.write = arrive,
};

static void build(struct wax_flow *flow)
{
	const struct wax_type *type = WAX_KEYED(WAX_U64, WAX_U64);
	struct wax_stream items =
			wax_input(flow, "input", wax_source_make(&input_ops, type, NULL, NULL));
	items = wax_redistribute(items, "there", WAX_DEAL_KEYS);
	items = wax_flat_map(items, "turn", type, turn_round, NULL);
	items = wax_redistribute(items, "back", WAX_DEAL_KEYS);
	wax_output(items, "output", wax_sink_make(&output_ops, NULL, NULL, NULL));
}

static double run_operators(void *context, bool *ret_clean)
{
	(void)context;
	(void)ret_clean;
	there_key = pairs_key_of(1, 2);
	back_key = pairs_key_of(0, 2);
	samples_clear();
	flow_run(&(struct flow_run){.build = build, .procs = 2});
	return samples_median();
}

void bench_latency(void)
{
	struct race_runner runners[] = {
			{.name = "line", .run = run_line},
			{.name = "channel", .run = run_channel},
			{.name = "operators", .run = run_operators},
	};
	if (!meter_has_cpus(2)) {
		report_skip("latency", "two workers that stay awake need two CPUs");
		return;
	}
	open_loop();
	if (bench.rate || (!bench_wants("latency/channel") && !bench_wants("latency/operators")))
		return;
	clock_tick_ns();
	race(runners, 3, bench_rounds());
	race_report("latency/channel", "round trip; yardstick: two cache lines", &runners[1],
			&runners[0], bench_rounds(), 1, "ns", false);
	race_report("latency/operators", "round trip; yardstick: two cache lines", &runners[2],
			&runners[0], bench_rounds(), 1, "ns", false);
}
