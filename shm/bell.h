/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHM_BELL_H
#define SHM_BELL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "shm/layout.h"

/*
 * The doorbell: how a worker that sleeps learns that there is something in its rings.
 *
 *     receiver                           sender
 *     asleep = what for                  write the message
 *     (full barrier)                     (full barrier)
 *     look into all rings once more      look at asleep; for this: take it back to 0 and ring
 *     nothing there: wait for the bell
 *
 * Whatever the order, one of them sees the other's store (Dekker), so no wake-up is lost. A sender
 * looks once per turn and peer, after all messages of the turn. The bell is an eventfd that the
 * receiver's event loop watches. docs/design/doorbell.md has the proof; tests/models/doorbell.pml
 * is the model.
 */

/** What a sleeper wants to be woken for, and what a sender has for it: bits. */
enum wax_bell_for {
	WAX_BELL_NOW = 1,  /* what must be seen at once: full slabs, marks, words of the launcher */
	WAX_BELL_SOON = 2, /* a few items: they may wait for a moment, if the sleeper says so */
	WAX_BELL_CREDIT = 4, /* credit: only who was stopped for want of it cares */
	WAX_BELL_ALL = 7,
};

/**
 * The receiver is about to sleep: after this it must look into its rings once more.
 * @param what_for bits of wax_bell_for, WAX_BELL_NOW among them. Who leaves out something that it
 *                 needs sets itself a time to wake up
 */
static inline void wax_bell_doze(struct wax_bell *bell, uint32_t what_for)
{
	/* bell:A. With the barrier; pairs with wax_bell_barrier and wax_bell_wanted. */
	wax_store_seq_cst(&bell->asleep, what_for);
	wax_fence_before_load(&bell->asleep);
}

/** The receiver is awake. */
static inline void wax_bell_rise(struct wax_bell *bell)
{
	/* Relaxed: a sender that still sees it set rings once too often, which is harmless. */
	wax_store_relaxed(&bell->asleep, 0);
}

/** After messages to several peers, before the first wax_bell_wanted: one barrier for all. */
static inline void wax_bell_barrier(struct wax_bell *any)
{
	wax_fence_before_load(&any->asleep);
}

/** Must this peer be rung, for one of these? True for one sender only. wax_bell_barrier comes
 *  first. */
static inline bool wax_bell_wanted(struct wax_bell *bell, uint32_t what_for)
{
	/* bell:A. Pairs with wax_bell_doze. The load comes first because it leaves the line shared.
	 * The exchange may take another sleep than the load saw, for other things: whoever takes it
	 * must ring. */
	return (wax_load_seq_cst(&bell->asleep) & what_for) != 0 &&
			wax_exchange_seq_cst(&bell->asleep, 0) != 0;
}

/** Ring: a system call, 0.3 us when the peer is awake, about 10 us in a virtual machine when the
 *  peer's core is. */
static inline void wax_bell_ring(struct wax_bell *bell, int eventfd)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* Relaxed: a hint for the sleeper, ordered by the system calls anyway. */
	wax_store_relaxed(&bell->rung_ns,
			(uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec);

	uint64_t one = 1;
	/* The counter can only be full when the peer is about to wake anyway. */
	ssize_t written = write(eventfd, &one, sizeof(one));
	(void)written;
}

/** Tell the receiver to poll this sender's ring; call before the first message to a peer. */
static inline void wax_bell_announce(struct wax_bell *bell, uint32_t sender)
{
	/* senders:A. Pairs with the acquire in wax_bell_senders. The ring is polled for sure once
	 * the bit is seen; the message behind it is ordered by the ring's own number. */
	wax_fetch_or_release(&bell->senders[sender / 64], UINT64_C(1) << (sender % 64));
}

/** Who ever sent something: 64 workers a word. */
static inline uint64_t wax_bell_senders(const struct wax_bell *bell, uint32_t word)
{
	/* senders:A. Pairs with the release in wax_bell_announce. */
	return wax_load_acquire(&bell->senders[word]);
}

#endif
