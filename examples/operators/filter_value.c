/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

static int is_small(const struct wax_item *item, void *ctx)
{
	const uint64_t *number = item->value.data;
	const uint32_t *rest = item->key.data;

	(void)ctx;
	return *number < 3 + *rest;
}

WAX_FLOW(filter_value, "Small numbers; how small depends on the key")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(9, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream small = wax_filter_value(by_rest, "small", is_small, NULL);

	wax_output(small, "out", wax_stdout("%k: %v"));
}
