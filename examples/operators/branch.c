/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

static int is_even(const struct wax_item *item, void *ctx)
{
	const uint64_t *number = item->value.data;

	(void)ctx;
	return *number % 2 == 0;
}

WAX_FLOW(branch, "Even numbers one way, odd ones the other")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(4, 0));
	struct wax_branches sides = wax_branch(numbers, "sides", is_even, NULL);

	wax_output(sides.trues, "evens", wax_stdout("%v is even"));
	wax_output(sides.falses, "odds", wax_stdout("%v is odd"));
}
