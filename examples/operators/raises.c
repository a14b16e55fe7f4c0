/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_FILTER(is_huge, uint64_t, number)
{
	return *number > 2;
}

WAX_FLOW(raises, "Numbers, none of which may be huge")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(4, 0));
	struct wax_stream huge = wax_filter_typed(numbers, "huge", &is_huge);

	wax_raises(huge, "no_huge", "larger than 2: is the input damaged?");
	wax_output(numbers, "out", wax_stdout("%v"));
}
