/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

struct reading {
	uint64_t station;
	int32_t tenths;
	int32_t pad;
};

struct total {
	uint64_t count;
	int64_t tenths;
};

WAX_MAP(to_reading, uint64_t, in, struct reading, out)
{
	*out = (struct reading){.station = *in % 3, .tenths = (int32_t)*in};
}

WAX_MAP(times_2, uint64_t, in, uint64_t, out)
{
	*out = *in * 2;
}

WAX_MAP(to_tenths, struct reading, in, int32_t, out)
{
	*out = in->tenths;
}

WAX_FILTER(is_even, uint64_t, in)
{
	return *in % 2 == 0;
}

WAX_FILTER(is_warm, struct reading, in)
{
	return in->tenths > 5;
}

WAX_KEY(by_station, struct reading, in, uint64_t, key)
{
	*key = in->station;
}

WAX_KEY(by_half, uint64_t, in, uint64_t, key)
{
	*key = *in / 2;
}

WAX_FOLD(add_up, struct reading, in, struct total, acc)
{
	acc->count++;
	acc->tenths += in->tenths;
}

WAX_FOLD(sum, uint64_t, in, uint64_t, acc)
{
	*acc += *in;
}

/* How far the temperature is from the last of the station. */
struct last {
	int32_t tenths;
	uint32_t count;
};

WAX_STATEFUL_MAP(changes, struct reading, in, struct last, last, int32_t, out)
{
	*out = last->count++ ? in->tenths - last->tenths : 100;
	last->tenths = in->tenths;
}

struct page {
	char bytes[65536 + 8];
};

WAX_STATEFUL_MAP(of_pages, uint64_t, in, struct page, page, uint64_t, out)
{
	page->bytes[0] = 1;
	*out = *in;
}

static int print_total(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	struct total total;

	(void)item_bytes;
	memcpy(&total, item, sizeof(total));
	return snprintf(text, text_bytes, "%" PRIu64 "/%" PRId64, total.count, total.tenths);
}

/* ---- what they do */

static void maps(struct wax_flow *flow)
{
	run_flow_output(wax_map_typed(numbers(flow, 3), "m", &times_2), "%v");
}

static void maps_many(struct wax_flow *flow)
{
	run_flow_output(wax_map_typed(numbers(flow, 100000), "m", &times_2), "%v");
}

static void maps_none(struct wax_flow *flow)
{
	run_flow_output(wax_map_typed(numbers(flow, 0), "m", &times_2), "%v");
}

Test(kernel, maps_each_item)
{
	expect_output(maps, "0\n2\n4\n");
	expect_output(maps_none, "");
	expect_sum(maps_many, 100000, UINT64_C(99999) * 100000);
	expect_sum_of(maps_many, 8, NULL, 100000, UINT64_C(99999) * 100000);
}

static void through_structs(struct wax_flow *flow)
{
	struct wax_stream readings = wax_map_typed(numbers(flow, 4), "reading", &to_reading);

	run_flow_output(wax_map_typed(readings, "tenths", &to_tenths), "%v");
}

Test(kernel, maps_to_smaller_and_larger_types)
{
	expect_output(through_structs, "0\n1\n2\n3\n");
}

static uint64_t two = 2, seven = 7;

static void maps_values(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 3, &two);

	run_flow_output(wax_map_typed(up, "m", &times_2), "%k:%v");
}

static void stays_by_key(struct wax_flow *flow)
{
	struct wax_stream up =
			wax_redistribute(keyed_numbers(flow, 700, &seven), "deal", WAX_DEAL_KEYS);

	up = wax_map_typed(up, "m", &times_2);
	run_flow_output(wax_fold_final_typed(up, "sum", &sum), "%k:%v");
}

Test(kernel, maps_the_values_of_a_keyed_stream)
{
	expect_output(maps_values, "0:0\n0:4\n1:2\n");
	expect_output(stays_by_key,
			"0:69300\n1:69500\n2:69700\n3:69900\n4:70100\n5:70300\n6:70500\n");
}

static void filters(struct wax_flow *flow)
{
	run_flow_output(wax_filter_typed(numbers(flow, 5), "f", &is_even), "%v");
}

static void filters_values(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 5, &two);

	run_flow_output(wax_filter_typed(up, "f", &is_even), "%k:%v");
}

static void filters_many(struct wax_flow *flow)
{
	run_flow_output(wax_filter_typed(numbers(flow, 100000), "f", &is_even), "%v");
}

static void filters_structs(struct wax_flow *flow)
{
	struct wax_stream up = wax_map_typed(numbers(flow, 9), "reading", &to_reading);

	up = wax_filter_typed(up, "f", &is_warm);
	run_flow_output(wax_map_typed(up, "tenths", &to_tenths), "%v");
}

Test(kernel, filters)
{
	expect_output(filters, "0\n2\n4\n");
	expect_output(filters_values, "0:0\n0:2\n0:4\n");
	expect_output(filters_structs, "6\n7\n8\n");
	expect_sum(filters_many, 50000, UINT64_C(2499950000));
}

static void keys(struct wax_flow *flow)
{
	run_flow_output(wax_key_on_typed(numbers(flow, 4), "k", &by_half), "%k:%v");
}

static void keys_again(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 4, &seven);

	run_flow_output(wax_key_on_typed(up, "k", &by_half), "%k:%v");
}

Test(kernel, gives_keys)
{
	expect_output(keys, "0:0\n0:1\n1:2\n1:3\n");
	expect_output(keys_again, "0:0\n0:1\n1:2\n1:3\n");
}

static void folds(struct wax_flow *flow)
{
	WAX_STRUCT_PRINT(struct total, print_total);
	struct wax_stream up = wax_map_typed(numbers(flow, 9), "reading", &to_reading);

	up = wax_key_on_typed(up, "station", &by_station);
	run_flow_output(wax_fold_final_typed(up, "f", &add_up), "%k:%v");
}

static void folds_text_keys(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 9, &two);

	run_flow_output(wax_fold_final_typed(up, "f", &sum), "%k:%v");
}

static void folds_none(struct wax_flow *flow)
{
	run_flow_output(wax_fold_final_typed(keyed_numbers(flow, 0, &two), "f", &sum), "%k:%v");
}

Test(kernel, folds)
{
	expect_output(folds, "0:3/9\n1:3/12\n2:3/15\n");
	expect_output(folds_text_keys, "0:20\n1:16\n");
	expect_output(folds_none, "");
}

/* ---- mistakes */

static struct wax_stream keyed_readings(struct wax_flow *flow, int64_t count)
{
	struct wax_stream up = wax_map_typed(numbers(flow, count), "reading", &to_reading);

	return wax_key_on_typed(up, "station", &by_station);
}

static void maps_with_a_state(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_map_typed(keyed_readings(flow, 5), "m", &changes), "%k:%v");
}

/* A change is 3 but for the first of three stations. */
static void maps_many_with_a_state(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_map_typed(keyed_readings(flow, 60000), "m", &changes), "%v");
}

static void maps_none_with_a_state(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_map_typed(keyed_readings(flow, 0), "m", &changes), "%v");
}

WAX_MAP(to_wide, int32_t, in, struct reading, out)
{
	*out = (struct reading){.tenths = *in};
}

/* What it makes is larger than what it reads: more batches go out than come in. */
static void widens_with_a_state(struct wax_flow *flow)
{
	struct wax_stream up = wax_stateful_map_typed(keyed_readings(flow, 60000), "m", &changes);

	up = wax_stateful_map_typed(wax_map_typed(up, "wide", &to_wide), "again", &changes);
	run_flow_output(wax_count_final(up, "count"), "%k:%v");
}

Test(kernel, maps_with_a_state_for_each_key)
{
	expect_order(maps_with_a_state, NULL, "0:100\n1:100\n2:100\n0:3\n1:3\n");
	expect_output(maps_none_with_a_state, "");
	expect_output(widens_with_a_state, "0:20000\n1:20000\n2:20000\n");
	expect_sum_of(maps_many_with_a_state, 1, NULL, 60000, 3 * 59997 + 300);

	struct run_flow_result result = run_flow(maps_many_with_a_state, 3, NULL);

	cr_assert_eq(result.status, 0, "%s", result.sentence);
	run_flow_free(&result);
}

static void map_of_text(struct wax_flow *flow)
{
	run_flow_output(wax_map_typed(texts(flow, 3), "m", &times_2), "%v");
}

static void filter_of_struct(struct wax_flow *flow)
{
	struct wax_stream up = wax_map_typed(numbers(flow, 3), "reading", &to_reading);

	run_flow_output(wax_filter_typed(up, "f", &is_even), "%v");
}

Test(kernel, needs_the_type_that_it_takes)
{
	expect_mistake(map_of_text,
			"step \"flow.m\": its kernel takes uint64_t (8 bytes), the "
			"stream has text (0 bytes: any length)");
	expect_mistake(filter_of_struct,
			"step \"flow.f\": its kernel takes uint64_t (8 bytes), "
			"the stream has struct reading (16 bytes)");
}

static void map_with_filter(struct wax_flow *flow)
{
	run_flow_output(wax_map_typed(numbers(flow, 3), "m", &is_even), "%v");
}

static void map_with_key(struct wax_flow *flow)
{
	run_flow_output(wax_map_typed(numbers(flow, 3), "m", &by_half), "%v");
}

static void filter_with_map(struct wax_flow *flow)
{
	run_flow_output(wax_filter_typed(numbers(flow, 3), "f", &times_2), "%v");
}

static void key_with_map(struct wax_flow *flow)
{
	run_flow_output(wax_key_on_typed(numbers(flow, 3), "k", &times_2), "%v");
}

static void stateful_with_fold(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_map_typed(keyed_numbers(flow, 3, &two), "m", &sum), "%v");
}

static void stateful_with_null(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_map_typed(keyed_numbers(flow, 3, &two), "m", NULL), "%v");
}

static void stateful_of_pages(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_map_typed(keyed_numbers(flow, 3, &two), "m", &of_pages), "%v");
}

static void stateful_of_others(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_map_typed(keyed_numbers(flow, 3, &two), "m", &changes), "%v");
}

static void stateful_not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_stateful_map_typed(numbers(flow, 3), "m", &of_pages), "%v");
}

Test(kernel, for_a_stateful_map_must_fit)
{
	expect_mistake(stateful_with_fold,
			"step \"flow.m\": needs a kernel made with WAX_STATEFUL_MAP, gets one made "
			"with WAX_FOLD");
	expect_mistake(stateful_with_null,
			"step \"flow.m\": its kernel is NULL, or was not made with "
			"WAX_STATEFUL_MAP");
	expect_mistake(stateful_of_pages,
			"step \"flow.m\": its state has 65544 bytes, 65536 are the most: let it "
			"point to what is larger");
	expect_mistake(stateful_of_others,
			"step \"flow.m\": its kernel takes struct reading (16 bytes), the stream "
			"has "
			"uint64_t (8 bytes)");
	expect_mistake(stateful_not_keyed,
			"step \"flow.m\": needs a keyed stream, gets one of uint64_t: "
			"put key_on before it");
}

static void fold_with_map(struct wax_flow *flow)
{
	run_flow_output(wax_fold_final_typed(keyed_numbers(flow, 3, &two), "f", &times_2), "%v");
}

static void map_with_unknown(struct wax_flow *flow)
{
	static struct wax_kernel unknown;

	unknown = times_2;
	unknown.kind = 77;
	run_flow_output(wax_map_typed(numbers(flow, 3), "m", &unknown), "%v");
}

Test(kernel, must_be_of_the_kind_that_the_step_needs)
{
	expect_mistake(map_with_filter,
			"step \"flow.m\": needs a kernel made with WAX_MAP, gets "
			"one made with WAX_FILTER");
	expect_mistake(map_with_key,
			"step \"flow.m\": needs a kernel made with WAX_MAP, gets one "
			"made with WAX_KEY");
	expect_mistake(filter_with_map,
			"step \"flow.f\": needs a kernel made with WAX_FILTER, "
			"gets one made with WAX_MAP");
	expect_mistake(key_with_map,
			"step \"flow.k\": needs a kernel made with WAX_KEY, gets one "
			"made with WAX_MAP");
	expect_mistake(fold_with_map,
			"step \"flow.f\": needs a kernel made with WAX_FOLD, gets "
			"one made with WAX_MAP");
	expect_mistake(map_with_unknown,
			"step \"flow.m\": needs a kernel made with WAX_MAP, gets "
			"one made with an unknown macro");
}

static void map_with_null(struct wax_flow *flow)
{
	run_flow_output(wax_map_typed(numbers(flow, 3), "m", NULL), "%v");
}

static void filter_with_null(struct wax_flow *flow)
{
	run_flow_output(wax_filter_typed(numbers(flow, 3), "f", NULL), "%v");
}

static void key_with_null(struct wax_flow *flow)
{
	run_flow_output(wax_key_on_typed(numbers(flow, 3), "k", NULL), "%v");
}

static void fold_with_null(struct wax_flow *flow)
{
	run_flow_output(wax_fold_final_typed(keyed_numbers(flow, 3, &two), "f", NULL), "%v");
}

static void fold_with_zeroes(struct wax_flow *flow)
{
	static const struct wax_kernel zeroes;

	run_flow_output(wax_fold_final_typed(keyed_numbers(flow, 3, &two), "f", &zeroes), "%v");
}

Test(kernel, must_be_there)
{
	expect_mistake(map_with_null,
			"step \"flow.m\": its kernel is NULL, or was not made with WAX_MAP");
	expect_mistake(filter_with_null,
			"step \"flow.f\": its kernel is NULL, or was not made with WAX_FILTER");
	expect_mistake(key_with_null,
			"step \"flow.k\": its kernel is NULL, or was not made with WAX_KEY");
	expect_mistake(fold_with_null,
			"step \"flow.f\": its kernel is NULL, or was not made with WAX_FOLD");
	expect_mistake(fold_with_zeroes,
			"step \"flow.f\": its kernel is NULL, or was not made with WAX_FOLD");
}

static void known_otherwise(struct wax_flow *flow)
{
	wax_type_struct("struct reading", 24, 8, NULL);
	run_flow_output(wax_map_typed(numbers(flow, 3), "m", &to_reading), "%v");
}

Test(kernel, makes_a_type_of_one_size)
{
	expect_mistake(known_otherwise,
			"step \"flow.m\": its kernel makes struct reading of 16 bytes, but that "
			"name is the one of a type with another size, or it is too large");
}

static void fold_not_keyed(struct wax_flow *flow)
{
	run_flow_output(wax_fold_final_typed(numbers(flow, 3), "f", &sum), "%v");
}

Test(kernel, folds_only_keyed_streams)
{
	expect_mistake(fold_not_keyed,
			"step \"flow.f\": needs a keyed stream, gets one of "
			"uint64_t: put key_on before it");
}
