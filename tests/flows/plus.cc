/* SPDX-License-Identifier: Apache-2.0 */
/* The headers, the macros and the callbacks serve C++ as well. */
#include <string>

#include <wax/wax.h>

static int greet(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	std::string text("hello ");

	text.append(static_cast<const char *>(item->value.data), item->value.bytes);
	text.append(static_cast<const char *>(ctx));
	return wax_emit(out, text.data(), text.size());
}

WAX_FLOW(plus, "Greet each line")
{
	const char *in = wax_arg_path(flow, "in", "names", WAX_REQUIRED);
	wax_stream lines = wax_input(flow, "lines", wax_file_lines(in));
	wax_stream greetings = wax_map(lines, "greet", WAX_TEXT, greet, const_cast<char *>("!"));

	wax_output(greetings, "out", wax_stdout(nullptr));
}
