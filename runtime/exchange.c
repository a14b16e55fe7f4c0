/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/exchange_private.h"

enum { HEAP_PER_ITEM_GUESS = 16 };

static int make_lanes(struct wax_exchange *exchange, uint32_t edge)
{
	struct edge_out *out = &exchange->out[edge];
	const struct wax_segment_header *header = exchange->header;
	out->lanes = calloc(out->lane_count, sizeof(*out->lanes));
	out->heads = aligned_alloc(64, out->lane_count * sizeof(*out->heads));
	if (!out->lanes || !out->heads)
		return -ENOMEM;
	memset(out->heads, 0, out->lane_count * sizeof(*out->heads));

	for (uint32_t i = 0; i < out->lane_count; i++) {
		struct lane *lane = &out->lanes[i];
		lane->head = &out->heads[i];
		lane->to = out->lane_count == 1 ? exchange->env.me : i;
		lane->slab = NO_SLAB;
		lane->outbox_end = &lane->outbox;
		lane->inline_free = header->inline_credits;
		lane->heap_per_item = HEAP_PER_ITEM_GUESS;
		lane->free = calloc(header->slabs_per_lane, sizeof(*lane->free));
		if (!lane->free)
			return -ENOMEM;
		uint32_t first = wax_segment_lane_slab(header, edge, lane->to);
		for (uint32_t slab = 0; slab < header->slabs_per_lane; slab++)
			lane_free_back(lane, header->slabs_per_lane, first + slab);
	}
	return 0;
}

static int make_edge(struct wax_exchange *exchange, uint32_t edge)
{
	const struct wax_plan_edge *plan = &exchange->env.plan->edges[edge];
	bool own = plan->route == WAX_ROUTE_LOCAL;
	exchange->out[edge] = (struct edge_out){
			.plan = plan,
			.columns = wax_columns_of(plan->type),
			.counters = wax_control_edge(exchange->env.control, exchange->env.me, edge),
			.lane_count = own ? 1 : exchange->worker_count,
			/* Not all begin with the same worker. */
			.next_lane = own ? 0 : exchange->env.me,
			.mark = wax_segment_mark(exchange->env.segment, exchange->env.me, edge),
	};
	struct edge_in *in = &exchange->in[edge];
	in->inbox_count = exchange->out[edge].lane_count;
	in->inboxes = calloc(in->inbox_count, sizeof(*in->inboxes));
	if (!in->inboxes)
		return -ENOMEM;
	/* What this worker sends itself cannot fail: there is room for it from the start. */
	int r = wax_inbox_open(exchange, &in->inboxes[inbox_index(in, exchange->env.me)]);
	return r < 0 ? r : make_lanes(exchange, edge);
}

int wax_exchange_make(const struct wax_exchange_env *env, struct wax_exchange **ret_exchange,
		struct wax_err *err)
{
	struct wax_exchange *exchange = calloc(1, sizeof(*exchange));
	if (!exchange)
		return wax_err_set(err, -ENOMEM, "no memory for the exchange");
	exchange->env = *env;
	exchange->record = wax_control_worker(env->control, env->me);
	exchange->header = &env->segment->layout;
	exchange->perturb = env->plan->perturb;
	exchange->worker_count = env->plan->worker_count;
	exchange->out = calloc(env->plan->edge_count + 1, sizeof(*exchange->out));
	exchange->in = calloc(env->plan->edge_count + 1, sizeof(*exchange->in));
	exchange->tx = calloc(exchange->worker_count, sizeof(*exchange->tx));
	exchange->rx = calloc(exchange->worker_count, sizeof(*exchange->rx));
	int r = exchange->out && exchange->in && exchange->tx && exchange->rx ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < exchange->worker_count; i++) {
		exchange->tx[i] = wax_tx_open(env->segment, env->me, i);
		exchange->rx[i] = wax_rx_open(env->segment, env->me, i);
		if (i != env->me)
			exchange->others[i / 64] |= UINT64_C(1) << (i % 64);
	}
	for (uint32_t edge = 0; r == 0 && edge < env->plan->edge_count; edge++) {
		exchange->edge_count = edge + 1;
		r = make_edge(exchange, edge);
	}
	if (r < 0) {
		wax_exchange_free(exchange);
		return wax_err_set(err, r, "no memory for the exchange");
	}
	*ret_exchange = exchange;
	return 0;
}

static void free_lane(struct lane *lane)
{
	for (struct parcel *next; lane->outbox; lane->outbox = next) {
		next = lane->outbox->next;
		free(lane->outbox);
	}
	free(lane->building);
	free(lane->free);
}

void wax_exchange_free(struct wax_exchange *exchange)
{
	if (!exchange)
		return;
	for (uint32_t edge = 0; edge < exchange->edge_count; edge++) {
		struct edge_out *out = &exchange->out[edge];
		for (uint32_t i = 0; out->lanes && i < out->lane_count; i++)
			free_lane(&out->lanes[i]);
		free(out->lanes);
		free(out->heads);
		struct edge_in *in = &exchange->in[edge];
		for (uint32_t i = 0; in->inboxes && i < in->inbox_count; i++) {
			free(in->inboxes[i].messages);
			free(in->inboxes[i].pieces);
		}
		free(in->inboxes);
	}
	free(exchange->out);
	free(exchange->in);
	free(exchange->tx);
	free(exchange->rx);
	free(exchange);
}

void wax_exchange_now(struct wax_exchange *exchange, uint64_t now_ns)
{
	exchange->now_ns = now_ns;
}

bool wax_exchange_sent_own(struct wax_exchange *exchange)
{
	bool sent_own = exchange->sent_own;
	exchange->sent_own = false;
	return sent_own;
}

static void ring_peer(struct wax_exchange *exchange, uint32_t peer, uint32_t what_for)
{
	struct wax_bell *bell = wax_segment_bell(exchange->env.segment, peer);
	if (wax_bell_wanted(bell, what_for)) {
		wax_bell_ring(bell, exchange->env.bells[peer]);
		wax_count(&exchange->record->rings, 1);
	}
}

static uint32_t touched_for(const struct wax_touched *touched, uint32_t bit)
{
	return (touched->now >> bit & 1 ? WAX_BELL_NOW : 0) |
			(touched->soon >> bit & 1 ? WAX_BELL_SOON : 0) |
			(touched->credit >> bit & 1 ? WAX_BELL_CREDIT : 0);
}

void wax_exchange_ring(struct wax_exchange *exchange)
{
	bool fenced = false;
	for (uint32_t word = 0; word * 64 < exchange->worker_count; word++) {
		struct wax_touched touched = exchange->touched[word];
		uint64_t peers = touched.now | touched.soon | touched.credit;
		if (peers == 0)
			continue;
		exchange->touched[word] = (struct wax_touched){0};
		if (!fenced)
			wax_bell_barrier(wax_segment_bell(exchange->env.segment,
					word * 64 + (uint32_t)__builtin_ctzll(peers)));
		fenced = true;
		for (; peers; peers &= peers - 1) {
			uint32_t bit = (uint32_t)__builtin_ctzll(peers);
			ring_peer(exchange, word * 64 + bit, touched_for(&touched, bit));
		}
	}
}
