/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

static int is_even(const struct wax_item *item, void *ctx)
{
	const uint64_t *number = item->value.data;

	(void)ctx;
	return *number % 2 == 0;
}

WAX_FLOW(filter, "Even numbers")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(6, 0));
	struct wax_stream evens = wax_filter(numbers, "evens", is_even, NULL);

	wax_output(evens, "out", wax_stdout("%v"));
}
