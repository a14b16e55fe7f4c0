/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand-over through numbered slots (shm/channel.h): a ring of messages there, a ring of credits
 * back, no shared index. Each access to shared memory is a step of its own, in the order that
 * release and acquire keep; numbers wrap around (modulo 8), so the run is endless.
 *
 * Credits name slabs: a message carries one, the receiver holds it for a while and sends them home
 * in any order. A mark has no credit, but only two may be unread (the epoch's rule, epoch.pml).
 *
 * Holds: no slot and no slab is written before it was read; messages arrive once, in order; with
 * all messages read and all slabs home the sender never waits (no invalid end state).
 *
 * faults: 1 2 3 4
 *   1  a third mark is sent while two may be unread
 *   2  the number is stored before the message
 *   3  the receiver returns the slab before it has read it
 *   4  a slab is counted as home when it was sent: credit for nothing
 */
#ifndef FAULT
#define FAULT 0
#endif

#define CREDITS 2
#define MARKS (2 + (FAULT == 1))
#define SLOTS 4 /* all credits and marks: none to spare */
#define RETURNS 2
#define MOD 8
#define MARK 7 /* instead of a slab */

byte seq[SLOTS], what[SLOTS], content[SLOTS];
byte return_seq[RETURNS], return_what[RETURNS];
byte slab[CREDITS];

/*
 * Ghosts: no process decides by them, but for the rule of the mark. And what was read is set to 0
 * where nothing will look at it, which keeps the states few.
 */
bool unread[SLOTS], unread_slab[CREDITS];
byte marks_away;

#define NEXT(x) x = (x + 1) % MOD

active proctype sender()
{
	byte sent = 0, reclaimed = 0, i, carry;
	bool here[CREDITS];

	here[0] = true; here[1] = true;
	do
	:: /* build a message or a mark, then its number */
		if
		:: here[0] -> carry = 0
		:: here[1] -> carry = 1
		:: marks_away < MARKS -> carry = MARK; marks_away++
		:: return_seq[reclaimed % RETURNS] == (reclaimed + 1) % MOD -> goto reclaim
		fi;
		if
		:: carry != MARK ->
			here[carry] = (FAULT == 4);
			d_step {
				assert(!unread_slab[carry]);
				slab[carry] = sent;
				unread_slab[carry] = true
			}
		:: else
		fi;
		i = sent % SLOTS;
		if
		:: FAULT == 2 -> seq[i] = (sent + 1) % MOD
		:: else
		fi;
		d_step { assert(!unread[i]); what[i] = carry; unread[i] = true };
		content[i] = sent;
		d_step { seq[i] = (sent + 1) % MOD; NEXT(sent); i = 0; carry = 0 };
		goto again;
reclaim:
		skip;
		d_step {
			i = return_what[reclaimed % RETURNS];
			assert(FAULT == 4 || !here[i]);
			here[i] = true;
			return_what[reclaimed % RETURNS] = 0;
			NEXT(reclaimed);
			i = 0; carry = 0
		};
again:		skip
	od
}

active proctype receiver()
{
	byte received = 0, returned = 0, i, carry;
	bool held[CREDITS];
	byte held_content[CREDITS];

	do
	:: seq[received % SLOTS] == (received + 1) % MOD ->
		i = received % SLOTS;
		carry = what[i];
		assert(content[i] == received); /* the next, and nothing of another */
		assert(unread[i]);
		d_step { unread[i] = false; what[i] = 0; content[i] = 0 };
		if
		:: carry == MARK -> marks_away--
		:: else ->
			assert(!held[carry]);
			held_content[carry] = received;
			held[carry] = true
		fi;
		d_step { NEXT(received); i = 0; carry = 0 }
	:: /* process some slab in place, then send it home */
		if
		:: held[0] -> carry = 0
		:: held[1] -> carry = 1
		fi;
		if
		:: FAULT == 3 -> goto early
		:: else
		fi;
		d_step {
			assert(slab[carry] == held_content[carry]);
			unread_slab[carry] = false;
			slab[carry] = 0;
			held_content[carry] = 0;
			held[carry] = false
		};
		return_what[returned % RETURNS] = carry;
		d_step { NEXT(returned); return_seq[(returned + MOD - 1) % RETURNS] = returned };
		goto done;
early:
		return_what[returned % RETURNS] = carry;
		d_step { NEXT(returned); return_seq[(returned + MOD - 1) % RETURNS] = returned };
		assert(slab[carry] == held_content[carry]);
		unread_slab[carry] = false;
		held[carry] = false;
done:		skip;
		d_step { i = 0; carry = 0 }
	od
}
