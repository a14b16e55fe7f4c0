/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/stateful_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "operators/expiry.h"
#include "operators/grouping.h"
#include "operators/items.h"
#include "runtime/assert.h"
#include "runtime/kept.h"
#include "runtime/port.h"
#include "runtime/room.h"
#include "runtime/table.h"
#include "runtime/timers.h"

/*
 * A batch: its items are grouped by key, and on_batch is called for each group. What a callback
 * gives back decides: the key stays, its timer is set to what notify_at says; or it goes. A step
 * with on_item is served item by item instead, without grouping; a key that goes is buried first,
 * as items behind may be of it too and be its new life. So it is with keys that come and go for
 * ever: they stay buried until there are many, or the epoch ends, and those that live again
 * meanwhile were never removed.
 *
 * A new key is not BUILT until build has been called for it; after a failure half of a batch's keys
 * may not be yet, and are not freed.
 *
 * Where the run keeps its state, what is kept of a key is what a snapshot gives, and when it expires.
 * Each callback counts as a change: an item by its lookup, others by a touch before they are called.
 *
 * With --rehearse the state of every key that was awake in an epoch is, at its end, turned into
 * bytes and made from them again, as a restart would: what does not survive that shows in results.
 */

/* Marks of a key: build has been called for it; it is in the list of those awake in this epoch; it
 * is in the list of those to be removed unless they live again. */
#define BUILT 1
#define AWAKE 2
#define BURIED 4
/* Keys that are served by one call at the end of input, or when many timers are due at once: what
 * they emit has to find room. */
#define TURN_KEYS_MAX 4096
/* So much memory, and so many keys, may be of the buried. */
#define BURIED_BYTES_MAX (256 * 1024)
#define BURIED_KEYS_MAX 4096

struct params {
	struct wax_stateful ops;
	wax_on_item_fn on_item;   /* NULL: ops.on_batch */
	wax_on_items_fn on_items; /* may be NULL */
	void *ctx;
	uint32_t key_bytes; /* 0: any length */
	uint32_t state_at;  /* of the user's state, behind ours */
	uint32_t state_align;
	uint32_t timer_at; /* of the timer behind it, if the user has notify_at */
};

/* What stands in front of the user's state. */
struct head {
	uint32_t group; /* of wax_grouping */
	uint32_t marks;
};

struct data {
	struct wax_table table;
	struct wax_timers timers;
	struct wax_expiry expiry;
	struct wax_keyed keyed;

	struct head **buried;
	uint32_t buried_count;
	uint32_t buried_capacity; /* 0, or items of the largest batch behind the most that stay */
	uint32_t buried_max;      /* so many stay */
	bool buries;              /* rather than forgets */
	bool runs;                /* items are served by on_items */
	bool drops;               /* wax_op_drops */

	struct wax_grouping grouping;

	bool rehearses;
	struct head **awake; /* one without the mark: it is gone */
	size_t awake_count;
	size_t awake_capacity;
	struct wax_port port; /* that snapshot emits to */
	uint64_t emitted;
	struct wax_room saved; /* what it emitted */

	bool at_eof;
	struct wax_table_walk eof;
};

struct wax_bytes wax_keyed_key(const struct wax_keyed *keyed)
{
	return keyed->key;
}

struct wax_out *wax_keyed_out(struct wax_keyed *keyed)
{
	return keyed->out;
}

int64_t wax_keyed_now(const struct wax_keyed *keyed)
{
	return keyed->now;
}

/* The item that is to blame, for reports. */
struct place {
	const struct wax_batch *batch; /* NULL: none in particular */
	uint32_t index;
};

static const struct place nowhere = {NULL, 0};

static void *state_of(const struct params *params, struct head *head)
{
	return (char *)head + params->state_at;
}

/* From now on callbacks are about this key. Where it lies in the batch that is read, emitted items
 * point to it there. */
static void serve(struct wax_op *op, struct wax_bytes key)
{
	struct data *data = op->data;

	/* An empty key is a key too. Both are set from here: one read back as a whole, right after
	 * its halves were written, would wait for them to reach the cache. */
	key.data = key.data ? key.data : "";
	wax_port_fix_key(&op->ports[0], key);
	data->keyed.key = key;
	wax_op_called(op);
}

static void begin(struct wax_op *op)
{
	struct data *data = op->data;

	data->keyed.out = wax_op_out(op, 0);
	data->keyed.now = wax_op_now(op);
}

/* Ask to be woken for the next timer; nobody is served any more. */
static void finish(struct wax_op *op)
{
	struct data *data = op->data;

	op->ports[0].fixed_key = (struct wax_bytes){NULL, 0};
	if (data->at_eof)
		return;
	wax_op_wake_by(op, wax_timers_next(&data->timers));
	wax_expiry_wake(&data->expiry, op);
}

/* ---- the life of a key */

static int build(struct wax_op *op, struct head *head, struct wax_bytes saved, struct place place)
{
	const struct params *params = op->params;
	struct data *data = op->data;
	void *state = state_of(params, head);

	if (params->ops.build) {
		int r = params->ops.build(&data->keyed, state, saved, params->ctx);

		if (r < 0)
			return wax_op_fail(op, place.batch, place.index, r, NULL);
	} else if (saved.data) {
		if (saved.bytes != params->ops.state_bytes)
			return wax_op_fail(op, NULL, 0, -EBADMSG,
					"snapshot gave %zu bytes and there is no build: without it "
					"they must be those of the state, %zu",
					saved.bytes, params->ops.state_bytes);
		memcpy(state, saved.data, saved.bytes);
	}
	head->marks |= BUILT;
	return 0;
}

static void drop_timers(struct wax_op *op, struct head *head)
{
	const struct params *params = op->params;
	struct data *data = op->data;

	if (params->ops.notify_at)
		wax_timers_set(&data->timers, head, WAX_NEVER);
	wax_expiry_drop(&data->expiry, head);
}

/* Free what the key has. */
static void end_life(struct wax_op *op, struct head *head)
{
	const struct params *params = op->params;

	if (params->ops.free)
		params->ops.free(state_of(params, head), params->ctx);
	drop_timers(op, head);
}

static void forget(struct wax_op *op, struct head *head)
{
	struct data *data = op->data;

	end_life(op, head);
	head->marks = 0;
	wax_table_remove(&data->table, head);
}

static void note_buried(struct data *data, struct head *head)
{
	if (!(head->marks & BURIED))
		data->buried[data->buried_count++] = head;
	head->marks |= BURIED;
}

/* As good as forgotten: it is as it was when it was added. */
static void bury(struct wax_op *op, struct head *head)
{
	const struct params *params = op->params;
	struct data *data = op->data;

	end_life(op, head);
	memset(state_of(params, head), 0, params->ops.state_bytes);
	head->marks &= ~(uint32_t)BUILT;
	note_buried(data, head);
}

/* Its state could not be built, so that there is nothing to free. */
static void leave_unbuilt(struct wax_op *op, struct head *head)
{
	struct data *data = op->data;

	wax_expiry_drop(&data->expiry, head);
	if (data->buries)
		note_buried(data, head);
	else
		wax_table_remove(&data->table, head);
}

static void remove_buried(struct data *data)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < data->buried_count; i++) {
		struct head *head = data->buried[i];

		head->marks &= ~(uint32_t)BURIED;
		if (head->marks & BUILT)
			continue;
		head->marks = 0;
		data->buried[count++] = head;
	}
	wax_table_remove_many(&data->table, (void **)data->buried, count);
	data->buried_count = 0;
}

static int set_timer(struct wax_op *op, struct head *head)
{
	const struct params *params = op->params;
	struct data *data = op->data;

	if (!params->ops.notify_at || data->at_eof)
		return 0;

	int64_t at = params->ops.notify_at(state_of(params, head), params->ctx);

	/* A time that has passed means the next turn: a key that always gives one does not keep
	 * the others from being served. */
	if (at <= data->keyed.now)
		at = data->keyed.now + 1;
	if (wax_timers_set(&data->timers, head, at) < 0)
		return wax_op_fail(op, NULL, 0, -ENOMEM, "no memory for another timer");
	return 0;
}

static int note_awake(struct wax_op *op, struct head *head)
{
	struct data *data = op->data;

	if (head->marks & AWAKE)
		return 0;
	if (data->awake_count == data->awake_capacity) {
		size_t capacity = data->awake_capacity ? 2 * data->awake_capacity : 256;
		struct head **awake = reallocarray(data->awake, capacity, sizeof(*awake));

		if (!awake)
			return wax_op_fail(op, NULL, 0, -ENOMEM, NULL);
		data->awake = awake;
		data->awake_capacity = capacity;
	}
	head->marks |= AWAKE;
	data->awake[data->awake_count++] = head;
	return 0;
}

/* A callback of this key has given back r. */
static int settle(struct wax_op *op, struct head *head, int r, struct place place)
{
	struct data *data = op->data;

	if (wax_unlikely(r < 0))
		return wax_op_fail(op, place.batch, place.index, r, NULL);
	if (wax_unlikely(op->ports[0].failed))
		return wax_op_fail(op, place.batch, place.index, -EIO, NULL);
	if (r == WAX_DISCARD) {
		(data->buries || (head->marks & BURIED) ? bury : forget)(op, head);
		return 0;
	}
	if (wax_unlikely(r != WAX_RETAIN))
		return wax_op_fail(op, place.batch, place.index, -EINVAL,
				"a callback gave back %d, must be WAX_RETAIN (0) or WAX_DISCARD "
				"(1)",
				r);
	r = set_timer(op, head);
	if (r == 0 && data->rehearses)
		r = note_awake(op, head);
	return r;
}

/* ---- batches */

/* Items of one key that are served together. */
struct served {
	struct wax_values values;
	const struct wax_item *item; /* the only one, for on_item; NULL: for on_batch */
};

static inline int call_back(struct wax_op *op, struct head *head, const struct served *served)
{
	const struct params *params = op->params;
	struct data *data = op->data;
	void *state = state_of(params, head);

	return served->item
			? params->on_item(&data->keyed, state, served->item, params->ctx)
			: params->ops.on_batch(&data->keyed, state, &served->values, params->ctx);
}

/* Values that are served together are dropped together: some may be in the state already, so that
 * they cannot be given one by one. */
static int drop(struct wax_op *op, const struct served *served, int r)
{
	return wax_op_refuse(op, &op->ports[0], served->values.batch, served->values.indexes,
			served->values.count, r < 0 ? r : -EBADMSG);
}

static int serve_guarded(struct wax_op *op, struct head *head, const struct served *served)
{
	const struct params *params = op->params;
	struct data *data = op->data;
	struct wax_port *port = &op->ports[0];
	struct place place = {served->values.batch, served->values.indexes[0]};
	int r = 0;

	wax_port_guard(port);
	if (!(head->marks & BUILT) && params->ops.build)
		r = params->ops.build(&data->keyed, state_of(params, head),
				(struct wax_bytes){NULL, 0}, params->ctx);
	if (wax_items_is_refusal(port, r)) {
		leave_unbuilt(op, head);
		return drop(op, served, r);
	}
	head->marks |= BUILT;
	r = call_back(op, head, served);
	if (!wax_items_is_refusal(port, r))
		return settle(op, head, r, place);
	r = drop(op, served, r);
	return r < 0 ? r : settle(op, head, WAX_RETAIN, place);
}

static inline __attribute__((always_inline)) int serve_items(struct wax_op *op, struct head *head,
		struct wax_bytes key, const struct served *served)
{
	const struct params *params = op->params;
	struct data *data = op->data;
	struct place place = {served->values.batch, served->values.indexes[0]};
	int r = 0;

	serve(op, key);
	if (wax_unlikely(wax_expiry_touch(&data->expiry, head, data->keyed.now) < 0))
		return wax_op_fail(op, place.batch, place.index, -ENOMEM, "no memory for a timer");
	if (wax_unlikely(data->drops))
		return serve_guarded(op, head, served);
	if (!(head->marks & BUILT))
		r = build(op, head, (struct wax_bytes){NULL, 0}, place);
	if (wax_unlikely(r < 0))
		return r;
	r = call_back(op, head, served);
	/* What is most frequent: nothing is left to do. */
	if (wax_likely(r == WAX_RETAIN && !params->ops.notify_at && !data->rehearses &&
			    !op->ports[0].failed))
		return 0;
	return settle(op, head, r, place);
}

static int serve_group(
		struct wax_op *op, const struct wax_batch *batch, const struct wax_group *group)
{
	const struct data *data = op->data;
	const struct served served = {
			.values = {batch, data->grouping.indexes + group->first, group->count}};

	return serve_items(
			op, group->state, wax_batch_key(batch, served.values.indexes[0]), &served);
}

static int push_groups(struct wax_op *op, const struct wax_batch *batch)
{
	struct data *data = op->data;
	struct wax_grouping *grouping = &data->grouping;
	int r = 0;

	if (wax_grouping_reserve(grouping, batch->count) < 0 ||
			wax_table_get_many(&data->table, batch, 0, batch->count, grouping->states,
					NULL) < 0)
		return wax_op_fail(op, NULL, 0, -ENOMEM, "no memory for the keys of a batch");

	uint32_t group_count = wax_grouping_make(grouping, batch->count);

	for (uint32_t group = 0; group < group_count && r == 0; group++)
		r = serve_group(op, batch, &grouping->groups[group]);
	return r;
}

/* ---- items */

/* What on_items has answered is done for a key after the other, in the order of their items. */
static void note_answers(
		struct data *data, void *const *heads, const uint8_t *answers, uint32_t count)
{
	struct head **buried = data->buried;
	uint32_t buried_count = data->buried_count;

	for (uint32_t i = 0; i < count; i++) {
		struct head *head = heads[i];
		bool discarded = answers[i] == WAX_DISCARD;
		uint32_t marks = head->marks;

		buried[buried_count] = head;
		buried_count += discarded && !(marks & BURIED);
		marks |= discarded ? BURIED : BUILT;
		head->marks = discarded ? marks & ~(uint32_t)BUILT : marks;
	}
	data->buried_count = buried_count;
}

static int set_timers(struct wax_op *op, void *const *heads, const uint8_t *answers, uint32_t count)
{
	struct data *data = op->data;
	int r = 0;

	for (uint32_t i = 0; i < count && r == 0; i++) {
		if (answers[i] == WAX_DISCARD) {
			drop_timers(op, heads[i]);
			continue;
		}
		r = set_timer(op, heads[i]);
		if (wax_unlikely(wax_expiry_touch(&data->expiry, heads[i], data->keyed.now) < 0))
			r = wax_op_fail(op, NULL, 0, -ENOMEM, "no memory for a timer");
	}
	return r;
}

static int serve_run(struct wax_op *op, const struct wax_batch *batch, uint32_t first,
		uint32_t count, void *const *heads)
{
	const struct params *params = op->params;
	struct data *data = op->data;
	uint8_t answers[WAX_TABLE_BLOCK];
	struct wax_keyed_run run = {.op = op,
			.batch = batch,
			.first = first,
			.count = count,
			.heads = heads,
			.state_at = params->state_at,
			.answers = answers};
	int r, set = 0;

	wax_op_called(op);
	r = params->on_items(&data->keyed, &run, params->ctx);
	if (wax_unlikely(r < 0)) {
		/* Its state may hold memory. */
		answers[run.at] = WAX_RETAIN;
		count = run.at + 1;
	}
	note_answers(data, heads, answers, count);
	if (params->ops.notify_at || data->expiry.ttl_ns)
		set = set_timers(op, heads, answers, count);
	if (wax_unlikely(r < 0))
		return wax_op_fail(op, batch, first + run.at, r, NULL);
	return set;
}

static int push_block(
		struct wax_op *op, const struct wax_batch *batch, uint32_t first, uint32_t count)
{
	struct data *data = op->data;
	const struct wax_batch in = *batch;
	void *heads[WAX_TABLE_BLOCK];
	int r = 0;

	if (wax_table_get_many(&data->table, batch, first, count, heads, NULL) < 0)
		return wax_op_fail(op, batch, first, -ENOMEM, "no memory for another key");
	if (data->runs)
		return serve_run(op, batch, first, count, heads);
	for (uint32_t i = 0; i < count && r == 0; i++) {
		struct wax_item item = wax_batch_item(&in, first + i);
		const uint32_t index = first + i;
		const struct served served = {.values = {batch, &index, 1}, .item = &item};

		r = serve_items(op, heads[i], item.key, &served);
	}
	return r;
}

/* Room for those that stay, and one key of each item; and one more, which note_answers writes to
 * before it knows. */
static int reserve_buried(struct data *data, uint32_t count)
{
	count += data->buried_max + 1;
	if (count <= data->buried_capacity)
		return 0;

	struct head **buried = reallocarray(data->buried, count, sizeof(*buried));

	if (!buried)
		return -ENOMEM;
	data->buried = buried;
	data->buried_capacity = count;
	return 0;
}

static int push_items(struct wax_op *op, const struct wax_batch *batch)
{
	struct data *data = op->data;
	int r = 0;

	if (reserve_buried(data, batch->count) < 0)
		return wax_op_fail(op, NULL, 0, -ENOMEM, NULL);
	data->buries = true;
	for (uint32_t first = 0; first < batch->count && r == 0; first += WAX_TABLE_BLOCK)
		r = push_block(op, batch, first, wax_table_block(batch, first));
	data->buries = false;
	if (data->buried_count > data->buried_max)
		remove_buried(data);
	return r;
}

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct params *params = op->params;
	struct data *data = op->data;
	int r;

	begin(op);
	data->keyed.input = input;
	r = params->on_item ? push_items(op, batch) : push_groups(op, batch);
	wax_port_unguard(&op->ports[0]);
	finish(op);
	return r;
}

/* ---- timers, the end */

/* The input has ended, or will bring nothing any more, for the key that is served. */
static int end_key(struct wax_op *op, struct head *head)
{
	const struct params *params = op->params;
	struct data *data = op->data;

	return params->ops.on_eof
			? params->ops.on_eof(&data->keyed, state_of(params, head), params->ctx)
			: WAX_RETAIN;
}

static int expire(struct wax_op *op, int64_t now)
{
	struct data *data = op->data;
	struct head *head;
	int r = 0;

	for (uint32_t count = 0; count < TURN_KEYS_MAX && r == 0; count++) {
		head = wax_expiry_pop(&data->expiry, op, now);
		if (!head)
			break;
		r = wax_table_touch(&data->table, head);
		if (r < 0)
			break;
		serve(op, wax_table_key(&data->table, head));
		r = end_key(op, head);
		r = settle(op, head, r == WAX_RETAIN ? WAX_DISCARD : r, nowhere);
	}
	return r;
}

/* What is set anew meanwhile is due later than now. */
static int wake(struct wax_op *op, int64_t now)
{
	const struct params *params = op->params;
	struct data *data = op->data;
	struct head *head;
	int r = 0;

	if (data->at_eof)
		return 0;
	begin(op);
	for (uint32_t count = 0; count < TURN_KEYS_MAX && r == 0; count++) {
		head = wax_timers_pop_due(&data->timers, now);
		if (!head)
			break;
		r = wax_table_touch(&data->table, head);
		if (r < 0)
			break;
		serve(op, wax_table_key(&data->table, head));
		if (params->ops.on_notify)
			r = params->ops.on_notify(
					&data->keyed, state_of(params, head), params->ctx);
		r = settle(op, head, r, nowhere);
	}
	if (r == 0)
		r = expire(op, now);
	finish(op);
	return r;
}

/* States stay to the last, for whoever saves them. */
static int end(struct wax_op *op)
{
	const struct params *params = op->params;
	struct data *data = op->data;
	int r = 0;

	data->at_eof = true;
	remove_buried(data);
	if (!params->ops.on_eof)
		return 0;

	begin(op);
	for (uint32_t count = 0; count < TURN_KEYS_MAX; count++) {
		struct head *head = wax_table_next(&data->table, &data->eof);

		if (!head) {
			finish(op);
			return 0;
		}
		r = wax_table_touch(&data->table, head);
		if (r < 0)
			break;
		serve(op, wax_table_key(&data->table, head));
		r = settle(op, head, end_key(op, head), nowhere);
		if (r < 0)
			break;
	}
	finish(op);
	return r < 0 ? r : 1;
}

/* ---- rehearsal */

static int take_snapshot(struct wax_port *port, const struct wax_batch *batch)
{
	struct data *data = port->taker;

	data->emitted += batch->count;
	return wax_room_set(&data->saved, wax_batch_value(batch, batch->count - 1));
}

static int save(struct wax_op *op, struct head *head)
{
	const struct params *params = op->params;
	struct data *data = op->data;
	void *state = state_of(params, head);
	int r;

	if (!params->ops.snapshot) {
		struct wax_bytes bytes = {state, params->ops.state_bytes};

		return wax_room_set(&data->saved, bytes) < 0
				? wax_op_fail(op, NULL, 0, -ENOMEM, NULL)
				: 0;
	}
	data->emitted = 0;
	r = params->ops.snapshot(&data->port.out, state, params->ctx);
	if (r < 0)
		return wax_op_fail(op, NULL, 0, r, NULL);
	if (wax_port_flush(&data->port) < 0)
		return wax_op_fail(op, NULL, 0, -ENOMEM, "no memory for a snapshot");
	if (data->emitted != 1)
		return wax_op_fail(op, NULL, 0, -EINVAL,
				"snapshot emitted %llu items, must be exactly 1",
				(unsigned long long)data->emitted);
	return 0;
}

static int rehearse(struct wax_op *op, struct head *head)
{
	const struct params *params = op->params;
	struct data *data = op->data;
	void *state = state_of(params, head);
	int r = wax_table_touch(&data->table, head);

	if (r == 0)
		r = save(op, head);
	if (r < 0)
		return r;
	if (params->ops.free)
		params->ops.free(state, params->ctx);
	memset(state, 0, params->ops.state_bytes);
	/* Until it is built again there is nothing to free. */
	head->marks &= ~(uint32_t)BUILT;
	serve(op, wax_table_key(&data->table, head));
	r = build(op, head, (struct wax_bytes){data->saved.data, data->saved.bytes}, nowhere);
	return r < 0 ? r : set_timer(op, head);
}

static int rehearse_all(struct wax_op *op)
{
	struct data *data = op->data;
	int r = 0;

	remove_buried(data);
	begin(op);
	for (size_t i = 0; i < data->awake_count && r == 0; i++) {
		struct head *head = data->awake[i];

		if (!(head->marks & AWAKE))
			continue;
		head->marks &= ~(uint32_t)AWAKE;
		r = rehearse(op, head);
	}
	data->awake_count = 0;
	finish(op);
	return r;
}

static int epoch_end(struct wax_op *op, uint64_t epoch)
{
	struct data *data = op->data;

	(void)epoch;
	remove_buried(data);
	return data->rehearses ? rehearse_all(op) : 0;
}

/* ---- state that outlives the run */

static int kept_print(struct wax_op *op, void *head, struct wax_bytes *ret_bytes)
{
	const struct params *params = op->params;
	const struct data *data = op->data;
	int r = 0;

	*ret_bytes = (struct wax_bytes){state_of(params, head), params->ops.state_bytes};
	if (params->ops.snapshot) {
		r = save(op, head);
		*ret_bytes = (struct wax_bytes){data->saved.data, data->saved.bytes};
	}
	return r;
}

static int kept_make(struct wax_op *op, void *head, struct wax_bytes bytes)
{
	struct data *data = op->data;
	int r;

	/* Where a callback reads it, it is as aligned as memory is. */
	if (wax_room_set(&data->saved, bytes) < 0)
		return wax_op_fail(op, NULL, 0, -ENOMEM, NULL);
	begin(op);
	serve(op, wax_table_key(&data->table, head));
	r = build(op, head, (struct wax_bytes){data->saved.data, data->saved.bytes}, nowhere);
	return r < 0 ? r : set_timer(op, head);
}

static int kept_made(struct wax_op *op)
{
	finish(op);
	return 0;
}

static const struct wax_kept_ops kept_ops = {
		.print = kept_print, .make = kept_make, .made = kept_made};

/* ---- */

static int open(struct wax_op *op, struct wax_err *err)
{
	const struct params *params = op->params;
	struct data *data = op->data;

	uint32_t bytes = params->ops.notify_at
			? params->timer_at + (uint32_t)sizeof(struct wax_timer)
			: params->state_at + (uint32_t)params->ops.state_bytes;

	wax_expiry_init(&data->expiry, op, &data->table, params->key_bytes, bytes,
			params->state_align);
	wax_timers_init(&data->timers, params->timer_at);
	data->buried_max = BURIED_BYTES_MAX / bytes < BURIED_KEYS_MAX ? BURIED_BYTES_MAX / bytes
								      : BURIED_KEYS_MAX;
	data->rehearses = wax_op_rehearses(op);
	/* Where each item is guarded, or its key noted, it is served by itself. */
	data->drops = wax_op_drops(op);
	data->runs = params->on_items && !data->rehearses && !data->drops;

	int r = wax_expiry_keep(&data->expiry, op, &data->table,
			params->ops.snapshot ? WAX_LOG_ANY_BYTES
					     : (uint32_t)params->ops.state_bytes,
			&kept_ops, err);

	if (r == 0 && (data->rehearses || op->kept) &&
			wax_port_init(&data->port, WAX_BYTES, take_snapshot, data,
					op->ports[0].err) < 0)
		return wax_err_set(err, -ENOMEM, "no memory for snapshots");
	return r;
}

static void close(struct wax_op *op)
{
	const struct params *params = op->params;
	struct data *data = op->data;
	struct wax_table_walk walk = {0};
	struct head *head;

	while (params->ops.free && (head = wax_table_next(&data->table, &walk))) {
		if (head->marks & BUILT)
			params->ops.free(state_of(params, head), params->ctx);
	}
	wax_timers_fini(&data->timers);
	wax_expiry_fini(&data->expiry);
	wax_table_fini(&data->table);
	wax_port_fini(&data->port);
	wax_room_fini(&data->saved);
	free(data->awake);
	free(data->buried);
	wax_grouping_fini(&data->grouping);
}

static size_t state_bytes(const struct wax_op *op)
{
	return wax_table_bytes(&((const struct data *)op->data)->table);
}

#define CLASS(name)                                                                                \
	{                                                                                          \
		.kind = name, .params_bytes = sizeof(struct params),                               \
		.data_bytes = sizeof(struct data), .expires = true, .keeps = true, .open = open,   \
		.push = push, .state_bytes = state_bytes, .wake = wake, .epoch_end = epoch_end,    \
		.rehearse = rehearse_all, .end = end, .close = close                               \
	}

const struct wax_op_class wax_stateful_batch_class = CLASS("stateful_batch");
const struct wax_op_class wax_stateful_items_class = CLASS("stateful_items");
const struct wax_op_class wax_stateful_flat_map_class = CLASS("stateful_flat_map");
const struct wax_op_class wax_collect_class = CLASS("collect");
const struct wax_op_class wax_join_class = CLASS("join");

/* A caller that was compiled with an older header knows fewer callbacks. */
static void copy_ops(struct wax_flow *flow, struct wax_step *step, const struct wax_stateful *ops)
{
	struct params *params = step->params;

	if (!ops || ops->size_bytes == 0) {
		bool by_item = step->class == &wax_stateful_items_class;

		wax_step_fail(flow, step, "its callbacks are %s",
				!ops ? "NULL"
						: by_item
						? "without size_bytes: set it to sizeof(struct "
						  "wax_stateful_item)"
						: "without size_bytes: set it to sizeof(struct "
						  "wax_stateful)");
		return;
	}
	memcpy(&params->ops, ops, ops->size_bytes < sizeof(*ops) ? ops->size_bytes : sizeof(*ops));
	wax_keyed_check_state(flow, step, params->ops.state_bytes);

	/* Nothing in a small state can need more than 8; anything in a larger one at most 16. */
	params->state_align = params->on_items || params->ops.state_bytes < 16 ? 8 : 16;
	params->state_at = ((uint32_t)sizeof(struct head) + params->state_align - 1) &
			~(params->state_align - 1);
	params->timer_at =
			(params->state_at + (uint32_t)params->ops.state_bytes + 7) & ~UINT32_C(7);
}

void wax_stateful_describe(struct wax_flow *flow, struct wax_step *step,
		const struct wax_stateful *ops, wax_on_item_fn on_item, wax_on_items_fn on_items,
		void *ctx, const struct wax_type *up_type)
{
	struct params *params = step->params;

	params->on_items = on_items;
	copy_ops(flow, step, ops);
	params->on_item = on_item;
	params->ctx = ctx;
	if (up_type)
		params->key_bytes = up_type->key->item_bytes;
}

struct wax_stream wax_stateful_batch(struct wax_stream up, const char *id,
		const struct wax_type *type, const struct wax_stateful *ops, void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &wax_stateful_batch_class);
	const struct wax_type *up_type = wax_step_input_keyed(up.flow, step, up);

	wax_stateful_describe(up.flow, step, ops, NULL, NULL, ctx, up_type);
	if (ops && ops->size_bytes > 0 && !ops->on_batch)
		wax_step_fail(up.flow, step, "its callback on_batch is NULL");
	return wax_keyed_output(up, step, up_type, type);
}
