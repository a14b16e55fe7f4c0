/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHM_MARK_H
#define SHM_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/segment.h"

/*
 * The mark of a worker on an edge: how far it is with what it sends there, for all who receive. One
 * word, that of an epoch written over by that of the next, so that an epoch costs its sender one
 * store, however many receive, and a channel that carries nothing is not touched.
 *
 *     sender                               receiver
 *     push all messages of the epoch       read the mark: the epoch has ended there
 *     post the mark                        empty the ring
 *     push those of the next               those of this epoch are all here
 *
 * A message says itself behind the end of which epoch it lies, since a ring that is emptied may
 * hold what came after the mark. docs/design/exchange-proofs.md has the proof.
 */

/** After the pushes of all that belongs to the epochs up to this one. */
static inline void wax_mark_post(wax_mark *mark, uint64_t value)
{
	/* mark:A. Pairs with the acquire in wax_mark_read: all messages before it, and the bits of
	 * their sender. */
	wax_store_release(mark, value);
}

/** Then empty the ring of that sender: what it sent before is there. The value is input. */
static inline uint64_t wax_mark_read(const wax_mark *mark)
{
	/* mark:A. Pairs with the release in wax_mark_post. */
	return wax_load_acquire(mark);
}

/** What a mark says: the last epoch that has ended, and whether the input has. */
static inline uint64_t wax_mark_of(uint64_t epoch, bool ended)
{
	return epoch << 1 | ended;
}

static inline uint64_t wax_mark_epoch(uint64_t mark)
{
	return mark >> 1;
}

static inline bool wax_mark_ended(uint64_t mark)
{
	return mark & 1;
}

#endif
