/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

static int half(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const uint64_t *number = item->value.data;
	uint64_t halved = *number / 2;

	(void)ctx;
	return *number % 2 ? 0 : wax_emit(out, &halved, sizeof(halved));
}

WAX_FLOW(filter_map_value, "Halves of even numbers, under the key of the number")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(6, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream halves = wax_filter_map_value(by_rest, "half", WAX_U64, half, NULL);

	wax_output(halves, "out", wax_stdout("%k: %v"));
}
