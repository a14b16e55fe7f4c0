/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

WAX_FLOW(key_rm, "Keyed numbers and bare ones in one stream")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(3, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream both[] = {numbers, wax_key_rm(by_rest, "bare")};

	wax_output(wax_merge("both", both, 2), "out", wax_stdout("%v"));
}
