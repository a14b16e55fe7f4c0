/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One busy source, and work that all workers share: what redistribute is for, and what it costs.
 *
 *     waxrun redistribute.so -- --items 100M
 *     waxrun redistribute.so -- --items 10M --work 200ns
 *     waxrun redistribute.so -- --items 10M --work 200ns --no-redistribute
 *
 * Prints how many items there were and a checksum of them, the same whatever the number of workers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include <wax/wax.h>

struct sum {
	uint64_t count;
	uint64_t checksum;
};

static int print_sum(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	const struct sum *sum = item;

	(void)item_bytes;
	return snprintf(text, text_bytes, "%" PRIu64 "\t%016" PRIx64, sum->count, sum->checksum);
}

/* Each number becomes one that looks random, as splitmix64 makes them. */
WAX_MAP(mix, uint64_t, number, uint64_t, mixed)
{
	uint64_t x = *number * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	*mixed = x ^ (x >> 31);
}

/* CPU time, so that workers that share a core do not work at the same time. */
static void burn(int64_t ns)
{
	clock_t end = clock() + (clock_t)(ns * CLOCKS_PER_SEC / 1000000000);

	while (clock() < end) {
		for (volatile int i = 0; i < 1000; i++)
			; /* asking for the time is a system call */
	}
}

/* Add up a batch where it is; what is left to add up elsewhere is one item for each. */
static int add_batch(struct wax_out *out, const struct wax_batch *batch, void *ctx)
{
	const uint64_t *values = WAX_VALUES(batch, uint64_t);
	const int64_t *work_ns = ctx;
	const uint32_t all = 0; /* the one key */
	struct sum sum = {batch->count, 0};

	for (uint32_t i = 0; i < batch->count; i++)
		sum.checksum += values[i];
	if (*work_ns > 0)
		burn(*work_ns * batch->count);
	return wax_emit_kv(out, &all, sizeof(all), &sum, sizeof(sum));
}

static int add(void *acc, const void *value, void *ctx)
{
	struct sum *sum = acc;
	const struct sum *more = value;

	(void)ctx;
	sum->count += more->count;
	sum->checksum += more->checksum;
	return 0;
}

WAX_FLOW(redistribute, "Share the work on what one source gives")
{
	int64_t items = wax_arg_int(flow, "items", "how many", "100M");
	int64_t work_ns = wax_arg_duration(flow, "work", "CPU time to spend on an item", "0");
	int stay = wax_arg_flag(flow, "no-redistribute", "leave the items where the source is");
	const struct wax_type *sums = WAX_KEYED(WAX_U32, WAX_STRUCT_PRINT(struct sum, print_sum));

	int64_t *work = wax_flow_alloc(flow, sizeof(*work));
	*work = work_ns;

	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(items, 0));
	if (!stay)
		numbers = wax_redistribute(numbers, "redistribute", WAX_DEAL_BATCHES);
	struct wax_stream mixed = wax_map_typed(numbers, "mix", &mix);
	struct wax_stream added = wax_flat_map_batch(mixed, "add_batch", sums, add_batch, work);
	struct wax_stream total = wax_reduce_final(added, "add", add, NULL);

	wax_output(total, "out", wax_stdout("%v"));
}
