/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

#define HOUR (INT64_C(3600) * 1000 * 1000 * 1000)
#define MILLISECOND (INT64_C(1000) * 1000)

static uint64_t two = 2, ten = 10, thousand = 1000;

/* ---- by key */

static void keys(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "b1 a2 b3 | c4 a5 b6 | c7");

	run_flow_output(wax_dedup(up, "d", WAX_SAME_KEY, WAX_NEVER), "%k:%v");
}

Test(dedup, passes_the_first_item_of_each_key)
{
	expect_output(keys, "a:2\nb:1\nc:4\n");
	expect_order(keys, NULL, "b:1\na:2\nc:4\n");
}

static void fixed_keys(struct wax_flow *flow)
{
	struct wax_stream up = wax_input(flow, "numbers", wax_numbers_single(50000, 0));

	up = wax_key_on(up, "key", WAX_U64, key_modulo, &thousand);
	run_flow_output(wax_dedup(up, "d", WAX_SAME_KEY, WAX_NEVER), "%k:%v");
}

static void distinct(struct wax_flow *flow)
{
	struct wax_stream up = wax_key_on(texts(flow, 50000), "key", WAX_TEXT, wax_key_self, NULL);

	run_flow_output(wax_dedup(up, "d", WAX_SAME_KEY, HOUR), "%v");
}

static void none(struct wax_flow *flow)
{
	run_flow_output(wax_dedup(keyed_numbers(flow, 0, &two), "d", WAX_SAME_KEY, WAX_NEVER),
			"%v");
}

static const struct run_flow_options narrow = {
		.slab = "512", .exchange_mem = "1M", .interval = "1ms"};

/* Of 0, 1000, 2000 ... the first is the least: all come from one worker. */
Test(dedup, takes_many_keys_and_none)
{
	expect_sum(fixed_keys, 1000, 499500);
	expect_sum(distinct, 50000, UINT64_C(25000) * 49999);
	expect_sum_of(distinct, 3, &narrow, 50000, UINT64_C(25000) * 49999);
	expect_output(none, "");
}

/* ---- by item */

static void items(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "b1 a1 b1 b2 | a1 b2 b3 | a | a b");

	run_flow_output(wax_dedup(up, "d", WAX_SAME_ITEM, WAX_NEVER), "%k:%v");
}

Test(dedup, passes_each_value_of_a_key_once)
{
	expect_output(items, "a:\na:1\nb:\nb:1\nb:2\nb:3\n");
	expect_order(items, NULL, "b:1\na:1\nb:2\nb:3\na:\nb:\n");
}

/* "1" "23", "12" "3" and the like are different items. */
static int split_key(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit_kv(out, "123", number_of(item) % 4, &"123"[number_of(item) % 4],
			3 - number_of(item) % 4);
}

static void splits(struct wax_flow *flow)
{
	struct wax_stream up = wax_map(numbers(flow, 400), "split", WAX_KEYED(WAX_TEXT, WAX_TEXT),
			split_key, NULL);

	run_flow_output(wax_dedup(up, "d", WAX_SAME_ITEM, WAX_NEVER), "%k:%v");
}

Test(dedup, knows_where_a_key_ends)
{
	expect_output(splits, "123:\n12:3\n1:23\n:123\n");
}

static int half(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item) / 2;

	(void)ctx;
	return wax_emit(out, &number, sizeof(number));
}

/* Each number comes twice, under one key. */
static struct wax_stream doubled(struct wax_flow *flow, struct wax_stream up)
{
	(void)flow;
	up = wax_map(up, "half", WAX_U64, half, NULL);
	return wax_key_on(up, "key", WAX_U64, key_modulo, &ten);
}

static void fixed_items(struct wax_flow *flow)
{
	struct wax_stream up = doubled(flow, numbers(flow, 60000));

	run_flow_output(wax_dedup(up, "d", WAX_SAME_ITEM, WAX_NEVER), "%v");
}

static void text_values(struct wax_flow *flow)
{
	struct wax_stream up = doubled(flow, numbers(flow, 60000));

	up = wax_map_value(up, "text", WAX_TEXT, to_text, NULL);
	run_flow_output(wax_dedup(up, "d", WAX_SAME_ITEM, HOUR), "%v");
}

Test(dedup, takes_many_items_of_all_types)
{
	expect_sum(fixed_items, 30000, UINT64_C(15000) * 29999);
	expect_sum(text_values, 30000, UINT64_C(15000) * 29999);
}

/* ---- with a time to live */

/* Numbers the parts of a script: each in a turn of its own, a millisecond at least after the one
 * before, however slow the machine is. With one worker what follows is done at that time. */
struct clockwork {
	struct wax_env *env;
	uint64_t next;
	uint64_t count;
	int64_t after;
};

static int clockwork_open(void *count, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct clockwork *part = malloc(sizeof(*part));

	(void)saved;
	if (!part)
		return wax_err_set(err, -12, "no memory");
	*part = (struct clockwork){env, 0, *(const uint64_t *)count, 0};
	*ret_part = part;
	return 0;
}

static int clockwork_next(void *clockwork, struct wax_out *out, struct wax_err *err)
{
	struct clockwork *part = clockwork;
	int64_t now = wax_env_now(part->env);

	(void)err;
	if (now < part->after)
		return WAX_IDLE;
	part->after = now + MILLISECOND;
	wax_emit(out, &part->next, sizeof(part->next));
	return ++part->next < part->count ? WAX_MORE : WAX_END;
}

static int64_t clockwork_awake(void *clockwork)
{
	return ((struct clockwork *)clockwork)->after;
}

static const struct wax_source_ops clockwork_ops = {
		.size_bytes = sizeof(clockwork_ops),
		.kind = "clockwork",
		.open = clockwork_open,
		.next = clockwork_next,
		.next_awake = clockwork_awake,
		.close = free,
};

static struct wax_stream turns(struct wax_flow *flow, const uint64_t *count)
{
	return wax_input(flow, "turns",
			wax_source_make(&clockwork_ops, WAX_U64, (void *)count, NULL));
}

static const uint64_t three = 3, thirty = 30;

static struct wax_stream slowly(struct wax_flow *flow, const char *text)
{
	return wax_flat_map(turns(flow, &three), "script", WAX_KEYED(WAX_TEXT, WAX_TEXT), emit_part,
			(void *)text);
}

static void long_lived(struct wax_flow *flow)
{
	run_flow_output(wax_dedup(slowly(flow, "a1 a2 b3 | a4 | b5 a6 b7"), "d", WAX_SAME_KEY,
					HOUR),
			"%k:%v");
}

static void short_lived(struct wax_flow *flow)
{
	run_flow_output(wax_dedup(slowly(flow, "a1 a2 b3 | a4 | b5 a6 b7"), "d", WAX_SAME_KEY,
					MILLISECOND),
			"%k:%v");
}

static void short_lived_items(struct wax_flow *flow)
{
	run_flow_output(wax_dedup(slowly(flow, "a1 a1 a2 | a2 b2 a2 | a1"), "d", WAX_SAME_ITEM,
					MILLISECOND),
			"%k:%v");
}

Test(dedup, forgets_after_the_time_to_live)
{
	expect_order(long_lived, NULL, "a:1\nb:3\n");
	expect_order(short_lived, NULL, "a:1\nb:3\na:4\nb:5\na:6\n");
	expect_order(short_lived_items, NULL, "a:1\na:2\na:2\nb:2\na:1\n");
}

/* 9000 keys at once, each time when all are forgotten: by timers, which stop after some, or by
 * the next batch. */
static int burst(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)item, (void)ctx;
	for (uint64_t key = 0; key < 9000; key++)
		wax_emit_kv(out, &key, sizeof(key), &key, sizeof(key));
	return 0;
}

static void bursts(struct wax_flow *flow)
{
	struct wax_stream up = wax_flat_map(
			turns(flow, &thirty), "burst", WAX_KEYED(WAX_U64, WAX_U64), burst, NULL);

	run_flow_output(wax_dedup(up, "d", WAX_SAME_KEY, 1), "%v");
}

Test(dedup, forgets_many_at_once)
{
	expect_sum_of(bursts, 1, NULL, 30 * 9000, 30 * UINT64_C(4500) * 8999);
}

/* ---- mistakes */

static void not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_dedup(numbers(flow, 5), "d", WAX_SAME_KEY, WAX_NEVER), "%v");
}

static void by_nothing(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 5, &two);

	run_flow_output(wax_dedup(up, "d", (enum wax_same)7, WAX_NEVER), "%v");
}

static void without_time(struct wax_flow *flow)
{
	run_flow_output(wax_dedup(keyed_numbers(flow, 5, &two), "d", WAX_SAME_KEY, 0), "%v");
}

Test(dedup, needs_a_keyed_stream_a_way_and_a_time)
{
	expect_mistake(not_keyed,
			"step \"flow.d\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
	expect_mistake(by_nothing,
			"step \"flow.d\": compares neither keys (WAX_SAME_KEY) nor items "
			"(WAX_SAME_ITEM)");
	expect_mistake(without_time,
			"step \"flow.d\": its time to live is 0 ns, must be at least 1: WAX_NEVER "
			"is for ever");
}
