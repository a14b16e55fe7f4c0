/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

WAX_MAP(last_bit, uint64_t, number, uint64_t, bit)
{
	*bit = *number % 2;
}

WAX_FLOW(dedup, "Whether there are even and odd numbers of each key")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(9, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream bits = wax_map_typed(by_rest, "bit", &last_bit);

	wax_output(wax_dedup(bits, "once", WAX_SAME_ITEM, WAX_NEVER), "out", wax_stdout("%k: %v"));
}
