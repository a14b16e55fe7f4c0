/* SPDX-License-Identifier: Apache-2.0 */
/* What a run that keeps state must not lose: "key<TAB>sum" for each number, to files. */
#include <signal.h>
#include <stdlib.h>

#include <wax/wax.h>

struct keep {
	int64_t keys;
	int64_t poison; /* a number at which the worker dies; -1: none */
};

static int by_remainder(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct keep *keep = ctx;
	uint64_t key = *(const uint64_t *)item->value.data % (uint64_t)keep->keys;

	return wax_emit(out, &key, sizeof(key));
}

static int add(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	const struct keep *keep = ctx;
	uint64_t number = *(const uint64_t *)item->value.data, *sum = state;

	if ((int64_t)number == keep->poison)
		abort();
	*sum += number;
	wax_emit(out, sum, sizeof(*sum));
	return WAX_RETAIN;
}

WAX_FLOW(keep, "Running sums of numbers by their remainder")
{
	int64_t items = wax_arg_int(flow, "items", "how many", "1000");
	double rate = wax_arg_float(flow, "rate", "how many a second; 0: as fast as can be", "0");
	const char *to = wax_arg_path(flow, "out", "directory", WAX_REQUIRED);
	int64_t files = wax_arg_int(flow, "files", "in it; 0: one a worker", "3");
	struct keep *keep = wax_flow_alloc(flow, sizeof(*keep));

	keep->keys = wax_arg_int(flow, "keys", "different keys", "100");
	keep->poison = wax_arg_int(flow, "poison", "a number at which the worker dies", "-1");
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(items, rate));
	struct wax_stream keyed = wax_key_on(numbers, "by_remainder", WAX_U64, by_remainder, keep);
	struct wax_stream sums =
			wax_stateful_map(keyed, "sum", WAX_U64, sizeof(uint64_t), add, keep);

	wax_output(sums, "out", wax_dir(to, (uint32_t)files, "%k\t%v"));
}
