/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How epochs are committed and a run that keeps state ends (runtime/snapshot.c, launcher/epochs.c):
 * the launcher and two workers, each with a source and a sink.
 *
 * A worker reads the epoch, then the stop word, then what is committed, once a turn. When the epoch
 * was advanced it takes a snapshot, whose way to the disk takes time; when it is durable the worker
 * says so. When all have said so the launcher commits: sinks then show what lies before. The next
 * epoch begins when all sinks know of the commit. When all inputs have ended, or a stop was asked
 * for, there is a last epoch, and when that is committed the workers go.
 *
 * A crash may come at any time: the run then goes on from the least durable epoch of all workers. So
 * at any time nothing may be shown, or called committed, that is newer.
 *
 * Holds: that; no snapshot while the one before is on its way; no sink prepares an epoch while it has
 * another to show; a run that ends has processed nothing behind its last snapshot, has shown all of
 * it, and, unless it was stopped, has read all input; every run ends.
 *
 * faults: 1 2 3 4 5 6 7 8
 *   1  a worker says that an epoch is done before it is durable
 *   2  the launcher commits what one worker has
 *   3  the stop word is read before the epoch
 *   4  the launcher tells the workers to go before the last epoch is committed
 *   5  a worker goes before its sink has shown what is committed
 *   6  the next epoch begins while a sink has something to show
 *   7  the last epoch begins when one worker has finished
 *   8  the launcher advances by its clock alone
 */
#ifndef FAULT
#define FAULT 0
#endif

#define WORKERS 2
#define ITEMS 2 /* of each source */
#define EPOCHS 3 /* that the clock begins */

#define SUSPEND 2
#define QUIT 3

byte epoch = 1, committed, stop; /* the launcher's words */
byte done[WORKERS], told[WORKERS];
bool finished[WORKERS];

/* On disk: it outlives a crash. */
byte durable[WORKERS];

/* Ghosts. */
byte shown[WORKERS];
bool stopped;

#define LEAST(what) (what[0] < what[1] -> what[0] : what[1])
#define SOME_DONE (FAULT == 2 && (done[0] >= epoch - 1 || done[1] >= epoch - 1))
#define ALL_DONE (done[0] >= epoch - 1 && done[1] >= epoch - 1)
#define ALL_TOLD (FAULT == 6 || (told[0] >= epoch - 1 && told[1] >= epoch - 1))
#define ALL_FINISHED (finished[0] && finished[1])
#define ENDING (stop == SUSPEND || ALL_FINISHED || (FAULT == 7 && (finished[0] || finished[1])))

active proctype launcher()
{
	byte last;

	do
	/* commit() */
	:: atomic { (ALL_DONE || SOME_DONE) && committed < epoch - 1 ->
			committed = epoch - 1;
			assert(committed <= LEAST(durable))
	   }
	/* try_to_advance(), by the clock */
	:: atomic { epoch < EPOCHS && last == 0 && ((ALL_DONE && ALL_TOLD) || FAULT == 8) -> epoch++ }
	/* a signal */
	:: atomic { stop == 0 && last == 0 -> stop = SUSPEND; stopped = true }
	/* end_behind_last() */
	:: atomic { ENDING && last == 0 && ALL_DONE && ALL_TOLD -> last = epoch; epoch++ }
	:: atomic { last > 0 && (committed >= last || FAULT == 4) -> stop = QUIT; break }
	od
}

active [WORKERS] proctype worker()
{
	byte me = _pid - 1, mine = 1, left = ITEMS, unsaved, seen_epoch = 1, seen_stop, seen;
	bool flying, turned;

	do
	:: /* a turn: look_at_launcher */
		if
		:: FAULT == 3 -> seen_stop = stop; seen_epoch = epoch
		:: else -> seen_epoch = epoch; seen_stop = stop
		fi;
		seen = committed;
		/* wax_snapshot_turn: is it durable? */
		if
		:: flying ->
			durable[me] = mine - 1;
			flying = false
		:: true /* not yet */
		fi;
		if
		:: done[me] < durable[me] || (FAULT == 1 && done[me] < mine - 1) ->
			done[me] = (FAULT == 1 -> mine - 1 : durable[me])
		:: else
		fi;
		/* tell_committed: a sink may take its time */
		if
		:: told[me] < seen ->
			atomic {
				shown[me] = seen;
				assert(shown[me] <= LEAST(durable));
				told[me] = seen
			}
		:: true
		fi;
		/* run_stages: the end of the epoch first, then the source */
		if
		:: seen_epoch > mine ->
			assert(!flying);
			assert(told[me] >= mine - 1); /* the sink prepares nothing meanwhile */
			unsaved = 0;
			mine++;
			flying = true
		:: else
		fi;
		if
		:: left > 0 && seen_stop < SUSPEND -> left--; unsaved++
		:: else
		fi;
		if
		:: left == 0 && !flying && done[me] == mine - 1 -> finished[me] = true
		:: left == 0 && !flying && done[me] < mine - 1
		:: else
		fi;
		if
		:: seen_stop == QUIT && (told[me] >= seen || FAULT == 5) -> break
		:: else
		fi
	od;
	assert(unsaved == 0);
	assert(durable[me] == mine - 1);
	assert(shown[me] == mine - 1);
	assert(left == 0 || stopped)
}
