/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_EXCHANGE_ITEMS_H
#define BENCH_EXCHANGE_ITEMS_H

#include "bench/flow.h"
#include "bench/items.h"

/** Items of a shape for a flow: their type, what makes them, and what adds them up. */
struct exchange_items {
	const struct wax_type *type;
	flow_make_fn make;
	flow_sum_fn sum;
};

/** Only the items of the last call can be made. @param keys lends until then */
struct exchange_items exchange_items(
		const struct items_shape *shape, const struct items_keys *keys);

#endif
