/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_FLOW(merge, "Lines of two files")
{
	struct wax_stream texts[] = {
			wax_input(flow, "text", wax_file_lines("text.txt")),
			wax_input(flow, "orders", wax_file_lines("orders.txt")),
	};

	wax_output(wax_merge("both", texts, 2), "out", wax_stdout("%v"));
}
