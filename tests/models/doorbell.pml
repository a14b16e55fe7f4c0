/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going to sleep and being woken (shm/bell.h): one receiver, two senders, on a machine with a store
 * buffer for each process, as x86 has (total store order): a store waits in the buffer of its
 * process, in order, and others see it when memory() takes it out, at any later time. Loads do not
 * wait. A barrier, and an exchange, waits until the own buffer is empty.
 *
 * Each sender announces itself, sends its messages and after each one looks whether to ring. The
 * receiver ends when it has all messages. A lost wake-up is a receiver that waits for the bell for
 * ever: an invalid end state.
 *
 * It sleeps or naps. Sender 0 has what cannot wait and rings for both; sender 1 has a few items,
 * for which it does not ring when the receiver naps. A nap ends by itself, but that is to be of no
 * help to sender 0: with its message unread only the bell ends it.
 *
 * faults: 1 2 3 4 5
 *   1  the sender has no barrier between message and look
 *   2  the receiver has none between `asleep` and its last look
 *   3  the receiver does not look again
 *   4  a sender announces itself behind its first message
 *   5  what cannot wait does not ring for a nap
 */
#ifndef FAULT
#define FAULT 0
#endif

#define SENDERS 2
#define MESSAGES(s) (3 - 2 * (s)) /* one sends but once: nothing later makes up for it */
#define RECEIVER SENDERS /* index of its buffer */

/* Addresses: messages of a sender, its bit, the sleep word. */
#define SENT(s) (s)
#define BIT(s) (SENDERS + (s))
#define ASLEEP (2 * SENDERS)

byte memory_at[2 * SENDERS + 1];
chan buffer[SENDERS + 1] = [3] of { byte, byte };
byte bell; /* the eventfd: rings that were not yet read */

/* What the sleep word says. */
#define AWAKE 0
#define SLEEPS 1
#define NAPS 2

/* Does the word say that this sender should ring? */
#define WANTED(who) (memory_at[ASLEEP] == SLEEPS \
	|| (who == 0 && FAULT != 5 && memory_at[ASLEEP] == NAPS))

#define STORE(who, address, value) buffer[who]!address, value
#define BARRIER(who) empty(buffer[who])

/* Takes stores out of the buffers, whenever it likes. */
active proctype memory()
{
	byte address, value;
end:	do
	:: atomic { buffer[0]?address, value -> memory_at[address] = value; address = 0; value = 0 }
	:: atomic { buffer[1]?address, value -> memory_at[address] = value; address = 0; value = 0 }
	:: atomic { buffer[2]?address, value -> memory_at[address] = value; address = 0; value = 0 }
	od
}

active [SENDERS] proctype sender()
{
	byte me = _pid - 1, sent = 0;

	do
	:: sent < MESSAGES(me) ->
		if
		:: sent == 0 && FAULT != 4 ->
			/* wax_bell_announce: a read-modify-write */
			atomic { BARRIER(me) -> memory_at[BIT(me)] = 1 }
		:: else
		fi;
		sent++;
		STORE(me, SENT(me), sent);
		if /* wax_bell_barrier */
		:: FAULT != 1 -> BARRIER(me)
		:: else
		fi;
		if /* wax_bell_wanted: a load, then an exchange */
		:: WANTED(me) ->
			if
			:: atomic { BARRIER(me) && memory_at[ASLEEP] != AWAKE -> memory_at[ASLEEP] = AWAKE };
				bell++ /* wax_bell_ring */
			:: atomic { BARRIER(me) && memory_at[ASLEEP] == AWAKE }
			fi
		:: !WANTED(me)
		fi;
		if
		:: FAULT == 4 && sent == 1 -> atomic { BARRIER(me) -> memory_at[BIT(me)] = 1 }
		:: else
		fi
	:: else -> break
	od
}

active proctype receiver()
{
	byte received[SENDERS];
	byte s;
	bool found, nap;

	do
	:: received[0] == MESSAGES(0) && received[1] == MESSAGES(1) -> break
	:: else ->
		/* Look into the rings of those that are announced; more than once in a row or not
		 * at all, so that the sleep meets the senders everywhere. */
		if
		:: skip
		:: true ->
			s = 0;
			do
			:: s < SENDERS ->
				if
				:: memory_at[BIT(s)] == 1 -> received[s] = memory_at[SENT(s)]
				:: else
				fi;
				s++
			:: else -> break
			od;
			s = 0;
			goto again
		fi;

		if /* wax_bell_doze */
		:: STORE(RECEIVER, ASLEEP, SLEEPS)
		:: nap = true; STORE(RECEIVER, ASLEEP, NAPS)
		fi;
		if
		:: FAULT != 2 -> BARRIER(RECEIVER)
		:: else
		fi;
		found = false;
		s = 0;
		do
		:: s < SENDERS && FAULT != 3 ->
			if
			:: memory_at[BIT(s)] == 1 ->
				if
				:: memory_at[SENT(s)] != received[s] -> found = true
				:: else
				fi
			:: else
			fi;
			s++
		:: else -> break
		od;
		s = 0;
		if
		:: found
		:: !found ->
			if
			:: bell > 0 -> bell = 0 /* reading an eventfd takes all rings */
			:: nap && memory_at[SENT(0)] == received[0] /* it was long enough */
			fi
		fi;
		found = false;
		nap = false;
		STORE(RECEIVER, ASLEEP, AWAKE); /* wax_bell_rise */
again:		skip
	od
}
