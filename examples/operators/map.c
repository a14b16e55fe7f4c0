/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

static int square(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const uint64_t *number = item->value.data;
	uint64_t squared = *number * *number;

	(void)ctx;
	return wax_emit(out, &squared, sizeof(squared));
}

WAX_FLOW(map, "Squares of numbers")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(4, 0));
	struct wax_stream squares = wax_map(numbers, "square", WAX_U64, square, NULL);

	wax_output(squares, "out", wax_stdout("%v"));
}
