/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keyed operators with a state of one's own, with time-outs, and joins, on a few numbers: examples
 * of docs/reference/operators.md.
 *
 *     waxrun keyed.c | sort
 */
#include <stdio.h>
#include <string.h>

#include <wax/wax.h>

#define SECOND INT64_C(1000000000)

static uint64_t number_of(struct wax_bytes value)
{
	uint64_t number;

	memcpy(&number, value.data, sizeof(number));
	return number;
}

/* ---- Keys of several parts */

static const char *const colours[] = {"red", "green", "blue"};

static int colour_and_parity(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number = number_of(item->value);
	const char *colour = colours[number % 3];
	const struct wax_part parts[] = {
			wax_part_text(colour, strlen(colour)), wax_part_u64(number % 2)};

	(void)ctx;
	return wax_emit_parts(out, parts, 2);
}

struct bucket {
	uint32_t rest;
	uint32_t odd;
};
WAX_KEY_FIELDS(struct bucket, rest, odd);

WAX_KEY(bucket_of, uint64_t, number, struct bucket, bucket)
{
	bucket->rest = (uint32_t)(*number % 3);
	bucket->odd = (uint32_t)(*number % 2);
}

static void composite(struct wax_stream numbers)
{
	struct wax_stream by_both =
			wax_key_on(numbers, "by_both", WAX_PARTS, colour_and_parity, NULL);
	struct wax_stream by_bucket = wax_key_on_typed(numbers, "by_bucket", &bucket_of);
	struct wax_stream counts = wax_count_final(by_both, "count_both");
	struct wax_stream bucket_counts = wax_count_final(by_bucket, "count_buckets");

	wax_output(counts, "out_both", wax_stdout("%k: %v"));
	wax_output(bucket_counts, "out_buckets", wax_stdout("a bucket of %v"));
}

/* ---- wax_stateful: a meter that says when its key has been quiet */

struct meter {
	uint64_t count;
	int64_t quiet_at;
};

static int meter_item(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	struct meter *meter = state;

	(void)item, (void)ctx;
	meter->count++;
	meter->quiet_at = wax_keyed_now(keyed) + 60 * SECOND;
	return WAX_RETAIN;
}

static int meter_done(struct wax_keyed *keyed, void *state, void *ctx)
{
	const struct meter *meter = state;

	(void)ctx;
	wax_emit(wax_keyed_out(keyed), &meter->count, sizeof(meter->count));
	return WAX_DISCARD;
}

static int64_t meter_notify_at(const void *state, void *ctx)
{
	(void)ctx;
	return ((const struct meter *)state)->quiet_at;
}

static const struct wax_stateful_item meters = {
	.size_bytes = sizeof(struct wax_stateful_item),
	.state_bytes = sizeof(struct meter),
	.on_item = meter_item,
	.on_notify = meter_done,
	.on_eof = meter_done,
	.notify_at = meter_notify_at,
};

/* ---- wax_stateful_flat_map: what is greater than everything before it */

static int records(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *highest = state, number = number_of(item->value) * 7 % 11;

	(void)ctx;
	if (number > *highest) {
		*highest = number;
		wax_emit(out, highest, sizeof(*highest));
	}
	return WAX_RETAIN;
}

/* ---- wax_collect: lists */

static int add_list(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct wax_list list = wax_list_of(item->value, WAX_U64);
	struct wax_bytes next;
	uint64_t sum = 0;

	(void)ctx;
	while (wax_list_next(&list, &next))
		sum += number_of(next);
	return wax_emit(out, &sum, sizeof(sum));
}

/* ---- wax_join: rows */

static int colour_of(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const char *colour = colours[number_of(item->value) % 3];

	(void)ctx;
	return wax_emit(out, colour, strlen(colour));
}

static int describe(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct wax_bytes count = wax_join_side(item->value, 0);
	struct wax_bytes colour = wax_join_side(item->value, 1);
	char text[64];
	int length = snprintf(text, sizeof(text), "%d of %.*s",
			count.data ? (int)number_of(count) : 0, (int)colour.bytes,
			colour.data ? (const char *)colour.data : "");

	(void)ctx;
	return wax_emit(out, text, (size_t)length);
}

/* ---- wax_enrich_cached: answers from elsewhere */

static int look_up(struct wax_out *out, struct wax_bytes key, void *ctx)
{
	uint32_t rest;

	(void)ctx;
	memcpy(&rest, key.data, sizeof(rest));
	if (rest >= sizeof(colours) / sizeof(colours[0]))
		return 0; /* there is none */
	return wax_emit(out, colours[rest], strlen(colours[rest]));
}

static int add_colour(
		struct wax_out *out, const struct wax_item *item, struct wax_cache *cache, void *ctx)
{
	uint32_t rest = (uint32_t)(number_of(item->value) % 4);
	struct wax_bytes colour = wax_cache_get(cache, &rest, sizeof(rest));

	(void)ctx;
	return colour.data ? wax_emit(out, colour.data, colour.bytes) : wax_emit(out, "none", 4);
}

static int rest_of_3(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint32_t rest = (uint32_t)(number_of(item->value) % 3);

	(void)ctx;
	return wax_emit(out, &rest, sizeof(rest));
}

static void stateful(struct wax_stream numbers)
{
	const struct wax_collect_options by_three = {
		.size_bytes = sizeof(by_three),
		.count_max = 3,
		.idle_ns = 60 * SECOND,
	};
	const struct wax_enrich_options colour_table = {
		.size_bytes = sizeof(colour_table),
		.get = look_up,
		.ttl_ns = 60 * SECOND,
	};

	struct wax_stream by_rest = wax_key_on(numbers, "by_rest", WAX_U32, rest_of_3, NULL);
	struct wax_stream metered = wax_stateful_items(by_rest, "meter", WAX_U64, &meters, NULL);
	struct wax_stream highest = wax_stateful_flat_map(
			by_rest, "records", WAX_U64, sizeof(uint64_t), records, NULL);
	struct wax_stream threes = wax_collect(by_rest, "threes", &by_three);
	struct wax_stream list_sums = wax_map_value(threes, "list_sum", WAX_U64, add_list, NULL);
	struct wax_stream counts = wax_ttl(wax_count_final(by_rest, "count"), 3600 * SECOND);
	struct wax_stream colour = wax_map_value(by_rest, "colour", WAX_TEXT, colour_of, NULL);
	struct wax_stream sides[] = {counts, colour};
	struct wax_stream rows = wax_join("rows", sides, 2, WAX_JOIN_LAST, WAX_JOIN_FINAL);
	struct wax_stream described = wax_map_value(rows, "describe", WAX_TEXT, describe, NULL);
	struct wax_stream coloured = wax_enrich_cached(
			numbers, "coloured", WAX_TEXT, add_colour, &colour_table, NULL);

	wax_output(metered, "out_meter", wax_stdout("meter of %k: %v"));
	wax_output(highest, "out_records", wax_stdout("record of %k: %v"));
	wax_output(threes, "out_threes", wax_stdout("list of %k: %v"));
	wax_output(list_sums, "out_list_sum", wax_stdout("list of %k adds up to %v"));
	wax_output(rows, "out_rows", wax_stdout("row of %k: %v"));
	wax_output(described, "out_described", wax_stdout("%v"));
	wax_output(coloured, "out_coloured", wax_stdout("%v"));
}

WAX_FLOW(keyed, "Keyed operators with a state of one's own, time-outs and joins")
{
	int64_t count = wax_arg_int(flow, "count", "how many numbers", "10");
	/* One worker makes them, so that the numbers of a key come in their order. */
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(count, 0));

	composite(numbers);
	stateful(numbers);
}
