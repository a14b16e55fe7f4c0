/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/numbers_running.h"

FLOWS_OF(wax_mean_running)

Test(mean_running, divides_by_what_was_seen)
{
	expect_order(of_i32, NULL, "0:-3\n1:-2\n0:-2\n1:-1\n0:-1\n");
	expect_order(of_u32, NULL,
			"0:3000000000\n1:3000000001\n0:3000000001\n1:3000000002\n0:3000000002\n");
	expect_order(of_i64, NULL, "0:-3\n1:-2\n0:-2\n1:-1\n0:-1\n");
	expect_order(of_u64, NULL, "0:0\n1:1\n0:1\n1:2\n0:2\n");
	expect_order(of_f64, NULL, "0:0\n1:0.25\n0:0.25\n1:0.5\n0:0.5\n");
}

static int constant(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	double value = (double)(number_of(item) % 1000);

	(void)ctx;
	return wax_emit(out, &value, sizeof(value));
}

/* All values of a key are the same, and so is their mean at any time. */
static void constants(struct wax_flow *flow)
{
	struct wax_stream up = text_keyed_numbers(flow, 100000, &thousand);

	up = wax_map_value(up, "constant", WAX_F64, constant, NULL);
	up = wax_mean_running(up, "m");
	run_flow_output(wax_max_final(up, "max", NULL, NULL), "%v");
}

static void none(struct wax_flow *flow)
{
	run_flow_output(wax_mean_running(keyed_numbers(flow, 0, &two), "m"), "%v");
}

Test(mean_running, takes_many_items_and_none)
{
	expect_sum(constants, 1000, 499500);
	expect_output(none, "");
}

static void of_texts(struct wax_flow *flow)
{
	run_flow_output(wax_mean_running(script(flow, "a1"), "m"), "%v");
}

Test(mean_running, needs_numbers)
{
	expect_mistake(of_texts,
			"step \"flow.m\": its values are text, it takes int32_t, uint32_t, "
			"int64_t, "
			"uint64_t or double: use wax_stateful_map for others");
}
