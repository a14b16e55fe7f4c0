/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends of epochs (shm/mark.h, runtime/exchange_receive.c): two sources and a merge. The launcher
 * advances the epoch; a source that sees it posts its mark, one word that is written over by the
 * next, and goes on with the next epoch. Items say behind which mark they lie. A source has one
 * credit: without it an item waits in its outbox, and the mark waits for the outbox; its stage does
 * not run before that is sent. Before its first message it sets its bit.
 *
 * The merge reads the marks in the order of the sources, as far as they have come, then the bits,
 * then it empties the rings into the queues of the channels. An epoch has ended when all marks were
 * read, the rings were emptied after that, and what lay in front was processed. A source that has
 * ended its input has ended all epochs. When nothing is there the merge sleeps; whoever sends, or
 * posts, wakes it (doorbell.pml has how; here it is one step).
 *
 * The launcher advances only when the epoch before is finished: so a mark is at most one ahead.
 *
 * Holds: the merge processes only items of the epoch after its last snapshot; a snapshot has all
 * items of its epoch; a mark is the one that is awaited or the next; every run ends.
 *
 * faults: 1 2 3 4 5 6 7 8
 *   1  the merge reads on behind a mark
 *   2  the launcher advances by its clock alone
 *   3  a channel that has ended is waited for
 *   4  the rings are emptied before the marks are read
 *   5  the bits are read before the marks
 *   6  a mark does not wait for the outbox
 *   7  who posts a mark wakes nobody
 *   8  the merge does not look at the marks again before it sleeps
 */
#ifndef FAULT
#define FAULT 0
#endif

#define SOURCES 2
#define ITEMS 2 /* of each source, at most */
#define EPOCHS 3
#define CREDITS 1
#define ROOM (CREDITS + 1)

/* What an item says is behind which mark it lies. */
chan ring[SOURCES] = [ROOM] of { byte };
chan queue[SOURCES] = [ROOM] of { byte };
byte credit[SOURCES] = CREDITS;
byte mark[SOURCES]; /* 2 * epoch + ended */
bool announced[SOURCES];
bool asleep;
byte epoch = 1; /* the launcher's word */
byte done;      /* the last epoch that the merge has finished */
bool over;      /* it has nothing to come */

/* Ghosts. */
byte sent[EPOCHS + 2];
byte merged;

#define ENDED(m) ((m) & 1)
#define EPOCH(m) ((m) >> 1)

/* Woken, the merge looks at everything anew. */
#define WAKE asleep = false

active proctype launcher()
{
	do
	:: atomic { epoch < EPOCHS && (FAULT == 2 || done == epoch - 1) -> epoch++ }
	:: over -> break
	:: epoch == EPOCHS -> break
	od
}

inline push()
{
	credit[me]--;
	ring[me]!EPOCH(mark[me]);
	WAKE
}

inline post()
{
	mark[me] = due;
	if
	:: FAULT != 7 -> WAKE
	:: else
	fi
}

/* Its stage runs when nothing is left in the outbox and in front of it. */
active [SOURCES] proctype source()
{
	byte me = _pid - 1, left = ITEMS, due;
	bool outbox;

	do
	:: atomic { outbox && announced[me] && credit[me] > 0 -> push(); outbox = false }
	:: atomic { due != mark[me] && (!outbox || FAULT == 6) -> post() }
	:: atomic { outbox && !announced[me] -> announced[me] = true }
	:: atomic {
		left > 0 && !outbox && due == mark[me] && !ENDED(due) ->
			left--;
			sent[EPOCH(due) + 1]++;
			outbox = true
	}
	:: atomic { due == mark[me] && !ENDED(due) && epoch > EPOCH(due) + 1 -> due = due + 2 }
	:: atomic { due == mark[me] && !ENDED(due) -> due = due + 1 }
	:: ENDED(mark[me]) && !outbox -> break
	od
}

/* The mark that is looked for has come. */
#define COME (read < SOURCES && mark[read] != 2 * done && \
		!(FAULT == 3 && ENDED(mark[read]) && EPOCH(mark[read]) <= done))

/* Read marks as far as they have come; `read` says how far. */
inline read_marks()
{
	d_step {
		do
		:: COME ->
			assert(EPOCH(mark[read]) <= done + 1);
			assert(EPOCH(mark[read]) >= done || ENDED(mark[read]));
			marked = marked || EPOCH(mark[read]) > done;
			read++
		:: !COME -> break
		od
	}
}

inline read_bits()
{
	d_step { seen[0] = announced[0]; seen[1] = announced[1] }
}

inline empty_ring(from)
{
	atomic {
		do
		:: seen[from] && nempty(ring[from]) -> ring[from]?at; queue[from]!at; at = 0
		:: !seen[from] || empty(ring[from]) -> break
		od
	}
}

inline process(from)
{
	nempty(queue[from]) && (FAULT == 1 || queue[from]?[eval(done)]) ->
		queue[from]?at;
		assert(at == done); /* of the epoch that is open, not before nor after */
		at = 0;
		merged++;
		credit[from]++ /* sources do not sleep here: they look for credit */
}

#define NONE_READY (!queue[0]?[eval(done)] && !queue[1]?[eval(done)])

active proctype merge()
{
	byte at, read, taken;
	bool marked, seen[SOURCES];

	do
	:: /* wax_exchange_receive */
		if
		:: FAULT == 4 -> read_bits(); empty_ring(0); empty_ring(1); read_marks()
		:: FAULT == 5 -> read_bits(); read_marks(); empty_ring(0); empty_ring(1)
		:: else -> read_marks(); read_bits(); empty_ring(0); empty_ring(1)
		fi;
		taken = read;
		/* wax_exchange_next, as often as it likes */
		do
		:: atomic { process(0) }
		:: atomic { process(1) }
		:: atomic {
			taken == SOURCES && NONE_READY && marked ->
				assert(merged == sent[done + 1]);
				merged = 0;
				done++; /* the snapshot */
				read = 0;
				taken = 0;
				marked = false
		}
		:: taken == SOURCES && NONE_READY && !marked -> goto end_of_input
		:: break
		od;
		/* The look before sleep. */
		if
		:: NONE_READY && taken != SOURCES ->
			asleep = true;
			read_bits();
			atomic {
				if
				:: (seen[0] && nempty(ring[0])) || (seen[1] && nempty(ring[1])) ||
						(FAULT != 8 && COME) ->
					asleep = false
				:: (!seen[0] || empty(ring[0])) && (!seen[1] || empty(ring[1])) &&
						!(FAULT != 8 && COME)
				fi
			};
			!asleep
		:: else
		fi
	od;
end_of_input:
	assert(merged == sent[done + 1]);
	over = true
}
