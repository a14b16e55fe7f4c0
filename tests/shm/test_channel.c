/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shm/channel.h"

enum { SLABS = 2, INLINES = 4, CREDITS = SLABS + INLINES, RING = 8 };

static const struct wax_segment_plan plan = {2, 1, 512, SLABS, INLINES};

static struct wax_segment make_or_fail(void)
{
	struct wax_segment segment;
	cr_assert_eq(wax_segment_make(&plan, &segment, NULL), 0);
	cr_assert_eq(segment.layout.ring_slots, RING);
	return segment;
}

/* Both ends after `number` messages, which all came home: slots and returns hold their last lap. */
static void open_at(const struct wax_segment *segment, uint32_t number, struct wax_tx *tx,
		struct wax_rx *rx)
{
	*tx = wax_tx_open(segment, 0, 1);
	*rx = wax_rx_open(segment, 1, 0);
	tx->sent = tx->reclaimed = rx->received = rx->returned = number;
	for (uint32_t i = 0; i <= tx->slot_mask; i++) {
		uint32_t last = number - tx->slot_mask + i;
		wax_store_relaxed(&tx->slots[(last - 1) & tx->slot_mask].seq, last);
	}
	for (uint32_t i = 0; i <= tx->return_mask; i++) {
		uint32_t last = number - tx->return_mask + i;
		wax_store_relaxed(&tx->returns[(last - 1) & tx->return_mask], (uint64_t)last << 32);
	}
}

static void push_number(struct wax_tx *tx, uint64_t number)
{
	struct wax_slot *slot = wax_tx_slot(tx);
	slot->kind = WAX_SLOT_INLINE;
	slot->epoch = number;
	wax_tx_push(tx);
}

Test(channel, new_one_is_empty_both_ways)
{
	struct wax_segment segment = make_or_fail();
	struct wax_tx tx = wax_tx_open(&segment, 0, 1);
	struct wax_rx rx = wax_rx_open(&segment, 1, 0);
	uint32_t what;

	cr_assert_null(wax_rx_peek(&rx));
	cr_assert_not(wax_tx_reclaim(&tx, &what));
}

Test(channel, message_is_seen_until_it_is_popped)
{
	struct wax_segment segment = make_or_fail();
	struct wax_tx tx = wax_tx_open(&segment, 0, 1);
	struct wax_rx rx = wax_rx_open(&segment, 1, 0);

	push_number(&tx, 77);
	for (int i = 0; i < 3; i++) {
		const struct wax_slot *slot = wax_rx_peek(&rx);
		cr_assert_not_null(slot);
		cr_assert_eq(slot->epoch, 77);
	}
	wax_rx_pop(&rx);
	cr_assert_null(wax_rx_peek(&rx));
}

Test(channel, slot_that_is_built_but_not_pushed_is_not_seen)
{
	struct wax_segment segment = make_or_fail();
	struct wax_tx tx = wax_tx_open(&segment, 0, 1);
	struct wax_rx rx = wax_rx_open(&segment, 1, 0);

	memset(wax_tx_slot(&tx)->payload, 'x', WAX_INLINE_BYTES);
	wax_tx_slot(&tx)->kind = WAX_SLOT_INLINE;
	cr_assert_null(wax_rx_peek(&rx));
	wax_tx_push(&tx);
	cr_assert_not_null(wax_rx_peek(&rx));

	/* In later laps the slot holds an old number. */
	wax_rx_pop(&rx);
	for (int i = 0; i < 3 * RING; i++) {
		wax_tx_slot(&tx)->kind = WAX_SLOT_INLINE;
		cr_assert_null(wax_rx_peek(&rx));
		wax_tx_push(&tx);
		cr_assert_not_null(wax_rx_peek(&rx));
		wax_rx_pop(&rx);
	}
}

Test(channel, directions_and_pairs_do_not_mix)
{
	struct wax_segment segment = make_or_fail();
	struct wax_tx there = wax_tx_open(&segment, 0, 1);
	struct wax_rx at_0 = wax_rx_open(&segment, 0, 1);
	struct wax_rx at_1 = wax_rx_open(&segment, 1, 0);
	struct wax_tx back = wax_tx_open(&segment, 1, 0);
	uint32_t what;

	push_number(&there, 1);
	cr_assert_null(wax_rx_peek(&at_0));
	cr_assert_not_null(wax_rx_peek(&at_1));
	wax_rx_return(&at_1, 5);
	cr_assert_not(wax_tx_reclaim(&back, &what));
	cr_assert(wax_tx_reclaim(&there, &what));
	cr_assert_eq(what, 5);
}

static void go_full_laps(struct wax_tx *tx, struct wax_rx *rx)
{
	for (uint64_t lap = 0; lap < 5; lap++) {
		for (uint64_t i = 0; i < RING; i++)
			push_number(tx, lap * RING + i);
		for (uint64_t i = 0; i < RING; i++) {
			const struct wax_slot *slot = wax_rx_peek(rx);
			cr_assert_not_null(slot);
			cr_assert_eq(slot->epoch, lap * RING + i);
			wax_rx_pop(rx);
		}
		cr_assert_null(wax_rx_peek(rx));
	}
}

Test(channel, full_lap_of_the_ring_is_kept)
{
	struct wax_segment segment = make_or_fail();
	struct wax_tx tx = wax_tx_open(&segment, 0, 1);
	struct wax_rx rx = wax_rx_open(&segment, 1, 0);

	go_full_laps(&tx, &rx);
}

Test(channel, credits_come_home_in_the_order_of_their_return)
{
	struct wax_segment segment = make_or_fail();
	struct wax_tx tx = wax_tx_open(&segment, 0, 1);
	struct wax_rx rx = wax_rx_open(&segment, 1, 0);
	static const uint32_t sent[] = {1, 0, WAX_RETURN_INLINE | 1023, 0x7fffffff, 0, UINT32_MAX};
	uint32_t what;

	for (int lap = 0; lap < 50; lap++) {
		for (size_t i = 0; i < CREDITS; i++)
			wax_rx_return(&rx, sent[i]);
		for (size_t i = 0; i < CREDITS; i++) {
			cr_assert(wax_tx_reclaim(&tx, &what));
			cr_assert_eq(what, sent[i]);
		}
		cr_assert_not(wax_tx_reclaim(&tx, &what));
	}
}

Test(channel, numbers_wrap_around_without_a_gap)
{
	for (uint32_t before = 0; before < 2 * RING; before++) {
		struct wax_segment segment = make_or_fail();
		struct wax_tx tx;
		struct wax_rx rx;
		uint32_t what;

		open_at(&segment, UINT32_MAX - before, &tx, &rx);
		for (uint64_t i = 0; i < 6 * RING; i++) {
			cr_assert_null(wax_rx_peek(&rx), "%u before the end, message %zu", before,
					(size_t)i);
			cr_assert_not(wax_tx_reclaim(&tx, &what));
			push_number(&tx, i);
			const struct wax_slot *slot = wax_rx_peek(&rx);
			cr_assert_not_null(slot);
			cr_assert_eq(slot->epoch, i);
			wax_rx_pop(&rx);
			wax_rx_return(&rx, (uint32_t)i);
			cr_assert(wax_tx_reclaim(&tx, &what));
			cr_assert_eq(what, i);
		}
		wax_segment_free(&segment);
	}
}

Test(channel, full_laps_wrap_around_too)
{
	struct wax_segment segment = make_or_fail();
	struct wax_tx tx;
	struct wax_rx rx;

	open_at(&segment, UINT32_MAX - 2 * RING - 3, &tx, &rx);
	go_full_laps(&tx, &rx);
}

static void pause_a_little(void)
{
	sched_yield();
}

/* What a child receives: slabs that hold their message's number. */
static int receive_all(const struct wax_segment *segment, struct wax_rx *rx, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		const struct wax_slot *slot;
		while (!(slot = wax_rx_peek(rx)))
			pause_a_little();
		if (slot->epoch != i)
			return 1;
		uint32_t what = slot->kind == WAX_SLOT_SLAB ? slot->slab : WAX_RETURN_INLINE;
		const uint64_t *at = slot->kind == WAX_SLOT_SLAB
				? (const uint64_t *)wax_segment_slab(segment, 0, slot->slab)
				: (const uint64_t *)slot->payload;
		if (*at != i * 3)
			return 3;
		wax_rx_pop(rx);
		wax_rx_return(rx, what);
	}
	return wax_rx_peek(rx) ? 4 : 0;
}

/* The sender's credit: which slabs are here, and how many inline messages may go. */
struct purse {
	bool here[SLABS];
	uint32_t inlines;
};

static void reclaim_all(struct wax_tx *tx, struct purse *purse)
{
	uint32_t what;
	while (wax_tx_reclaim(tx, &what)) {
		if (what == WAX_RETURN_INLINE) {
			purse->inlines++;
			continue;
		}
		cr_assert_lt(what, SLABS);
		cr_assert_not(purse->here[what], "slab %u came home twice", what);
		purse->here[what] = true;
	}
}

static void send_one(const struct wax_segment *segment, struct wax_tx *tx, struct purse *purse,
		uint64_t number)
{
	uint64_t content = number * 3;
	for (;;) {
		reclaim_all(tx, purse);
		struct wax_slot *slot = wax_tx_slot(tx);
		slot->epoch = number;
		if (purse->inlines && number % 3 == 0) {
			purse->inlines--;
			slot->kind = WAX_SLOT_INLINE;
			memcpy(slot->payload, &content, sizeof(content));
			wax_tx_push(tx);
			return;
		}
		for (uint32_t slab = 0; slab < SLABS; slab++) {
			if (!purse->here[slab])
				continue;
			purse->here[slab] = false;
			slot->kind = WAX_SLOT_SLAB;
			slot->slab = slab;
			memcpy(wax_segment_slab(segment, 0, slab), &content, sizeof(content));
			wax_tx_push(tx);
			return;
		}
		pause_a_little();
	}
}

static void send_across_a_fork(uint32_t first_number)
{
	enum { COUNT = 20000 };
	struct wax_segment segment = make_or_fail();
	struct wax_tx tx;
	struct wax_rx rx;
	struct purse purse = {{true, true}, INLINES};

	open_at(&segment, first_number, &tx, &rx);
	pid_t child = fork();
	if (child == 0)
		_exit(receive_all(&segment, &rx, COUNT));

	for (uint64_t i = 0; i < COUNT; i++)
		send_one(&segment, &tx, &purse, i);

	int status;
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0, "the child found fault %d", WEXITSTATUS(status));
	reclaim_all(&tx, &purse);
	cr_assert(purse.here[0] && purse.here[1]);
	cr_assert_eq(purse.inlines, INLINES);
}

Test(channel, child_receives_all_in_order_and_all_credit_comes_home)
{
	send_across_a_fork(0);
}

Test(channel, so_it_does_across_the_wrap_of_the_numbers)
{
	send_across_a_fork(UINT32_MAX - 5000);
}
