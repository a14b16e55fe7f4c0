/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_FILTER(is_odd, uint64_t, number)
{
	return *number % 2 == 1;
}

WAX_FLOW(filter_typed, "Odd numbers")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(6, 0));

	wax_output(wax_filter_typed(numbers, "odd", &is_odd), "out", wax_stdout("%v"));
}
