/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

struct mean {
	uint64_t sum;
	uint64_t count;
};

static int print_mean(char *text, size_t text_bytes, const void *item, size_t item_bytes)
{
	const struct mean *mean = item;

	(void)item_bytes;
	return snprintf(text, text_bytes, "%g", (double)mean->sum / (double)mean->count);
}

static int add_number(void *acc, const struct wax_item *item, void *ctx)
{
	struct mean *mean = acc;
	const uint64_t *number = item->value.data;

	(void)ctx;
	mean->sum += *number;
	mean->count++;
	return 0;
}

WAX_FLOW(fold_final, "Means of numbers")
{
	const struct wax_type *mean = WAX_STRUCT_PRINT(struct mean, print_mean);

	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(9, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream means = wax_fold_final(by_rest, "mean", mean, NULL, add_number, NULL);

	wax_output(means, "out", wax_stdout("%k: %v"));
}
