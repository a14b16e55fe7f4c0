/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

#define SECOND INT64_C(1000000000)

WAX_FLOW(ttl, "Counts of keys; one that is quiet for an hour is counted anew")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(9, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream counts = wax_ttl(wax_count_final(by_rest, "count"), 3600 * SECOND);

	wax_output(counts, "out", wax_stdout("%k: %v"));
}
