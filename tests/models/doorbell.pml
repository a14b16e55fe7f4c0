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
 * faults: 1 2 3 4
 *   1  the sender has no barrier between message and look
 *   2  the receiver has none between `asleep` and its last look
 *   3  the receiver does not look again
 *   4  a sender announces itself behind its first message
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
		:: memory_at[ASLEEP] == 1 ->
			if
			:: atomic { BARRIER(me) && memory_at[ASLEEP] == 1 -> memory_at[ASLEEP] = 0 };
				bell++ /* wax_bell_ring */
			:: atomic { BARRIER(me) && memory_at[ASLEEP] == 0 }
			fi
		:: memory_at[ASLEEP] == 0
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
	bool found;

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

		STORE(RECEIVER, ASLEEP, 1); /* wax_bell_doze */
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
		:: !found -> bell > 0; bell = 0 /* sleeps; reading an eventfd takes all rings */
		fi;
		found = false;
		STORE(RECEIVER, ASLEEP, 0); /* wax_bell_rise */
again:		skip
	od
}
