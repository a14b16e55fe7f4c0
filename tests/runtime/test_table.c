/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/short_key.h"
#include "runtime/table.h"
#include "runtime/table_track.h"

/* An allocator of which the n-th call fails. */
static int calls_left = -1; /* -1: none fails */
static size_t held_bytes;

static void *failing_alloc(size_t bytes)
{
	void *memory;

	if (calls_left == 0)
		return NULL;
	if (calls_left > 0)
		calls_left--;
	memory = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
	cr_assert_not_null(memory);
	held_bytes += bytes;
	return memset(memory, 0, bytes);
}

static void failing_release(void *memory, size_t bytes)
{
	held_bytes -= bytes;
	free(memory);
}

static void init(struct wax_table *table, uint32_t key_bytes, uint32_t state_bytes)
{
	wax_table_init(table, key_bytes, state_bytes, 0);
	table->alloc = failing_alloc;
	table->release = failing_release;
	calls_left = -1;
	held_bytes = 0;
}

static void fini(struct wax_table *table)
{
	cr_assert_eq(wax_table_bytes(table), held_bytes);
	wax_table_fini(table);
	cr_assert_eq(wax_table_bytes(table), 0);
	cr_assert_eq(held_bytes, 0, "%zu bytes are left", held_bytes);
}

static bool holds(const struct wax_table *table, const void *state, struct wax_bytes key)
{
	struct wax_bytes known = wax_table_key(table, state);

	return known.bytes == key.bytes &&
			(key.bytes == 0 || memcmp(known.data, key.data, key.bytes) == 0);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Keys of every kind: number i as a key of so many bytes; 0: of a length that varies with it. */
#define LONGEST 3000

static struct wax_bytes make_key(char *room, uint64_t number, uint32_t key_bytes)
{
	size_t bytes = key_bytes;

	if (!bytes)
		bytes = number % 50 == 7 ? 1000 + number % 2000 : number % 40;
	/* The shortest keys are few, so let a number that does not fit be a longer one. */
	if (!key_bytes && bytes < 4)
		bytes += 8;
	memset(room, (int)(number & 0x7f), bytes);
	memcpy(room, &number, bytes < sizeof(number) ? bytes : sizeof(number));
	return (struct wax_bytes){room, bytes};
}

#define MODEL_COUNT 3000

static void check_model(struct wax_table *table, const uint64_t *model, uint32_t key_bytes)
{
	struct wax_table_walk walk = {0};
	uint64_t expected = 0, met = 0;
	char room[LONGEST];

	for (uint64_t number = 0; number < MODEL_COUNT; number++) {
		struct wax_bytes key = make_key(room, number, key_bytes);
		uint64_t *state = wax_table_find(table, key);

		cr_assert_eq(state != NULL, model[number] != 0, "key %lu", (unsigned long)number);
		if (!state)
			continue;
		expected++;
		cr_assert(holds(table, state, key));
		cr_assert_eq(*state, model[number]);
	}
	while (wax_table_next(table, &walk))
		met++;
	cr_assert_eq(met, expected);
	cr_assert_eq(table->count, expected);
}

static void run_against_model(uint32_t key_bytes)
{
	static uint64_t model[MODEL_COUNT];
	struct wax_table table;
	uint64_t random = 12345;
	char room[LONGEST];

	init(&table, key_bytes, 24);
	for (int step = 0; step < 100000; step++) {
		/* Waves of growth and decline. */
		bool declines = step / 10000 % 2;
		uint64_t number = next_random(&random) % MODEL_COUNT;
		struct wax_bytes key = make_key(room, number, key_bytes);
		bool removes = next_random(&random) % 4 < (declines ? 3u : 1u);

		if (removes && model[number]) {
			wax_table_remove(&table, wax_table_find(&table, key));
			model[number] = 0;
		} else if (!removes) {
			bool added;
			uint64_t *state = wax_table_get(&table, key, &added);

			cr_assert_eq((uintptr_t)state % 16, 0);
			cr_assert_eq(added, model[number] == 0);
			cr_assert_eq(*state, model[number], "a new state is zero");
			model[number] = ++*state;
			memset(state + 1, 0xff, 16);
		}
		if (step % 10000 == 9999)
			check_model(&table, model, key_bytes);
	}
	fini(&table);
}

Test(table, of_8_byte_keys_does_what_an_array_does)
{
	run_against_model(8);
}

Test(table, of_4_byte_keys_does_what_an_array_does)
{
	run_against_model(4);
}

Test(table, of_keys_of_another_size_does_what_an_array_does)
{
	run_against_model(23);
}

Test(table, of_keys_longer_than_an_entry_holds_does_what_an_array_does)
{
	run_against_model(1500);
}

Test(table, of_keys_of_any_length_does_what_an_array_does)
{
	run_against_model(0);
}

Test(table, empty_key_is_a_key)
{
	struct wax_bytes none = {NULL, 0};
	struct wax_table table;
	bool added;

	init(&table, 0, 8);
	cr_assert_null(wax_table_find(&table, none));
	void *state = wax_table_get(&table, none, &added);
	cr_assert(added);
	cr_assert_eq(wax_table_get(&table, none, &added), state);
	cr_assert_not(added);
	fini(&table);
}

Test(table, keys_that_differ_in_length_differ)
{
	struct wax_table table;

	init(&table, 0, 0);
	for (size_t bytes = 0; bytes < 40; bytes++)
		wax_table_get(&table,
				(struct wax_bytes){
						"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", bytes},
				NULL);
	cr_assert_eq(table.count, 40);
	fini(&table);
}

Test(table, state_is_aligned_as_asked)
{
	for (uint32_t align = 1; align <= 64; align *= 2) {
		struct wax_table table;

		wax_table_init(&table, 0, 64, align);
		for (size_t bytes = 0; bytes < 30; bytes++) {
			struct wax_bytes key = {"abcdefghijklmnopqrstuvwxyz0123", bytes};
			void *state = wax_table_get(&table, key, NULL);

			cr_assert_eq((uintptr_t)state % align, 0);
		}
		wax_table_fini(&table);
	}
}

Test(table, state_stays_at_its_place_while_others_come_and_go)
{
	struct wax_table table;
	uint64_t first = 1, other;

	init(&table, 8, 8);
	void *state = wax_table_get(&table, (struct wax_bytes){&first, 8}, NULL);
	for (other = 2; other < 100000; other++) {
		struct wax_bytes key = {&other, 8};

		wax_table_get(&table, key, NULL);
		if (other % 3 == 0)
			wax_table_remove(&table, wax_table_find(&table, key));
	}
	cr_assert_eq(wax_table_find(&table, (struct wax_bytes){&first, 8}), state);
	fini(&table);
}

Test(table, memory_of_a_removed_key_is_used_again)
{
	struct wax_table table;
	uint64_t key = 7, other = 8;
	struct wax_bytes bytes = {&key, 8};
	bool added;

	init(&table, 8, 8);
	uint64_t *state = wax_table_get(&table, bytes, NULL);
	*state = 99;
	wax_table_remove(&table, state);
	cr_assert_null(wax_table_find(&table, bytes));
	cr_assert_eq(wax_table_get(&table, (struct wax_bytes){&other, 8}, &added), state);
	cr_assert(added);
	cr_assert_eq(*state, 0);
	cr_assert_null(wax_table_find(&table, bytes));
	fini(&table);
}

static void run_churn(uint32_t key_bytes)
{
	char room[LONGEST];
	struct wax_table table;
	size_t bytes = 0;

	init(&table, key_bytes, 40);
	for (uint64_t number = 0; number < 200000; number++) {
		wax_table_get(&table, make_key(room, number, key_bytes), NULL);
		if (number < 5000)
			continue;
		wax_table_remove(&table,
				wax_table_find(&table, make_key(room, number - 5000, key_bytes)));
		/* Once each size has been there, nothing new is needed. */
		if (number == 20000)
			bytes = wax_table_bytes(&table);
	}
	cr_assert_leq(wax_table_bytes(&table), bytes + bytes / 50);
	fini(&table);
}

Test(table, keys_that_come_and_go_need_no_more_memory)
{
	run_churn(8);
}

Test(table, keys_of_any_length_that_come_and_go_need_no_more_memory)
{
	run_churn(0);
}

Test(table, many_are_removed_together)
{
	struct wax_table table;
	void *states[1000];

	init(&table, 8, 8);
	for (uint64_t key = 0; key < 3000; key++) {
		void *state = wax_table_get(&table, (struct wax_bytes){&key, 8}, NULL);

		if (key % 3 == 0)
			states[key / 3] = state;
	}
	wax_table_remove_many(&table, states, 1000);
	cr_assert_eq(table.count, 2000);
	for (uint64_t key = 0; key < 3000; key++)
		cr_assert_eq(!wax_table_find(&table, (struct wax_bytes){&key, 8}), key % 3 == 0);
	wax_table_remove_many(&table, NULL, 0);
	fini(&table);
}

Test(table, walk_is_in_the_order_of_arrival)
{
	struct wax_table_walk walk = {0};
	struct wax_table table;

	init(&table, 8, 8);
	for (uint64_t key = 0; key < 10000; key++)
		wax_table_get(&table, (struct wax_bytes){&key, 8}, NULL);
	for (uint64_t key = 0; key < 10000; key++) {
		void *state = wax_table_next(&table, &walk);

		cr_assert_eq(memcmp(wax_table_key(&table, state).data, &key, 8), 0);
		/* Removing the one just met is allowed. */
		if (key % 2)
			wax_table_remove(&table, state);
	}
	cr_assert_null(wax_table_next(&table, &walk));
	cr_assert_eq(table.count, 5000);
	fini(&table);
}

Test(table, clear_forgets_the_keys_and_keeps_the_memory)
{
	struct wax_table table;
	size_t bytes = 0;

	init(&table, 8, 8);
	for (int round = 0; round < 3; round++) {
		for (uint64_t key = 0; key < 50000; key++) {
			struct wax_bytes of = {&key, 8};
			uint64_t *state = wax_table_get(&table, of, NULL);

			cr_assert_eq(*state, 0);
			*state = key + 1;
		}
		if (round == 0)
			bytes = wax_table_bytes(&table);
		cr_assert_eq(wax_table_bytes(&table), bytes);
		cr_assert_eq(table.count, 50000);
		wax_table_clear(&table);
		cr_assert_eq(table.count, 0);
	}
	fini(&table);
}

Test(table, clear_frees_long_keys)
{
	char room[LONGEST];
	struct wax_table table;

	init(&table, 0, 8);
	wax_table_get(&table, make_key(room, 7, 2000), NULL);
	wax_table_clear(&table);
	cr_assert_lt(wax_table_bytes(&table), 6000);
	fini(&table);
}

/* ---- batches */

#define BATCH_COUNT 3000

static struct wax_batch number_batch(const void *keys, uint32_t key_bytes)
{
	return (struct wax_batch){
			.count = BATCH_COUNT, .keyed = 1, .key_bytes = key_bytes, .keys = keys};
}

static void check_batch(struct wax_table *table, const struct wax_batch *batch, uint64_t expected)
{
	static void *states[BATCH_COUNT];

	for (uint32_t first = 0; first < batch->count; first += 700) {
		uint32_t left = batch->count - first;

		cr_assert_eq(wax_table_get_many(table, batch, first, left < 700 ? left : 700,
					     states + first, NULL),
				0);
	}
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes key = wax_batch_key(batch, i);

		cr_assert(holds(table, states[i], key));
		cr_assert_eq(wax_table_find(table, key), states[i]);
	}
	cr_assert_eq(table->count, expected);
}

Test(table, batch_of_8_byte_keys_is_resolved)
{
	static uint64_t keys[BATCH_COUNT];
	struct wax_batch batch = number_batch(keys, 8);
	struct wax_table table;

	init(&table, 8, 8);
	for (uint32_t i = 0; i < BATCH_COUNT; i++)
		keys[i] = i % 1000;
	check_batch(&table, &batch, 1000);
	for (uint32_t i = 0; i < BATCH_COUNT; i++)
		keys[i] = i * 5;
	check_batch(&table, &batch, 1000 + BATCH_COUNT - 200);
	fini(&table);
}

Test(table, batch_of_4_byte_keys_is_resolved)
{
	static uint32_t keys[BATCH_COUNT];
	struct wax_batch batch = number_batch(keys, 4);
	struct wax_table table;

	init(&table, 4, 8);
	for (uint32_t i = 0; i < BATCH_COUNT; i++)
		keys[i] = i % 1000;
	check_batch(&table, &batch, 1000);
	fini(&table);
}

Test(table, batch_of_keys_of_any_length_is_resolved)
{
	static struct wax_span spans[BATCH_COUNT];
	static char heap[BATCH_COUNT * 120];
	struct wax_batch batch = {.count = BATCH_COUNT,
			.keyed = 1,
			.keys = spans,
			.key_heap = heap,
			.key_heap_bytes = sizeof(heap)};
	struct wax_table table;
	uint32_t at = 0;
	char room[LONGEST];

	init(&table, 0, 8);
	for (uint32_t i = 0; i < BATCH_COUNT; i++) {
		struct wax_bytes key = make_key(room, i % 500, 0);

		spans[i] = (struct wax_span){at, (uint32_t)key.bytes};
		memcpy(heap + at, key.data, key.bytes);
		at += (uint32_t)key.bytes;
	}
	check_batch(&table, &batch, 500);
	fini(&table);
}

Test(table, batch_and_single_lookups_agree_after_removals)
{
	static uint64_t keys[BATCH_COUNT];
	struct wax_batch batch = number_batch(keys, 8);
	struct wax_table table;
	uint64_t random = 99;

	init(&table, 8, 8);
	for (int round = 0; round < 30; round++) {
		uint64_t before;

		for (uint32_t i = 0; i < BATCH_COUNT; i++)
			keys[i] = next_random(&random) % 5000;
		for (uint64_t key = 0; key < 5000; key++) {
			void *state = wax_table_find(&table, (struct wax_bytes){&key, 8});

			if (state && next_random(&random) % 2)
				wax_table_remove(&table, state);
		}
		before = table.count;
		for (uint32_t i = 0; i < BATCH_COUNT; i++) {
			bool seen = wax_table_find(&table, (struct wax_bytes){&keys[i], 8}) != NULL;

			for (uint32_t j = 0; j < i && !seen; j++)
				seen = keys[j] == keys[i];
			before += !seen;
		}
		check_batch(&table, &batch, before);
	}
	fini(&table);
}

/* ---- memory */

Test(table, growing_far_leaves_every_key_in_its_place)
{
	struct wax_table table;
	uint64_t count = 300000;

	/* With the memory it really has, huge pages and all. */
	wax_table_init(&table, 8, 8, 0);
	for (uint64_t key = 0; key < count; key++)
		*(uint64_t *)wax_table_get(&table, (struct wax_bytes){&key, 8}, NULL) = key;
	for (uint64_t key = 0; key < count; key++)
		cr_assert_eq(*(uint64_t *)wax_table_find(&table, (struct wax_bytes){&key, 8}), key);
	wax_table_fini(&table);
}

/* The n-th allocation fails, for each n: the call says so, and what was there is there still. */
static bool run_out_of_memory(int n, uint32_t key_bytes)
{
	char room[LONGEST];
	struct wax_table table;
	uint64_t added = 0;
	bool failed = false;

	init(&table, key_bytes, 100);
	calls_left = n;
	for (uint64_t number = 0; number < 2000 && !failed; number++) {
		failed = !wax_table_get(&table, make_key(room, number, key_bytes), NULL);
		added += !failed;
	}
	calls_left = -1;
	cr_assert_eq(table.count, added);
	for (uint64_t number = 0; number < added; number++)
		cr_assert_not_null(wax_table_find(&table, make_key(room, number, key_bytes)));
	cr_assert_not_null(wax_table_get(&table, make_key(room, 1999, key_bytes), NULL),
			"goes on after");
	fini(&table);
	return failed;
}

Test(table, out_of_memory_changes_nothing)
{
	int n = 0;

	while (run_out_of_memory(n, 8))
		n++;
	cr_assert_gt(n, 10);
	n = 0;
	while (run_out_of_memory(n, 0))
		n++;
	cr_assert_gt(n, 50);
}

Test(table, batch_out_of_memory_is_reported)
{
	static uint64_t keys[BATCH_COUNT];
	static void *states[BATCH_COUNT];
	struct wax_batch batch = number_batch(keys, 8);

	for (uint32_t i = 0; i < BATCH_COUNT; i++)
		keys[i] = i;
	for (int n = 0;; n++) {
		struct wax_table table;
		int r;

		init(&table, 8, 8);
		calls_left = n;
		r = wax_table_get_many(&table, &batch, 0, BATCH_COUNT, states, NULL);
		calls_left = -1;
		if (r == 0) {
			fini(&table);
			break;
		}
		cr_assert_eq(r, -ENOMEM);
		cr_assert_eq(wax_table_get_many(&table, &batch, 0, BATCH_COUNT, states, NULL), 0);
		cr_assert_eq(table.count, BATCH_COUNT);
		fini(&table);
	}
}

Test(table, batch_tells_which_items_were_the_first_of_their_keys)
{
	static uint64_t keys[BATCH_COUNT];
	struct wax_batch batch = number_batch(keys, 8);
	struct wax_table_added added;
	void *states[WAX_TABLE_BLOCK];
	struct wax_table table;
	uint64_t random = 5;

	init(&table, 8, 8);
	for (uint32_t i = 0; i < BATCH_COUNT; i++)
		keys[i] = next_random(&random) % 2000;
	for (uint32_t first = 0; first + WAX_TABLE_BLOCK <= BATCH_COUNT; first += WAX_TABLE_BLOCK) {
		uint32_t seen = 0;

		cr_assert_eq(wax_table_get_many(&table, &batch, first, WAX_TABLE_BLOCK, states,
					     &added),
				0);
		for (uint32_t i = 0; i < WAX_TABLE_BLOCK; i++) {
			bool is_first = true;

			for (uint32_t j = 0; j < first + i && is_first; j++)
				is_first = keys[j] != keys[first + i];
			if (is_first)
				cr_assert_eq(added.items[seen++], i);
		}
		cr_assert_eq(added.count, seen);
	}
	fini(&table);
}

Test(table, batch_of_new_keys_is_resolved_while_the_index_grows_again_and_again)
{
	static uint64_t keys[BATCH_COUNT];
	static void *states[BATCH_COUNT];
	struct wax_batch batch = number_batch(keys, 8);
	struct wax_table table;

	/* Each key comes a second time where the passes of the first are still under way. */
	for (uint32_t i = 0; i < BATCH_COUNT; i++)
		keys[i] = i / 64 * 32 + i % 32;
	init(&table, 8, 8);
	cr_assert_eq(wax_table_get_many(&table, &batch, 0, BATCH_COUNT, states, NULL), 0);
	for (uint32_t i = 0; i < BATCH_COUNT; i++)
		++*(uint64_t *)states[i];
	for (uint32_t i = 0; i < BATCH_COUNT; i++) {
		uint64_t *state = wax_table_find(&table, (struct wax_bytes){&keys[i], 8});

		cr_assert_eq(states[i], state);
		cr_assert_eq(*state, i / 64 * 64 + 32 + i % 32 < BATCH_COUNT ? 2 : 1);
	}
	fini(&table);
}

/* ---- the index */

/* Keys that are not in their own line, counted for each line that they passed. */
static uint64_t count_passed(const struct wax_table *table)
{
	uint64_t passed = 0;

	for (uint64_t i = 0; i <= table->mask; i++)
		passed += table->lines[i].passed;
	return passed;
}

Test(table, removed_keys_leave_nothing_in_the_index)
{
	struct wax_table table;
	uint64_t passed = 0;

	init(&table, 8, 8);
	for (uint64_t key = 0; key == 0 || table.count < table.limit || table.mask < 1023; key++)
		wax_table_get(&table, (struct wax_bytes){&key, 8}, NULL);
	cr_assert_gt(count_passed(&table), 100, "lines as full as they get");
	for (uint64_t left = table.count; left > 0; left--) {
		uint64_t key = left * 7919 % table.limit;

		/* In an order of its own, and each time all others are still there. */
		wax_table_remove(&table, wax_table_find(&table, (struct wax_bytes){&key, 8}));
		if (left % 500 != 0)
			continue;
		for (uint64_t other = 1; other < left; other++) {
			key = other * 7919 % table.limit;
			cr_assert_not_null(wax_table_find(&table, (struct wax_bytes){&key, 8}));
		}
	}
	passed = count_passed(&table);
	cr_assert_eq(passed, 0, "%lu", (unsigned long)passed);
	for (uint64_t i = 0; i <= table.mask; i++) {
		for (uint32_t slot = 0; slot < WAX_TAGS; slot++)
			cr_assert_eq(table.lines[i].tags[slot], 0);
	}
	fini(&table);
}

/* With keys spread at random about one in 25 passes a line in a table as full as it gets. */
static void check_spread(uint32_t key_bytes, uint64_t step, const char *what)
{
	struct wax_table table;
	uint64_t passed;

	wax_table_init(&table, key_bytes, 0, 0);
	for (uint64_t i = 0; i < 36000; i++) {
		uint64_t key = i * step;

		wax_table_get(&table, (struct wax_bytes){&key, key_bytes ? key_bytes : 8}, NULL);
	}
	passed = count_passed(&table);
	cr_assert_lt(passed, table.count / 12, "%s %lx: %lu pass", what, (unsigned long)step,
			(unsigned long)passed);
	wax_table_fini(&table);
}

Test(table, keys_with_a_pattern_are_spread_over_the_lines)
{
	for (uint32_t shift = 0; shift <= 48; shift++) {
		check_spread(8, UINT64_C(1) << shift, "numbers by");
		check_spread(8, (UINT64_C(1) << shift) + 1, "numbers by");
		check_spread(0, UINT64_C(1) << shift, "texts by");
	}
	for (uint32_t shift = 0; shift <= 16; shift++)
		check_spread(4, UINT64_C(1) << shift, "4-byte numbers by");
	check_spread(8, UINT64_C(0x9e3779b97f4a7c15), "numbers by");
}

/* ---- short texts: read with what stands around them */

/* Keys of 0 to 64 bytes that end where memory ends, or have other neighbours, are the same. */
Test(table, only_the_bytes_of_a_key_count)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(
			NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct wax_table table;
	char other[2 * 64];

	cr_assert_neq(pages, MAP_FAILED);
	cr_assert_eq(mprotect(pages + page, page, PROT_NONE), 0);
	init(&table, 0, 8);
	for (size_t bytes = 0; bytes <= 64; bytes++) {
		char *at_end = pages + page - bytes;
		bool added;

		for (size_t i = 0; i < bytes; i++)
			at_end[i] = (char)(bytes + i);
		void *state = wax_table_get(&table, (struct wax_bytes){at_end, bytes}, &added);

		cr_assert(added, "%zu bytes", bytes);
		for (size_t at = 0; at < 32; at++) {
			memset(other, (int)at, sizeof(other));
			memcpy(other + at, at_end, bytes);
			cr_assert_eq(wax_table_find(&table, (struct wax_bytes){other + at, bytes}),
					state);
			if (bytes == 0)
				continue;
			/* And each of its bytes does. */
			other[at + at % bytes] ^= 1;
			cr_assert_null(wax_table_find(
					&table, (struct wax_bytes){other + at, bytes}));
		}
	}
	cr_assert_eq(table.count, 65);
	fini(&table);
	munmap(pages, 2 * page);
}

Test(table, zeros_at_the_end_of_a_key_count)
{
	static const char zeros[WAX_SHORT_KEY_MAX + 2];
	struct wax_table table;

	init(&table, 0, 8);
	for (size_t bytes = 0; bytes <= sizeof(zeros); bytes++)
		*(uint64_t *)wax_table_get(&table, (struct wax_bytes){zeros, bytes}, NULL) = bytes;
	for (size_t bytes = 0; bytes <= sizeof(zeros); bytes++)
		cr_assert_eq(*(uint64_t *)wax_table_find(&table, (struct wax_bytes){zeros, bytes}),
				bytes);
	fini(&table);
}

Test(table, entries_larger_than_the_first_chunks_find_room)
{
	struct wax_table table;
	char room[LONGEST];

	init(&table, 0, 65536);
	for (uint64_t number = 0; number < 50; number++) {
		char *state = wax_table_get(&table, make_key(room, number, 0), NULL);

		state[0] = (char)number;
		memset(state + 1, 0xff, 65535);
	}
	for (uint64_t number = 0; number < 50; number++)
		cr_assert_eq(*(char *)wax_table_find(&table, make_key(room, number, 0)),
				(char)number);
	fini(&table);
}

/* ---- Tracking */

/* What was saved: sums, so that the order does not matter. */
static struct {
	struct wax_table_track track;
	uint64_t count;
	uint64_t sum;
	int code; /* to be given back */
} saver;

static int save(struct wax_table_track *track, void *state)
{
	cr_assert_eq(track, &saver.track);
	saver.count++;
	saver.sum += *(const uint64_t *)state;
	return saver.code;
}

static void init_tracked(struct wax_table *table)
{
	init(table, 8, 8);
	memset(&saver, 0, sizeof(saver));
	saver.track.save = save;
	cr_assert_eq(wax_table_track_init(&saver.track, table), 0);
}

static void fini_tracked(struct wax_table *table)
{
	wax_table_track_fini(&saver.track, table);
	fini(table);
}

static uint64_t *get(struct wax_table *table, uint64_t number)
{
	return wax_table_get(table, (struct wax_bytes){&number, sizeof(number)}, NULL);
}

static void *find(struct wax_table *table, uint64_t number)
{
	return wax_table_find(table, (struct wax_bytes){&number, sizeof(number)});
}

/* The epoch ends. @return how many are marked */
static uint64_t mark(struct wax_table *table, uint64_t pass_keys)
{
	static uint64_t pass;

	wax_table_track_told(&saver.track);
	wax_table_track_mark(table, &pass, pass_keys);
	return saver.track.marked_count;
}

static void save_marked(struct wax_table *table)
{
	struct wax_table_marked marked[7];
	uint64_t from = 0;
	uint32_t count;

	do {
		count = wax_table_track_next(table, &from, marked, 7);
		for (uint32_t i = 0; i < count; i++) {
			wax_table_track_take(&saver.track, marked[i].number);
			cr_assert_eq(save(&saver.track, marked[i].state), 0);
		}
	} while (count == 7);
	cr_assert_eq(saver.track.marked_count, 0);
}

static uint64_t gone_count(const struct wax_table *table, uint64_t *sum)
{
	struct wax_bytes key;
	uint64_t count = 0, number;
	size_t at = 0;

	for (*sum = 0; wax_table_track_gone(table, &at, &key); count++) {
		cr_assert_eq(key.bytes, sizeof(number));
		memcpy(&number, key.data, sizeof(number));
		*sum += number;
	}
	return count;
}

Test(table_track, a_key_is_saved_as_it_was_at_the_end_of_the_epoch)
{
	struct wax_table table;

	init_tracked(&table);
	for (uint64_t number = 1; number <= 100; number++)
		*get(&table, number) = number;
	cr_assert_eq(wax_table_track_changed(&table), 100);
	cr_assert_eq(mark(&table, 0), 100);
	cr_assert_eq(saver.count, 0, "nothing is saved before its turn");
	*get(&table, 30) = 1000000;
	cr_assert_eq(saver.count, 1);
	*get(&table, 30) = 2000000;
	cr_assert_eq(saver.count, 1, "only once");
	cr_assert_eq(wax_table_touch(&table, find(&table, 40)), 0);
	*(uint64_t *)find(&table, 40) = 3000000;
	cr_assert_eq(saver.count, 2);
	save_marked(&table);
	cr_assert_eq(saver.count, 100);
	cr_assert_eq(saver.sum, 5050);
	cr_assert_eq(mark(&table, 0), 2, "what changed meanwhile is of the next epoch");
	save_marked(&table);
	cr_assert_eq(saver.sum, 5050 + 2000000 + 3000000);
	fini_tracked(&table);
}

Test(table_track, batches_save_what_they_find_marked)
{
	struct wax_table table;
	uint64_t keys[200];
	void *states[200];

	init_tracked(&table);
	for (uint64_t i = 0; i < 200; i++)
		keys[i] = i % 150 + 1;

	struct wax_batch batch = {.count = 200, .keyed = 1, .key_bytes = 8, .keys = keys};

	cr_assert_eq(wax_table_get_many(&table, &batch, 0, 200, states, NULL), 0);
	for (uint32_t i = 0; i < 200; i++)
		*(uint64_t *)states[i] = keys[i];
	cr_assert_eq(mark(&table, 0), 150);
	cr_assert_eq(wax_table_get_many(&table, &batch, 0, 40, states, NULL), 0);
	cr_assert_eq(saver.count, 40);
	cr_assert_eq(wax_table_get_many(&table, &batch, 0, 200, states, NULL), 0);
	cr_assert_eq(saver.count, 150);
	cr_assert_eq(saver.sum, 150 * 151 / 2);
	cr_assert_eq(saver.track.marked_count, 0);
	fini_tracked(&table);
}

Test(table_track, growth_keeps_what_is_noted)
{
	struct wax_table table;

	init_tracked(&table);
	for (uint64_t number = 1; number <= 100; number++)
		*get(&table, number) = number;
	mark(&table, 0);
	for (uint64_t number = 101; number <= 100000; number++)
		*get(&table, number) = number;
	cr_assert_eq(saver.count, 0);
	cr_assert_eq(wax_table_track_changed(&table), 99900);
	save_marked(&table);
	cr_assert_eq(saver.sum, 5050);
	cr_assert_eq(mark(&table, 0), 99900);
	save_marked(&table);
	cr_assert_eq(saver.count, 100000);
	fini_tracked(&table);
}

Test(table_track, only_keys_that_were_saved_are_told_to_be_gone)
{
	struct wax_table table;
	uint64_t sum;

	init_tracked(&table);
	*get(&table, 1) = 1;
	wax_table_remove(&table, find(&table, 1));
	cr_assert_eq(gone_count(&table, &sum), 0, "nobody has heard of it");
	*get(&table, 2) = 2;
	*get(&table, 3) = 3;
	cr_assert_eq(mark(&table, 0), 2);
	wax_table_remove(&table, find(&table, 2));
	cr_assert_eq(saver.count, 1, "it was there at the end of the epoch");
	save_marked(&table);
	wax_table_remove(&table, find(&table, 3));
	cr_assert_eq(gone_count(&table, &sum), 2);
	cr_assert_eq(sum, 5);

	/* Other keys with their numbers are new ones. */
	*get(&table, 4) = 4;
	wax_table_remove(&table, find(&table, 4));
	cr_assert_eq(gone_count(&table, &sum), 2);
	*get(&table, 3) = 33;
	cr_assert_eq(mark(&table, 0), 1);
	cr_assert_eq(gone_count(&table, &sum), 0, "it was told");
	fini_tracked(&table);
}

Test(table_track, clearing_saves_what_is_marked_and_forgets_the_rest)
{
	for (int drops = 0; drops < 2; drops++) {
		struct wax_table table;
		uint64_t sum;

		init_tracked(&table);
		for (uint64_t number = 1; number <= 100; number++)
			*get(&table, number) = number;
		mark(&table, 0);
		*get(&table, 50) = 5000;
		wax_table_remove(&table, find(&table, 60));
		(drops ? wax_table_fini : wax_table_clear)(&table);
		cr_assert_eq(saver.sum, 5050);
		cr_assert(saver.track.cleared);
		cr_assert_eq(gone_count(&table, &sum), 0);
		cr_assert_eq(wax_table_track_changed(&table), 0);
		*get(&table, 7) = 7;
		cr_assert_eq(mark(&table, 0), 1);
		cr_assert_not(saver.track.cleared);
		save_marked(&table);
		fini_tracked(&table);
	}
}

Test(table_track, a_pass_marks_what_did_not_change_a_part_each_time)
{
	struct wax_table table;
	uint64_t marked = 0;
	int epochs = 0;

	init_tracked(&table);
	for (uint64_t number = 1; number <= 1000; number++)
		*get(&table, number) = number;
	mark(&table, 0);
	save_marked(&table);
	saver.count = saver.sum = 0;
	do {
		marked = mark(&table, 130);
		cr_assert_leq(marked, 130);
		save_marked(&table);
		epochs++;
	} while (marked == 130);
	cr_assert_eq(epochs, 8);
	cr_assert_eq(saver.count, 1000, "each once");
	cr_assert_eq(saver.sum, 500500);
	fini_tracked(&table);
}

Test(table_track, lookups_that_only_add_change_nothing_else)
{
	struct wax_table table;
	uint64_t keys[2] = {1, 2};
	void *states[2];
	struct wax_batch batch = {.count = 2, .keyed = 1, .key_bytes = 8, .keys = keys};

	init_tracked(&table);
	saver.track.adds_only = true;
	get(&table, 1);
	cr_assert_eq(mark(&table, 0), 1);
	cr_assert_eq(wax_table_get_many(&table, &batch, 0, 2, states, NULL), 0);
	get(&table, 1);
	cr_assert_eq(saver.count, 0);
	cr_assert_eq(wax_table_track_changed(&table), 1);
	save_marked(&table);
	fini_tracked(&table);
}

Test(table_track, a_lookup_fails_when_a_key_cannot_be_saved_and_so_do_all_that_follow)
{
	struct wax_table table;
	uint64_t keys[2] = {2, 1};
	void *states[2];
	struct wax_batch batch = {.count = 2, .keyed = 1, .key_bytes = 8, .keys = keys};

	init_tracked(&table);
	get(&table, 1);
	mark(&table, 0);
	saver.code = -EIO;
	cr_assert_eq(wax_table_get_many(&table, &batch, 0, 2, states, NULL), -EIO);
	saver.code = 0;
	cr_assert_eq(wax_table_get_many(&table, &batch, 0, 1, states, NULL), -EIO);
	cr_assert_null(get(&table, 5));
	cr_assert_eq(wax_table_touch(&table, find(&table, 2)), -EIO);
	fini_tracked(&table);
}

Test(table_track, without_memory_for_what_is_noted_nothing_is_added)
{
	struct wax_table table;
	uint64_t number = 0;

	init_tracked(&table);
	for (int calls = 0; calls < 4; calls++) {
		calls_left = calls;
		while (get(&table, number))
			number++;
		calls_left = -1;
		cr_assert_eq(table.count, number);
		cr_assert_eq(wax_table_track_changed(&table), number);
		cr_assert_not_null(get(&table, number++));
	}
	fini_tracked(&table);
}
