/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends of epochs: two sources and a merge. The launcher advances the epoch; a source that sees it
 * sends a mark down its channel and goes on with the next epoch. The merge does not read on a
 * channel behind its mark until all channels have delivered theirs; then it takes its snapshot. A
 * channel that has ended needs no mark. Rings are always emptied into the queues of the channels,
 * which alignment leaves unread.
 *
 * The launcher advances only when the epoch before is finished: that bounds the marks in a ring.
 *
 * Holds: the merge processes only items of the epoch after its last snapshot; a snapshot has all
 * items of its epoch; a ring holds at most one end of epoch and one end of input; every run ends.
 *
 * faults: 1 2 3
 *   1  the merge reads on behind a mark
 *   2  the launcher advances by its clock alone
 *   3  a channel that has ended is waited for
 */
#ifndef FAULT
#define FAULT 0
#endif

#define SOURCES 2
#define ITEMS 3 /* of each source, at most */
#define EPOCHS 4
#define CREDITS 2
#define MARKS 2

mtype = { item, epoch_end, input_end };

chan ring[SOURCES] = [CREDITS + EPOCHS + 1] of { mtype, byte };
chan queue[SOURCES] = [CREDITS + EPOCHS + 1] of { mtype, byte };
byte credit[SOURCES] = CREDITS;
byte epoch = 1; /* the launcher's word */
byte done;      /* the last epoch that the merge has finished */
bool ended;     /* it has nothing to come */

/* Ghosts. */
byte marks[SOURCES]; /* in a ring */
byte sent[EPOCHS + 2];
byte merged;

active proctype launcher()
{
	do
	:: atomic { epoch < EPOCHS && (FAULT == 2 || done == epoch - 1) -> epoch++ }
	:: ended -> break
	:: epoch == EPOCHS -> break
	od
}

inline send_mark(kind)
{
	ring[me]!kind, current;
	marks[me]++;
	assert(marks[me] <= MARKS)
}

active [SOURCES] proctype source()
{
	byte me = _pid - 1, current = 1, left = ITEMS;

	do
	:: atomic {
		left > 0 && credit[me] > 0 ->
			left--;
			credit[me]--;
			sent[current]++;
			ring[me]!item, current
	}
	:: atomic { epoch > current -> send_mark(epoch_end); current++ }
	:: atomic { send_mark(input_end) } -> break
	od
}

/* Is there what was awaited from all channels? */
inline align()
{
	if
	:: (marked[0] || marked[1]) && (marked[0] || (over[0] && FAULT != 3)) &&
			(marked[1] || (over[1] && FAULT != 3)) ->
		assert(merged == sent[done + 1]);
		merged = 0;
		done++; /* the snapshot */
		marked[0] = false;
		marked[1] = false
	:: else
	fi
}

inline process(from)
{
	(FAULT == 1 || !marked[from]) && nempty(queue[from]) ->
		queue[from]?kind, at;
		assert(at == done + 1); /* of the epoch that is open, not before nor after */
		if
		:: kind == item ->
			merged++;
			credit[from]++
		:: kind == epoch_end ->
			marked[from] = true;
			align()
		:: kind == input_end ->
			over[from] = true;
			align()
		fi;
		kind = 0;
		at = 0
}

inline receive(from)
{
	nempty(ring[from]) ->
		ring[from]?kind, at;
		queue[from]!kind, at;
		marks[from] = marks[from] - (kind != item);
		kind = 0;
		at = 0
}

active proctype merge()
{
	byte at;
	mtype kind;
	bool marked[SOURCES], over[SOURCES];

	do
	:: atomic { receive(0) }
	:: atomic { receive(1) }
	:: atomic { process(0) }
	:: atomic { process(1) }
	:: over[0] && over[1] -> break
	od;
	ended = true
}
