/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

#define SECOND INT64_C(1000000000)

static int add_list(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct wax_list list = wax_list_of(item->value, WAX_U64);
	struct wax_bytes next;
	uint64_t sum = 0, number;

	(void)ctx;
	while (wax_list_next(&list, &next)) {
		memcpy(&number, next.data, sizeof(number)); /* nothing in a list is aligned */
		sum += number;
	}
	return wax_emit(out, &sum, sizeof(sum));
}

WAX_FLOW(collect, "Numbers in lists of two, and their sums")
{
	const struct wax_collect_options by_two = {
			.size_bytes = sizeof(by_two),
			.count_max = 2,
			.idle_ns = 60 * SECOND,
	};

	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(9, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream lists = wax_collect(by_rest, "lists", &by_two);
	struct wax_stream sums = wax_map_value(lists, "sum", WAX_U64, add_list, NULL);

	wax_output(lists, "out_lists", wax_stdout("%k: %v"));
	wax_output(sums, "out_sums", wax_stdout("%k: sum %v"));
}
