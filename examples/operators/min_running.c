/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_MAP(mix, uint64_t, number, uint64_t, mixed)
{
	*mixed = *number * 3 % 10;
}

WAX_KEY(parity, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 2);
}

WAX_FLOW(min_running, "Running extremes of mixed numbers, 0 3 6 9 2 5, odd and even apart")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(6, 0));
	struct wax_stream mixed = wax_map_typed(numbers, "mix", &mix);
	struct wax_stream keyed = wax_key_on_typed(mixed, "parity", &parity);

	wax_output(wax_min_running(keyed, "least"), "out_least", wax_stdout("%k from %v"));
	wax_output(wax_max_running(keyed, "greatest"), "out_greatest", wax_stdout("%k to %v"));
}
