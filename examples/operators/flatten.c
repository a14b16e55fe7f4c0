/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

struct pair {
	uint64_t numbers[2];
};

WAX_MAP(with_next, uint64_t, number, struct pair, pair)
{
	pair->numbers[0] = *number;
	pair->numbers[1] = *number + 1;
}

/* "number" and "odd" or "even", in one item. */
static int as_words(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const uint64_t *number = item->value.data;
	char *room = wax_claim(out, NULL, 0, 64), *to = room;

	(void)ctx;
	if (!room)
		return -1;
	to += wax_element_put(to, "number", 6);
	to += *number % 2 ? wax_element_put(to, "odd", 3) : wax_element_put(to, "even", 4);
	return wax_commit(out, (size_t)(to - room));
}

WAX_FLOW(flatten, "Elements of fixed size, and of any")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(2, 0));

	struct wax_stream pairs = wax_map_typed(numbers, "with_next", &with_next);
	struct wax_stream flat = wax_flatten(pairs, "flat", WAX_U64);

	struct wax_stream phrases = wax_map(numbers, "as_words", WAX_BYTES, as_words, NULL);
	struct wax_stream words = wax_flatten(phrases, "words", WAX_TEXT);

	wax_output(flat, "out_flat", wax_stdout("%v"));
	wax_output(words, "out_words", wax_stdout("%v"));
}
