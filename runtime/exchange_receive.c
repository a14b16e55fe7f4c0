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

/* As many as the credits of a lane allow, and its marks. */
static uint32_t inbox_room(const struct wax_segment_header *header)
{
	uint32_t room = 1;
	while (room < header->slabs_per_lane + header->inline_credits + 2)
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
	struct inbox *inbox = inbox_of(exchange, message->edge, from);
	if (!inbox->messages && wax_inbox_open(exchange, inbox) < 0)
		return wax_err_set(err, -ENOMEM, "no memory for messages");
	if (inbox->tail - inbox->head > inbox->mask || inbox->ended)
		return damaged(exchange, from, "more messages than it has credit for", err);
	memcpy(&inbox->messages[inbox->tail++ & inbox->mask], message, sizeof(*message));
	in->waiting++;
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

int wax_exchange_receive(struct wax_exchange *exchange, struct wax_err *err)
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

/* The next inbox that may be read and has something; NULL: none. */
static struct inbox *next_inbox(struct edge_in *in, uint32_t *ret_index)
{
	for (uint32_t i = 0; i < in->inbox_count; i++) {
		uint32_t index = in->next_inbox;
		if (++in->next_inbox == in->inbox_count)
			in->next_inbox = 0;
		struct inbox *inbox = &in->inboxes[index];
		if (inbox->head != inbox->tail && !inbox->marked && !inbox->ended) {
			*ret_index = index;
			return inbox;
		}
	}
	return NULL;
}

/* Have all channels that have not ended delivered the mark? */
static int epoch_arrival(const struct edge_in *in)
{
	return in->marked_count > 0 && in->marked_count + in->ended_count == in->inbox_count
			? WAX_ARRIVAL_EPOCH
			: WAX_ARRIVAL_NONE;
}

static int take_epoch(struct wax_exchange *exchange, struct edge_in *in, struct inbox *inbox,
		uint32_t from, const struct wax_slot *message, struct wax_err *err)
{
	if (in->marked_count > 0 && message->epoch != in->mark_epoch)
		return damaged(exchange, from, "of another epoch", err);
	in->mark_epoch = message->epoch;
	inbox->marked = true;
	in->marked_count++;
	return epoch_arrival(in);
}

/* An end may also be what the others' end of epoch waited for. */
static int take_end(struct edge_in *in, struct inbox *inbox)
{
	inbox->ended = true;
	in->ended_count++;
	if (in->ended_count == in->inbox_count)
		return WAX_ARRIVAL_END;
	return epoch_arrival(in);
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
	touch(exchange, from);
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
	in->waiting--;

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
	case WAX_SLOT_EPOCH:
		return take_epoch(exchange, in, inbox, from, message, err);
	case WAX_SLOT_END:
		return take_end(in, inbox);
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
	/* A piece of a large batch, or a mark that others must deliver too, is not yet an arrival. */
	while (arrival == WAX_ARRIVAL_NONE && in->waiting > 0) {
		uint32_t index;
		struct inbox *inbox = next_inbox(in, &index);
		if (!inbox)
			break;
		uint32_t from = in->inbox_count == 1 ? exchange->env.me : index;
		arrival = take_message(exchange, edge, inbox, from, ret_batch, err);
	}
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
		struct inbox *inbox = inbox_of(exchange, edge, in->lent_from);
		free(inbox->pieces);
		inbox->pieces = NULL;
	}
}

void wax_exchange_resume(struct wax_exchange *exchange, uint32_t edge)
{
	struct edge_in *in = &exchange->in[edge];
	for (uint32_t i = 0; i < in->inbox_count; i++)
		in->inboxes[i].marked = false;
	in->marked_count = 0;
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
		struct edge_out *out = &exchange->out[edge];
		for (uint32_t i = 0; out->outbox_count > 0 && i < out->lane_count; i++) {
			if (out->lanes[i].outbox && wax_lane_has_credit(exchange, &out->lanes[i]))
				return true;
		}
	}
	return false;
}
