/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/net.h"

#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

void net_open(struct net *net, uint32_t worker_count, const struct wax_type *type)
{
	struct wax_err err = {0};
	struct wax_segment_plan shape = {.worker_count = worker_count, .edge_count = 1};
	const struct wax_control_plan control = {"bench", worker_count, 1, 1};
	uint64_t bytes;
	*net = (struct net){.edge = {.route = WAX_ROUTE_KEY, .type = type}};
	net->plan = (struct wax_plan){
			.worker_count = worker_count, .edge_count = 1, .edges = &net->edge};
	if (wax_segment_fit(0, 0, &shape, &bytes, &err) < 0 ||
			wax_segment_make(&shape, &net->segment, &err) < 0 ||
			wax_control_make(&control, &net->control, &err) < 0)
		bench_die("%s", err.text);

	net->bells = calloc(worker_count, sizeof(*net->bells));
	net->peers = calloc(worker_count, sizeof(*net->peers));
	BENCH_CHECK(net->bells && net->peers);
	for (uint32_t i = 0; i < worker_count; i++) {
		net->bells[i] = -1; /* nobody sleeps */
		net->peers[i] = wax_rx_open(&net->segment, i, 0);
	}
	const struct wax_exchange_env env = {
			&net->plan, &net->segment, &net->control, net->bells, 0};
	if (wax_exchange_make(&env, &net->exchange, &err) < 0)
		bench_die("%s", err.text);
}

void net_close(struct net *net)
{
	wax_exchange_free(net->exchange);
	wax_control_free(&net->control);
	wax_segment_free(&net->segment);
	free(net->bells);
	free(net->peers);
}

void net_recycle(struct net *net)
{
	struct wax_batch batch;
	for (uint32_t i = 1; i < net->plan.worker_count; i++) {
		const struct wax_slot *slot;
		while ((slot = wax_rx_peek(&net->peers[i]))) {
			uint32_t what = slot->kind == WAX_SLOT_INLINE ? WAX_RETURN_INLINE
								      : slot->slab;
			wax_rx_pop(&net->peers[i]);
			wax_rx_return(&net->peers[i], what);
		}
	}
	while (wax_exchange_next(net->exchange, 0, &batch, NULL) == WAX_ARRIVAL_BATCH)
		wax_exchange_release(net->exchange, 0);
	wax_exchange_unblock(net->exchange, 0);
}
