/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHM_CHANNEL_H
#define SHM_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shm/segment.h"

/*
 * The channel from one worker to another: a ring of messages there, a ring of credits back. Each
 * ring has one process that writes and one that reads, and no index is shared: a slot says by its
 * number whether it is new. All calls are wait-free and cost no system call.
 *
 * A push cannot fail: the ring has a slot for every credit of the pair, and a sender without credit
 * does not push. So a slot is never written before its last message was read:
 * the credit that allowed the new message came home behind it.
 */

/** The sender's end. Private to the sender. */
struct wax_tx {
	struct wax_slot *slots;
	uint32_t slot_mask;
	uint32_t sent; /* messages so far */
	wax_return_slot *returns;
	uint32_t return_mask;
	uint32_t reclaimed; /* credits that came home so far */
};

/** The receiver's end. Private to the receiver. */
struct wax_rx {
	struct wax_slot *slots;
	uint32_t slot_mask;
	uint32_t received;
	wax_return_slot *returns;
	uint32_t return_mask;
	uint32_t returned;
};

static inline struct wax_tx wax_tx_open(const struct wax_segment *segment, uint32_t me, uint32_t to)
{
	return (struct wax_tx){
			.slots = wax_segment_ring(segment, me, to),
			.slot_mask = segment->layout.ring_slots - 1,
			.returns = wax_segment_returns(segment, me, to),
			.return_mask = segment->layout.return_slots - 1,
	};
}

static inline struct wax_rx wax_rx_open(
		const struct wax_segment *segment, uint32_t me, uint32_t from)
{
	return (struct wax_rx){
			.slots = wax_segment_ring(segment, from, me),
			.slot_mask = segment->layout.ring_slots - 1,
			.returns = wax_segment_returns(segment, from, me),
			.return_mask = segment->layout.return_slots - 1,
	};
}

/** Where to build the next message; wax_tx_push sends it. */
static inline struct wax_slot *wax_tx_slot(struct wax_tx *tx)
{
	return &tx->slots[tx->sent & tx->slot_mask];
}

/** Send what was built. */
static inline void wax_tx_push(struct wax_tx *tx)
{
	struct wax_slot *slot = wax_tx_slot(tx);
	/* ring:A. Pairs with the acquire in wax_rx_peek: message and slab before their number. */
	wax_store_release(&slot->seq, ++tx->sent);
}

/**
 * The next message, or NULL. It stays in the ring: copy what is needed beyond wax_rx_pop, and trust
 * no field of it.
 */
static inline const struct wax_slot *wax_rx_peek(const struct wax_rx *rx)
{
	const struct wax_slot *slot = &rx->slots[rx->received & rx->slot_mask];
	/* ring:A. Pairs with the release in wax_tx_push. */
	return wax_load_acquire(&slot->seq) == rx->received + 1 ? slot : NULL;
}

static inline void wax_rx_pop(struct wax_rx *rx)
{
	rx->received++;
}

/** Send a credit home: a slab of the sender, or WAX_RETURN_INLINE with an edge. */
static inline void wax_rx_return(struct wax_rx *rx, uint32_t what)
{
	wax_return_slot *slot = &rx->returns[rx->returned & rx->return_mask];
	/* return:A. Pairs with the acquire in wax_tx_reclaim: the receiver has read the slab, and
	 * the message, before its sender writes there again. */
	wax_store_release(slot, (uint64_t)++rx->returned << 32 | what);
}

/** Has a credit come home? */
static inline bool wax_tx_reclaim(struct wax_tx *tx, uint32_t *ret_what)
{
	/* return:A. Pairs with the release in wax_rx_return. */
	uint64_t value = wax_load_acquire(&tx->returns[tx->reclaimed & tx->return_mask]);
	if ((uint32_t)(value >> 32) != tx->reclaimed + 1)
		return false;
	tx->reclaimed++;
	*ret_what = (uint32_t)value;
	return true;
}

#endif
