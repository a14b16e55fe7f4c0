/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "tests/runtime/exchange_net.h"

/*
 * Exchanges of several workers, driven by one thread in an order that the seed decides: items of
 * all kinds on edges of all routes, ends of epochs, ends of input, credit that comes home late,
 * slabs of 512 bytes. What holds in every order:
 *
 *   each item arrives once, whole, at a worker that its route allows, or at all of them, and in the order in which its
 *   sender sent it there; the items of an epoch arrive between the arrivals of its marks; END comes
 *   once, last; and then all credit is home.
 *
 *     sim_exchange [--seed S] [--rounds N | --seconds N]
 */

enum {
	KEYS = 37,
	ITEMS_MAX = 400, /* of a sender on an edge */
	FILL_MAX = 3000,
};

struct tag {
	uint8_t from;
	uint8_t edge;
	uint16_t key;
	uint32_t epoch;
	uint32_t number; /* of the sender on the edge */
	uint32_t fill;   /* bytes behind the tag */
};

/* One sender on one edge. */
struct source {
	uint32_t left;
	uint32_t sent;
	uint32_t epoch; /* marks sent */
	bool ended;
	uint8_t arrived[ITEMS_MAX];        /* at which workers, a bit each */
	uint32_t last_at[NET_WORKERS_MAX]; /* number + 1 of the last to arrive there */
};

/* One receiver on one edge. */
struct target {
	uint32_t epoch; /* marks that arrived */
	bool aligned;   /* and not yet resumed */
	bool held;      /* a batch is lent */
	bool ended;
};

struct sim {
	struct net net;
	uint64_t random;
	uint32_t epoch; /* that may be marked next */
	struct source sources[NET_WORKERS_MAX][NET_EDGES_MAX];
	struct target targets[NET_WORKERS_MAX][NET_EDGES_MAX];
	uint32_t owner[NET_EDGES_MAX][KEYS]; /* worker + 1 that a key of the edge went to */
	uint64_t items;
	uint64_t epochs;
};

static uint32_t below(struct sim *sim, uint32_t bound)
{
	sim->random = sim->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((sim->random >> 33) % bound);
}

/* ---- Types */

static const struct wax_type *fixed_type(uint32_t bytes, uint32_t align)
{
	char name[32];

	snprintf(name, sizeof(name), "fixed%" PRIu32, bytes);
	return wax_type_struct(name, bytes, align, NULL);
}

static const struct wax_type *some_type(struct sim *sim, bool keyed)
{
	const struct wax_type *const values[] = {
			WAX_BYTES,
			WAX_BYTES,
			fixed_type(16, 4),
			fixed_type(24, 8),
			fixed_type(192, 64),
			fixed_type(900, 4),
	};
	const struct wax_type *const keys[] = {WAX_TEXT, WAX_U64, WAX_U32, fixed_type(48, 16)};
	const struct wax_type *value = values[below(sim, 6)];

	return keyed ? wax_type_keyed(keys[below(sim, 4)], value) : value;
}

/* A key as its type wants it: made of its number, of up to 48 bytes. */
static size_t key_of(const struct wax_type *type, uint32_t number, char key[64])
{
	memset(key, (int)('a' + number % 26), 64);
	memcpy(key, &number, 4);
	return type->item_bytes ? type->item_bytes : number % 48;
}

/* Keys of text are cut off, so that some are equal: the number of the first that is the same. */
static uint32_t key_class(const struct wax_type *type, uint32_t number)
{
	return !type->item_bytes && number % 48 == 0 ? 0 : number;
}

/* ---- Sending */

static void emit(struct sim *sim, struct net_sender *sender)
{
	static char item[sizeof(struct tag) + FILL_MAX];
	const struct wax_type *type = sim->net.edges[sender->edge].type;
	const struct wax_type *value = wax_type_value(type);
	struct source *source = &sim->sources[sender->from][sender->edge];
	struct tag tag = {.from = (uint8_t)sender->from,
			.edge = (uint8_t)sender->edge,
			.key = (uint16_t)below(sim, KEYS),
			.epoch = source->epoch,
			.number = source->sent++};
	char key[64];

	source->left--;
	if (value->item_bytes)
		tag.fill = value->item_bytes - (uint32_t)sizeof(tag);
	else
		tag.fill = below(sim, 50) == 0 ? below(sim, FILL_MAX) : below(sim, 40);
	memcpy(item, &tag, sizeof(tag));
	memset(item + sizeof(tag), (int)(tag.number & 0xff), tag.fill);
	if (type->key)
		wax_emit_kv(&sender->port.out, key, key_of(type->key, tag.key, key), item,
				sizeof(tag) + tag.fill);
	else
		wax_emit(&sender->port.out, item, sizeof(tag) + tag.fill);
	NET_CHECK(!sender->port.failed);
}

static void send_some(struct sim *sim, uint32_t worker, uint32_t edge)
{
	struct source *source = &sim->sources[worker][edge];
	struct net_sender sender;

	/* As a stage does: not before its outbox is empty; now and then against the rule, but for
	 * the end of an epoch that waits there. */
	const struct edge_out *out = &sim->net.exchanges[worker]->out[edge];
	if (!wax_exchange_unblock(sim->net.exchanges[worker], edge) &&
			(out->due != out->posted || below(sim, 20) != 0))
		return;
	net_sender_open(&sim->net, &sender, worker, edge);
	for (uint32_t count = 1 + below(sim, below(sim, 4) == 0 ? 120 : 6);
			count > 0 && source->left > 0; count--)
		emit(sim, &sender);
	net_sender_close(&sender);
}

static void mark(struct sim *sim, uint32_t worker, uint32_t edge)
{
	struct source *source = &sim->sources[worker][edge];
	struct wax_exchange *exchange = sim->net.exchanges[worker];

	if (source->ended)
		return;
	if (source->left == 0 && below(sim, 3) == 0) {
		source->ended = true;
		wax_exchange_end_input(exchange, edge);
	} else if (source->epoch < sim->epoch) {
		wax_exchange_end_epoch(exchange, edge, ++source->epoch);
	}
}

/* The launcher: an epoch ends when all have passed the end of the one before. */
static void advance_epoch(struct sim *sim)
{
	for (uint32_t worker = 0; worker < sim->net.plan.worker_count; worker++) {
		for (uint32_t edge = 0; edge < sim->net.plan.edge_count; edge++) {
			const struct target *target = &sim->targets[worker][edge];

			if (!target->ended && (target->epoch < sim->epoch || target->aligned))
				return;
		}
	}
	sim->epoch++;
	sim->epochs++;
}

/* ---- Receiving */

static void check_route(struct sim *sim, uint32_t worker, const struct tag *tag)
{
	const struct wax_plan_edge *edge = &sim->net.edges[tag->edge];

	if (edge->route == WAX_ROUTE_LOCAL)
		NET_CHECK(tag->from == worker);
	if (edge->route != WAX_ROUTE_KEY && edge->route != WAX_ROUTE_PART)
		return;
	if (!edge->type->key) {
		NET_CHECK(worker == 0);
		return;
	}
	uint32_t *owner = &sim->owner[tag->edge][key_class(edge->type->key, tag->key)];
	NET_CHECK(*owner == 0 || *owner == worker + 1);
	*owner = worker + 1;
}

static void check_item(struct sim *sim, uint32_t worker, uint32_t edge, struct wax_item item)
{
	const struct wax_type *type = sim->net.edges[edge].type;
	struct tag tag;
	char key[64];

	NET_CHECK(item.value.bytes >= sizeof(tag));
	NET_CHECK((uintptr_t)item.value.data % wax_type_value(type)->align == 0);
	memcpy(&tag, item.value.data, sizeof(tag));
	NET_CHECK(tag.edge == edge && tag.from < sim->net.plan.worker_count);
	NET_CHECK(item.value.bytes == sizeof(tag) + tag.fill);
	for (uint32_t i = 0; i < tag.fill; i++)
		NET_CHECK(((const uint8_t *)item.value.data)[sizeof(tag) + i] ==
				(tag.number & 0xff));
	if (type->key) {
		NET_CHECK(item.key.bytes == key_of(type->key, tag.key, key));
		NET_CHECK((uintptr_t)item.key.data % type->key->align == 0);
		NET_CHECK(item.key.bytes == 0 || memcmp(item.key.data, key, item.key.bytes) == 0);
	}

	struct source *source = &sim->sources[tag.from][edge];
	NET_CHECK(tag.number < source->sent);
	NET_CHECK(!(source->arrived[tag.number] &
			(sim->net.edges[edge].route == WAX_ROUTE_ALL ? 1u << worker : 0xff)));
	source->arrived[tag.number] |= (uint8_t)(1u << worker);
	NET_CHECK(tag.number + 1 > source->last_at[worker]);
	source->last_at[worker] = tag.number + 1;
	NET_CHECK(tag.epoch == sim->targets[worker][edge].epoch);
	check_route(sim, worker, &tag);
	sim->items++;
}

static void release(struct sim *sim, uint32_t worker, uint32_t edge)
{
	struct target *target = &sim->targets[worker][edge];

	if (target->held)
		wax_exchange_release(sim->net.exchanges[worker], edge);
	target->held = false;
}

static void read_one(struct sim *sim, uint32_t worker, uint32_t edge)
{
	struct target *target = &sim->targets[worker][edge];
	struct wax_batch batch;

	release(sim, worker, edge);
	if (target->aligned && below(sim, 2) == 0) {
		target->aligned = false;
		wax_exchange_resume(sim->net.exchanges[worker], edge);
	}
	int arrival = wax_exchange_next(sim->net.exchanges[worker], edge, &batch, &sim->net.err);

	NET_CHECK(arrival >= 0);
	if (target->aligned || target->ended)
		NET_CHECK(arrival == WAX_ARRIVAL_NONE);
	switch (arrival) {
	case WAX_ARRIVAL_BATCH:
		NET_CHECK(batch.count > 0);
		for (uint32_t i = 0; i < batch.count; i++)
			check_item(sim, worker, edge, wax_batch_item(&batch, i));
		target->held = true;
		if (below(sim, 3) != 0)
			release(sim, worker, edge);
		break;
	case WAX_ARRIVAL_EPOCH:
		target->epoch++;
		target->aligned = true;
		break;
	case WAX_ARRIVAL_END:
		target->ended = true;
		break;
	default:
		break;
	}
}

/* ---- A round */

static void set_up(struct sim *sim, uint64_t seed)
{
	static const enum wax_route routes[] = {WAX_ROUTE_KEY, WAX_ROUTE_KEY, WAX_ROUTE_PART,
			WAX_ROUTE_BATCHES, WAX_ROUTE_ITEMS, WAX_ROUTE_ALL, WAX_ROUTE_LOCAL};

	memset(sim, 0, sizeof(*sim));
	sim->random = seed * 2 + 1;
	uint32_t workers = 1 + below(sim, 5);

	net_init(&sim->net, workers, UINT32_C(512) << (below(sim, 2) * below(sim, 6)),
			2 + below(sim, 2) * below(sim, 6), below(sim, 5));
	for (uint32_t count = 1 + below(sim, 4); count > 0; count--) {
		enum wax_route route = workers == 1 ? WAX_ROUTE_LOCAL : routes[below(sim, 7)];
		uint32_t parts = 1 + below(sim, 9);
		bool keyed = route == WAX_ROUTE_KEY || parts > 1 ? true : below(sim, 2);
		uint32_t edge = net_add_edge(&sim->net, route, some_type(sim, keyed), parts);

		/* One item too many for a heap that is as large as a slab must do as well. */
		for (uint32_t worker = 0; worker < workers; worker++)
			sim->sources[worker][edge].left = below(sim, ITEMS_MAX);
	}
	net_open(&sim->net, true);
}

static bool all_ended(const struct sim *sim)
{
	for (uint32_t worker = 0; worker < sim->net.plan.worker_count; worker++) {
		for (uint32_t edge = 0; edge < sim->net.plan.edge_count; edge++) {
			const struct target *target = &sim->targets[worker][edge];

			if (!target->ended || target->held)
				return false;
		}
	}
	return true;
}

static void act(struct sim *sim)
{
	uint32_t worker = below(sim, sim->net.plan.worker_count);
	uint32_t edge = below(sim, sim->net.plan.edge_count);
	struct wax_exchange *exchange = sim->net.exchanges[worker];

	wax_exchange_now(exchange, 1 + below(sim, 1000));
	switch (below(sim, 10)) {
	case 0:
	case 1:
		if (sim->sources[worker][edge].left > 0)
			send_some(sim, worker, edge);
		break;
	case 2:
		wax_exchange_flush(exchange, below(sim, 2) ? UINT64_MAX : below(sim, 1000));
		break;
	case 3:
		mark(sim, worker, edge);
		break;
	case 4:
		wax_exchange_unblock(exchange, edge);
		break;
	case 5:
		NET_CHECK(wax_exchange_receive(exchange, &sim->net.err) >= 0);
		break;
	case 6:
		advance_epoch(sim);
		wax_exchange_ring(exchange);
		break;
	default:
		/* What waits for the receiver is what a sleeper must notice. */
		if (wax_exchange_pending(exchange) && below(sim, 2) == 0)
			NET_CHECK(wax_exchange_receive(exchange, &sim->net.err) >= 0);
		read_one(sim, worker, edge);
	}
}

static void check_all_arrived(const struct sim *sim)
{
	for (uint32_t worker = 0; worker < sim->net.plan.worker_count; worker++) {
		for (uint32_t edge = 0; edge < sim->net.plan.edge_count; edge++) {
			const struct source *source = &sim->sources[worker][edge];

			bool all = sim->net.edges[edge].route == WAX_ROUTE_ALL;
			uint32_t everywhere = (1u << sim->net.plan.worker_count) - 1;

			NET_CHECK(source->left == 0 && source->ended);
			for (uint32_t i = 0; i < source->sent; i++)
				NET_CHECK(all ? source->arrived[i] == everywhere
					      : source->arrived[i] != 0);
		}
	}
}

static uint64_t run_round(uint64_t seed)
{
	static struct sim sim;
	uint64_t steps = 0;

	net_seed = seed;
	set_up(&sim, seed);
	while (!all_ended(&sim)) {
		act(&sim);
		NET_CHECK(++steps < 20000000); /* it stands still */
	}
	check_all_arrived(&sim);
	NET_CHECK(net_is_whole(&sim.net));
	net_close(&sim.net);
	return sim.items;
}

int main(int argc, char **argv)
{
	struct net_sum sum = net_run_rounds(argc, argv, 400, run_round);

	printf("%" PRIu64 " rounds, %" PRIu64 " items\n", sum.rounds, sum.counted);
	return 0;
}
