/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(parity, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 2);
}

WAX_FLOW(output, "Write numbers with their key: %k is the key, %v the value")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(4, 0));
	struct wax_stream keyed = wax_key_on_typed(numbers, "parity", &parity);

	wax_output(keyed, "out", wax_stdout("%v, key %k"));
}
