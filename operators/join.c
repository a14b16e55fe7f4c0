/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/join.h>

#include <errno.h>
#include <string.h>

#include "operators/pile.h"
#include "operators/stateful_batch.h"
#include "runtime/assert.h"

/*
 * A key has a pile of values for each side. Rows are all combinations of one value of each pile, in
 * which an empty one counts as one value that is absent.
 */

struct side {
	struct wax_pile_kind kind;
	uint32_t at; /* of its pile in the state */
};

struct join {
	uint32_t side_count;
	enum wax_join_insert insert;
	enum wax_join_emit emit;
	bool fixed; /* rows have one size, absent values room in them */
	bool owns;  /* some pile may have memory of its own */
	uint64_t all;
	/* Of rows, if they are fixed: where values end, and the head and the gap behind it. */
	uint32_t ends[WAX_JOIN_SIDES_MAX];
	uint64_t head[WAX_JOIN_SIDES_MAX / 2 + 2];
	uint32_t head_words;
	uint32_t row_bytes;
	struct side sides[];
};

struct state {
	uint64_t present; /* a bit for each side whose pile is not empty */
};

static struct wax_pile *pile_of(const struct join *join, const struct state *state, uint32_t side)
{
	return (struct wax_pile *)((char *)(uintptr_t)state + join->sides[side].at);
}

/* ---- rows */

/* One row while its values are chosen. */
struct row {
	struct wax_list left[WAX_JOIN_SIDES_MAX]; /* values behind the chosen one */
	struct wax_bytes values[WAX_JOIN_SIDES_MAX];
};

static inline uint32_t align_8(uint32_t at)
{
	return (at + 7) & ~UINT32_C(7);
}

/* Where each value ends. @return bytes of the row; 0: more than 2 GiB */
static uint32_t lay_out(const struct join *join, const struct row *row, uint32_t *ends)
{
	uint64_t at = WAX_JOIN_HEAD_BYTES(join->side_count);

	for (uint32_t side = 0; side < join->side_count; side++) {
		at = (at + 7) & ~UINT64_C(7);
		at += join->fixed ? join->sides[side].kind.item_bytes : row->values[side].bytes;
		if (at > INT32_MAX - 8)
			return 0;
		ends[side] = (uint32_t)at;
	}
	return join->fixed ? align_8((uint32_t)at) : (uint32_t)at;
}

static void fill(const struct join *join, const struct state *state, const struct row *row,
		const uint32_t *ends, char *to, uint32_t bytes)
{
	uint32_t at = (uint32_t)WAX_JOIN_HEAD_BYTES(join->side_count);

	memcpy(to, &state->present, sizeof(state->present));
	memcpy(to + 8, &join->side_count, sizeof(join->side_count));
	memcpy(to + 12, ends, join->side_count * sizeof(*ends));
	for (uint32_t side = 0; side < join->side_count; side++) {
		struct wax_bytes value = row->values[side];
		uint32_t start = align_8(at);

		/* At most 7 bytes that the values leave free. */
		while (at < start)
			to[at++] = 0;
		if (value.bytes > 0)
			wax_copy_item(to + start, value.data, (uint32_t)value.bytes);
		else
			memset(to + start, 0, ends[side] - start);
		at = ends[side];
	}
	while (at < bytes)
		to[at++] = 0;
}

static int emit_row(struct wax_keyed *keyed, const struct join *join, const struct state *state,
		const struct row *row)
{
	uint32_t own_ends[WAX_JOIN_SIDES_MAX];
	const uint32_t *ends = join->fixed ? join->ends : own_ends;
	uint32_t bytes = join->fixed ? join->row_bytes : lay_out(join, row, own_ends);
	char *to;

	if (bytes == 0)
		return wax_fail(keyed->out, "a row of more than 2 GiB");
	to = wax_claim(keyed->out, NULL, 0, bytes);
	if (!to)
		return -ENOMEM;
	fill(join, state, row, ends, to, bytes);
	return wax_commit(keyed->out, bytes);
}

/* Of a key that has one value of each side, all of fixed size: a row is its head and the values. */
static inline int emit_full_row(
		struct wax_keyed *keyed, const struct join *join, const struct state *state)
{
	char *row = wax_claim(keyed->out, NULL, 0, join->row_bytes);
	uint64_t *words = (uint64_t *)(void *)row;
	uint32_t at = join->head_words * 8;

	if (wax_unlikely(!row))
		return -ENOMEM;
	for (uint32_t i = 0; i < join->head_words; i++)
		words[i] = join->head[i];
	for (uint32_t side = 0; side < join->side_count; side++) {
		uint32_t bytes = join->sides[side].kind.item_bytes;
		uint32_t end = align_8(at + bytes);

		/* The value ends in the last word, if not with it. */
		if (bytes % 8 > 0)
			words[end / 8 - 1] = 0;
		wax_copy_item(row + at, wax_pile_data(pile_of(join, state, side)), bytes);
		at = end;
	}
	return wax_commit(keyed->out, join->row_bytes);
}

/* Choose the first value of a side, or that it has none. */
static void choose_first(
		const struct join *join, const struct state *state, struct row *row, uint32_t side)
{
	struct wax_bytes list = wax_pile_list(pile_of(join, state, side));

	row->left[side] = (struct wax_list){list.data, (const char *)list.data + list.bytes,
			join->sides[side].kind.item_bytes};
	if (!wax_list_next(&row->left[side], &row->values[side]))
		row->values[side] = (struct wax_bytes){NULL, 0};
}

/* The next combination, the last side first. @return false: that was the last */
static bool choose_next(const struct join *join, const struct state *state, struct row *row)
{
	for (uint32_t side = join->side_count; side-- > 0;) {
		if (wax_list_next(&row->left[side], &row->values[side]))
			return true;
		choose_first(join, state, row, side);
	}
	return false;
}

static int emit_rows(struct wax_keyed *keyed, const struct join *join, const struct state *state)
{
	struct row row;
	int r;

	for (uint32_t side = 0; side < join->side_count; side++)
		choose_first(join, state, &row, side);
	do {
		r = emit_row(keyed, join, state, &row);
	} while (r == 0 && choose_next(join, state, &row));
	return r;
}

/* ---- keys */

static inline int insert(struct wax_keyed *keyed, const struct join *join, struct state *state,
		struct wax_bytes value)
{
	struct wax_pile *pile = pile_of(join, state, keyed->input);
	int r;

	if (join->insert == WAX_JOIN_FIRST && pile->count > 0)
		return 0;
	if (join->insert == WAX_JOIN_LAST)
		wax_pile_clear(pile);
	r = wax_pile_add(pile, join->sides[keyed->input].kind, value);
	if (r == -E2BIG)
		return wax_fail(keyed->out, "one side of its key has more than 2 GiB of values");
	state->present |= UINT64_C(1) << keyed->input;
	return r;
}

static void empty(const struct join *join, struct state *state)
{
	for (uint32_t side = 0; side < join->side_count; side++)
		wax_pile_empty(pile_of(join, state, side));
	state->present = 0;
}

/* @return WAX_RETAIN, WAX_DISCARD, or negative errno */
static inline int emit(struct wax_keyed *keyed, const struct join *join, struct state *state)
{
	int r;

	if (join->emit == WAX_JOIN_RUNNING)
		return emit_rows(keyed, join, state);
	r = join->fixed && join->insert != WAX_JOIN_PRODUCT ? emit_full_row(keyed, join, state)
							    : emit_rows(keyed, join, state);
	return r < 0 ? r : WAX_DISCARD;
}

/* Is it time for the rows of a key that has got another item? */
static inline bool emits(const struct join *join, const struct state *state)
{
	return join->emit == WAX_JOIN_RUNNING ||
			(join->emit == WAX_JOIN_COMPLETE && state->present == join->all);
}

static int on_item(struct wax_keyed *keyed, void *key_state, const struct wax_item *item, void *ctx)
{
	const struct join *join = ctx;
	struct state *state = key_state;
	int r = insert(keyed, join, state, item->value);

	if (r < 0)
		return r;
	return emits(join, state) ? emit(keyed, join, state) : WAX_RETAIN;
}

static int on_items(struct wax_keyed *keyed, struct wax_keyed_run *run, void *ctx)
{
	const struct join *join = ctx;
	const struct wax_batch in = *run->batch;

	for (; run->at < run->count; run->at++) {
		struct state *state = wax_keyed_run_state(run);
		int r = insert(keyed, join, state, wax_batch_value(&in, run->first + run->at));

		if (r == 0 && emits(join, state)) {
			wax_keyed_run_emits(run);
			r = emit(keyed, join, state);
			if (r == WAX_DISCARD)
				empty(join, state);
		}
		if (wax_unlikely(r < 0))
			return r;
		run->answers[run->at] = (uint8_t)r;
	}
	return 0;
}

static int on_eof(struct wax_keyed *keyed, void *key_state, void *ctx)
{
	int r = emit_rows(keyed, ctx, key_state);

	return r < 0 ? r : WAX_DISCARD;
}

/* Saved: the length of each side's list, and the list. */
static int snapshot(struct wax_out *out, const void *key_state, void *ctx)
{
	const struct join *join = ctx;
	size_t bytes = 0;
	char *to, *room;

	for (uint32_t side = 0; side < join->side_count; side++)
		bytes += sizeof(uint32_t) + pile_of(join, key_state, side)->bytes;
	to = room = wax_claim(out, NULL, 0, bytes);
	if (!room)
		return -ENOMEM;
	for (uint32_t side = 0; side < join->side_count; side++) {
		const struct wax_pile *pile = pile_of(join, key_state, side);

		memcpy(to, &pile->bytes, sizeof(pile->bytes));
		to += sizeof(pile->bytes);
		memcpy(to, wax_pile_data(pile), pile->bytes);
		to += pile->bytes;
	}
	return wax_commit(out, bytes);
}

static int build(struct wax_keyed *keyed, void *key_state, struct wax_bytes saved, void *ctx)
{
	const struct join *join = ctx;
	struct state *state = key_state;
	/* The saved lists are themselves a list of items of any length. */
	struct wax_list lists = {saved.data, (const char *)saved.data + saved.bytes, 0};
	struct wax_bytes list;

	(void)keyed;
	for (uint32_t side = 0; saved.data && side < join->side_count; side++) {
		struct wax_pile *pile = pile_of(join, state, side);
		int r = wax_list_next(&lists, &list)
				? wax_pile_restore(pile, join->sides[side].kind, list)
				: -EBADMSG;

		if (r < 0)
			return r;
		state->present |= (uint64_t)(pile->count > 0) << side;
	}
	return 0;
}

static void free_state(void *key_state, void *ctx)
{
	const struct join *join = ctx;

	for (uint32_t side = 0; side < join->side_count; side++)
		wax_pile_fini(pile_of(join, key_state, side));
}

/* ---- the flow */

/* Connect the sides and collect the types of their values. @return their type of key; NULL: a
 * mistake was reported */
static const struct wax_type *connect(struct wax_flow *flow, struct wax_step *step,
		const struct wax_stream *sides, uint32_t count, const struct wax_type **values)
{
	const struct wax_type *first = NULL;

	for (uint32_t i = 0; i < count; i++) {
		const struct wax_type *type = wax_step_input_keyed(flow, step, sides[i]);

		if (!type)
			continue;
		values[i] = type->value;
		if (!first)
			first = type;
		if (!wax_type_same(first->key, type->key))
			wax_step_fail(flow, step,
					"joins a stream with the key %s and one with the key %s: "
					"the keys of all sides must have one type",
					first->key->name, type->key->name);
	}
	return step->failed ? NULL : first;
}

/* @return bytes of the state of a key */
static uint32_t place_sides(struct join *join, const struct wax_type *const *values)
{
	uint32_t at = (uint32_t)sizeof(struct state);

	for (uint32_t i = 0; i < join->side_count; i++) {
		join->sides[i].kind = wax_pile_kind(
				values[i]->item_bytes, join->insert == WAX_JOIN_PRODUCT ? 0 : 1);
		join->sides[i].at = at;
		join->owns |= join->insert == WAX_JOIN_PRODUCT ||
				!wax_pile_fits(join->sides[i].kind, 1);
		at += wax_pile_size(join->sides[i].kind);
	}
	return at;
}

static void describe_rows(struct join *join)
{
	char *head = (char *)join->head;

	join->row_bytes = lay_out(join, NULL, join->ends);
	join->head_words = align_8((uint32_t)WAX_JOIN_HEAD_BYTES(join->side_count)) / 8;
	memcpy(head, &join->all, sizeof(join->all));
	memcpy(head + 8, &join->side_count, sizeof(join->side_count));
	memcpy(head + 12, join->ends, join->side_count * sizeof(*join->ends));
}

static void check(struct wax_flow *flow, struct wax_step *step, const struct wax_stream *sides,
		size_t count, enum wax_join_insert insert, enum wax_join_emit emit)
{
	if (!sides || count == 0)
		wax_step_fail(flow, step, "joins no streams: it needs at least one");
	if (count > WAX_JOIN_SIDES_MAX)
		wax_step_fail(flow, step, "joins %zu streams, %d are the most", count,
				WAX_JOIN_SIDES_MAX);
	if ((unsigned)insert > WAX_JOIN_PRODUCT)
		wax_step_fail(flow, step,
				"its insert mode is %d: it must be WAX_JOIN_LAST, "
				"_FIRST or _PRODUCT",
				(int)insert);
	if ((unsigned)emit > WAX_JOIN_RUNNING)
		wax_step_fail(flow, step,
				"its emit mode is %d: it must be WAX_JOIN_COMPLETE, "
				"_FINAL or _RUNNING",
				(int)emit);
}

struct wax_stream wax_join(const char *id, const struct wax_stream *sides, size_t count,
		enum wax_join_insert insert, enum wax_join_emit emit)
{
	/* Without a stream the flow that is being built is meant: wax_step_add knows which. */
	struct wax_flow *flow = sides && count > 0 ? sides[0].flow : NULL;
	struct wax_step *step = wax_step_add(flow, id, &wax_join_class);
	const struct wax_type *values[WAX_JOIN_SIDES_MAX], *key;

	check(flow, step, sides, count, insert, emit);
	key = step->failed ? NULL : connect(flow, step, sides, (uint32_t)count, values);
	if (!key)
		return wax_step_output(flow, step, NULL, true);

	struct join *join = wax_flow_alloc(flow, sizeof(*join) + count * sizeof(*join->sides));
	const struct wax_type *row = wax_type_row(values, (uint32_t)count);

	join->side_count = (uint32_t)count;
	join->insert = insert;
	join->emit = emit;
	join->fixed = row && row->item_bytes > 0;
	join->all = UINT64_MAX >> (64 - count);

	uint32_t state_bytes = place_sides(join, values);

	if (join->fixed)
		describe_rows(join);

	const struct wax_stateful ops = {
			.size_bytes = sizeof(ops),
			.state_bytes = state_bytes,
			.build = build,
			.on_eof = emit == WAX_JOIN_FINAL ? on_eof : NULL,
			.snapshot = snapshot,
			.free = join->owns ? free_state : NULL,
	};

	wax_stateful_describe(flow, step, &ops, on_item, on_items, join, key);
	step->route = WAX_ROUTE_KEY;
	return wax_step_output(flow, step, wax_type_keyed(key->key, row), true);
}
