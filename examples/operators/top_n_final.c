/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

WAX_FLOW(top_n_final, "The two greatest numbers of each key")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(9, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream top = wax_top_n_final(by_rest, "top", 2, NULL, NULL);

	wax_output(top, "out", wax_stdout("%k: %v"));
}
