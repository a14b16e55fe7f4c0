/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/flow.h"
#include "bench/meter.h"
#include "bench/net.h"
#include "bench/pairs.h"
#include "bench/race.h"
#include "bench/report.h"
#include "bench/samples.h"
#include "runtime/loop.h"
#include "shm/bell.h"
#include "shm/mark.h"

/*
 * Waking a process that sleeps: from before the message is written until the sleeper has it. By
 * hand: an eventfd and read(2). And what it costs to look whether the peer sleeps when it does not.
 */

enum { GAP_NS = 100 * 1000, SLEEP_GAP_NS = 500 * 1000 };

static uint32_t wakes(void)
{
	return (uint32_t)bench_pick(20, 300, 3000);
}

struct place {
	struct wax_bell bell;
	_Alignas(128) _Atomic uint64_t number; /* the message */
	_Atomic uint64_t sent_ns;
	_Alignas(128) _Atomic uint64_t seen;
};

struct wake {
	struct place *place;
	int bell; /* eventfd */
	bool plain;
};

static void wait_until(uint64_t ns)
{
	while (clock_ns() < ns)
		clock_relax();
}

static void ring(const struct wake *wake)
{
	struct place *place = wake->place;
	uint64_t one = 1;
	if (wake->plain) {
		BENCH_CHECK(write(wake->bell, &one, sizeof(one)) == sizeof(one));
		return;
	}
	wax_bell_barrier(&place->bell);
	if (wax_bell_wanted(&place->bell, WAX_BELL_ALL))
		wax_bell_ring(&place->bell, wake->bell);
}

static void wake_up(const struct wake *wake)
{
	struct place *place = wake->place;
	uint32_t count = wakes();
	for (uint64_t i = 1; i <= count; i++) {
		wait_until(clock_ns() + GAP_NS);
		wax_store_relaxed(&place->sent_ns, clock_ns());
		wax_store_release(&place->number, i);
		ring(wake);
		while (wax_load_acquire(&place->seen) != i)
			clock_relax();
	}
}

static void nothing(struct wax_completion *completion, int result)
{
	(void)completion;
	(void)result;
}

static void note(struct place *place, uint64_t number)
{
	samples_add(samples(), (double)(clock_ns() - wax_load_relaxed(&place->sent_ns)));
	wax_store_release(&place->seen, number);
}

static void sleep_with_bell(const struct wake *wake)
{
	struct place *place = wake->place;
	struct wax_completion rung = {.done = nothing};
	struct wax_loop *loop;
	uint32_t count = wakes();
	BENCH_CHECK(wax_loop_open(WAX_IO_AUTO, 64, &loop, NULL) == 0);
	wax_loop_watch(loop, &rung, wake->bell);
	for (uint64_t i = 1; i <= count; i++) {
		while (wax_load_acquire(&place->number) != i) {
			wax_bell_doze(&place->bell, WAX_BELL_ALL);
			if (wax_load_acquire(&place->number) != i)
				wax_loop_wait(loop, WAX_NEVER);
			wax_bell_rise(&place->bell);
		}
		note(place, i);
	}
	wax_loop_close(loop);
}

static void sleep_in_read(const struct wake *wake)
{
	uint32_t count = wakes();
	uint64_t rung;
	for (uint64_t i = 1; i <= count; i++) {
		BENCH_CHECK(read(wake->bell, &rung, sizeof(rung)) == sizeof(rung));
		note(wake->place, i);
	}
}

static void wake_process(uint32_t index, void *context)
{
	const struct wake *wake = context;
	meter_meet(2);
	if (index == 0)
		wake_up(wake);
	else if (wake->plain)
		sleep_in_read(wake);
	else
		sleep_with_bell(wake);
}

static double run_wake(void *context, bool *ret_clean)
{
	const bool *plain = context;
	struct wake wake = {.bell = eventfd(0, EFD_CLOEXEC | (*plain ? 0 : EFD_NONBLOCK)),
			.plain = *plain};
	(void)ret_clean;
	wake.place = mmap(NULL, sizeof(*wake.place), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	BENCH_CHECK(wake.bell >= 0 && wake.place != MAP_FAILED);
	samples_clear();
	meter_start(0, 1);
	meter_fork(2, wake_process, &wake);
	munmap(wake.place, sizeof(*wake.place));
	close(wake.bell);
	return samples_median();
}

/* ---- A worker that sleeps, woken by an item */

static uint64_t key_of_sleeper;

struct ticker {
	struct wax_env *env;
	int64_t next_at;
	uint32_t sent;
};

static int list_only(void *source, struct wax_parts *parts, struct wax_err *err)
{
	(void)source;
	(void)err;
	return wax_parts_add(parts, "only");
}

static int open_ticker(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct ticker *ticker = calloc(1, sizeof(*ticker));
	(void)source;
	(void)saved;
	(void)err;
	BENCH_CHECK(ticker);
	*ticker = (struct ticker){.env = env, .next_at = wax_env_now(env)};
	*ret_part = ticker;
	return 0;
}

static int emit_time(void *part, struct wax_out *out, struct wax_err *err)
{
	struct ticker *ticker = part;
	(void)err;
	if (wax_env_now(ticker->env) < ticker->next_at)
		return WAX_IDLE;
	ticker->next_at = wax_env_now(ticker->env) + SLEEP_GAP_NS;
	uint64_t now = clock_ns();
	wax_emit_kv(out, &key_of_sleeper, sizeof(key_of_sleeper), &now, sizeof(now));
	return ++ticker->sent == wakes() ? WAX_END : WAX_IDLE;
}

static int64_t next_time(void *part)
{
	return ((const struct ticker *)part)->next_at;
}

static uint64_t note_items(const struct wax_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++)
		samples_add(samples(), (double)(clock_ns() - WAX_VALUES(batch, uint64_t)[i]));
	return 0;
}

static const struct wax_source_ops ticker_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "ticker",
		.list = list_only,
		.open = open_ticker,
		.next = emit_time,
		.next_awake = next_time,
		.close = free,
};

static void build(struct wax_flow *flow)
{
	struct wax_stream items = wax_input(flow, "tick",
			wax_source_make(&ticker_ops, WAX_KEYED(WAX_U64, WAX_U64), NULL, NULL));
	items = wax_redistribute(items, "exchange", WAX_DEAL_KEYS);
	wax_output(items, "note", flow_sink(note_items, false));
}

static double run_operators(void *context, bool *ret_clean)
{
	(void)context;
	(void)ret_clean;
	key_of_sleeper = pairs_key_of(1, 2);
	samples_clear();
	meter_start(0, 1);
	flow_run(&(struct flow_run){.build = build, .procs = 2});
	return samples_median();
}

/* ---- What sending to a peer that is awake costs the sender */

static const uint64_t flush_gap_ns = 2000;

/* The peer empties its ring. */
static void be_awake(const struct net *net)
{
	struct wax_rx rx = net->peers[1];
	for (;;) {
		const struct wax_slot *slot = wax_rx_peek(&rx);
		if (!slot && wax_mark_ended(wax_mark_read(wax_segment_mark(&net->segment, 0, 0))))
			return;
		if (!slot)
			continue;
		uint32_t what = slot->kind == WAX_SLOT_SLAB ? slot->slab : WAX_RETURN_INLINE;
		wax_rx_pop(&rx);
		wax_rx_return(&rx, what);
	}
}

static uint64_t least_ticks(void)
{
	uint64_t least = UINT64_MAX;
	for (int i = 0; i < 1000; i++) {
		uint64_t from = clock_ticks(), took = clock_ticks() - from;
		least = took < least ? took : least;
	}
	return least;
}

static void flush_exchange(struct net *net, uint32_t count)
{
	uint64_t key = pairs_key_of(1, 2), value = 1, idle = least_ticks();
	const struct wax_batch batch = {.count = 1,
			.key_bytes = 8,
			.value_bytes = 8,
			.keyed = 1,
			.keys = &key,
			.values = &value};
	for (uint32_t i = 0; i < count; i++) {
		wait_until(clock_ns() + flush_gap_ns);
		wax_exchange_unblock(net->exchange, 0);
		BENCH_CHECK(wax_exchange_send(net->exchange, 0, &batch, NULL) == 0);
		uint64_t from = clock_ticks();
		wax_exchange_flush(net->exchange, UINT64_MAX);
		wax_exchange_ring(net->exchange);
		samples_add(samples(), (double)(clock_ticks() - from - idle) * clock_tick_ns());
	}
	wax_exchange_end_input(net->exchange, 0);
	while (!wax_exchange_unblock(net->exchange, 0))
		;
}

/* A message of one line, its number last, then the look at the other's word. */
static void flush_by_hand(struct net *net, uint32_t count)
{
	struct wax_tx tx = wax_tx_open(&net->segment, 0, 1);
	struct wax_bell *bell = wax_segment_bell(&net->segment, 1);
	uint64_t idle = least_ticks();
	struct wax_slot message = {.kind = WAX_SLOT_INLINE, .count = 1};
	for (uint32_t i = 0; i < count; i++) {
		uint32_t what;
		wait_until(clock_ns() + flush_gap_ns);
		/* Without credit, which a receiver that was preempted owes, nothing may be sent. */
		do {
			while (wax_tx_reclaim(&tx, &what))
				;
		} while (tx.sent - tx.reclaimed > 8);
		uint64_t from = clock_ticks();
		memcpy((char *)wax_tx_slot(&tx) + 4, (char *)&message + 4, 60);
		wax_tx_push(&tx);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		BENCH_CHECK(wax_load_relaxed(&bell->asleep) == 0);
		samples_add(samples(), (double)(clock_ticks() - from - idle) * clock_tick_ns());
	}
	wax_mark_post(wax_segment_mark(&net->segment, 0, 0), wax_mark_of(0, true));
}

struct flush {
	struct net net;
	bool by_hand;
};

static void flush_process(uint32_t index, void *context)
{
	struct flush *flush = context;
	uint32_t count = 10 * wakes();
	meter_meet(2);
	if (index == 1)
		be_awake(&flush->net);
	else if (flush->by_hand)
		flush_by_hand(&flush->net, count);
	else
		flush_exchange(&flush->net, count);
}

static double run_flush(void *context, bool *ret_clean)
{
	struct flush flush = {.by_hand = *(const bool *)context};
	(void)ret_clean;
	clock_tick_ns();
	samples_clear();
	meter_start(0, 1);
	net_open(&flush.net, 2, WAX_KEYED(WAX_U64, WAX_U64));
	meter_fork(2, flush_process, &flush);
	net_close(&flush.net);
	return samples_median();
}

void bench_wake(void)
{
	static bool yes = true, no = false;
	struct race_runner runners[] = {
			{.name = "eventfd", .run = run_wake, .context = &yes},
			{.name = "bell", .run = run_wake, .context = &no},
			{.name = "operators", .run = run_operators},
			{.name = "flush", .run = run_flush, .context = &no},
			{.name = "flush by hand", .run = run_flush, .context = &yes},
	};
	if (!meter_has_cpus(2)) {
		report_skip("wake", "two processes need two CPUs");
		return;
	}
	race(runners, 5, bench_rounds());
	race_report("wake/doorbell", "yardstick: eventfd and read", &runners[1], &runners[0],
			bench_rounds(), 1e-3, "us", false);
	race_report("wake/operators", "an item to a sleeping worker; yardstick: eventfd",
			&runners[2], &runners[0], bench_rounds(), 1e-3, "us", false);
	race_report("wake/flush_awake", "one item to a peer that is awake", &runners[3],
			&runners[4], bench_rounds(), 1, "ns", false);
}
