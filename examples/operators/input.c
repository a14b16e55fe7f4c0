/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_FLOW(input, "Copy the lines of a file, which both workers read, a range each")
{
	struct wax_stream lines = wax_input(flow, "lines", wax_file_lines("orders.txt"));

	wax_output(lines, "out", wax_stdout("%v"));
}
