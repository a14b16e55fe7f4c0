/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by a timer, a number each millisecond: what a run shows that is not of an item. */
#include <wax/wax.h>

struct ticks {
	uint64_t count;
	int64_t at;
};

static int one_key(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	static const uint64_t key;

	(void)item;
	(void)ctx;
	return wax_emit(out, &key, sizeof(key));
}

static int set(struct wax_keyed *keyed, void *state, const struct wax_values *values, void *ctx)
{
	struct ticks *ticks = state;

	(void)values;
	(void)ctx;
	if (ticks->at == 0)
		ticks->at = wax_keyed_now(keyed);
	return WAX_RETAIN;
}

static int tick(struct wax_keyed *keyed, void *state, void *ctx)
{
	struct ticks *ticks = state;

	(void)ctx;
	ticks->count++;
	ticks->at = wax_keyed_now(keyed) + 1000000;
	wax_emit(wax_keyed_out(keyed), &ticks->count, sizeof(ticks->count));
	return WAX_RETAIN;
}

static int64_t next_tick(const void *state, void *ctx)
{
	(void)ctx;
	return ((const struct ticks *)state)->at;
}

static const struct wax_stateful ops = {
		.size_bytes = sizeof(ops),
		.state_bytes = sizeof(struct ticks),
		.on_batch = set,
		.on_notify = tick,
		.notify_at = next_tick,
};

WAX_FLOW(ticks, "A number each millisecond, for ever")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(INT64_MAX, 10));
	struct wax_stream keyed = wax_key_on(numbers, "one_key", WAX_U64, one_key, NULL);

	wax_output(wax_stateful_batch(keyed, "ticks", WAX_U64, &ops, NULL), "out",
			wax_stdout("%v"));
}
