/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/exchange_private.h"

/*
 * Receiving. The rings are always emptied, into an inbox for each edge and sender, so that a stage
 * that must wait holds up no other edge. What is in a message was written by another process: each
 * field is checked before it is used, and damage ends the run.
 *
 * An epoch of an edge has arrived when all senders have marked its end, their rings were emptied
 * after that, and what lay in front of its end was read. Marks are looked at in the order of the
 * senders, as far as they have come: one word while the next is missing, whatever their number.
 */

static const char *edge_name(const struct wax_exchange *exchange, uint32_t edge)
{
	const struct wax_plan *plan = exchange->env.plan;
	return plan->flow->steps[plan->edges[edge].step]->id;
}

static int damaged(const struct wax_exchange *exchange, uint32_t from, const char *what,
		struct wax_err *err)
{
	return wax_err_set(err, -EBADMSG,
			"worker %u got a damaged message from worker %u (%s): shared memory was "
			"overwritten, most likely by a stray pointer in a callback",
			exchange->env.me, from, what);
}

/* As many as the credits of a lane allow. */
static uint32_t inbox_room(const struct wax_segment_header *header)
{
	uint32_t room = 1;
	while (room < header->slabs_per_lane + header->inline_credits)
		room *= 2;
	return room;
}

int wax_inbox_open(const struct wax_exchange *exchange, struct inbox *inbox)
{
	uint32_t room = inbox_room(exchange->header);
	inbox->messages = calloc(room, sizeof(*inbox->messages));
	inbox->mask = room - 1;
	return inbox->messages ? 0 : -ENOMEM;
}

int wax_inbox_add(struct wax_exchange *exchange, uint32_t from, const struct wax_slot *message,
		struct wax_err *err)
{
	struct edge_in *in = &exchange->in[message->edge];
	uint32_t index = inbox_index(in, from);
	struct inbox *inbox = &in->inboxes[index];
	if (!inbox->messages && wax_inbox_open(exchange, inbox) < 0)
		return wax_err_set(err, -ENOMEM, "no memory for messages");
	if (inbox->tail - inbox->head > inbox->mask || in->ended)
		return damaged(exchange, from, "more messages than it has credit for", err);
	bool later = message->epoch == in->epoch + 1;
	if ((message->epoch != in->epoch && !later) || message->epoch < inbox->epoch ||
			(!later && index < in->marks_taken))
		return damaged(exchange, from, "of another epoch", err);
	inbox->epoch = message->epoch;
	memcpy(&inbox->messages[inbox->tail++ & inbox->mask], message, sizeof(*message));
	in->ready += !later;
	in->later += later;
	return 0;
}

static int receive_from(struct wax_exchange *exchange, uint32_t from, struct wax_err *err)
{
	struct wax_rx *rx = &exchange->rx[from];
	int count = 0;
	for (const struct wax_slot *slot; (slot = wax_rx_peek(rx)); count++) {
		struct wax_slot message;
		memcpy(&message, slot, sizeof(message));
		if (message.edge >= exchange->edge_count ||
				exchange->in[message.edge].inbox_count == 1)
			return damaged(exchange, from, "of an edge that does not exist", err);
		wax_worker_does(exchange->record, WAX_DOING_RECEIVING | message.edge);
		int r = wax_inbox_add(exchange, from, &message, err);
		if (r < 0)
			return r;
		wax_rx_pop(rx);
	}
	return count;
}

/* Is the mark that comes next still that of the epoch before? Then there is nothing to do. */
static bool mark_is_missing(const struct edge_in *in, uint64_t mark)
{
	return mark == wax_mark_of(in->epoch, false);
}

/* The mark of the next sender. One's own is known without reading what others can write over. */
static uint64_t next_mark(const struct wax_exchange *exchange, uint32_t edge)
{
	uint32_t from = inbox_sender(exchange, &exchange->in[edge], exchange->in[edge].marks_read);
	return from == exchange->env.me
			? exchange->out[edge].posted
			: wax_mark_read(wax_segment_mark(exchange->env.segment, from, edge));
}

static int read_marks(struct wax_exchange *exchange, uint32_t edge, struct wax_err *err)
{
	struct edge_in *in = &exchange->in[edge];
	for (; in->marks_read < in->inbox_count; in->marks_read++) {
		uint64_t mark = next_mark(exchange, edge), epoch = wax_mark_epoch(mark);
		if (mark_is_missing(in, mark))
			break;
		if (epoch > in->epoch + 1 || (epoch < in->epoch && !wax_mark_ended(mark)))
			return damaged(exchange, inbox_sender(exchange, in, in->marks_read),
					"the end of an epoch that is not open", err);
		in->marked_count += epoch > in->epoch;
	}
	return 0;
}

static int receive_all(struct wax_exchange *exchange, struct wax_err *err)
{
	const struct wax_bell *bell =
			wax_segment_bell(exchange->env.segment, exchange->env.me);
	int count = 0;
	for (uint32_t word = 0; word * 64 < exchange->worker_count; word++) {
		uint64_t senders = wax_bell_senders(bell, word);
		for (; senders; senders &= senders - 1) {
			uint32_t from = word * 64 + (uint32_t)__builtin_ctzll(senders);
			if (from >= exchange->worker_count)
				return damaged(exchange, from, "of a worker that does not exist", err);
			int r = receive_from(exchange, from, err);
			if (r < 0)
				return r;
			count += r;
		}
	}
	wax_worker_does(exchange->record, WAX_DOING_STEPS);
	return count;
}

int wax_exchange_receive(struct wax_exchange *exchange, struct wax_err *err)
{
	for (uint32_t edge = 0; edge < exchange->edge_count; edge++) {
		int r = read_marks(exchange, edge, err);
		if (r < 0)
			return r;
	}
	/* Marks first: what was sent before them is found now, and so are the bits of who sent it. */
	int count = receive_all(exchange, err);
	for (uint32_t edge = 0; count >= 0 && edge < exchange->edge_count; edge++)
		exchange->in[edge].marks_taken = exchange->in[edge].marks_read;
	return count;
}

/* The next inbox that may be read; there is one. */
static struct inbox *next_inbox(struct edge_in *in, uint32_t *ret_index)
{
	for (;;) {
		uint32_t index = in->next_inbox;
		if (++in->next_inbox == in->inbox_count)
			in->next_inbox = 0;
		struct inbox *inbox = &in->inboxes[index];
		if (inbox->head != inbox->tail &&
				inbox->messages[inbox->head & inbox->mask].epoch == in->epoch) {
			*ret_index = index;
			return inbox;
		}
	}
}

/* Has all of the epoch, or of the input, been read? */
static int take_end(struct edge_in *in)
{
	if (in->ready > 0 || in->marks_taken < in->inbox_count || in->stands || in->ended)
		return WAX_ARRIVAL_NONE;
	in->stands = in->marked_count > 0;
	in->ended = !in->stands;
	return in->stands ? WAX_ARRIVAL_EPOCH : WAX_ARRIVAL_END;
}

/* Is the batch that a message describes possible in so many bytes? */
static bool batch_is_sound(const struct wax_columns *columns, const struct wax_slot *message,
		uint64_t bytes)
{
	if (message->count == 0 || message->count > message->capacity ||
			message->capacity > bytes || message->heap_bytes > bytes)
		return false;
	return wax_columns_heap_at(columns, message->capacity) + message->heap_bytes <= bytes;
}

static int lend_batch(struct wax_exchange *exchange, uint32_t edge, uint32_t from,
		const char *memory, const struct wax_slot *message, struct wax_batch *ret_batch,
		struct wax_err *err)
{
	struct edge_in *in = &exchange->in[edge];
	*ret_batch = wax_columns_batch(&exchange->out[edge].columns, memory, message->count,
			message->capacity, message->heap_bytes);
	if (!wax_columns_check_spans(ret_batch))
		return damaged(exchange, from, "items outside of their batch", err);
	in->lent = true;
	in->lent_from = from;
	struct wax_edge_counters *counters = exchange->out[edge].counters;
	wax_count(&counters->items_in, message->count);
	if (from != exchange->env.me)
		wax_count(&counters->items_crossed, message->count);
	return WAX_ARRIVAL_BATCH;
}

static const char *message_slab(const struct wax_exchange *exchange, uint32_t from, uint32_t edge,
		const struct wax_slot *message)
{
	const struct wax_segment_header *header = exchange->header;
	if (!slab_is_of_lane(header, message->slab, edge, exchange->env.me) ||
			message->bytes > header->slab_bytes)
		return NULL;
	return wax_segment_slab(exchange->env.segment, from, message->slab);
}

static void give_back(struct wax_exchange *exchange, uint32_t from, uint32_t what)
{
	if (from == exchange->env.me) {
		wax_lane_credit(exchange, what, from);
		return;
	}
	wax_rx_return(&exchange->rx[from], what);
	touch(exchange, from, WAX_BELL_CREDIT);
}

/* A part of a batch that is larger than a slab: gather it. The slab goes home at once. */
static int take_piece(struct wax_exchange *exchange, uint32_t edge, struct inbox *inbox,
		uint32_t from, const struct wax_slot *message, struct wax_batch *ret_batch,
		struct wax_err *err)
{
	const struct wax_columns *columns = &exchange->out[edge].columns;
	const char *slab = message_slab(exchange, from, edge, message);
	uint64_t total = wax_columns_heap_at(columns, message->capacity) + message->heap_bytes;
	if (!slab)
		return damaged(exchange, from, "in a slab that is not its own", err);
	/* Only a single item is larger than a slab. */
	if (message->heap_bytes > UINT32_MAX || message->capacity != 1)
		return damaged(exchange, from, "a batch that cannot be that large", err);
	if (!inbox->pieces) {
		inbox->pieces = aligned_alloc(64, (total + 63) & ~UINT64_C(63));
		if (!inbox->pieces)
			return wax_err_set(err, -ENOMEM,
					"no memory for an item of %" PRIu64 " bytes", total);
		inbox->pieces_bytes = total;
		inbox->pieces_have = 0;
	}
	if (total != inbox->pieces_bytes ||
			inbox->pieces_have + message->bytes > inbox->pieces_bytes)
		return damaged(exchange, from, "a batch that changed its size", err);

	memcpy(inbox->pieces + inbox->pieces_have, slab, message->bytes);
	inbox->pieces_have += message->bytes;
	give_back(exchange, from, message->slab);
	if (message->kind == WAX_SLOT_PIECE)
		return WAX_ARRIVAL_NONE;
	if (inbox->pieces_have != inbox->pieces_bytes || !batch_is_sound(columns, message, total))
		return damaged(exchange, from, "a batch that is not whole", err);
	return lend_batch(exchange, edge, from, inbox->pieces, message, ret_batch, err);
}

static int take_message(struct wax_exchange *exchange, uint32_t edge, struct inbox *inbox,
		uint32_t from, struct wax_batch *ret_batch, struct wax_err *err)
{
	struct edge_in *in = &exchange->in[edge];
	const struct wax_columns *columns = &exchange->out[edge].columns;
	struct wax_slot *message = &in->lent_message;
	memcpy(message, &inbox->messages[inbox->head++ & inbox->mask], sizeof(*message));
	in->ready--;

	if (inbox->pieces && message->kind != WAX_SLOT_PIECE && message->kind != WAX_SLOT_LAST)
		return damaged(exchange, from, "in the middle of a large batch", err);
	switch (message->kind) {
	case WAX_SLOT_SLAB: {
		const char *slab = message_slab(exchange, from, edge, message);
		if (!slab || !batch_is_sound(columns, message, exchange->header->slab_bytes))
			return damaged(exchange, from, "a batch that no slab can hold", err);
		return lend_batch(exchange, edge, from, slab, message, ret_batch, err);
	}
	case WAX_SLOT_INLINE:
		if (!batch_is_sound(columns, message, WAX_INLINE_BYTES))
			return damaged(exchange, from, "a batch that no message can hold", err);
		return lend_batch(exchange, edge, from, (const char *)message->payload, message,
				ret_batch, err);
	case WAX_SLOT_PIECE:
	case WAX_SLOT_LAST:
		return take_piece(exchange, edge, inbox, from, message, ret_batch, err);
	default:
		return damaged(exchange, from, "of no known kind", err);
	}
}

int wax_exchange_next(struct wax_exchange *exchange, uint32_t edge, struct wax_batch *ret_batch,
		struct wax_err *err)
{
	struct edge_in *in = &exchange->in[edge];
	WAX_ASSERT(!in->lent);
	int arrival = WAX_ARRIVAL_NONE;
	/* A piece of a large batch is not yet an arrival. */
	while (arrival == WAX_ARRIVAL_NONE && in->ready > 0) {
		uint32_t index;
		struct inbox *inbox = next_inbox(in, &index);
		arrival = take_message(exchange, edge, inbox, inbox_sender(exchange, in, index),
				ret_batch, err);
	}
	if (arrival == WAX_ARRIVAL_NONE)
		arrival = take_end(in);
	if (arrival == -EBADMSG)
		wax_err_wrap(err, "step \"%s\"", edge_name(exchange, edge));
	return arrival;
}

void wax_exchange_release(struct wax_exchange *exchange, uint32_t edge)
{
	struct edge_in *in = &exchange->in[edge];
	const struct wax_slot *message = &in->lent_message;
	WAX_ASSERT(in->lent);
	in->lent = false;
	if (message->kind == WAX_SLOT_SLAB) {
		give_back(exchange, in->lent_from, message->slab);
	} else if (message->kind == WAX_SLOT_INLINE) {
		give_back(exchange, in->lent_from, WAX_RETURN_INLINE | edge);
	} else {
		struct inbox *inbox = &in->inboxes[inbox_index(in, in->lent_from)];
		free(inbox->pieces);
		inbox->pieces = NULL;
	}
}

void wax_exchange_resume(struct wax_exchange *exchange, uint32_t edge)
{
	struct edge_in *in = &exchange->in[edge];
	WAX_ASSERT(in->stands);
	in->stands = false;
	in->epoch++;
	in->ready = in->later;
	in->later = 0;
	in->marks_read = in->marks_taken = in->marked_count = 0;
}

bool wax_exchange_pending(struct wax_exchange *exchange)
{
	const struct wax_bell *bell =
			wax_segment_bell(exchange->env.segment, exchange->env.me);
	for (uint32_t word = 0; word * 64 < exchange->worker_count; word++) {
		uint64_t senders = wax_bell_senders(bell, word);
		for (; senders; senders &= senders - 1) {
			uint32_t from = word * 64 + (uint32_t)__builtin_ctzll(senders);
			if (from < exchange->worker_count && wax_rx_peek(&exchange->rx[from]))
				return true;
		}
	}
	for (uint32_t edge = 0; edge < exchange->edge_count; edge++) {
		const struct edge_in *in = &exchange->in[edge];
		if (in->marks_read < in->inbox_count &&
				!mark_is_missing(in, next_mark(exchange, edge)))
			return true;
		struct edge_out *out = &exchange->out[edge];
		for (uint32_t i = 0; out->outbox_count > 0 && i < out->lane_count; i++) {
			if (out->lanes[i].outbox && wax_lane_has_credit(exchange, &out->lanes[i]))
				return true;
		}
	}
	return false;
}
