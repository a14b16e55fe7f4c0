/* SPDX-License-Identifier: Apache-2.0 */
/* A flow that is wrong in every way that its description can be. */
#include <wax/wax.h>

static int pass(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit(out, item->value.data, item->value.bytes);
}

WAX_FLOW(mistakes, "Wrong in many ways")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(10, 0));
	struct wax_stream texts = wax_input(flow, "texts", wax_text(10, 10, 1, 0));
	const struct wax_stream both[] = {numbers, texts};
	const struct wax_stream nothing = {0};

	wax_count_final(numbers, "no_key");
	wax_map(numbers, "numbers", WAX_U64, pass, NULL);
	wax_map(numbers, "dotted.id", WAX_U64, pass, NULL);
	wax_map(numbers, "", WAX_U64, pass, NULL);
	wax_map(numbers, "no_type", NULL, pass, NULL);
	wax_map(numbers, "no_callback", WAX_U64, NULL, NULL);
	wax_map(nothing, "no_stream", WAX_U64, pass, NULL);
	wax_merge("mixed", both, 2);
	wax_output(numbers, "bad_format", wax_stdout("%k %v"));
	wax_output(numbers, "no_sink", NULL);
	wax_input(flow, "no_source", NULL);
	wax_flow_fail(flow, "and one of its own");
}
