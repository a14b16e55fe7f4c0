/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/copy.h"
#include "runtime/exchange_private.h"

/*
 * Sending. A lane builds a batch in one of its slabs, or, without credit, in a parcel. Nothing
 * overtakes: while a lane has an outbox, whatever is sent goes to the end of it.
 */

enum { HEAP_PER_ITEM_MAX = 4096 };

/* ---- Messages */

static void announce(struct wax_exchange *exchange, uint32_t to)
{
	uint64_t bit = UINT64_C(1) << (to % 64);
	if (wax_unlikely(!(exchange->announced[to / 64] & bit))) {
		exchange->announced[to / 64] |= bit;
		wax_bell_announce(wax_segment_bell(exchange->env.segment, to), exchange->env.me);
	}
}

/* Bytes of the items of a batch. */
static uint64_t items_bytes(const struct wax_columns *columns, uint32_t count, uint64_t heap_bytes)
{
	return (uint64_t)count * (columns->key_stride + columns->value_stride) + heap_bytes;
}

/* Where to build a message: in the ring that it goes through, or at `own` for one's own inbox. All
 * but its number, which wax_tx_push writes last, is set, and the payload of an inline one. */
static struct wax_slot *message_begin(struct wax_exchange *exchange, uint32_t edge, uint32_t to,
		enum wax_slot_kind kind, struct wax_slot *own)
{
	struct wax_slot *message = own;
	if (to != exchange->env.me) {
		announce(exchange, to);
		message = wax_tx_slot(&exchange->tx[to]);
	}
	message->kind = (uint8_t)kind;
	message->reserved = 0;
	message->edge = (uint16_t)edge;
	message->slab = message->bytes = message->count = message->capacity = 0;
	message->heap_bytes = 0;
	message->epoch = wax_mark_epoch(exchange->out[edge].posted);
	return message;
}

/* Send a message to another worker, or put it into one's own inbox.
 * @param bytes of items that it carries */
static void push(struct wax_exchange *exchange, uint32_t edge, uint32_t to,
		const struct wax_slot *message, uint64_t bytes, enum wax_bell_for what_for)
{
	if (to == exchange->env.me) {
		/* There is room: it was made at the start, and the credits of a lane bound what
		 * can be under way. */
		int r = wax_inbox_add(exchange, to, message, NULL);
		WAX_ASSERT(r == 0);
		exchange->sent_own = true;
		return;
	}
	wax_tx_push(&exchange->tx[to]);
	touch(exchange, to, what_for);

	struct wax_edge_counters *counters = exchange->out[edge].counters;
	wax_count(&counters->messages, 1);
	wax_count(&counters->bytes_crossed, bytes);
}

/* ---- Credit */

void wax_lane_credit(struct wax_exchange *exchange, uint32_t slab, uint32_t from)
{
	const struct wax_segment_header *header = exchange->header;
	uint32_t edge = slab / header->slabs_per_lane / exchange->worker_count;
	if (edge >= exchange->edge_count || !slab_is_of_lane(header, slab, edge, from))
		return;
	struct edge_out *out = &exchange->out[edge];
	struct lane *lane = &out->lanes[out->lane_count == 1 ? 0 : from];
	uint64_t bit = UINT64_C(1) << (slab % header->slabs_per_lane);
	/* Twice in the free list a slab would be written by two batches. */
	if (!(lane->away & bit))
		return;
	lane->away &= ~bit;
	if (from == exchange->env.me)
		lane_free_front(lane, header->slabs_per_lane, slab);
	else
		lane_free_back(lane, header->slabs_per_lane, slab);
}

static void lane_lends(const struct wax_exchange *exchange, struct lane *lane, uint32_t slab)
{
	lane->away |= UINT64_C(1) << (slab % exchange->header->slabs_per_lane);
}

static void credit(struct wax_exchange *exchange, uint32_t what, uint32_t from)
{
	if (!(what & WAX_RETURN_INLINE)) {
		wax_lane_credit(exchange, what, from);
		return;
	}
	uint32_t edge = what & ~WAX_RETURN_INLINE;
	if (edge >= exchange->edge_count || exchange->out[edge].lane_count == 1)
		return;
	struct lane *lane = &exchange->out[edge].lanes[from];
	if (lane->inline_free < exchange->header->inline_credits)
		lane->inline_free++;
}

static void reclaim_from(struct wax_exchange *exchange, uint32_t peer)
{
	uint32_t what;
	while (wax_tx_reclaim(&exchange->tx[peer], &what))
		credit(exchange, what, peer);
}

void wax_exchange_reclaim(struct wax_exchange *exchange)
{
	for (uint32_t word = 0; word * 64 < exchange->worker_count; word++) {
		uint64_t peers = exchange->announced[word];
		for (; peers; peers &= peers - 1)
			reclaim_from(exchange, word * 64 + (uint32_t)__builtin_ctzll(peers));
	}
}

bool wax_lane_has_credit(struct wax_exchange *exchange, struct lane *lane)
{
	if (lane->free_count == 0 && lane->to != exchange->env.me)
		reclaim_from(exchange, lane->to);
	return lane->free_count > 0;
}

/* ---- Marks */

/* All that lies in front of it has been pushed. */
static void post_mark(struct wax_exchange *exchange, struct edge_out *out)
{
	out->posted = out->due;
	wax_mark_post(out->mark, out->posted);
	exchange->sent_own = true;
	if (out->plan->route == WAX_ROUTE_LOCAL)
		return;
	/* Whoever receives on this edge waits for all who send. */
	for (uint32_t word = 0; word * 64 < exchange->worker_count; word++)
		exchange->touched[word].now |= exchange->others[word];
}

/* ---- Outbox */

static void outbox_add(struct wax_exchange *exchange, struct edge_out *out, struct lane *lane,
		struct parcel *parcel)
{
	if (!lane->outbox) {
		if (out->outbox_count++ == 0) {
			exchange->blocked_edges++;
			out->blocked_since = exchange->now_ns;
		}
		wax_count(&out->counters->blocked, 1);
	}
	parcel->next = NULL;
	*lane->outbox_end = parcel;
	lane->outbox_end = &parcel->next;
}

/* Send a batch that waits, a slab at a time. @return true when all of it is sent */
static bool send_parcel(struct wax_exchange *exchange, uint32_t edge, struct lane *lane,
		struct parcel *parcel)
{
	uint32_t slab_bytes = exchange->header->slab_bytes;
	bool whole = parcel->bytes <= slab_bytes;
	while (parcel->sent < parcel->bytes) {
		if (!wax_lane_has_credit(exchange, lane))
			return false;
		uint32_t slab = lane_take_slab(lane, exchange->header->slabs_per_lane);
		uint64_t left = parcel->bytes - parcel->sent;
		uint32_t bytes = left < slab_bytes ? (uint32_t)left : slab_bytes;
		memcpy(wax_segment_slab(exchange->env.segment, exchange->env.me, slab),
				parcel->data + parcel->sent, bytes);
		parcel->sent += bytes;

		enum wax_slot_kind kind = whole                 ? WAX_SLOT_SLAB
				: parcel->sent == parcel->bytes ? WAX_SLOT_LAST
								: WAX_SLOT_PIECE;
		struct wax_slot own, *message = message_begin(exchange, edge, lane->to, kind, &own);
		lane_lends(exchange, lane, slab);
		message->slab = slab;
		message->bytes = bytes;
		message->count = parcel->count;
		message->capacity = parcel->capacity;
		message->heap_bytes = parcel->heap_bytes;
		uint64_t carried = whole ? items_bytes(&exchange->out[edge].columns, parcel->count,
							   parcel->heap_bytes)
					 : bytes;
		push(exchange, edge, lane->to, message, carried, WAX_BELL_NOW);
	}
	return true;
}

static bool drain_outbox(struct wax_exchange *exchange, uint32_t edge, struct lane *lane)
{
	while (lane->outbox) {
		struct parcel *parcel = lane->outbox;
		if (!send_parcel(exchange, edge, lane, parcel))
			return false;
		lane->outbox = parcel->next;
		free(parcel);
	}
	lane->outbox_end = &lane->outbox;
	return true;
}

bool wax_exchange_blocked(const struct wax_exchange *exchange, uint32_t edge)
{
	return exchange->out[edge].outbox_count > 0;
}

bool wax_exchange_blocked_any(const struct wax_exchange *exchange)
{
	return exchange->blocked_edges > 0;
}

bool wax_exchange_unblock(struct wax_exchange *exchange, uint32_t edge)
{
	struct edge_out *out = &exchange->out[edge];
	if (out->outbox_count == 0)
		return true;
	wax_worker_does(exchange->record, WAX_DOING_SENDING | edge);
	for (uint32_t i = 0; i < out->lane_count; i++) {
		struct lane *lane = &out->lanes[i];
		if (lane->outbox && drain_outbox(exchange, edge, lane))
			out->outbox_count--;
	}
	wax_worker_does(exchange->record, WAX_DOING_STEPS);
	if (out->outbox_count > 0)
		return false;
	exchange->blocked_edges--;
	wax_count(&out->counters->blocked_ns, exchange->now_ns - out->blocked_since);
	if (out->due != out->posted)
		post_mark(exchange, out);
	return true;
}

/* ---- The open slab of a lane */

static void lane_point(struct lane *lane, const struct wax_columns *columns, char *memory,
		uint32_t capacity, uint64_t bytes)
{
	uint64_t values_at = wax_columns_values_at(columns, capacity);
	uint64_t heap_at = wax_columns_heap_at(columns, capacity);
	lane->capacity = capacity;
	*lane->head = (struct lane_head){
			.keys_end = memory + (uint64_t)capacity * columns->key_stride,
			.values_end = memory + values_at +
					(uint64_t)capacity * columns->value_stride,
			.left = -(int64_t)capacity,
			.heap = memory + heap_at,
			.heap_room = columns->variable ? (uint32_t)(bytes - heap_at) : 0,
	};
}

/* How many items to divide a slab for, so that the first, of `need` bytes in the heap, fits. */
static uint32_t lane_capacity(const struct wax_exchange *exchange, const struct edge_out *out,
		const struct lane *lane, uint64_t need)
{
	uint32_t bytes = exchange->header->slab_bytes;
	if (!out->columns.variable)
		return wax_columns_capacity(&out->columns, bytes, 0);
	uint32_t capacity = wax_columns_capacity(&out->columns, bytes, lane->heap_per_item);
	/* The last items may have been larger than a slab; this one need not be. */
	capacity = capacity > 0 ? capacity : 1;
	while (capacity > 0 && wax_columns_heap_at(&out->columns, capacity) + need > bytes)
		capacity /= 2;
	return capacity;
}

static int lane_open(struct wax_exchange *exchange, struct edge_out *out, struct lane *lane,
		uint64_t need, struct wax_err *err)
{
	uint32_t capacity = lane_capacity(exchange, out, lane, need);
	lane->opened_ns = exchange->now_ns;
	if (capacity > 0 && !lane->outbox && wax_lane_has_credit(exchange, lane)) {
		lane->slab = (int32_t)lane_take_slab(lane, exchange->header->slabs_per_lane);
		lane_point(lane, &out->columns,
				wax_segment_slab(exchange->env.segment, exchange->env.me,
						(uint32_t)lane->slab),
				capacity, exchange->header->slab_bytes);
		return 0;
	}

	/* No credit, or an item that no slab can hold. */
	uint64_t bytes = exchange->header->slab_bytes;
	if (capacity == 0) {
		capacity = 1;
		bytes = wax_columns_heap_at(&out->columns, 1) + need;
	}
	struct parcel *parcel = aligned_alloc(64, (sizeof(*parcel) + bytes + 63) & ~UINT64_C(63));
	if (!parcel)
		return wax_err_set(err, -ENOMEM,
				"no memory for a batch of %llu bytes that waits "
				"to be sent",
				(unsigned long long)bytes);
	*parcel = (struct parcel){.capacity = capacity};
	lane->building = parcel;
	lane->slab = NO_SLAB;
	lane_point(lane, &out->columns, parcel->data, capacity, bytes);
	return 0;
}

static void lane_shut(struct wax_exchange *exchange, struct edge_out *out, struct lane *lane)
{
	*lane->head = (struct lane_head){0};
	lane->capacity = 0;
	lane->slab = NO_SLAB;
	lane->building = NULL;
	if (lane->dirty) {
		lane->dirty = false;
		if (--out->dirty_count == 0)
			exchange->dirty_edges--;
	}
}

/* A batch so small that it fits in a message. @return false: it does not, or no such credit */
static bool send_inline(struct wax_exchange *exchange, uint32_t edge, struct lane *lane)
{
	const struct wax_columns *columns = &exchange->out[edge].columns;
	const struct lane_head *head = lane->head;
	uint32_t count = lane_count(lane);
	uint64_t values_at = wax_columns_values_at(columns, count);
	uint64_t heap_at = wax_columns_heap_at(columns, count);
	if (lane->to == exchange->env.me || columns->align > 8 ||
			heap_at + head->heap_used > WAX_INLINE_BYTES)
		return false;
	if (lane->inline_free == 0)
		reclaim_from(exchange, lane->to);
	if (lane->inline_free == 0)
		return false;

	lane->inline_free--;
	struct wax_slot *message = message_begin(exchange, edge, lane->to, WAX_SLOT_INLINE, NULL);
	uint32_t heap_used = head->heap_used;
	message->count = message->capacity = count;
	message->heap_bytes = heap_used;
	uint64_t capacity = lane->capacity;
	if (columns->keyed)
		wax_copy_item(message->payload, head->keys_end - capacity * columns->key_stride,
				count * columns->key_stride);
	wax_copy_item(message->payload + values_at,
			head->values_end - capacity * columns->value_stride,
			count * columns->value_stride);
	if (heap_used > 0)
		wax_copy_item(message->payload + heap_at, head->heap, heap_used);
	push(exchange, edge, lane->to, message, items_bytes(columns, count, heap_used),
			WAX_BELL_SOON);
	return true;
}

/* Bytes of a slab up to the last that is used. */
static uint32_t used_bytes(const struct wax_columns *columns, const struct lane *lane)
{
	if (columns->variable)
		return (uint32_t)wax_columns_heap_at(columns, lane->capacity) +
				lane->head->heap_used;
	return (uint32_t)wax_columns_values_at(columns, lane->capacity) +
			lane_count(lane) * columns->value_stride;
}

/* Send what the lane has gathered. */
static void lane_send(struct wax_exchange *exchange, uint32_t edge, struct lane *lane,
		enum wax_bell_for what_for)
{
	struct edge_out *out = &exchange->out[edge];
	uint32_t count = lane_count(lane), heap_bytes = lane->head->heap_used;
	if (count == 0)
		return;
	if (out->columns.variable) {
		uint32_t mean = heap_bytes / count + 1;
		lane->heap_per_item = mean < HEAP_PER_ITEM_MAX ? mean : HEAP_PER_ITEM_MAX;
	}

	if (lane->building) {
		struct parcel *parcel = lane->building;
		parcel->count = count;
		parcel->heap_bytes = heap_bytes;
		parcel->bytes = wax_columns_heap_at(&out->columns, lane->capacity) + heap_bytes;
		outbox_add(exchange, out, lane, parcel);
	} else if (send_inline(exchange, edge, lane)) {
		/* The slab stayed here: it is free again. */
		lane_free_front(lane, exchange->header->slabs_per_lane, (uint32_t)lane->slab);
	} else {
		struct wax_slot own,
				*message = message_begin(
						exchange, edge, lane->to, WAX_SLOT_SLAB, &own);
		lane_lends(exchange, lane, (uint32_t)lane->slab);
		message->slab = (uint32_t)lane->slab;
		message->count = count;
		message->capacity = lane->capacity;
		message->heap_bytes = heap_bytes;
		message->bytes = used_bytes(&out->columns, lane);
		/* Without credit the next batch has to wait until the peer has read. */
		push(exchange, edge, lane->to, message,
				items_bytes(&out->columns, count, heap_bytes),
				wax_lane_has_credit(exchange, lane) ? what_for : WAX_BELL_NOW);
	}
	lane_shut(exchange, out, lane);
}

int wax_lane_turn(struct wax_exchange *exchange, uint32_t edge, struct lane *lane, uint64_t need,
		struct wax_err *err)
{
	struct edge_out *out = &exchange->out[edge];
	lane_send(exchange, edge, lane, WAX_BELL_NOW); /* it is full */
	int r = lane_open(exchange, out, lane, need, err);
	if (r == 0 && !lane->dirty) {
		lane->dirty = true;
		if (out->dirty_count++ == 0)
			exchange->dirty_edges++;
	}
	return r;
}

/* ---- Flushing and ends */

bool wax_exchange_dirty(const struct wax_exchange *exchange)
{
	return exchange->dirty_edges > 0;
}

static void flush_edge(struct wax_exchange *exchange, uint32_t edge, uint64_t opened_before)
{
	struct edge_out *out = &exchange->out[edge];
	for (uint32_t i = 0; out->dirty_count > 0 && i < out->lane_count; i++) {
		struct lane *lane = &out->lanes[i];
		if (lane->dirty && lane->opened_ns < opened_before)
			lane_send(exchange, edge, lane, WAX_BELL_SOON);
	}
}

void wax_exchange_flush(struct wax_exchange *exchange, uint64_t opened_before)
{
	for (uint32_t edge = 0; exchange->dirty_edges > 0 && edge < exchange->edge_count; edge++) {
		wax_worker_does(exchange->record, WAX_DOING_SENDING | edge);
		flush_edge(exchange, edge, opened_before);
	}
	wax_worker_does(exchange->record, WAX_DOING_STEPS);
}

static void send_mark(struct wax_exchange *exchange, uint32_t edge, uint64_t mark)
{
	struct edge_out *out = &exchange->out[edge];
	WAX_ASSERT(!wax_mark_ended(out->due));
	flush_edge(exchange, edge, UINT64_MAX);
	out->due = mark;
	if (out->outbox_count == 0)
		post_mark(exchange, out);
}

void wax_exchange_end_epoch(struct wax_exchange *exchange, uint32_t edge, uint64_t epoch)
{
	WAX_ASSERT(epoch == wax_mark_epoch(exchange->out[edge].due) + 1);
	send_mark(exchange, edge, wax_mark_of(epoch, false));
}

void wax_exchange_end_input(struct wax_exchange *exchange, uint32_t edge)
{
	send_mark(exchange, edge, wax_mark_of(wax_mark_epoch(exchange->out[edge].due), true));
}
