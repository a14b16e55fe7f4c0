/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/collect.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "operators/pile.h"
#include "operators/stateful_batch.h"

struct collect {
	uint64_t count_max;
	int64_t idle_ns;
	int64_t age_ns;
	struct wax_pile_kind kind;
};

/* A key that is collecting. When its list is handed on, it goes. */
struct state {
	int64_t idle_at; /* WAX_NEVER: no such bound */
	int64_t age_at;
	struct wax_pile pile; /* last: its room is behind it */
};

/* In front of the list in what is saved of a key. */
struct saved {
	int64_t idle_at;
	int64_t age_at;
};

static int64_t after(int64_t now, int64_t ns)
{
	return ns > 0 && ns < WAX_NEVER - now ? now + ns : WAX_NEVER;
}

static int hand_on(struct wax_keyed *keyed, void *key_state, void *ctx)
{
	struct state *state = key_state;
	struct wax_bytes list = wax_pile_list(&state->pile);

	(void)ctx;
	wax_emit(keyed->out, list.data, list.bytes);
	return WAX_DISCARD;
}

static int on_item(struct wax_keyed *keyed, void *key_state, const struct wax_item *item, void *ctx)
{
	const struct collect *collect = ctx;
	struct state *state = key_state;
	int r;

	if (state->pile.count == 0)
		state->age_at = after(keyed->now, collect->age_ns);
	state->idle_at = after(keyed->now, collect->idle_ns);
	r = wax_pile_add(&state->pile, collect->kind, item->value);
	if (r == -E2BIG)
		return wax_fail(keyed->out, "its key has a list of more than 2 GiB: set count_max");
	if (r < 0)
		return r;
	return state->pile.count == collect->count_max ? hand_on(keyed, state, ctx) : WAX_RETAIN;
}

static int64_t notify_at(const void *key_state, void *ctx)
{
	const struct state *state = key_state;

	(void)ctx;
	return state->idle_at < state->age_at ? state->idle_at : state->age_at;
}

static int snapshot(struct wax_out *out, const void *key_state, void *ctx)
{
	const struct state *state = key_state;
	const struct saved saved = {state->idle_at, state->age_at};
	struct wax_bytes list = wax_pile_list(&state->pile);
	char *room = wax_claim(out, NULL, 0, sizeof(saved) + list.bytes);

	(void)ctx;
	if (!room)
		return -ENOMEM;
	memcpy(room, &saved, sizeof(saved));
	memcpy(room + sizeof(saved), list.data, list.bytes);
	return wax_commit(out, sizeof(saved) + list.bytes);
}

static int build(struct wax_keyed *keyed, void *key_state, struct wax_bytes bytes, void *ctx)
{
	const struct collect *collect = ctx;
	struct state *state = key_state;
	struct saved saved;

	(void)keyed;
	if (!bytes.data)
		return 0;
	if (bytes.bytes < sizeof(saved))
		return -EBADMSG;
	memcpy(&saved, bytes.data, sizeof(saved));
	state->idle_at = saved.idle_at;
	state->age_at = saved.age_at;
	bytes.data = (const char *)bytes.data + sizeof(saved);
	bytes.bytes -= sizeof(saved);
	return wax_pile_restore(&state->pile, collect->kind, bytes);
}

static void free_state(void *key_state, void *ctx)
{
	struct state *state = key_state;

	(void)ctx;
	wax_pile_fini(&state->pile);
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

	const struct wax_stateful ops = {
			.size_bytes = sizeof(ops),
			.state_bytes = offsetof(struct state, pile) + wax_pile_size(collect->kind),
			.build = build,
			.on_notify = hand_on,
			.on_eof = hand_on,
			.notify_at = collect->idle_ns || collect->age_ns ? notify_at : NULL,
			.snapshot = snapshot,
			.free = wax_pile_fits(collect->kind, collect->count_max) ? NULL
										 : free_state,
	};

	wax_stateful_describe(up.flow, step, &ops, on_item, collect, up_type);
	return wax_keyed_output(up, step, up_type, wax_type_list(up_type->value));
}
