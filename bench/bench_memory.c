/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/flow.h"
#include "bench/items.h"
#include "bench/report.h"

/*
 * Shared memory of the exchange that was touched at all, beside what it may take: a keyed flow with
 * few items, and every worker sends some to many others.
 *
 *     input -> redistribute(keys) -> output
 */

enum { ITEMS_EACH = 1000, WORKERS_MAX = 256 };

struct sender {
	uint64_t random;
};

static int open_sender(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct sender *sender = malloc(sizeof(*sender));
	(void)source;
	(void)saved;
	(void)err;
	BENCH_CHECK(sender);
	sender->random = wax_env_worker(env) + 1;
	*ret_part = sender;
	return 0;
}

static int send_few(void *part, struct wax_out *out, struct wax_err *err)
{
	struct sender *sender = part;
	(void)err;
	for (uint32_t i = 0; i < ITEMS_EACH; i++) {
		uint64_t key = items_random(&sender->random);
		wax_emit_kv(out, &key, sizeof(key), &key, sizeof(key));
	}
	return WAX_END;
}

static const struct wax_source_ops sender_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "few",
		.open = open_sender,
		.next = send_few,
		.close = free,
};

static void build(struct wax_flow *flow)
{
	struct wax_stream items = wax_input(flow, "send",
			wax_source_make(&sender_ops, WAX_KEYED(WAX_U64, WAX_U64), NULL, NULL));
	items = wax_redistribute(items, "exchange", WAX_DEAL_KEYS);
	wax_output(items, "out", wax_null());
}

static void measure(uint32_t worker_count)
{
	char name[64];
	snprintf(name, sizeof(name), "memory/exchange_%u", worker_count);
	if (!bench_wants(name))
		return;
	struct flow_result result =
			flow_run(&(struct flow_run){.build = build, .procs = worker_count});
	struct figure figure = {.unit = "MiB",
			.value = (double)result.shared_bytes / (1 << 20),
			.yardstick = (double)result.shared_bytes_max / (1 << 20),
			.ratio = (double)result.shared_bytes_max / (double)result.shared_bytes,
			.spread = NAN};
	report(&figure, name, "1000 items a worker; yardstick: what it may take");
}

void bench_memory(void)
{
	static const uint32_t worker_counts[] = {2, 8, 64, WORKERS_MAX};
	for (int i = 0; i < bench_pick(2, 4, 4); i++)
		measure(worker_counts[i]);
}
