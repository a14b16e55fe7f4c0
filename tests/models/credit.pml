/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credit in a chain of three stages on two workers: source, exchange edge 0, middle, exchange edge
 * 1, sink. A slab holds one item. The middle stage makes two items of each, for any workers; what
 * it has no credit for goes to its outbox, and until that is empty it does not run again. The slab
 * that it read goes home when its batch is done, which is when the outbox has taken the rest.
 *
 * A worker takes whatever step it can, in any order. Running the stage furthest downstream first is
 * one of these orders, so what holds here holds for it; and a state that no order can leave is a
 * deadlock in all of them. Rings are left out: they always have room (ring.pml) and are always
 * emptied, so that a message is in the receiver's queue at once.
 *
 * Holds: every run ends, with all items in the sinks and all credit home.
 *
 * faults: 1 2
 *   1  all edges of a worker draw from one pool of as many slabs
 *   2  the middle keeps the slab it read until its outbox is empty, and has one outbox for all:
 *      still sound with credits; with the pool it is what waits for ever
 */
#ifndef FAULT
#define FAULT 0
#endif

#define WORKERS 2
#define EDGES 2
#define ITEMS 3 /* of each source */
#define FAN_OUT 2
#define SLABS 1 /* of a lane */
