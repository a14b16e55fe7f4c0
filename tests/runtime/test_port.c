/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/port.h"

/* What is emitted is what is handed on, whether it was lent, copied or built in place. */

static struct wax_port port;
static struct wax_err err;

/* All that was handed on, as text: "key=value;" of each item, '|' behind each batch. */
static char taken[1 << 16];
static size_t taken_bytes;
static uint32_t batches;
static uint32_t largest; /* items of a batch */
static const char *last_heap;
static int take_result;

static void put(const void *bytes, size_t count)
{
	if (taken_bytes + count < sizeof(taken)) {
		if (count > 0)
			memcpy(taken + taken_bytes, bytes, count);
		taken_bytes += count;
		taken[taken_bytes] = '\0';
	}
}

static int take(struct wax_port *from, const struct wax_batch *batch)
{
	cr_assert_eq(from, &port);
	cr_assert_gt(batch->count, 0);
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_item item = wax_batch_item(batch, i);

		if (batch->keyed) {
			put(item.key.data, item.key.bytes);
			put("=", 1);
		}
		put(item.value.data, item.value.bytes);
		put(";", 1);
		cr_assert_not_null(item.value.data);
	}
	put("|", 1);
	batches++;
	largest = batch->count > largest ? batch->count : largest;
	last_heap = batch->value_heap;
	return take_result;
}

static void set_up(const struct wax_type *type)
{
	err = (struct wax_err){0};
	taken_bytes = batches = largest = 0;
	take_result = 0;
	cr_assert_eq(wax_port_init(&port, type, take, NULL, &err), 0);
}

static void tear_down(void)
{
	wax_port_fini(&port);
}

TestSuite(port, .fini = tear_down);

static struct wax_out *out(void)
{
	return &port.out;
}

static int emit(const char *text)
{
	return wax_emit(out(), text, strlen(text));
}

static void expect(const char *text)
{
	cr_assert_eq(wax_port_flush(&port), 0);
	cr_assert_str_eq(taken, text);
}

static void expect_failure(int code, const char *text)
{
	cr_assert(port.failed);
	cr_assert_eq(err.code, code, "%d: %s", err.code, err.text);
	cr_assert(strstr(err.text, text), "'%s' lacks '%s'", err.text, text);
}

/* A batch of texts, one behind the other in a heap. */
static char heap[256];
static struct wax_span spans[16];

static struct wax_batch texts(const char *words)
{
	uint32_t count = 0;

	strcpy(heap, words);
	for (char *at = heap; *at; count++) {
		uint32_t bytes = (uint32_t)strcspn(at, " ");

		spans[count] = (struct wax_span){(uint32_t)(at - heap), bytes};
		at += bytes + (at[bytes] == ' ');
	}
	return (struct wax_batch){.count = count,
			.values = spans,
			.value_heap = heap,
			.value_heap_bytes = strlen(heap)};
}

/* ---- Fixed size */

Test(port, hands_on_numbers_in_order)
{
	set_up(wax_type_struct("two", 2, 1, NULL));
	for (int i = 0; i < 5; i++)
		cr_assert_eq(wax_emit(out(), &"abcdefghij"[2 * i], 2), 0);
	cr_assert_eq(wax_port_emitted(&port), 5);
	expect("ab;cd;ef;gh;ij;|");
	cr_assert_eq(wax_port_emitted(&port), 5);
}

Test(port, hands_on_when_a_column_is_full)
{
	uint64_t number = 0;

	set_up(WAX_U64);
	cr_assert_eq(port.out.capacity, 4096);
	for (; number < 4096; number++)
		wax_emit(out(), &number, sizeof(number));
	cr_assert_eq(batches, 0, "a full batch waits for one more");
	wax_emit(out(), &number, sizeof(number));
	cr_assert_eq(batches, 1);
	cr_assert_eq(largest, 4096);
	cr_assert_eq(port.out.count, 1);
	cr_assert_eq(wax_port_emitted(&port), 4097);
}

Test(port, has_room_for_some_of_the_largest_items)
{
	char *item = calloc(1, 65536);

	set_up(wax_type_struct("large", 65536, 64, NULL));
	cr_assert_geq(port.out.capacity, 8);
	for (int i = 0; i < 30; i++)
		cr_assert_eq(wax_emit(out(), item, 65536), 0);
	cr_assert_eq(wax_port_flush(&port), 0);
	cr_assert_eq(port.delivered, 30);
	free(item);
}

Test(port, of_whole_columns_gives_room_until_it_is_full)
{
	uint64_t next = 0;

	set_up(WAX_U64);
	while (next < 10000) {
		uint32_t room = wax_out_room(out(), 3000);

		cr_assert_geq(room, 1);
		cr_assert_leq(out()->count + room, out()->capacity);
		for (uint32_t i = 0; i < room; i++)
			WAX_OUT_VALUES(out(), uint64_t)[i] = next++;
		wax_out_advance(out(), room);
	}
	cr_assert_eq(wax_port_flush(&port), 0);
	cr_assert_eq(port.delivered, next);
}

Test(port, refuses_an_item_of_the_wrong_size)
{
	set_up(WAX_U64);
	cr_assert_eq(wax_emit(out(), "abcd", 4), -EMSGSIZE);
	expect_failure(-EMSGSIZE, "emitted a value of 4 bytes where the type has 8");
}

Test(port, refuses_a_key_of_the_wrong_size)
{
	set_up(wax_type_keyed(WAX_U64, WAX_TEXT));
	cr_assert_eq(wax_emit_kv(out(), "ab", 2, "x", 1), -EMSGSIZE);
	expect_failure(-EMSGSIZE, "emitted a key of 2 bytes where the type has 8");
}

/* ---- Variable: copied */

Test(port, copies_text)
{
	char text[8] = "one";

	set_up(WAX_TEXT);
	emit(text);
	strcpy(text, "two");
	emit(text);
	expect("one;two;|");
}

Test(port, takes_items_of_no_bytes)
{
	set_up(WAX_TEXT);
	wax_emit(out(), NULL, 0);
	wax_emit(out(), "", 0);
	expect(";;|");
}

Test(port, takes_items_of_no_bytes_among_others)
{
	set_up(WAX_TEXT);
	emit("");
	emit("a");
	emit("");
	expect(";a;;|");
}

Test(port, hands_on_when_its_heap_is_full)
{
	static char item[1000];

	set_up(WAX_TEXT);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(wax_emit(out(), item, sizeof(item)), 0);
	cr_assert_eq(wax_port_flush(&port), 0);
	cr_assert_eq(port.delivered, 1000);
	cr_assert_leq(largest, WAX_PORT_HEAP_BYTES / sizeof(item) + 1);
}

Test(port, takes_an_item_larger_than_its_heap)
{
	size_t bytes = 5 * WAX_PORT_HEAP_BYTES + 3;
	char *item = malloc(bytes);

	memset(item, 'x', bytes);
	set_up(WAX_TEXT);
	emit("a");
	cr_assert_eq(wax_emit(out(), item, bytes), 0);
	emit("b");
	cr_assert_eq(wax_port_flush(&port), 0);
	cr_assert_eq(port.delivered, 3);
	cr_assert_eq(batches, 2);
	free(item);
}

Test(port, refuses_an_item_of_more_than_2_gib)
{
	set_up(WAX_TEXT);
	cr_assert_eq(wax_emit(out(), "", (size_t)1 << 31), -E2BIG);
	expect_failure(-E2BIG, "2 GiB are the most");
}

/* ---- Variable: lent */

Test(port, lends_parts_of_what_is_read)
{
	struct wax_batch batch = texts("apple banana cherry");

	set_up(WAX_TEXT);
	wax_port_read(&port, &batch);
	wax_emit(out(), heap, 5);
	wax_emit(out(), heap + 6, 3);
	wax_emit(out(), heap + 13, 6);
	cr_assert_eq(port.value.heap_used, 0, "nothing was copied");
	expect("apple;ban;cherry;|");
	cr_assert_eq(last_heap, heap);
}

Test(port, owns_what_it_lent_when_a_foreign_item_comes)
{
	struct wax_batch batch = texts("apple banana cherry");

	set_up(WAX_TEXT);
	wax_port_read(&port, &batch);
	wax_emit(out(), heap, 5);
	wax_emit(out(), heap + 13, 6);
	emit("foreign");
	wax_emit(out(), heap + 6, 6);
	cr_assert_eq(wax_port_flush(&port), 0);
	cr_assert_neq(last_heap, heap);
	cr_assert_str_eq(taken, "apple;cherry;foreign;banana;|");
}

Test(port, owns_when_a_foreign_item_comes_first)
{
	struct wax_batch batch = texts("apple banana");

	set_up(WAX_TEXT);
	wax_port_read(&port, &batch);
	emit("foreign");
	wax_emit(out(), heap, 5);
	expect("foreign;apple;|");
}

Test(port, does_not_lend_what_only_begins_in_the_batch)
{
	struct wax_batch batch = texts("apple banana");

	batch.value_heap_bytes = 8;
	set_up(WAX_TEXT);
	wax_port_read(&port, &batch);
	wax_emit(out(), heap, 5);
	wax_emit(out(), heap + 6, 6);
	expect("apple;banana;|");
}

Test(port, lends_again_when_another_batch_is_read)
{
	struct wax_batch batch = texts("apple banana");

	set_up(WAX_TEXT);
	wax_port_read(&port, &batch);
	emit("foreign");
	wax_port_flush(&port);
	wax_port_read(&port, NULL);
	wax_port_read(&port, &batch);
	wax_emit(out(), heap, 5);
	cr_assert_eq(wax_port_flush(&port), 0);
	cr_assert_eq(last_heap, heap);
	cr_assert_str_eq(taken, "foreign;|apple;|");
}

Test(port, does_not_lend_when_nothing_is_read)
{
	set_up(WAX_TEXT);
	texts("apple");
	wax_emit(out(), heap, 5);
	heap[0] = 'A';
	expect("apple;|");
}

Test(port, lends_from_a_column_of_fixed_size_items)
{
	char items[] = "abcdefgh";
	struct wax_batch batch = {.count = 2, .value_bytes = 4, .values = items};

	set_up(WAX_TEXT);
	wax_port_read(&port, &batch);
	wax_emit(out(), items, 4);
	wax_emit(out(), items + 5, 2);
	cr_assert_eq(port.value.heap_used, 0);
	expect("abcd;fg;|");
}

Test(port, lends_a_key_from_the_values_and_the_other_way_round)
{
	char keys[] = "k1k2";
	struct wax_batch batch = texts("apple banana");

	batch.keyed = 1;
	batch.key_bytes = 2;
	batch.keys = keys;
	set_up(wax_type_keyed(WAX_TEXT, WAX_TEXT));
	wax_port_read(&port, &batch);
	wax_emit_kv(out(), heap, 5, keys, 2);
	wax_emit_kv(out(), heap + 6, 6, keys + 2, 2);
	cr_assert_eq(port.value.heap_used + port.key.heap_used, 0);
	expect("apple=k1;banana=k2;|");
}

Test(port, lends_from_one_part_of_the_batch_at_a_time)
{
	char keys[] = "k1k2";
	struct wax_batch batch = texts("apple banana");

	batch.keyed = 1;
	batch.key_bytes = 2;
	batch.keys = keys;
	set_up(WAX_TEXT);
	wax_port_read(&port, &batch);
	wax_emit(out(), heap, 5);
	wax_emit(out(), keys, 2);
	wax_emit(out(), heap + 6, 6);
	expect("apple;k1;banana;|");
}

Test(port, lends_an_empty_item_between_others)
{
	struct wax_batch batch = texts("apple banana");

	set_up(WAX_TEXT);
	wax_port_read(&port, &batch);
	wax_emit(out(), heap + 3, 0);
	wax_emit(out(), heap, 5);
	wax_emit(out(), NULL, 0);
	wax_emit(out(), heap + 6, 6);
	expect(";apple;;banana;|");
}

Test(port, owns_in_time_however_many_items_lend_the_same)
{
	struct wax_batch batch = texts("0123456789");

	set_up(WAX_TEXT);
	wax_port_read(&port, &batch);
	for (int i = 0; i < 4000; i++)
		cr_assert_eq(wax_emit(out(), heap, 10), 0);
	emit("x");
	cr_assert_eq(wax_port_flush(&port), 0);
	cr_assert_eq(port.delivered, 4001);
	cr_assert_str_eq(taken + taken_bytes - 3, "x;|");
}

/* ---- Claims */

static void build(const char *text, size_t max)
{
	char *room = wax_claim(out(), NULL, 0, max);

	cr_assert_not_null(room, "%s", err.text);
	memset(room, '?', max);
	memcpy(room, text, strlen(text));
	cr_assert_eq(wax_commit(out(), strlen(text)), 0);
}

Test(port, takes_what_is_built_in_a_claim)
{
	set_up(WAX_TEXT);
	build("abc", 100);
	build("", 0);
	build("defg", 4);
	expect("abc;;defg;|");
}

Test(port, owns_what_it_lent_when_a_claim_comes)
{
	struct wax_batch batch = texts("apple banana");

	set_up(WAX_TEXT);
	wax_port_read(&port, &batch);
	wax_emit(out(), heap, 5);
	build("built", 9);
	wax_emit(out(), heap + 6, 6);
	expect("apple;built;banana;|");
}

Test(port, forgets_a_claim_that_is_not_committed)
{
	set_up(WAX_TEXT);
	wax_claim(out(), NULL, 0, 50);
	build("a", 5);
	wax_claim(out(), NULL, 0, 70000);
	emit("b");
	expect("a;b;|");
}

Test(port, refuses_to_commit_a_claim_behind_another_item)
{
	set_up(WAX_TEXT);
	cr_assert_not_null(wax_claim(out(), NULL, 0, WAX_PORT_HEAP_BYTES));
	emit("b");
	cr_assert_eq(wax_commit(out(), WAX_PORT_HEAP_BYTES), -EMSGSIZE);
	expect_failure(-EMSGSIZE, "of 0 that were claimed");
}

Test(port, refuses_to_commit_a_claim_behind_the_last_item_that_fits)
{
	uint64_t number = 7;

	set_up(WAX_U64);
	for (int i = 0; i < 4095; i++)
		wax_emit(out(), &number, sizeof(number));
	cr_assert_not_null(wax_claim(out(), NULL, 0, sizeof(number)));
	wax_emit(out(), &number, sizeof(number));
	cr_assert_eq(wax_commit(out(), sizeof(number)), -EMSGSIZE);
	cr_assert_leq(port.out.count, port.out.capacity);
}

Test(port, refuses_to_commit_what_was_not_claimed)
{
	set_up(WAX_TEXT);
	cr_assert_eq(wax_commit(out(), 1), -EMSGSIZE);
	expect_failure(-EMSGSIZE, "committed 1 bytes of 0 that were claimed");
}

Test(port, refuses_to_commit_more_than_was_claimed)
{
	set_up(WAX_TEXT);
	wax_claim(out(), NULL, 0, 10);
	cr_assert_eq(wax_commit(out(), 11), -EMSGSIZE);
	expect_failure(-EMSGSIZE, "committed 11 bytes of 10 that were claimed");
}

Test(port, refuses_to_commit_less_than_a_type_has)
{
	set_up(WAX_U64);
	cr_assert_not_null(wax_claim(out(), NULL, 0, 8));
	cr_assert_eq(wax_commit(out(), 7), -EMSGSIZE);
	expect_failure(-EMSGSIZE, "committed 7 bytes of 8 that were claimed");
}

Test(port, refuses_a_claim_that_is_too_small_for_the_type)
{
	set_up(WAX_U64);
	cr_assert_null(wax_claim(out(), NULL, 0, 7));
	expect_failure(-EMSGSIZE, "claimed 7 bytes where the type has 8");
}

Test(port, refuses_a_claim_of_more_than_2_gib)
{
	set_up(WAX_TEXT);
	cr_assert_null(wax_claim(out(), NULL, 0, (size_t)1 << 31));
	expect_failure(-E2BIG, "2 GiB are the most");
}

Test(port, gives_claims_aligned_for_the_type)
{
	set_up(wax_type_struct("aligned", 64, 64, NULL));
	for (int i = 0; i < 10; i++) {
		char *room = wax_claim(out(), NULL, 0, 64);

		cr_assert_eq((uintptr_t)room % 64, 0);
		memset(room, 'a', 64);
		wax_commit(out(), 64);
	}
	cr_assert_eq(wax_port_flush(&port), 0);
}

/* ---- Keys */

Test(port, takes_keys_in_place_and_copied)
{
	char *room;

	set_up(wax_type_keyed(WAX_TEXT, WAX_TEXT));
	wax_emit_kv(out(), "k", 1, "v", 1);
	room = wax_claim(out(), "key", 3, 10);
	memcpy(room, "value", 5);
	wax_commit(out(), 5);
	wax_emit_kv(out(), "", 0, "", 0);
	expect("k=v;key=value;=;|");
}

Test(port, forgets_the_key_of_a_claim_too)
{
	set_up(wax_type_keyed(WAX_TEXT, WAX_TEXT));
	wax_claim(out(), "lost", 4, 10);
	wax_emit_kv(out(), "k", 1, "v", 1);
	expect("k=v;|");
}

Test(port, says_what_to_call_when_a_key_is_missing)
{
	set_up(wax_type_keyed(WAX_TEXT, WAX_TEXT));
	cr_assert_eq(emit("v"), -EINVAL);
	expect_failure(-EINVAL, "emitted no key to a keyed stream: use wax_emit_kv");
}

Test(port, says_what_to_call_when_a_key_is_one_too_many)
{
	set_up(WAX_TEXT);
	cr_assert_eq(wax_emit_kv(out(), "k", 1, "v", 1), -EINVAL);
	expect_failure(-EINVAL, "emitted a key to a stream that is not keyed: use wax_emit");
}

Test(port, refuses_a_claim_without_a_key)
{
	set_up(wax_type_keyed(WAX_TEXT, WAX_TEXT));
	cr_assert_null(wax_claim(out(), NULL, 0, 4));
	expect_failure(-EINVAL, "claimed room without a key in a keyed stream");
}

Test(port, adds_the_key_of_a_stateful_step)
{
	set_up(wax_type_keyed(WAX_TEXT, WAX_TEXT));
	port.fixed_key = (struct wax_bytes){"fixed", 5};
	emit("a");
	memcpy(wax_claim(out(), NULL, 0, 1), "b", 1);
	wax_commit(out(), 1);
	expect("fixed=a;fixed=b;|");
}

/* ---- Failures */

Test(port, remembers_its_first_failure)
{
	set_up(WAX_U64);
	wax_emit(out(), "abcd", 4);
	cr_assert_eq(wax_emit(out(), "abcdefgh", 8), -ECANCELED);
	cr_assert_eq(wax_emit(out(), "ab", 2), -ECANCELED);
	cr_assert_null(wax_claim(out(), NULL, 0, 8));
	cr_assert_eq(wax_commit(out(), 8), -ECANCELED);
	cr_assert_eq(wax_port_flush(&port), -ECANCELED);
	cr_assert_eq(batches, 0);
	expect_failure(-EMSGSIZE, "emitted a value of 4 bytes");
}

Test(port, that_failed_downstream_takes_no_more)
{
	uint64_t number = 1;

	set_up(WAX_U64);
	take_result = -EIO;
	wax_emit(out(), &number, 8);
	cr_assert_eq(wax_port_flush(&port), -ECANCELED);
	cr_assert_eq(wax_emit(out(), &number, 8), -ECANCELED);
	cr_assert_eq(wax_port_flush(&port), -ECANCELED);
	cr_assert_eq(batches, 1);
	cr_assert_eq(err.code, 0, "who failed has said why");
}

Test(port, that_failed_gives_room_all_the_same)
{
	set_up(WAX_U64);
	take_result = -EIO;
	/* A loop over columns looks at its failure only afterwards. */
	for (int i = 0; i < 5; i++) {
		uint32_t room = wax_out_room(out(), 4096);

		cr_assert_geq(room, 1);
		wax_out_advance(out(), room);
	}
	cr_assert(port.failed);
}

Test(port, keeps_what_a_callback_said)
{
	set_up(WAX_U64);
	cr_assert_lt(wax_fail(out(), "line %d has no ';'", 7), 0);
	wax_fail(out(), "something else");
	wax_emit(out(), "ab", 2);
	expect_failure(-EBADMSG, "line 7 has no ';'");
}

Test(port, cuts_a_sentence_that_is_too_long)
{
	char text[3000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	set_up(WAX_U64);
	wax_fail(out(), "%s", text);
	cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
}

Test(port, has_a_place_for_what_a_callback_without_an_out_says)
{
	struct wax_err apart = {0};

	cr_assert_lt(wax_fail(NULL, "nobody hears"), 0);
	wax_port_fail_to(&apart);
	cr_assert_lt(wax_fail(NULL, "no %s", "good"), 0);
	cr_assert_lt(wax_fail(NULL, "something else"), 0);
	wax_port_fail_to(NULL);
	cr_assert_eq(apart.code, -EBADMSG);
	cr_assert_str_eq(apart.text, "no good");
}

/* ---- Handing on */

Test(port, can_be_flushed_in_the_middle)
{
	set_up(WAX_TEXT);
	emit("a");
	wax_out_flush(out());
	wax_out_flush(out());
	emit("b");
	expect("a;|b;|");
	cr_assert_eq(batches, 2);
}

Test(port, forgets_a_claim_when_it_is_flushed)
{
	set_up(WAX_TEXT);
	emit("a");
	wax_claim(out(), NULL, 0, 10);
	wax_out_flush(out());
	cr_assert_eq(wax_commit(out(), 3), -EMSGSIZE);
	cr_assert_str_eq(taken, "a;|");
}

Test(port, lends_a_whole_batch_behind_what_is_open)
{
	struct wax_batch batch = texts("apple banana");

	set_up(WAX_TEXT);
	emit("first");
	cr_assert_eq(wax_port_lend(&port, &batch), 0);
	emit("last");
	expect("first;|apple;banana;|last;|");
	cr_assert_eq(wax_port_emitted(&port), 4);
}

Test(port, lends_no_empty_batch)
{
	struct wax_batch batch = {0};

	set_up(WAX_TEXT);
	cr_assert_eq(wax_port_lend(&port, &batch), 0);
	cr_assert_eq(batches, 0);
}

Test(port, forgets_what_is_cleared)
{
	set_up(WAX_TEXT);
	emit("a");
	wax_port_clear(&port);
	emit("b");
	expect("b;|");
}

/* ---- Guarded */

static int gaps;

static int note_gap(struct wax_port *from)
{
	(void)from;
	gaps++;
	return 0;
}

Test(port, withdraws_what_was_emitted_for_an_item)
{
	set_up(WAX_TEXT);
	gaps = 0;
	port.gap = note_gap;
	wax_port_guard(&port);
	emit("a");
	wax_port_guard(&port);
	emit("b");
	emit("c");
	cr_assert_eq(wax_fail(out(), "no more"), -EBADMSG);
	cr_assert(port.refused);
	cr_assert_not(wax_port_broke(&port));
	emit("d");
	cr_assert_eq(wax_port_withdraw(&port), 0);
	cr_assert_eq(gaps, 1);
	cr_assert_not(port.failed);
	wax_port_guard(&port);
	emit("e");
	wax_port_unguard(&port);
	expect("a;e;|");
}

Test(port, that_broke_is_told_from_one_that_refused)
{
	set_up(WAX_U32);
	wax_port_guard(&port);
	wax_emit(out(), "abc", 3);
	cr_assert(wax_port_broke(&port));
	wax_fail(out(), "too late");
	cr_assert(wax_port_broke(&port));
	expect_failure(-EMSGSIZE, "emitted a value of 3 bytes");
}

Test(port, guarded_keeps_the_items_of_a_call_together)
{
	set_up(WAX_U64);
	uint32_t usual = port.usual;
	uint64_t number = 0;

	for (uint32_t i = 0; i < usual - 1; i++)
		wax_emit(out(), &number, sizeof(number));
	wax_port_guard(&port);
	for (uint32_t i = 0; i < 5 * usual; i++) {
		wax_emit(out(), &number, sizeof(number));
		wax_out_flush(out());
	}
	/* What stood before went on, once. */
	cr_assert_eq(batches, 1);
	cr_assert_eq(largest, usual - 1);
	cr_assert_eq(wax_port_emitted(&port), 6 * usual - 1);
	cr_assert_eq(wax_port_withdraw(&port), 0);
	cr_assert_eq(wax_port_emitted(&port), usual - 1);
	cr_assert_eq(out()->capacity, usual);

	wax_port_guard(&port);
	for (uint32_t i = 0; i < 3 * usual; i++)
		wax_emit(out(), &number, sizeof(number));
	wax_port_unguard(&port);
	cr_assert_eq(wax_port_flush(&port), 0);
	cr_assert_eq(batches, 2);
	cr_assert_eq(largest, 3 * usual);
	cr_assert_eq(out()->capacity, usual, "batches are no larger from then on");
}

Test(port, guarded_moves_keys_and_spans_of_what_it_keeps)
{
	set_up(wax_type_keyed(WAX_TEXT, WAX_TEXT));
	wax_emit_kv(out(), "k", 1, "first", 5);
	wax_port_guard(&port);
	wax_emit_kv(out(), "l", 1, "second", 6);
	wax_out_flush(out());
	wax_emit_kv(out(), "m", 1, "third", 5);
	wax_port_guard(&port);
	wax_emit_kv(out(), "n", 1, "fourth", 6);
	wax_out_flush(out());
	cr_assert_eq(wax_port_withdraw(&port), 0);
	wax_port_unguard(&port);
	expect("k=first;|l=second;m=third;|");
}

Test(port, guarded_gives_room_after_a_refusal)
{
	set_up(WAX_U64);
	uint32_t usual = port.usual;
	uint64_t number = 7;

	wax_emit(out(), &number, sizeof(number));
	wax_port_guard(&port);
	wax_fail(out(), "no");
	for (uint32_t done = 0; done < 3 * usual;) {
		uint32_t room = wax_out_room(out(), usual);

		cr_assert_gt(room, 0);
		wax_out_advance(out(), room);
		done += room;
	}
	cr_assert_eq(wax_port_withdraw(&port), 0);
	wax_port_unguard(&port);
	cr_assert_eq(wax_port_flush(&port), 0);
	cr_assert_eq(port.delivered, 1);
}

Test(port, of_a_limit_hands_on_no_more_at_a_time)
{
	set_up(WAX_U64);
	wax_port_limit(&port, 3);
	wax_port_limit(&port, 1000000);
	for (uint64_t i = 0; i < 10; i++)
		wax_emit(out(), &i, sizeof(i));
	cr_assert_eq(wax_port_flush(&port), 0);
	cr_assert_eq(batches, 4);
	cr_assert_eq(largest, 3);
}
