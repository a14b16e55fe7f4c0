/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

static const char *const colours[] = {"red", "green"}; /* and none for 2 */

static int colour_of(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const uint32_t *rest = item->key.data;

	(void)ctx;
	return *rest < 2 ? wax_emit(out, colours[*rest], strlen(colours[*rest])) : 0;
}

static int describe(struct wax_out *out, const struct wax_item *row, void *ctx)
{
	struct wax_bytes count = wax_join_side(row->value, 0);
	struct wax_bytes colour = wax_join_side(row->value, 1);
	uint64_t number = 0;
	char text[64];
	int length;

	(void)ctx;
	if (count.data)
		memcpy(&number, count.data, sizeof(number));
	length = snprintf(text, sizeof(text), "%d are %.*s", (int)number,
			colour.data ? (int)colour.bytes : 1,
			colour.data ? (const char *)colour.data : "?");
	return wax_emit(out, text, (size_t)length);
}

WAX_FLOW(join, "Counts of numbers, and colours")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(10, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream sides[] = {
			wax_count_final(by_rest, "count"),
			wax_filter_map_value(by_rest, "colour", WAX_TEXT, colour_of, NULL),
	};
	struct wax_stream rows = wax_join("rows", sides, 2, WAX_JOIN_LAST, WAX_JOIN_FINAL);

	wax_output(rows, "out_rows", wax_stdout("%k: %v"));
	wax_output(wax_map_value(rows, "describe", WAX_TEXT, describe, NULL), "out",
			wax_stdout("%v"));
}
