/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

static int half(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const uint64_t *number = item->value.data;
	uint64_t halved = *number / 2;

	(void)ctx;
	return *number % 2 ? 0 : wax_emit(out, &halved, sizeof(halved));
}

WAX_FLOW(filter_map, "Halves of even numbers")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(6, 0));
	struct wax_stream halves = wax_filter_map(numbers, "half", WAX_U64, half, NULL);

	wax_output(halves, "out", wax_stdout("%v"));
}
