/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

/* Version 1 had the last number here, of the same size. */
struct sum {
	uint64_t sum;
};

WAX_STATEFUL_MAP(add_up, uint64_t, number, struct sum, sum, uint64_t, out)
{
	sum->sum += *number;
	*out = sum->sum;
}

WAX_FLOW(state_version, "Sums so far, of a step that once kept something else")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(6, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream sums =
			wax_state_version(wax_stateful_map_typed(by_rest, "sum", &add_up), 2);

	wax_output(sums, "out", wax_stdout("%k: %v"));
}
