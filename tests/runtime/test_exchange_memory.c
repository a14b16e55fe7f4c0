/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run_flow.h"

/* The memory that the exchange takes, at any number of workers, on however many cores. */

enum { ITEMS = 20000, KEYS = 997 };

static int by_rest(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number, key;

	memcpy(&number, item->value.data, sizeof(number));
	key = number % *(const uint64_t *)ctx;
	return wax_emit(out, &key, sizeof(key));
}

static int running(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *count = state;

	(void)item;
	(void)ctx;
	++*count;
	wax_emit(out, count, sizeof(*count));
	return WAX_RETAIN;
}

static uint64_t keys;

static void count(struct wax_flow *flow, struct wax_source *source)
{
	struct wax_stream numbers = wax_input(flow, "numbers", source);
	struct wax_stream keyed = wax_key_on(numbers, "key", WAX_U64, by_rest, &keys);
	struct wax_stream counted =
			wax_stateful_map(keyed, "count", WAX_U64, sizeof(uint64_t), running, NULL);

	run_flow_output(counted, "%k %v");
}

/* Everyone has numbers and keys. */
static void all_to_all(struct wax_flow *flow)
{
	count(flow, wax_numbers(ITEMS, 0));
}

/* Worker 0 has numbers, one worker the key, one the output. */
static void one_to_one(struct wax_flow *flow)
{
	count(flow, wax_numbers_single(ITEMS, 0));
}

/* The lines that one worker gives, whatever the memory. */
static void expect_right(const struct run_flow_result *result)
{
	uint64_t lines = 0, last = 0;

	cr_assert_eq(result->status, 0, "%s", result->sentence);
	for (const char *at = result->output; *at; at = strchr(at, '\n') + 1, lines++)
		last += strtoull(strchr(at, ' '), NULL, 10);
	cr_assert_eq(lines, ITEMS);
	/* 1 + 2 + ... for each key. */
	uint64_t sum = 0;
	for (uint64_t key = 0; key < keys; key++) {
		uint64_t count = ITEMS / keys + (key < ITEMS % keys);
		sum += count * (count + 1) / 2;
	}
	cr_assert_eq(last, sum);
}

/* The least budget, as the sentence names it. */
static uint64_t least(uint32_t workers)
{
	const struct run_flow_options options = {.slab = "512", .exchange_mem = "1"};
	struct run_flow_result result = run_flow(all_to_all, workers, &options);
	const char *at = strstr(result.sentence, "give at least ");

	cr_assert_eq(result.status, 2);
	cr_assert_not_null(at, "%s", result.sentence);
	uint64_t bytes = strtoull(at + strlen("give at least "), NULL, 10);
	run_flow_free(&result);
	return bytes;
}

static struct run_flow_result run_with(uint32_t workers, uint64_t memory, const char *interval)
{
	char text[32];
	struct run_flow_options options = {
			.slab = "512", .exchange_mem = text, .interval = interval};

	snprintf(text, sizeof(text), "%" PRIu64, memory);
	return run_flow(all_to_all, workers, &options);
}

static void stay_within(uint32_t workers)
{
	keys = KEYS;
	uint64_t memory = least(workers);
	struct run_flow_result result = run_with(workers, memory, "20ms");

	expect_right(&result);
	cr_assert_leq(result.exchange_bytes, memory);
	cr_assert_leq(result.exchange_taken, memory);
	cr_assert_gt(result.exchange_taken, 0);
	run_flow_free(&result);

	result = run_with(workers, memory - 1, NULL);
	cr_assert_eq(result.status, 2, "a byte less than the least");
	run_flow_free(&result);
}

Test(exchange_memory, least_budget_of_2_workers_suffices)
{
	stay_within(2);
}

Test(exchange_memory, least_budget_of_8_workers_suffices)
{
	stay_within(8);
}

Test(exchange_memory, least_budget_of_64_workers_suffices)
{
	stay_within(64);
}

Test(exchange_memory, least_budget_of_256_workers_suffices, .timeout = 240)
{
	stay_within(256);
}

/* All workers end epochs and the input: that takes their bells and marks. Items go through two
 * channels, each with a ring, its returns and at most 32 slabs. */
static void pay_for_two_channels(uint32_t workers)
{
	enum { PAGE = 4096, CHANNEL = (32 + 8) * PAGE, OF_WORKER = 256 + 128 };
	const struct run_flow_options options = {
			.slab = "4K", .exchange_mem = "4G", .interval = "20ms"};

	keys = 1;
	struct run_flow_result result = run_flow(one_to_one, workers, &options);

	expect_right(&result);
	cr_assert_leq(result.exchange_taken, workers * OF_WORKER + 2 * CHANNEL + 4 * PAGE,
			"%" PRIu64 " KiB of %" PRIu64, result.exchange_taken >> 10,
			result.exchange_bytes >> 10);
	run_flow_free(&result);
}

Test(exchange_memory, channels_that_are_not_used_cost_nothing_with_8_workers)
{
	pay_for_two_channels(8);
}

Test(exchange_memory, channels_that_are_not_used_cost_nothing_with_64_workers)
{
	pay_for_two_channels(64);
}

Test(exchange_memory, channels_that_are_not_used_cost_nothing_with_256_workers, .timeout = 240)
{
	pay_for_two_channels(256);
}
