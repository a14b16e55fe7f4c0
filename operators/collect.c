/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/collect.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "operators/pile.h"
#include "operators/stateful_batch.h"
#include "runtime/assert.h"

struct collect {
	uint64_t count_max;
	int64_t idle_ns;
	int64_t age_ns;
	struct wax_pile_kind kind;
	uint32_t pile_at; /* in the state: behind its times, if there are any */
};

/* When a key that is collecting hands its list on at the latest, and goes. It stands in front of its
 * pile, and of the list in what is saved of it. */
struct times {
	int64_t idle_at; /* WAX_NEVER: no such bound */
	int64_t age_at;
};

static const struct times no_times = {WAX_NEVER, WAX_NEVER};

static struct wax_pile *pile_of(const struct collect *collect, const void *state)
{
	return (struct wax_pile *)((char *)(uintptr_t)state + collect->pile_at);
}

static int64_t after(int64_t now, int64_t ns)
{
	return ns > 0 && ns < WAX_NEVER - now ? now + ns : WAX_NEVER;
}

static int hand_on(struct wax_keyed *keyed, void *state, void *ctx)
{
	struct wax_bytes list = wax_pile_list(pile_of(ctx, state));
	int r = wax_emit(keyed->out, list.data, list.bytes);

	return r < 0 ? r : WAX_DISCARD;
}

/* @param timed a constant: it is compiled in
 * @return 1: the list is complete; 0, negative errno */
static inline __attribute__((always_inline)) int add(struct wax_keyed *keyed,
		const struct collect *collect, void *state, struct wax_bytes value, bool timed)
{
	struct wax_pile *pile = pile_of(collect, state);
	struct times *times = state;
	int r;

	if (timed && pile->count == 0)
		times->age_at = after(keyed->now, collect->age_ns);
	if (timed)
		times->idle_at = after(keyed->now, collect->idle_ns);
	r = wax_pile_add(pile, collect->kind, value);
	if (wax_unlikely(r < 0))
		return r == -E2BIG ? wax_fail(keyed->out,
						     "its key has a list of more than 2 GiB: "
						     "set count_max")
				   : r;
	return pile->count == collect->count_max;
}

static int on_item(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	const struct collect *collect = ctx;
	int r = add(keyed, collect, state, item->value, collect->pile_at > 0);

	return r > 0 ? hand_on(keyed, state, ctx) : r;
}

static inline __attribute__((always_inline)) int add_all(struct wax_keyed *keyed,
		struct wax_keyed_run *run, const struct collect *collect, bool timed)
{
	const struct wax_batch in = *run->batch;

	for (; run->at < run->count; run->at++) {
		void *state = wax_keyed_run_state(run);
		int r = add(keyed, collect, state, wax_batch_value(&in, run->first + run->at),
				timed);

		if (r > 0) {
			wax_keyed_run_emits(run);
			r = hand_on(keyed, state, (void *)(uintptr_t)collect);
			wax_pile_empty(pile_of(collect, state));
		}
		if (wax_unlikely(r < 0))
			return r;
		run->answers[run->at] = (uint8_t)r;
	}
	return 0;
}

static int on_items(struct wax_keyed *keyed, struct wax_keyed_run *run, void *ctx)
{
	const struct collect *collect = ctx;

	return collect->pile_at > 0 ? add_all(keyed, run, collect, true)
				    : add_all(keyed, run, collect, false);
}

static int64_t notify_at(const void *state, void *ctx)
{
	const struct times *times = state;

	(void)ctx;
	return times->idle_at < times->age_at ? times->idle_at : times->age_at;
}

static int snapshot(struct wax_out *out, const void *state, void *ctx)
{
	const struct collect *collect = ctx;
	const struct times *times = collect->pile_at > 0 ? state : &no_times;
	struct wax_bytes list = wax_pile_list(pile_of(collect, state));
	char *room = wax_claim(out, NULL, 0, sizeof(*times) + list.bytes);

	if (!room)
		return -ENOMEM;
	memcpy(room, times, sizeof(*times));
	memcpy(room + sizeof(*times), list.data, list.bytes);
	return wax_commit(out, sizeof(*times) + list.bytes);
}

static int build(struct wax_keyed *keyed, void *state, struct wax_bytes saved, void *ctx)
{
	const struct collect *collect = ctx;
	size_t times_bytes = sizeof(struct times);

	(void)keyed;
	if (!saved.data)
		return 0;
	if (saved.bytes < times_bytes)
		return -EBADMSG;
	if (collect->pile_at > 0)
		memcpy(state, saved.data, times_bytes);
	saved.data = (const char *)saved.data + times_bytes;
	saved.bytes -= times_bytes;
	return wax_pile_restore(pile_of(collect, state), collect->kind, saved);
}

static void free_state(void *state, void *ctx)
{
	wax_pile_fini(pile_of(ctx, state));
}

static bool read_options(struct wax_flow *flow, struct wax_step *step, struct collect *collect,
		const struct wax_collect_options *given)
{
	struct wax_collect_options options = {0};

	if (!given || given->size_bytes == 0) {
		wax_step_fail(flow, step, "its options are %s",
				given ? "without size_bytes: set it to sizeof(struct "
					"wax_collect_options)"
				      : "NULL");
		return false;
	}
	memcpy(&options, given,
			given->size_bytes < sizeof(options) ? given->size_bytes : sizeof(options));
	if (options.idle_ns < 0 || options.age_ns < 0) {
		wax_step_fail(flow, step, "a time of %" PRId64 " ns: it must not be negative",
				options.idle_ns < 0 ? options.idle_ns : options.age_ns);
		return false;
	}
	collect->count_max = options.count_max;
	collect->idle_ns = options.idle_ns;
	collect->age_ns = options.age_ns;
	return true;
}

struct wax_stream wax_collect(
		struct wax_stream up, const char *id, const struct wax_collect_options *options)
{
	struct wax_step *step = wax_step_add(up.flow, id, &wax_collect_class);
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);
	struct collect *collect = WAX_FLOW_NEW(up.flow, struct collect);

	if (!read_options(up.flow, step, collect, options) || !up_type)
		return wax_step_output(up.flow, step, NULL, true);
	collect->kind = wax_pile_kind(up_type->value->item_bytes, collect->count_max);
	collect->pile_at = collect->idle_ns || collect->age_ns ? sizeof(struct times) : 0;

	const struct wax_stateful ops = {
			.size_bytes = sizeof(ops),
			.state_bytes = collect->pile_at + wax_pile_size(collect->kind),
			.build = build,
			.on_notify = hand_on,
			.on_eof = hand_on,
			.notify_at = collect->pile_at > 0 ? notify_at : NULL,
			.snapshot = snapshot,
			.free = wax_pile_fits(collect->kind, collect->count_max) ? NULL
										 : free_state,
	};

	wax_stateful_describe(up.flow, step, &ops, on_item, on_items, collect, up_type);
	return wax_keyed_output(up, step, up_type, wax_type_list(up_type->value));
}
