/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RUNTIME_EXCHANGE_DAMAGE_H
#define TESTS_RUNTIME_EXCHANGE_DAMAGE_H

#include <errno.h>

#include "tests/runtime/exchange_net.h"

/*
 * An exchange at work while somebody writes over its shared memory. The input says what is sent
 * and what is damaged: fields of messages, marks, credits on their way, slabs, bells, the header.
 * Each damage is reported with -EBADMSG, or does no harm: what is lent can be read to the last byte,
 * and nobody leaves the segment, around which lie forbidden pages.
 */

struct damage {
	const uint8_t *input;
	size_t left;
	struct net net;
	bool over; /* a worker has reported damage: the run ends */
	bool marked[NET_WORKERS_MAX][NET_EDGES_MAX]; /* and that did not yet arrive here */
	uint64_t reported;
	uint64_t read; /* so that the compiler reads what is lent */
};

static inline uint32_t damage_byte(struct damage *damage)
{
	if (damage->left == 0)
		return 0;
	damage->left--;
	return *damage->input++;
}

static inline uint32_t damage_word(struct damage *damage)
{
	uint32_t word = 0;

	for (int i = 0; i < 4; i++)
		word = word << 8 | damage_byte(damage);
	return word;
}

/* Values that are likely to be trusted: near bounds, and any. */
static inline uint64_t damage_value(struct damage *damage)
{
	static const uint64_t values[] = {0, 1, 2, 3, 7, 255, 511, 512, 513, 1 << 16, INT32_MAX,
			UINT32_C(0x80000000), UINT32_MAX - 1, UINT32_MAX, UINT64_MAX,
			UINT64_MAX / 2};
	uint32_t pick = damage_byte(damage);

	return pick < 128 ? values[pick % 16] : (uint64_t)damage_word(damage) << (pick % 33);
}

static inline uint32_t damage_worker(struct damage *damage)
{
	return damage_byte(damage) % damage->net.plan.worker_count;
}

static inline uint32_t damage_edge(struct damage *damage)
{
	return damage_byte(damage) % damage->net.plan.edge_count;
}

/* ---- Writing over things */

static inline void damage_message(struct damage *damage)
{
	const struct wax_segment *segment = &damage->net.segment;
	uint32_t from = damage_worker(damage), to = damage_worker(damage);
	struct wax_slot *slot = wax_segment_ring(segment, from, to) +
			damage_byte(damage) % segment->layout.ring_slots;
	uint64_t value = damage_value(damage);

	switch (damage_byte(damage) % 10) {
	case 0:
		slot->kind = (uint8_t)(value % 8);
		break;
	case 1:
		slot->kind = (uint8_t)value;
		break;
	case 2:
		slot->edge = (uint16_t)value;
		break;
	case 3:
		slot->slab = (uint32_t)value;
		break;
	case 4:
		slot->bytes = (uint32_t)value;
		break;
	case 5:
		slot->count = (uint32_t)value;
		break;
	case 6:
		slot->capacity = (uint32_t)value;
		break;
	case 7:
		slot->heap_bytes = value;
		break;
	case 8:
		slot->epoch = value;
		memcpy(slot->payload, &value, sizeof(value));
		break;
	default:
		wax_store_relaxed(&slot->seq, wax_load_relaxed(&slot->seq) + (uint32_t)value);
	}
}

/* Near what is awaited, or anything. */
static inline void damage_mark(struct damage *damage)
{
	wax_mark *mark = wax_segment_mark(
			&damage->net.segment, damage_worker(damage), damage_edge(damage));
	uint64_t value = damage_value(damage);

	wax_store_relaxed(mark, damage_byte(damage) % 2 ? wax_load_relaxed(mark) + value : value);
}

static inline void damage_credit(struct damage *damage)
{
	const struct wax_segment *segment = &damage->net.segment;
	uint32_t from = damage_worker(damage), to = damage_worker(damage);
	const struct wax_tx *tx = &damage->net.exchanges[from]->tx[to];
	uint64_t value = damage_value(damage);

	/* The next to come home is forged; or any is written over. */
	if (damage_byte(damage) % 2) {
		wax_store_relaxed(&tx->returns[tx->reclaimed & tx->return_mask],
				(uint64_t)(tx->reclaimed + 1) << 32 | (uint32_t)value);
		return;
	}
	wax_store_relaxed(wax_segment_returns(segment, from, to) +
					damage_byte(damage) % segment->layout.return_slots,
			value);
}

static inline void damage_slab(struct damage *damage)
{
	const struct wax_segment *segment = &damage->net.segment;
	uint32_t slab = damage_word(damage) % wax_segment_slab_count(&segment->layout);
	char *memory = wax_segment_slab(segment, damage_worker(damage), slab);
	uint64_t value = damage_value(damage);

	memcpy(memory + damage_word(damage) % (segment->layout.slab_bytes - 8), &value,
			sizeof(value));
}

static inline void damage_anything(struct damage *damage)
{
	const struct wax_segment *segment = &damage->net.segment;
	uint64_t value = damage_value(damage);
	uint32_t where = damage_word(damage);

	switch (damage_byte(damage) % 3) {
	case 0:
		memcpy((char *)segment->header + where % (sizeof(*segment->header) - 8), &value,
				sizeof(value));
		break;
	case 1:
		memcpy((char *)wax_segment_bell(segment, damage_worker(damage)) + where % 248,
				&value, sizeof(value));
		break;
	default:
		memcpy((char *)segment->header + where % (segment->bytes - 8), &value,
				sizeof(value));
	}
}

/* ---- Work */

static inline void damage_send(struct damage *damage)
{
	static char item[3000];
	uint32_t from = damage_worker(damage), edge = damage_edge(damage);
	const struct wax_type *type = damage->net.edges[edge].type;
	struct net_sender sender;
	char key[16] = "abcdefghijklmno";

	if (!wax_exchange_unblock(damage->net.exchanges[from], edge))
		return;
	net_sender_open(&damage->net, &sender, from, edge);
	for (uint32_t count = 1 + damage_byte(damage) % 64; count > 0; count--) {
		uint32_t bytes = type == WAX_U64 ? 8 : damage_byte(damage) % 50;

		if (type != WAX_U64 && bytes == 49)
			bytes = sizeof(item);
		key[0] = (char)count;
		if (!type->key)
			wax_emit(&sender.port.out, item, bytes);
		else if (type->key->item_bytes)
			wax_emit_kv(&sender.port.out, key, 8, item, 8);
		else
			wax_emit_kv(&sender.port.out, key, count % 16, item, bytes);
	}
	net_sender_close(&sender);
}

static inline void damage_read(struct damage *damage, const struct wax_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_item item = wax_batch_item(batch, i);

		for (size_t j = 0; j < item.key.bytes; j++)
			damage->read += ((const uint8_t *)item.key.data)[j];
		for (size_t j = 0; j < item.value.bytes; j++)
			damage->read += ((const uint8_t *)item.value.data)[j];
	}
}

/* A batch in a slab ends where the slab does. */
static inline void damage_check_place(struct damage *damage, uint32_t worker, uint32_t edge,
		const struct wax_batch *batch)
{
	const struct edge_in *in = &damage->net.exchanges[worker]->in[edge];
	const struct wax_segment *segment = &damage->net.segment;
	const char *slab = wax_segment_slab(segment, in->lent_from, in->lent_message.slab);

	if (in->lent_message.kind != WAX_SLOT_SLAB)
		return;
	NET_CHECK(in->lent_message.slab < wax_segment_slab_count(&segment->layout));
	NET_CHECK((const char *)batch->values >= slab);
	NET_CHECK(batch->value_heap + batch->value_heap_bytes <= slab + segment->layout.slab_bytes);
}

static inline void damage_receive(struct damage *damage)
{
	uint32_t worker = damage_worker(damage), edge = damage_edge(damage);
	struct wax_exchange *exchange = damage->net.exchanges[worker];
	struct wax_batch batch;
	int r = wax_exchange_receive(exchange, &damage->net.err);

	for (int budget = 20; r >= 0 && budget > 0; budget--) {
		r = wax_exchange_next(exchange, edge, &batch, &damage->net.err);
		if (r == WAX_ARRIVAL_EPOCH) {
			damage->marked[worker][edge] = false;
			wax_exchange_resume(exchange, edge);
		}
		if (r != WAX_ARRIVAL_BATCH)
			continue;
		damage_check_place(damage, worker, edge, &batch);
		damage_read(damage, &batch);
		wax_exchange_release(exchange, edge);
	}
	if (r < 0) {
		NET_CHECK(r == -EBADMSG || r == -ENOMEM);
		NET_CHECK(damage->net.err.code == r && damage->net.err.text[0]);
		damage->over = true;
		damage->reported++;
	}
}

static inline void damage_act(struct damage *damage)
{
	struct wax_exchange *exchange;
	uint32_t worker, edge;

	switch (damage_byte(damage) % 16) {
	case 0:
	case 1:
	case 2:
	case 3:
		damage_send(damage);
		break;
	case 4:
		net_flush(&damage->net);
		break;
	case 5:
		net_unblock(&damage->net);
		break;
	case 6:
		worker = damage_worker(damage);
		edge = damage_edge(damage);
		exchange = damage->net.exchanges[worker];
		if (!damage->marked[worker][edge])
			wax_exchange_end_epoch(exchange, edge,
					wax_mark_epoch(exchange->out[edge].due) + 1);
		damage->marked[worker][edge] = true;
		break;
	case 7:
		worker = damage_worker(damage);
		wax_exchange_pending(damage->net.exchanges[worker]);
		wax_exchange_ring(damage->net.exchanges[worker]);
		break;
	case 8:
		damage_credit(damage);
		break;
	case 9:
	case 10:
		damage_message(damage);
		break;
	case 11:
		damage_slab(damage);
		break;
	case 12:
		damage_anything(damage);
		break;
	case 13:
		/* Rarely: most of it ends the run. */
		if (damage_byte(damage) % 16 == 0)
			damage_mark(damage);
		break;
	default:
		damage_receive(damage);
	}
}

/** Play one input. @return how often damage was reported */
static inline uint64_t damage_play(const uint8_t *input, size_t bytes)
{
	static struct damage damage;

	damage = (struct damage){.input = input, .left = bytes};
	uint32_t shape = damage_byte(&damage);

	net_init(&damage.net, 2 + shape % 2, 512, 2 + shape / 2 % 3, shape / 8 % 4);
	net_add_edge(&damage.net, WAX_ROUTE_KEY, wax_type_keyed(WAX_TEXT, WAX_BYTES), 0);
	net_add_edge(&damage.net, WAX_ROUTE_ITEMS, WAX_U64, 0);
	net_add_edge(&damage.net, WAX_ROUTE_KEY, wax_type_keyed(WAX_U64, WAX_U64), 0);
	net_add_edge(&damage.net, WAX_ROUTE_BATCHES, WAX_TEXT, 0);
	net_add_edge(&damage.net, WAX_ROUTE_ALL, WAX_U64, 0);
	net_add_edge(&damage.net, WAX_ROUTE_LOCAL, WAX_TEXT, 0);
	net_open(&damage.net, true);
	while (damage.left > 0 && !damage.over)
		damage_act(&damage);
	net_close(&damage.net);
	return damage.reported;
}

#endif
