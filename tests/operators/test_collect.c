/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"
#include "tests/support/drive.h"

static struct wax_stream collect_up(
		struct wax_stream up, uint64_t count_max, int64_t idle_s, int64_t age_s)
{
	const struct wax_collect_options options = {.size_bytes = sizeof(options),
			.count_max = count_max,
			.idle_ns = idle_s * DRIVE_SECOND,
			.age_ns = age_s * DRIVE_SECOND};

	return wax_collect(up, "c", &options);
}

/* ---- by size, as flows */

static uint64_t one = 1, seven = 7, many_keys = 5000;

static void ten_by_three(struct wax_flow *flow)
{
	struct wax_stream up = wax_input(flow, "numbers", wax_numbers_single(10, 0));

	up = wax_key_on(up, "key", WAX_U64, key_modulo, &one);
	run_flow_output(collect_up(up, 3, 10, 0), "%v");
}

Test(collect, emits_full_lists_and_at_the_end_the_rest)
{
	for (uint32_t workers = 1; workers <= 3; workers++)
		expect_output_of(ten_by_three, workers, NULL,
				"[0, 1, 2]\n[3, 4, 5]\n[6, 7, 8]\n[9]\n");
}

static void five_by_two(struct wax_flow *flow)
{
	run_flow_output(collect_up(script(flow, "a0 a1 a2 a3 a4"), 2, 0, 0), "%k%v");
}

Test(collect, within_one_batch)
{
	expect_order(five_by_two, NULL, "a[0, 1]\na[2, 3]\na[4]\n");
}

/* Lists of any kind, taken apart again: nothing is lost. */
static int add_up(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct wax_list list = wax_list_of(item->value, ctx);
	uint64_t count = wax_list_count(list), seen = 0, sum = 0;
	struct wax_bytes next;

	for (; wax_list_next(&list, &next); seen++) {
		char text[32] = "";
		uint64_t number;

		if (((const struct wax_type *)ctx)->item_bytes) {
			memcpy(&number, next.data, sizeof(number));
		} else {
			memcpy(text, next.data, next.bytes);
			number = strtoull(text, NULL, 10);
		}
		sum += number;
	}
	if (seen != count || seen == 0)
		return wax_fail(out, "%" PRIu64 " items of %" PRIu64, seen, count);
	return wax_emit(out, &sum, sizeof(sum));
}

static uint64_t list_bound;

static void sums_of_numbers(struct wax_flow *flow)
{
	struct wax_stream up = collect_up(keyed_numbers(flow, 30000, &seven), list_bound, 0, 0);

	run_flow_output(wax_map(up, "sum", WAX_U64, add_up, (void *)WAX_U64), "%v");
}

static void sums_of_texts(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 30000, &many_keys);

	up = collect_up(wax_map_value(up, "t", WAX_TEXT, to_text, NULL), list_bound, 0, 0);
	run_flow_output(wax_map(up, "sum", WAX_U64, add_up, (void *)WAX_TEXT), "%v");
}

Test(collect, loses_no_value)
{
	const uint64_t sum = UINT64_C(29999) * 15000;

	list_bound = 1;
	expect_sum(sums_of_numbers, 30000, sum);
	list_bound = 0;
	expect_sum(sums_of_numbers, 7, sum);
	expect_sum(sums_of_texts, 5000, sum);
	list_bound = 4; /* of the 6 of a key */
	expect_sum(sums_of_texts, 10000, sum);
}

Test(collect, keeps_its_lists_when_state_is_saved)
{
	const struct run_flow_options saved = {.interval = "1ms", .rehearse = true};

	list_bound = 0;
	expect_sum_of(sums_of_texts, 2, &saved, 5000, UINT64_C(29999) * 15000);
	expect_sum_of(sums_of_numbers, 2, &saved, 7, UINT64_C(29999) * 15000);
}

/* ---- by time */

static void build_idle(struct wax_flow *flow)
{
	run_flow_output(collect_up(script(flow, "a"), 3, 10, 0), "%v");
}

static void build_age(struct wax_flow *flow)
{
	run_flow_output(collect_up(script(flow, "a"), 0, 0, 10), "%v");
}

static void build_both(struct wax_flow *flow)
{
	run_flow_output(collect_up(script(flow, "a"), 0, 3, 10), "%v");
}

static void drive_hands_on_when_nothing_came_for_a_while(void)
{
	struct drive drive;

	drive_open(&drive, build_idle, "c");
	drive_push(&drive, 0, "a1 b1");
	drive_clock(&drive, 8);
	drive_push(&drive, 0, "a2"); /* the time begins anew */
	drive_clock(&drive, 9);
	drive_expect(&drive, "");
	drive_clock(&drive, 10);
	drive_expect(&drive, "b:[1]\n");
	drive_clock(&drive, 17);
	drive_expect(&drive, "");
	drive_clock(&drive, 18);
	drive_expect(&drive, "a:[1, 2]\n");
	drive_push(&drive, 0, "a3 a4 a5 a6");
	drive_expect(&drive, "a:[3, 4, 5]\n");
	drive_end(&drive);
	drive_expect(&drive, "a:[6]\n");
	drive_close(&drive);
}

Test(collect, hands_on_when_nothing_came_for_a_while)
{
	drive_both_ways(drive_hands_on_when_nothing_came_for_a_while);
}

static void drive_hands_on_when_the_oldest_item_is_old(void)
{
	struct drive drive;

	drive_open(&drive, build_age, "c");
	drive_push(&drive, 0, "a1");
	drive_clock(&drive, 9);
	drive_push(&drive, 0, "a2");
	drive_expect(&drive, "");
	drive_clock(&drive, 10);
	drive_expect(&drive, "a:[1, 2]\n");
	drive_push(&drive, 0, "a3");
	drive_clock(&drive, 19);
	drive_expect(&drive, "");
	drive_clock(&drive, 20);
	drive_expect(&drive, "a:[3]\n");
	drive_close(&drive);
}

Test(collect, hands_on_when_the_oldest_item_is_old)
{
	drive_both_ways(drive_hands_on_when_the_oldest_item_is_old);
}

static void drive_of_two_times_the_first_counts(void)
{
	struct drive drive;

	drive_open(&drive, build_both, "c");
	for (int second = 0; second <= 8; second += 2) {
		drive_clock(&drive, second);
		drive_push(&drive, 0, "ax");
	}
	drive_expect(&drive, "");
	drive_clock(&drive, 10);
	drive_expect(&drive, "a:[x, x, x, x, x]\n");
	drive_push(&drive, 0, "ay");
	drive_clock(&drive, 13);
	drive_expect(&drive, "a:[y]\n");
	drive_close(&drive);
}

Test(collect, of_two_times_the_first_counts)
{
	drive_both_ways(drive_of_two_times_the_first_counts);
}

Test(collect, keeps_its_times_when_state_is_saved)
{
	struct drive drive;

	drive_open(&drive, build_idle, "c");
	drive_push(&drive, 0, "a1 b b");
	drive_clock(&drive, 4);
	drive_epoch(&drive);
	drive_push(&drive, 0, "a2");
	drive_clock(&drive, 10);
	drive_expect(&drive, "b:[, ]\n");
	drive_epoch(&drive);
	drive_clock(&drive, 14);
	drive_expect(&drive, "a:[1, 2]\n");
	drive_close(&drive);
}

/* ---- mistakes */

static void without_options(struct wax_flow *flow)
{
	run_flow_output(wax_collect(script(flow, "a"), "c", NULL), "%v");
}

static void without_size(struct wax_flow *flow)
{
	const struct wax_collect_options options = {.count_max = 3};

	run_flow_output(wax_collect(script(flow, "a"), "c", &options), "%v");
}

static void negative(struct wax_flow *flow)
{
	run_flow_output(collect_up(script(flow, "a"), 0, 0, -1), "%v");
}

static void unkeyed(struct wax_flow *flow)
{
	run_flow_output(collect_up(numbers(flow, 3), 2, 0, 0), "%v");
}

Test(collect, checks_its_options_and_its_input)
{
	expect_mistake(without_options, "step \"flow.c\": its options are NULL");
	expect_mistake(without_size,
			"step \"flow.c\": its options are without size_bytes: set it to "
			"sizeof(struct wax_collect_options)");
	expect_mistake(negative,
			"step \"flow.c\": a time of -1000000000 ns: it must not be "
			"negative");
	expect_mistake(unkeyed,
			"step \"flow.c\": needs a keyed stream, gets one of uint64_t: put "
			"key_on before it");
}

/* ---- lists */

Test(list, ends_where_it_is_damaged)
{
	const char wrong[] = "\5\0\0\0abc";
	struct wax_list list = wax_list_of((struct wax_bytes){wrong, 7}, WAX_TEXT);
	struct wax_bytes item;

	cr_assert_eq(wax_list_next(&list, &item), 0);
	cr_assert_eq(wax_list_next(&list, &item), 0);
	list = wax_list_of((struct wax_bytes){wrong, 3}, WAX_TEXT);
	cr_assert_eq(wax_list_next(&list, &item), 0);
	list = wax_list_of((struct wax_bytes){wrong, 7}, WAX_U32);
	cr_assert_eq(wax_list_next(&list, &item), 1);
	cr_assert_eq(wax_list_next(&list, &item), 0);
}

Test(list, types_are_the_same_when_their_items_are)
{
	const struct wax_type *list = WAX_LIST(WAX_U64);

	cr_assert_eq(list, WAX_LIST(WAX_U64));
	cr_assert_str_eq(list->name, "list of uint64_t");
	cr_assert(wax_type_same(WAX_LIST(list), WAX_LIST(list)));
	cr_assert_not(wax_type_same(list, WAX_LIST(WAX_I64)));
	cr_assert_not(wax_type_same(list, WAX_LIST(list)));
	cr_assert_null(WAX_LIST(NULL));
	cr_assert_null(WAX_LIST(WAX_KEYED(WAX_U64, WAX_U64)));
}
