/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include "runtime/exchange.h"

/** An exchange of one worker whose peers are played by the caller: one keyed edge. The memory is
 *  shared with processes that are forked afterwards. */
struct net {
	struct wax_plan plan;
	struct wax_plan_edge edge;
	struct wax_segment segment;
	struct wax_control control;
	struct wax_exchange *exchange; /* of worker 0 */
	int *bells;
	struct wax_rx *peers; /* what each other worker receives from worker 0 */
};

void net_open(struct net *net, uint32_t worker_count, const struct wax_type *type);
void net_close(struct net *net);

/** Receive everything and give it back at once, as ideal peers would. */
void net_recycle(struct net *net);

#endif
