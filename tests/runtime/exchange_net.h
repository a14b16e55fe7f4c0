/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RUNTIME_EXCHANGE_NET_H
#define TESTS_RUNTIME_EXCHANGE_NET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "runtime/exchange.h"
#include "runtime/exchange_private.h"
#include "runtime/port.h"

/*
 * The exchanges of several workers in one process, without workers: each only touches what is its
 * own and the segment, so that one thread may play all of them, in any order.
 */

enum { NET_WORKERS_MAX = 8, NET_EDGES_MAX = 8 };

struct net {
	struct wax_plan plan;
	struct wax_plan_edge edges[NET_EDGES_MAX];
	struct wax_flow flow;
	struct wax_step step;
	struct wax_step *steps[1];
	struct wax_segment_plan shape;
	struct wax_segment segment;
	struct wax_control control;
	int bells[NET_WORKERS_MAX];
	struct wax_exchange *exchanges[NET_WORKERS_MAX];
	struct wax_err err;
	void *guarded; /* the segment and the forbidden pages around it */
	size_t guarded_bytes;
};

/* What to give to the program so that it does the same again. */
static uint64_t net_seed;

#define NET_CHECK(condition)                                                                       \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s (--seed %llu)\n", __FILE__, __LINE__,           \
					#condition, (unsigned long long)net_seed);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/** Before net_open: describe an edge. @return its index */
static inline uint32_t net_add_edge(
		struct net *net, enum wax_route route, const struct wax_type *type, uint32_t parts)
{
	NET_CHECK(net->plan.edge_count < NET_EDGES_MAX);
	net->edges[net->plan.edge_count] =
			(struct wax_plan_edge){.route = route, .part_count = parts, .type = type};
	return net->plan.edge_count++;
}

static inline void net_init(struct net *net, uint32_t worker_count, uint32_t slab_bytes,
		uint32_t slabs_per_lane, uint32_t inline_credits)
{
	memset(net, 0, sizeof(*net));
	net->step.id = "test.step";
	net->steps[0] = &net->step;
	net->flow.steps = net->steps;
	net->flow.step_count = 1;
	net->plan.flow = &net->flow;
	net->plan.worker_count = worker_count;
	net->plan.edges = net->edges;
	net->shape = (struct wax_segment_plan){
			.worker_count = worker_count,
			.slab_bytes = slab_bytes,
			.slabs_per_lane = slabs_per_lane,
			.inline_credits = inline_credits,
	};
	for (uint32_t i = 0; i < NET_WORKERS_MAX; i++)
		net->bells[i] = -1;
}

/* Move the segment to where whoever leaves it is stopped. */
static inline void net_guard(struct net *net)
{
	const size_t apart = 4 << 20;

	net->guarded_bytes = net->segment.bytes + 2 * apart + apart;
	net->guarded = mmap(NULL, net->guarded_bytes, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	NET_CHECK(net->guarded != MAP_FAILED);
	uintptr_t place = ((uintptr_t)net->guarded + 2 * apart - 1) & ~(uintptr_t)(apart - 1);
	void *moved = mremap(net->segment.header, net->segment.bytes, net->segment.bytes,
			MREMAP_MAYMOVE | MREMAP_FIXED, (void *)place);
	NET_CHECK(moved != MAP_FAILED);
	net->segment.header = moved;
}

static inline void net_open(struct net *net, bool guarded)
{
	uint32_t workers = net->plan.worker_count;
	uint64_t edges_offset = workers * sizeof(struct wax_worker_record);

	net->shape.edge_count = net->plan.edge_count;
	NET_CHECK(wax_segment_make(&net->shape, &net->segment, &net->err) == 0);
	if (guarded)
		net_guard(net);
	net->control.header = aligned_alloc(
			WAX_APART, edges_offset + (uint64_t)workers * NET_EDGES_MAX * WAX_APART);
	NET_CHECK(net->control.header);
	memset((void *)net->control.header, 0,
			edges_offset + (uint64_t)workers * NET_EDGES_MAX * WAX_APART);
	net->control.edges_offset = edges_offset;
	net->control.edge_count = net->plan.edge_count;
	net->control.worker_count = workers;
	for (uint32_t i = 0; i < workers; i++) {
		struct wax_exchange_env env = {
				&net->plan, &net->segment, &net->control, net->bells, i};

		NET_CHECK(wax_exchange_make(&env, &net->exchanges[i], &net->err) == 0);
	}
}

static inline void net_close(struct net *net)
{
	for (uint32_t i = 0; i < net->plan.worker_count; i++)
		wax_exchange_free(net->exchanges[i]);
	free(net->control.header);
	if (net->guarded)
		munmap(net->guarded, net->guarded_bytes);
	else
		wax_segment_free(&net->segment);
}

/* ---- Sending: items are emitted to a port whose batches go into the exchange. */

struct net_sender {
	struct net *net;
	uint32_t from;
	uint32_t edge;
	struct wax_port port;
};

static inline int net_take(struct wax_port *port, const struct wax_batch *batch)
{
	struct net_sender *sender = port->taker;

	return wax_exchange_send(sender->net->exchanges[sender->from], sender->edge, batch,
			&sender->net->err);
}

static inline void net_sender_open(
		struct net *net, struct net_sender *sender, uint32_t from, uint32_t edge)
{
	sender->net = net;
	sender->from = from;
	sender->edge = edge;
	NET_CHECK(wax_port_init(&sender->port, net->edges[edge].type, net_take, sender,
				  &net->err) == 0);
}

static inline void net_sender_close(struct net_sender *sender)
{
	NET_CHECK(wax_port_flush(&sender->port) == 0);
	wax_port_fini(&sender->port);
}

/** Send one item alone, as a batch of its own. */
static inline void net_send_one(struct net *net, uint32_t from, uint32_t edge, const void *key,
		size_t key_bytes, const void *value, size_t value_bytes)
{
	struct net_sender sender;

	net_sender_open(net, &sender, from, edge);
	if (sender.port.keyed)
		wax_emit_kv(&sender.port.out, key, key_bytes, value, value_bytes);
	else
		wax_emit(&sender.port.out, value, value_bytes);
	net_sender_close(&sender);
}

static inline void net_flush(struct net *net)
{
	for (uint32_t i = 0; i < net->plan.worker_count; i++)
		wax_exchange_flush(net->exchanges[i], UINT64_MAX);
}

static inline void net_unblock(struct net *net)
{
	for (uint32_t i = 0; i < net->plan.worker_count; i++) {
		for (uint32_t edge = 0; edge < net->plan.edge_count; edge++)
			wax_exchange_unblock(net->exchanges[i], edge);
	}
}

/** Is all credit home? Takes what is on its way. */
static inline bool net_is_whole(struct net *net)
{
	for (uint32_t i = 0; i < net->plan.worker_count; i++) {
		struct wax_exchange *exchange = net->exchanges[i];

		wax_exchange_reclaim(exchange);
		for (uint32_t edge = 0; edge < exchange->edge_count; edge++) {
			const struct edge_out *out = &exchange->out[edge];

			if (out->outbox_count != 0 || out->dirty_count != 0)
				return false;
			for (uint32_t j = 0; j < out->lane_count; j++) {
				const struct lane *lane = &out->lanes[j];

				if (lane->free_count != net->shape.slabs_per_lane ||
						lane->inline_free != net->shape.inline_credits ||
						lane->outbox || lane->building || lane->dirty)
					return false;
				/* Each slab once. */
				for (uint32_t a = 0; a < lane->free_count; a++) {
					for (uint32_t b = 0; b < a; b++) {
						if (lane->free[a] == lane->free[b])
							return false;
					}
				}
			}
			if (exchange->in[edge].ready + exchange->in[edge].later != 0)
				return false;
		}
		if (exchange->dirty_edges != 0 || wax_exchange_pending(exchange))
			return false;
	}
	return true;
}

/** What the rounds have given, added up. */
struct net_sum {
	uint64_t rounds, counted;
	bool timed; /* it was the time that ended them */
};

/** Play a seed after the other, as the command line says: [--seed S] [--rounds N | --seconds N]. */
static inline struct net_sum net_run_rounds(
		int argc, char **argv, uint64_t rounds, uint64_t (*play)(uint64_t seed))
{
	uint64_t first = 1;
	time_t until = 0;

	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t value = strtoull(argv[i + 1], NULL, 10);

		if (strcmp(argv[i], "--seed") == 0)
			first = value;
		else if (strcmp(argv[i], "--rounds") == 0)
			rounds = value;
		else if (strcmp(argv[i], "--seconds") == 0)
			until = time(NULL) + (time_t)value;
	}

	struct net_sum sum = {.timed = until > 0};

	printf("seeds from %llu\n", (unsigned long long)first);
	for (; until ? time(NULL) < until : sum.rounds < rounds; sum.rounds++)
		sum.counted += play(first + sum.rounds);
	return sum;
}

#endif
