/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, counted by key, as many as --items and as fast as --rate: "key<TAB>count" at the end. */
#include <wax/wax.h>

struct tally {
	int64_t keys;
};

static int by_remainder(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct tally *tally = ctx;
	uint64_t key = *(const uint64_t *)item->value.data % (uint64_t)tally->keys;

	return wax_emit(out, &key, sizeof(key));
}

WAX_FLOW(tally, "Count numbers by their remainder")
{
	int64_t items = wax_arg_int(flow, "items", "how many", "1000");
	double rate = wax_arg_float(flow, "rate", "how many a second; 0: as fast as can be", "0");
	int endless = wax_arg_flag(flow, "endless", "never stop");
	struct tally *tally = wax_flow_alloc(flow, sizeof(*tally));

	tally->keys = wax_arg_int(flow, "keys", "different keys", "100");
	struct wax_stream numbers =
			wax_input(flow, "numbers", wax_numbers(endless ? WAX_NEVER : items, rate));
	struct wax_stream keyed = wax_key_on(numbers, "by_remainder", WAX_U64, by_remainder, tally);

	wax_output(wax_count_final(keyed, "count"), "out", wax_stdout("%k\t%v"));
}
