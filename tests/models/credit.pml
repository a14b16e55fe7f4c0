/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credit in a chain of three stages on two workers: source, exchange edge 0, middle, exchange edge
 * 1, sink. A slab holds one item. The middle makes FAN_OUT items of each, for any workers. An item
 * for which there is no credit goes to the outbox of its stage, and until that is empty the stage
 * does not run. The slab that was read goes home when its batch is done.
 *
 * A worker takes whatever step it can, in any order. To run the stage furthest downstream first is
 * one of these orders, so what holds here holds for it. Slots are left out: rings always have room
 * (ring.pml). Rings are emptied into a queue for each edge: `??` takes the first message of an edge
 * whatever stands before it.
 *
 * Holds: every run ends with all items in the sinks and all credit home; an outbox never holds more
 * than one turn of its stage made.
 *
 * faults: 1 2 3
 *   1  the edges of a worker draw from one pool of as many slabs
 *   2  a stage runs although its outbox is not empty
 *   3  a worker does not take a message out of a ring before its stage can run
 */
#ifndef FAULT
#define FAULT 0
#endif

#define WORKERS 2
#define EDGES 2
#define ITEMS 4 /* of each source */
#define FAN_OUT 2
#define SLABS 1 /* of a lane */
#define ALL (WORKERS * ITEMS * FAN_OUT)

#define LANE(edge, from, to) ((edge) * WORKERS * WORKERS + (from) * WORKERS + (to))
#define PAIR(from, to) ((from) * WORKERS + (to))
#define OUTBOX(edge, from) (outbox[LANE(edge, from, 0)] + outbox[LANE(edge, from, 1)])

#if FAULT == 1
#define CREDIT(edge, from, to) credit[from]
#define CREDITS (EDGES * WORKERS * SLABS)
#else
#define CREDIT(edge, from, to) credit[LANE(edge, from, to)]
#define CREDITS SLABS
#endif
#if FAULT == 2
#define MAY_RUN(edge, me) true
#else
#define MAY_RUN(edge, me) (OUTBOX(edge, me) == 0)
#endif

byte credit[EDGES * WORKERS * WORKERS] = CREDITS;
byte outbox[EDGES * WORKERS * WORKERS];
chan ring[WORKERS * WORKERS] = [EDGES * WORKERS * SLABS] of { byte /* edge */ };
byte made[WORKERS]; /* by the source */
byte arrived;       /* in all sinks */

#if FAULT == 3
#define HAS(edge, from, to) (len(ring[PAIR(from, to)]) > 0 && ring[PAIR(from, to)]?[edge])
#define TAKE(edge, from, to) ring[PAIR(from, to)]?edge
#else
#define HAS(edge, from, to) ring[PAIR(from, to)]??[edge]
#define TAKE(edge, from, to) ring[PAIR(from, to)]??edge
#endif

inline send(edge, me, to)
{
	CREDIT(edge, me, to)--;
	ring[PAIR(me, to)]!edge
}

/* An item for any worker: sent, or into the outbox. */
inline emit(edge, me)
{
	if
	:: to = 0
	:: to = 1
	fi;
	if
	:: outbox[LANE(edge, me, to)] == 0 && CREDIT(edge, me, to) > 0 -> send(edge, me, to)
	:: else ->
		outbox[LANE(edge, me, to)]++;
		assert(OUTBOX(edge, me) <= FAN_OUT)
	fi
}

inline drain(edge, me, peer)
{
	outbox[LANE(edge, me, peer)] > 0 && CREDIT(edge, me, peer) > 0 ->
		outbox[LANE(edge, me, peer)]--;
		send(edge, me, peer)
}

inline middle(me, from)
{
	MAY_RUN(1, me) && HAS(0, from, me) ->
		TAKE(0, from, me);
		emit(1, me);
		emit(1, me);
		CREDIT(0, from, me)++;
		to = 0
}

inline sink(me, from)
{
	HAS(1, from, me) ->
		TAKE(1, from, me);
		CREDIT(1, from, me)++;
		arrived++
}

active [WORKERS] proctype worker()
{
	byte me = _pid, to = 0;

	do
	:: atomic { sink(me, 0) }
	:: atomic { sink(me, 1) }
	:: atomic { drain(1, me, 0) }
	:: atomic { drain(1, me, 1) }
	:: atomic { middle(me, 0) }
	:: atomic { middle(me, 1) }
	:: atomic { drain(0, me, 0) }
	:: atomic { drain(0, me, 1) }
	:: atomic { made[me] < ITEMS && MAY_RUN(0, me) -> made[me]++; emit(0, me); to = 0 }
	:: arrived == ALL -> break
	od;
#if FAULT != 1
	for (to : 0 .. EDGES * WORKERS * WORKERS - 1) {
		assert(credit[to] == CREDITS && outbox[to] == 0)
	}
#endif
}
