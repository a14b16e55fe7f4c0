/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/runtime/exchange_net.h"

/*
 * One property at a time, with the exchanges of two or three workers in this process;
 * sim_exchange mixes all of them.
 */

static struct net net;

enum { SLAB = 512, SLABS = 2, INLINES = 4 };

static void set_up(uint32_t workers, enum wax_route route, const struct wax_type *type)
{
	net_init(&net, workers, SLAB, SLABS, INLINES);
	net_add_edge(&net, route, type, 1);
	net_open(&net, true);
}

static void tear_down(void)
{
	if (net.plan.worker_count > 0)
		net_close(&net);
}

TestSuite(exchange, .fini = tear_down);

static void send(uint32_t from, const char *key, const char *value)
{
	net_send_one(&net, from, 0, key, key ? strlen(key) : 0, value, strlen(value));
}

static void send_number(uint32_t from, uint64_t number)
{
	net_send_one(&net, from, 0, NULL, 0, &number, sizeof(number));
}

static void end_epoch(uint32_t from, uint64_t epoch)
{
	wax_exchange_end_epoch(net.exchanges[from], 0, epoch);
}

static void end_input(uint32_t from)
{
	wax_exchange_end_input(net.exchanges[from], 0);
}

static void receive(uint32_t to)
{
	cr_assert_geq(wax_exchange_receive(net.exchanges[to], &net.err), 0, "%s", net.err.text);
}

static int next(uint32_t to, struct wax_batch *batch)
{
	return wax_exchange_next(net.exchanges[to], 0, batch, &net.err);
}

/* What arrives at a worker until there is no more: "item;" of each, '|' behind a batch, 'E' for an
 * epoch, '.' for the end. */
static const char *arrivals(uint32_t to)
{
	static char text[8192];
	struct wax_batch batch;
	size_t used = 0;

	receive(to);
	for (;;) {
		int arrival = next(to, &batch);

		cr_assert_geq(arrival, 0, "%s", net.err.text);
		if (arrival == WAX_ARRIVAL_NONE)
			break;
		if (arrival != WAX_ARRIVAL_BATCH) {
			text[used++] = arrival == WAX_ARRIVAL_EPOCH ? 'E' : '.';
			continue;
		}
		for (uint32_t i = 0; i < batch.count && used < sizeof(text) - 64; i++) {
			struct wax_bytes value = wax_batch_value(&batch, i);
			int bytes = value.bytes < 32 ? (int)value.bytes : 32;

			used += (size_t)snprintf(text + used, sizeof(text) - used, "%.*s;", bytes,
					(const char *)value.data);
		}
		text[used++] = '|';
		wax_exchange_release(net.exchanges[to], 0);
	}
	text[used] = '\0';
	return text;
}

/* All that arrives anywhere, and how many items there are. */
static uint64_t count_arrivals(uint32_t to)
{
	struct wax_batch batch;
	uint64_t items = 0;

	receive(to);
	while (next(to, &batch) == WAX_ARRIVAL_BATCH) {
		items += batch.count;
		wax_exchange_release(net.exchanges[to], 0);
	}
	return items;
}

static void expect_whole(void)
{
	cr_assert(net_is_whole(&net));
}

/* ---- Ways of a message */

Test(exchange, sends_nothing_before_it_is_flushed)
{
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	send(1, NULL, "hello");
	cr_assert(wax_exchange_dirty(net.exchanges[1]));
	cr_assert_str_eq(arrivals(0), "");
	net_flush(&net);
	cr_assert_not(wax_exchange_dirty(net.exchanges[1]));
	cr_assert_str_eq(arrivals(0), "hello;|");
	expect_whole();
}

Test(exchange, flushes_only_what_is_old_enough)
{
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	wax_exchange_now(net.exchanges[1], 100);
	send(1, NULL, "hello");
	wax_exchange_flush(net.exchanges[1], 100);
	cr_assert_str_eq(arrivals(0), "");
	wax_exchange_flush(net.exchanges[1], 101);
	cr_assert_str_eq(arrivals(0), "hello;|");
}

Test(exchange, sends_very_small_batches_in_the_message)
{
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	for (int i = 0; i < INLINES; i++) {
		send(1, NULL, "16 bytes of text");
		net_flush(&net);
	}
	cr_assert_eq(net.exchanges[1]->out[0].lanes[0].free_count, SLABS);
	cr_assert_eq(net.exchanges[1]->out[0].lanes[0].inline_free, 0);
	send(1, NULL, "16 bytes of text");
	net_flush(&net);
	cr_assert_eq(net.exchanges[1]->out[0].lanes[0].free_count, SLABS - 1,
			"then it takes a slab");
	for (int i = 0; i < INLINES + 1; i++)
		cr_assert_eq(count_arrivals(0), i == 0 ? INLINES + 1 : 0);
	expect_whole();
}

Test(exchange, sends_one_byte_more_in_a_slab)
{
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	send(1, NULL, "17 bytes of text!");
	net_flush(&net);
	cr_assert_eq(net.exchanges[1]->out[0].lanes[0].inline_free, INLINES);
	cr_assert_str_eq(arrivals(0), "17 bytes of text!;|");
	expect_whole();
}

Test(exchange, sends_to_itself_without_a_ring)
{
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	send(0, NULL, "hello");
	net_flush(&net);
	cr_assert_not(wax_exchange_pending(net.exchanges[0]));
	cr_assert(wax_exchange_sent_own(net.exchanges[0]), "there is something to do");
	cr_assert_not(wax_exchange_sent_own(net.exchanges[0]));
	cr_assert_str_eq(arrivals(0), "hello;|");
	expect_whole();
}

/* The pieces of a large item go home though nothing has arrived: so must be noticed what they make
 * room for. */
Test(exchange, says_that_it_sent_itself_what_had_waited)
{
	char large[5 * SLAB];

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	send(0, NULL, large);
	net_flush(&net);
	for (int turns = 0; wax_exchange_blocked(net.exchanges[0], 0); turns++) {
		struct wax_batch batch;

		cr_assert_lt(turns, 10);
		cr_assert_eq(next(0, &batch), WAX_ARRIVAL_NONE);
		wax_exchange_unblock(net.exchanges[0], 0);
		cr_assert(wax_exchange_sent_own(net.exchanges[0]));
	}
	cr_assert_eq(count_arrivals(0), 1);
	expect_whole();
}

Test(exchange, cuts_large_items_into_pieces)
{
	static char large[10 * SLAB];
	struct wax_batch batch;
	bool arrived = false;

	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)(i * 7);
	set_up(2, WAX_ROUTE_PART, WAX_BYTES);
	net_send_one(&net, 1, 0, NULL, 0, "before", 6);
	net_send_one(&net, 1, 0, NULL, 0, large, sizeof(large));
	net_send_one(&net, 1, 0, NULL, 0, "after", 5);
	net_flush(&net);
	for (int turns = 0; !arrived; turns++) {
		cr_assert_lt(turns, 100);
		wax_exchange_unblock(net.exchanges[1], 0);
		receive(0);
		if (next(0, &batch) != WAX_ARRIVAL_BATCH)
			continue;
		struct wax_bytes value = wax_batch_value(&batch, 0);

		arrived = value.bytes == sizeof(large);
		if (arrived)
			cr_assert_eq(memcmp(value.data, large, sizeof(large)), 0);
		wax_exchange_release(net.exchanges[0], 0);
	}
	net_unblock(&net);
	cr_assert_str_eq(arrivals(0), "after;|");
	expect_whole();
}

Test(exchange, cuts_fixed_items_that_no_slab_holds)
{
	static char large[2000];

	set_up(2, WAX_ROUTE_PART, wax_type_struct("two_thousand", sizeof(large), 8, NULL));
	for (int i = 0; i < 5; i++)
		net_send_one(&net, 1, 0, NULL, 0, large, sizeof(large));
	uint64_t items = 0;

	for (int turns = 0; items < 5; turns++) {
		cr_assert_lt(turns, 100);
		net_flush(&net);
		net_unblock(&net);
		items += count_arrivals(0);
	}
	net_unblock(&net);
	expect_whole();
}

/* A slab that held larger items before is divided for few, but one at least. */
Test(exchange, sends_small_items_in_slabs_after_large_ones)
{
	char large[3 * SLAB];

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	send(1, NULL, large);
	net_flush(&net);
	for (int i = 0; i < 4; i++) {
		net_unblock(&net);
		count_arrivals(0);
	}
	cr_assert_not(wax_exchange_blocked(net.exchanges[1], 0));
	send(1, NULL, "a small item of more than a message");
	net_flush(&net);
	cr_assert_not(wax_exchange_blocked(net.exchanges[1], 0), "there was a slab");
	cr_assert_eq(count_arrivals(0), 1);
	expect_whole();
}

/* ---- Routes */

Test(exchange, sends_equal_keys_to_one_worker)
{
	uint32_t owner[50];
	char key[16];

	set_up(3, WAX_ROUTE_KEY, wax_type_keyed(WAX_TEXT, WAX_TEXT));
	memset(owner, 0xff, sizeof(owner));
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 50; i++) {
			uint32_t found = 0;

			snprintf(key, sizeof(key), "key%u", i);
			send(round, key, "v");
			net_flush(&net);
			for (uint32_t to = 0; to < 3; to++) {
				if (count_arrivals(to) == 0)
					continue;
				found++;
				cr_assert(round == 0 || owner[i] == to);
				owner[i] = to;
			}
			cr_assert_eq(found, 1);
		}
	}
	expect_whole();
}

Test(exchange, routes_a_key_of_8_bytes_as_it_routes_its_text)
{
	uint64_t key = UINT64_C(0x0123456789abcdef);

	set_up(3, WAX_ROUTE_KEY, wax_type_keyed(WAX_U64, WAX_U64));
	net_send_one(&net, 0, 0, &key, 8, &key, 8);
	net_flush(&net);
	uint64_t fixed = count_arrivals(0) | count_arrivals(1) << 1 | count_arrivals(2) << 2;

	net_close(&net);
	set_up(3, WAX_ROUTE_KEY, wax_type_keyed(WAX_BYTES, WAX_U64));
	net_send_one(&net, 0, 0, &key, 8, &key, 8);
	net_flush(&net);
	cr_assert_eq(fixed, count_arrivals(0) | count_arrivals(1) << 1 | count_arrivals(2) << 2);
}

Test(exchange, deals_items_evenly)
{
	set_up(3, WAX_ROUTE_ITEMS, WAX_U64);
	for (uint64_t i = 0; i < 30; i++)
		send_number(1, i);
	net_flush(&net);
	for (uint32_t to = 0; to < 3; to++)
		cr_assert_eq(count_arrivals(to), 10);
	expect_whole();
}

Test(exchange, deals_whole_batches_in_turn)
{
	struct net_sender sender;
	uint64_t got = 0;

	set_up(3, WAX_ROUTE_BATCHES, WAX_U64);
	for (uint64_t batch = 0; batch < 3; batch++) {
		net_sender_open(&net, &sender, 0, 0);
		for (uint64_t i = 0; i < 20; i++)
			wax_emit(&sender.port.out, &i, sizeof(i));
		net_sender_close(&sender);
	}
	net_flush(&net);
	for (uint32_t to = 0; to < 3; to++) {
		uint64_t items = count_arrivals(to);

		cr_assert_eq(items, 20);
		got += items;
	}
	cr_assert_eq(got, 60);
}

Test(exchange, passes_over_who_is_slow_when_it_deals_batches)
{
	struct net_sender sender;
	uint64_t fast = 0;

	set_up(2, WAX_ROUTE_BATCHES, WAX_U64);
	/* Worker 1 never reads. */
	for (uint64_t batch = 0; batch < 50; batch++) {
		net_sender_open(&net, &sender, 0, 0);
		for (uint64_t i = 0; i < 64; i++)
			wax_emit(&sender.port.out, &i, sizeof(i));
		net_sender_close(&sender);
		net_flush(&net);
		fast += count_arrivals(0);
	}
	cr_assert_not(wax_exchange_blocked(net.exchanges[0], 0));
	cr_assert_geq(fast, (50 - SLABS) * 64);
	cr_assert_eq(fast + count_arrivals(1), 50 * 64);
}

Test(exchange, gives_every_worker_a_copy_in_the_order_of_the_sender)
{
	set_up(3, WAX_ROUTE_ALL, WAX_TEXT);
	send(1, NULL, "first");
	send(1, NULL, "second");
	net_flush(&net);
	for (uint32_t to = 0; to < 3; to++)
		cr_assert_str_eq(arrivals(to), "first;second;|");
	expect_whole();
}

Test(exchange, keeps_the_copy_for_who_is_slow_until_it_reads)
{
	uint64_t fast = 0, sent = 0;

	set_up(2, WAX_ROUTE_ALL, WAX_U64);
	/* Worker 1 never reads: the sender may go on until its credit there is used up. */
	while (!wax_exchange_blocked(net.exchanges[0], 0)) {
		send_number(0, sent++);
		net_flush(&net);
		fast += count_arrivals(0);
		cr_assert_lt(sent, 100);
	}
	cr_assert_eq(fast, sent);
	end_epoch(0, 1);
	end_epoch(1, 1);
	for (uint64_t slow = 0; slow < sent; net_unblock(&net))
		slow += count_arrivals(1);
	cr_assert_eq(count_arrivals(0), 0);
	expect_whole();
	cr_assert_eq(wax_load_relaxed(&net.exchanges[0]->out[0].counters->items_out), 2 * sent);
}

Test(exchange, deals_partitions_to_workers_in_turn)
{
	char key[16];

	net_init(&net, 3, SLAB, SLABS, INLINES);
	net_add_edge(&net, WAX_ROUTE_PART, wax_type_keyed(WAX_TEXT, WAX_TEXT), 2);
	net_open(&net, true);
	for (uint32_t i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		send(2, key, "v");
		net_flush(&net);
		cr_assert_eq(count_arrivals(0) + count_arrivals(1), 1);
		cr_assert_eq(count_arrivals(2), 0, "which has no partition");
	}
	expect_whole();
}

Test(exchange, keeps_a_queue_within_its_worker)
{
	set_up(2, WAX_ROUTE_LOCAL, WAX_TEXT);
	send(0, NULL, "zero");
	send(1, NULL, "one");
	net_flush(&net);
	cr_assert_str_eq(arrivals(0), "zero;|");
	cr_assert_str_eq(arrivals(1), "one;|");
	expect_whole();
}

/* ---- Credit */

/* Send numbers until the sender is blocked. */
static uint64_t fill_up(uint32_t from)
{
	uint64_t sent = 0;

	while (!wax_exchange_blocked(net.exchanges[from], 0)) {
		send_number(from, sent++);
		cr_assert_lt(sent, 10000);
	}
	return sent;
}

Test(exchange, blocks_when_credit_runs_out_and_goes_on_when_it_returns)
{
	uint64_t sent, got;

	set_up(2, WAX_ROUTE_PART, WAX_U64);
	sent = fill_up(1);
	cr_assert_gt(sent, SLABS * SLAB / 8);
	cr_assert_not(wax_exchange_unblock(net.exchanges[1], 0));
	cr_assert_not(wax_exchange_pending(net.exchanges[1]));

	got = count_arrivals(0);
	cr_assert_eq(got, SLABS * SLAB / 8);
	cr_assert(wax_exchange_pending(net.exchanges[1]), "a sleeper would see it");
	cr_assert(wax_exchange_unblock(net.exchanges[1], 0));
	net_flush(&net);
	net_unblock(&net);
	cr_assert_eq(got + count_arrivals(0), sent);
	expect_whole();
}

Test(exchange, lends_slabs_until_they_are_released)
{
	struct wax_batch batch;

	set_up(2, WAX_ROUTE_PART, WAX_U64);
	fill_up(1);
	receive(0);
	cr_assert_eq(next(0, &batch), WAX_ARRIVAL_BATCH);
	cr_assert_not(wax_exchange_unblock(net.exchanges[1], 0), "the batch is still read");
	wax_exchange_release(net.exchanges[0], 0);
	cr_assert(wax_exchange_unblock(net.exchanges[1], 0));
}

Test(exchange, holds_up_no_other_edge_when_one_is_blocked)
{
	struct wax_batch batch;
	uint64_t number = 1;

	net_init(&net, 2, SLAB, SLABS, INLINES);
	net_add_edge(&net, WAX_ROUTE_PART, WAX_U64, 1);
	net_add_edge(&net, WAX_ROUTE_PART, WAX_U64, 1);
	net_open(&net, true);
	fill_up(1);
	net_send_one(&net, 1, 1, NULL, 0, &number, sizeof(number));
	net_flush(&net);
	receive(0);
	cr_assert_eq(wax_exchange_next(net.exchanges[0], 1, &batch, &net.err), WAX_ARRIVAL_BATCH);
	wax_exchange_release(net.exchanges[0], 1);
}

Test(exchange, counts_how_often_it_was_blocked)
{
	set_up(2, WAX_ROUTE_PART, WAX_U64);
	wax_exchange_now(net.exchanges[1], 1000);
	fill_up(1);
	count_arrivals(0);
	wax_exchange_now(net.exchanges[1], 5000);
	wax_exchange_unblock(net.exchanges[1], 0);

	const struct wax_edge_counters *counters = wax_control_edge(&net.control, 1, 0);

	cr_assert_eq(wax_load_relaxed(&counters->blocked), 1);
	cr_assert_eq(wax_load_relaxed(&counters->blocked_ns), 4000);
}

Test(exchange, keeps_the_order_behind_an_outbox)
{
	uint64_t expected = 0;
	struct wax_batch batch;

	set_up(2, WAX_ROUTE_PART, WAX_U64);
	for (uint64_t i = 0; i < 2000; i++) {
		send_number(1, i);
		if (i % 300 == 0)
			net_flush(&net);
		if (i % 7 == 0)
			net_unblock(&net);
		receive(0);
		while (i % 90 == 0 && next(0, &batch) == WAX_ARRIVAL_BATCH) {
			for (uint32_t j = 0; j < batch.count; j++)
				cr_assert_eq(WAX_VALUES(&batch, uint64_t)[j], expected++);
			wax_exchange_release(net.exchanges[0], 0);
		}
	}
	for (int turns = 0; turns < 100; turns++) {
		net_flush(&net);
		net_unblock(&net);
		receive(0);
		while (next(0, &batch) == WAX_ARRIVAL_BATCH) {
			for (uint32_t j = 0; j < batch.count; j++)
				cr_assert_eq(WAX_VALUES(&batch, uint64_t)[j], expected++);
			wax_exchange_release(net.exchanges[0], 0);
		}
	}
	cr_assert_eq(expected, 2000);
	expect_whole();
}

/* ---- Marks */

Test(exchange, sends_marks_behind_what_is_open)
{
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	send(1, NULL, "a");
	end_epoch(1, 1);
	end_epoch(0, 1);
	cr_assert_str_eq(arrivals(0), "a;|E");
}

Test(exchange, sends_marks_behind_an_outbox)
{
	uint64_t sent, got = 0;
	struct wax_batch batch;
	int arrival = WAX_ARRIVAL_NONE;

	set_up(2, WAX_ROUTE_PART, WAX_U64);
	end_epoch(0, 1);
	sent = fill_up(1);
	end_epoch(1, 1);
	for (int turns = 0; arrival != WAX_ARRIVAL_EPOCH; turns++) {
		cr_assert_lt(turns, 1000);
		net_unblock(&net);
		receive(0);
		arrival = next(0, &batch);
		if (arrival == WAX_ARRIVAL_BATCH) {
			got += batch.count;
			wax_exchange_release(net.exchanges[0], 0);
		}
	}
	cr_assert_eq(got, sent, "all of the epoch came before its end");
}

Test(exchange, aligns_an_epoch_by_not_reading)
{
	set_up(3, WAX_ROUTE_PART, WAX_TEXT);
	end_epoch(1, 1);
	send(1, NULL, "next epoch");
	send(2, NULL, "this epoch");
	net_flush(&net);
	cr_assert_str_eq(arrivals(0), "this epoch;|");
	end_epoch(2, 1);
	cr_assert_str_eq(arrivals(0), "", "worker 0 itself is missing");
	end_epoch(0, 1);
	cr_assert_str_eq(arrivals(0), "E");
	cr_assert_str_eq(arrivals(0), "", "not before it is resumed");
	wax_exchange_resume(net.exchanges[0], 0);
	cr_assert_str_eq(arrivals(0), "next epoch;|");
}

Test(exchange, ends_when_all_have_ended)
{
	set_up(3, WAX_ROUTE_PART, WAX_TEXT);
	end_input(0);
	end_input(1);
	send(2, NULL, "last");
	cr_assert_str_eq(arrivals(0), "");
	end_input(2);
	cr_assert_str_eq(arrivals(0), "last;|.");
	cr_assert_str_eq(arrivals(1), ".");
	cr_assert_str_eq(arrivals(2), ".");
	expect_whole();
}

Test(exchange, does_not_wait_for_the_mark_of_who_has_ended)
{
	set_up(3, WAX_ROUTE_PART, WAX_TEXT);
	end_input(0);
	end_epoch(1, 1);
	end_epoch(2, 1);
	cr_assert_str_eq(arrivals(0), "E");
	wax_exchange_resume(net.exchanges[0], 0);
	end_input(1);
	end_input(2);
	cr_assert_str_eq(arrivals(0), ".");
}

Test(exchange, takes_an_end_for_the_mark_that_was_missing)
{
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	end_epoch(0, 1);
	cr_assert_str_eq(arrivals(0), "");
	end_input(1);
	cr_assert_str_eq(arrivals(0), "E");
	wax_exchange_resume(net.exchanges[0], 0);
	end_input(0);
	cr_assert_str_eq(arrivals(0), ".");
}

Test(exchange, takes_a_mark_only_when_the_mark_of_all_before_it_has_come)
{
	set_up(3, WAX_ROUTE_PART, WAX_TEXT);
	end_epoch(2, 1);
	cr_assert_not(wax_exchange_pending(net.exchanges[0]), "of worker 0 first");
	end_epoch(0, 1);
	cr_assert(wax_exchange_pending(net.exchanges[0]));
	receive(0);
	cr_assert_not(wax_exchange_pending(net.exchanges[0]), "of worker 1 now");
	end_epoch(1, 1);
	cr_assert(wax_exchange_pending(net.exchanges[0]));
	cr_assert_str_eq(arrivals(0), "E");
}

Test(exchange, marks_on_a_channel_without_items_touch_neither_ring_nor_bit)
{
	set_up(3, WAX_ROUTE_KEY, wax_type_keyed(WAX_U64, WAX_U64));
	for (uint32_t from = 0; from < 3; from++)
		end_epoch(from, 1);
	for (uint32_t to = 0; to < 3; to++) {
		cr_assert_str_eq(arrivals(to), "E");
		wax_exchange_resume(net.exchanges[to], 0);
	}
	for (uint32_t from = 0; from < 3; from++)
		end_input(from);
	for (uint32_t to = 0; to < 3; to++) {
		cr_assert_str_eq(arrivals(to), ".");
		cr_assert_eq(wax_bell_senders(wax_segment_bell(&net.segment, to), 0), 0);
	}
	const struct wax_segment_header *layout = &net.segment.layout;
	const char *bytes = (const char *)net.segment.header;
	for (uint64_t i = layout->rings_offset; i < layout->bytes; i++)
		cr_assert_eq(bytes[i], 0, "byte %lu was written", (unsigned long)i);
}

/* Does one worker ring another, which sleeps and wants to be woken for this? */
static bool rings(uint32_t from, uint32_t to, uint32_t what_for)
{
	struct wax_bell *bell = wax_segment_bell(&net.segment, to);
	uint64_t count = 0;

	net.bells[to] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	wax_bell_doze(bell, what_for);
	wax_exchange_ring(net.exchanges[from]);
	wax_bell_rise(bell);
	bool rung = read(net.bells[to], &count, sizeof(count)) == (ssize_t)sizeof(count);
	close(net.bells[to]);
	return rung;
}

static void send_numbers(uint32_t from, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		send_number(from, i);
	net_flush(&net);
}

Test(exchange, rings_for_a_few_items_who_does_not_nap)
{
	set_up(2, WAX_ROUTE_PART, WAX_U64);
	send_numbers(1, 1);
	cr_assert_not(rings(1, 0, WAX_BELL_NOW));
	cr_assert_eq(count_arrivals(0), 1, "they are found without a bell");
	send_numbers(1, 1);
	cr_assert(rings(1, 0, WAX_BELL_NOW | WAX_BELL_SOON));
	cr_assert_not(rings(1, 0, WAX_BELL_ALL), "there is nothing new");
}

Test(exchange, rings_for_a_full_slab_in_any_case)
{
	set_up(2, WAX_ROUTE_PART, WAX_U64);
	send_numbers(1, SLAB / 8 + 1);
	cr_assert(rings(1, 0, WAX_BELL_NOW));
}

Test(exchange, rings_in_any_case_before_it_is_out_of_credit)
{
	set_up(2, WAX_ROUTE_PART, WAX_U64);
	for (int round = 0; round < 3; round++) {
		send_numbers(1, 10);
		cr_assert_not(rings(1, 0, WAX_BELL_NOW), "there is a slab left");
		send_numbers(1, 10);
		cr_assert(rings(1, 0, WAX_BELL_NOW), "that was the last slab");
		count_arrivals(0);
	}
	/* With the credit home, though it was not yet looked at. */
	send_numbers(1, 10);
	count_arrivals(0);
	send_numbers(1, 10);
	cr_assert_not(rings(1, 0, WAX_BELL_NOW));
}

Test(exchange, rings_for_credit_only_who_waits_for_it)
{
	set_up(2, WAX_ROUTE_PART, WAX_U64);
	send_numbers(1, 10);
	count_arrivals(0);
	cr_assert_not(rings(0, 1, WAX_BELL_NOW | WAX_BELL_SOON));
	send_numbers(1, 10);
	count_arrivals(0);
	cr_assert(rings(0, 1, WAX_BELL_NOW | WAX_BELL_CREDIT));
}

Test(exchange, wakes_all_who_receive_when_it_marks)
{
	set_up(3, WAX_ROUTE_PART, WAX_TEXT);
	for (uint32_t i = 0; i < 3; i++) {
		net.bells[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		wax_bell_doze(wax_segment_bell(&net.segment, i), WAX_BELL_ALL);
	}
	end_epoch(1, 1);
	wax_exchange_ring(net.exchanges[1]);
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t rings = 0;
		ssize_t bytes = read(net.bells[i], &rings, sizeof(rings));

		cr_assert_eq(bytes, i == 1 ? -1 : (ssize_t)sizeof(rings), "worker %u", i);
		close(net.bells[i]);
	}
}

Test(exchange, aligns_many_epochs)
{
	set_up(2, WAX_ROUTE_KEY, wax_type_keyed(WAX_TEXT, WAX_TEXT));
	for (uint64_t epoch = 1; epoch < 200; epoch++) {
		for (uint32_t from = 0; from < 2; from++) {
			send(from, "k", "v");
			end_epoch(from, epoch);
		}
		for (uint32_t to = 0; to < 2; to++) {
			const char *text = arrivals(to);

			cr_assert_eq(text[strlen(text) - 1], 'E');
			wax_exchange_resume(net.exchanges[to], 0);
		}
	}
	expect_whole();
}

/* ---- Damage: exchange_damage.h has all of it, these have their sentences */

static struct wax_slot *first_message(uint32_t from, uint32_t to)
{
	return wax_segment_ring(&net.segment, from, to);
}

static void send_a_slab(void)
{
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	send(1, NULL, "something that needs a slab");
	net_flush(&net);
}

static void expect_damage(const char *what)
{
	struct wax_batch batch;
	int r = wax_exchange_receive(net.exchanges[0], &net.err);

	if (r >= 0)
		r = next(0, &batch);
	cr_assert_eq(r, -EBADMSG);
	cr_assert(strstr(net.err.text, "worker 0 got a damaged message from worker 1"), "%s",
			net.err.text);
	cr_assert(strstr(net.err.text, what), "%s", net.err.text);
}

Test(exchange, reports_an_edge_that_does_not_exist)
{
	send_a_slab();
	first_message(1, 0)->edge = 1;
	expect_damage("of an edge that does not exist");
}

Test(exchange, reports_a_mark_that_is_too_far)
{
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	end_epoch(0, 1);
	wax_mark_post(wax_segment_mark(&net.segment, 1, 0), wax_mark_of(2, false));
	expect_damage("the end of an epoch that is not open");
}

Test(exchange, reports_a_mark_that_goes_back)
{
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	for (uint32_t from = 0; from < 2; from++)
		end_epoch(from, 1);
	cr_assert_str_eq(arrivals(0), "E");
	wax_exchange_resume(net.exchanges[0], 0);
	end_epoch(0, 2);
	wax_mark_post(wax_segment_mark(&net.segment, 1, 0), wax_mark_of(0, false));
	expect_damage("the end of an epoch that is not open");
}

Test(exchange, does_not_read_its_own_mark_from_shared_memory)
{
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	wax_mark_post(wax_segment_mark(&net.segment, 0, 0), wax_mark_of(77, true));
	send(0, NULL, "mine");
	net_flush(&net);
	cr_assert_str_eq(arrivals(0), "mine;|");
}

Test(exchange, reports_a_message_behind_no_open_epoch)
{
	send_a_slab();
	first_message(1, 0)->epoch = 2;
	expect_damage("of another epoch");
}

Test(exchange, reports_a_message_in_front_of_a_mark_that_was_taken)
{
	set_up(2, WAX_ROUTE_PART, WAX_TEXT);
	end_epoch(1, 1);
	end_epoch(0, 1);
	receive(0);
	send(1, NULL, "something that needs a slab");
	net_flush(&net);
	first_message(1, 0)->epoch = 0;
	expect_damage("of another epoch");
}

Test(exchange, reports_a_slab_of_another_lane)
{
	send_a_slab();
	first_message(1, 0)->slab = SLABS;
	expect_damage("step \"test.step\"");
}

Test(exchange, reports_a_batch_larger_than_its_slab)
{
	send_a_slab();
	first_message(1, 0)->heap_bytes = SLAB;
	expect_damage("a batch that no slab can hold");
}

Test(exchange, reports_more_items_than_fit)
{
	send_a_slab();
	first_message(1, 0)->count = first_message(1, 0)->capacity + 1;
	expect_damage("a batch that no slab can hold");
}

Test(exchange, reports_items_outside_of_their_batch)
{
	send_a_slab();
	struct wax_span *span = (struct wax_span *)wax_segment_slab(
			&net.segment, 1, first_message(1, 0)->slab);

	span->at = 1;
	expect_damage("items outside of their batch");
}

Test(exchange, reports_a_kind_that_is_unknown)
{
	send_a_slab();
	first_message(1, 0)->kind = 77;
	expect_damage("of no known kind");
}

Test(exchange, does_not_follow_a_header_that_was_written_over)
{
	send_a_slab();
	memset(net.segment.header, 0xff, sizeof(*net.segment.header));
	cr_assert_str_eq(arrivals(0), "something that needs a slab;|");
	for (int i = 0; i < 100; i++)
		send(1, NULL, "something that needs a slab");
	net_flush(&net);
	cr_assert(wax_exchange_blocked(net.exchanges[1], 0));
}

Test(exchange, takes_back_no_slab_from_who_does_not_have_it)
{
	set_up(3, WAX_ROUTE_PART, WAX_U64);
	fill_up(1);
	/* Worker 2 claims to return what worker 0 has. */
	struct wax_rx rx = wax_rx_open(&net.segment, 2, 1);

	end_epoch(1, 1);
	wax_rx_return(&rx, wax_segment_lane_slab(&net.segment.layout, 0, 0));
	wax_exchange_reclaim(net.exchanges[1]);
	cr_assert_eq(net.exchanges[1]->out[0].lanes[0].free_count, 0);
}
