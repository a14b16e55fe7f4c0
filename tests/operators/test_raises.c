/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

static uint64_t two = 2;

static int is_3(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return number_of(item) == 3;
}

static void at_3(struct wax_flow *flow)
{
	wax_raises(wax_filter(numbers(flow, 5), "f", is_3, NULL), "none", "three is not liked");
}

static void keyed(struct wax_flow *flow)
{
	wax_raises(wax_filter(text_keyed_numbers(flow, 5, &two), "f", is_3, NULL), "none", NULL);
}

Test(raises, fails_at_the_first_item_and_names_it)
{
	expect_failure(at_3, "flow.none", "3", "three is not liked");
	expect_failure(keyed, "flow.none", "1 => 3", "no item may come here");
}

/* A percent sign in the sentence is one. */
static void percent(struct wax_flow *flow)
{
	wax_raises(numbers(flow, 1), "none", "100%s");
}

Test(raises, gives_the_sentence_as_it_is)
{
	expect_failure(percent, "flow.none", "0", "100%s");
}

/* It is the only output. */
static void nothing(struct wax_flow *flow)
{
	wax_raises(wax_filter(numbers(flow, 3000), "f", answer_no, NULL), "none", NULL);
}

static void empty(struct wax_flow *flow)
{
	wax_raises(numbers(flow, 0), "none", NULL);
}

Test(raises, lets_a_run_without_items_end_well_and_counts_as_an_output)
{
	expect_output(nothing, "");
	expect_output(empty, "");
}
