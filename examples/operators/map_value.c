/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

static int square(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const uint64_t *number = item->value.data;
	uint64_t squared = *number * *number;

	(void)ctx;
	return wax_emit(out, &squared, sizeof(squared));
}

WAX_FLOW(map_value, "Squares, each under the key of its number")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(6, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream squares = wax_map_value(by_rest, "square", WAX_U64, square, NULL);

	wax_output(squares, "out", wax_stdout("%k: %v"));
}
