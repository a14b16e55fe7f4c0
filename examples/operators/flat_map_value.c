/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

static int divisors(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const uint64_t *number = item->value.data;

	(void)ctx;
	for (uint64_t i = 1; i <= *number; i++) {
		if (*number % i == 0)
			wax_emit(out, &i, sizeof(i));
	}
	return 0;
}

WAX_FLOW(flat_map_value, "Divisors, each under the key of its number")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(5, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream divided =
			wax_flat_map_value(by_rest, "divisors", WAX_U64, divisors, NULL);

	wax_output(divided, "out", wax_stdout("%k: %v"));
}
