/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

WAX_FLOW(min_final, "Least and greatest numbers")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(9, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream least = wax_min_final(by_rest, "least", NULL, NULL);
	struct wax_stream greatest = wax_max_final(by_rest, "greatest", NULL, NULL);

	wax_output(least, "out_least", wax_stdout("%k: from %v"));
	wax_output(greatest, "out_greatest", wax_stdout("%k: to %v"));
}
