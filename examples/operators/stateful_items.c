/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/wax.h>

WAX_KEY(rest_of_3, uint64_t, number, uint32_t, rest)
{
	*rest = (uint32_t)(*number % 3);
}

#define SECOND INT64_C(1000000000)

/* Counts items until none came for a minute. */
struct meter {
	uint64_t count;
	int64_t quiet_at;
};

static int meter_item(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	struct meter *meter = state;

	(void)item, (void)ctx;
	meter->count++;
	meter->quiet_at = wax_keyed_now(keyed) + 60 * SECOND;
	return WAX_RETAIN;
}

static int meter_done(struct wax_keyed *keyed, void *state, void *ctx)
{
	const struct meter *meter = state;

	(void)ctx;
	wax_emit(wax_keyed_out(keyed), &meter->count, sizeof(meter->count));
	return WAX_DISCARD;
}

static int64_t meter_notify_at(const void *state, void *ctx)
{
	(void)ctx;
	return ((const struct meter *)state)->quiet_at;
}

static const struct wax_stateful_item meters = {
		.size_bytes = sizeof(struct wax_stateful_item),
		.state_bytes = sizeof(struct meter),
		.on_item = meter_item,
		.on_notify = meter_done,
		.on_eof = meter_done,
		.notify_at = meter_notify_at,
};

WAX_FLOW(stateful_items, "How many numbers came before it was quiet")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(9, 0));
	struct wax_stream by_rest = wax_key_on_typed(numbers, "by_rest", &rest_of_3);
	struct wax_stream counts = wax_stateful_items(by_rest, "meter", WAX_U64, &meters, NULL);

	wax_output(counts, "out", wax_stdout("%k: %v"));
}
