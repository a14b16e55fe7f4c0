/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_FLOW(broadcast, "Every worker sees each of three numbers")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(3, 0));
	struct wax_stream everywhere = wax_broadcast(numbers, "everywhere");

	wax_output(everywhere, "out", wax_stdout("%v"));
}
