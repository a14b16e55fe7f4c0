/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t two = 2, thousand = 1000;

static void of_numbers(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_all_final(numbers(flow, 50000), "t", 3, NULL, NULL), "%v");
}

static void fewer_than_n(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_all_final(numbers(flow, 2), "t", 3, NULL, NULL), "%v");
}

static void none(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_all_final(numbers(flow, 0), "t", 3, NULL, NULL), "%v");
}

/* One worker emits them: what it writes is in order. */
static void expect_order_of(build_fn build, uint32_t worker_count, const char *output)
{
	struct run_flow_result result = run_flow(build, worker_count, NULL);

	cr_assert_eq(result.status, 0, "%s", result.sentence);
	cr_assert_str_eq(result.unsorted, output, "gave\n%s", result.unsorted);
	run_flow_free(&result);
}

Test(top_n_all_final, keeps_the_greatest_of_all_and_emits_them_in_order)
{
	for (uint32_t workers = 1; workers <= 5; workers += 2) {
		expect_order_of(of_numbers, workers, "49999\n49998\n49997\n");
		expect_order_of(fewer_than_n, workers, "1\n0\n");
		expect_order_of(none, workers, "");
	}
}

static const struct run_flow_options narrow = {
		.slab = "512", .exchange_mem = "1M", .interval = "1ms"};

static void many(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_all_final(numbers(flow, 100000), "t", 20000, NULL, NULL), "%v");
}

static void many_texts(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_all_final(texts(flow, 20000), "t", 65536, NULL, NULL), "%v");
}

Test(top_n_all_final, keeps_many)
{
	expect_sum(many, 20000, UINT64_C(10000) * (80000 + 99999));
	expect_sum_of(many, 3, &narrow, 20000, UINT64_C(10000) * (80000 + 99999));
	expect_sum(many_texts, 20000, UINT64_C(10000) * 19999);
}

/* The most frequent of words: keys come along. */
static void frequent(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "a b c | a b d e | a b f c | a g");

	run_flow_output(wax_top_n_all_final(wax_count_final(up, "count"), "t", 3, NULL, NULL),
			"%k:%v");
}

static void of_fixed_keys(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 30000, &thousand);

	run_flow_output(wax_top_n_all_final(up, "t", 3, NULL, NULL), "%k:%v");
}

Test(top_n_all_final, keeps_keys_with_their_values)
{
	for (uint32_t workers = 1; workers <= 3; workers++) {
		expect_order_of(frequent, workers, "a:4\nb:3\nc:2\n");
		expect_order_of(of_fixed_keys, workers, "999:29999\n998:29998\n997:29997\n");
	}
}

/* By value, and of equal ones the key that comes first. */
static int by_value_and_key(const struct wax_item *a, const struct wax_item *b, void *ctx)
{
	uint64_t left = number_of(a), right = number_of(b);

	(void)ctx;
	if (left != right)
		return left > right ? 1 : -1;
	return *(const char *)b->key.data - *(const char *)a->key.data;
}

static void with_ties(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "a b c | d e f | b e");

	run_flow_output(wax_top_n_all_final(wax_count_final(up, "count"), "t", 4, by_value_and_key,
					NULL),
			"%k:%v");
}

Test(top_n_all_final, compares_items_as_it_is_told)
{
	for (uint32_t workers = 1; workers <= 3; workers++)
		expect_order_of(with_ties, workers, "b:2\ne:2\na:1\nc:1\n");
}

/* It is a stream like any other, of items that are not where their key is. */
static void counted(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 300, &two);

	up = wax_top_n_all_final(up, "t", 10, NULL, NULL);
	run_flow_output(wax_count_final(up, "count"), "%k:%v");
}

Test(top_n_all_final, can_be_counted_on)
{
	expect_output(counted, "0:5\n1:5\n");
}

static void of_zero(struct wax_flow *flow)
{
	run_flow_output(wax_top_n_all_final(numbers(flow, 5), "t", 0, NULL, NULL), "%v");
}

Test(top_n_all_final, needs_a_number)
{
	expect_mistake(of_zero, "step \"flow.t\": keeps the 0 greatest, must be 1 to 65536");
}
