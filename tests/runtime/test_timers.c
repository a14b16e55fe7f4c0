/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <string.h>

#include "runtime/table.h"
#include "runtime/timers.h"

#define KEY_COUNT 200

static struct wax_table table;
static struct wax_timers timers;

static void *state_of(uint64_t key)
{
	struct wax_bytes bytes = {&key, sizeof(key)};

	return wax_table_get(&table, bytes, NULL);
}

static uint64_t key_of(const void *state)
{
	uint64_t key;

	memcpy(&key, wax_table_key(&table, state).data, sizeof(key));
	return key;
}

static void set(uint64_t key, int64_t at)
{
	cr_assert_eq(wax_timers_set(&timers, state_of(key), at), 0);
}

static void assert_due(int64_t now, uint64_t key)
{
	void *state = wax_timers_pop_due(&timers, now);

	cr_assert_not_null(state);
	cr_assert_eq(key_of(state), key);
}

static void assert_none_due(int64_t now)
{
	cr_assert_null(wax_timers_pop_due(&timers, now));
}

static void init(void)
{
	wax_table_init(&table, 8, sizeof(struct wax_timer), 0);
	wax_timers_init(&timers, 0);
}

static void fini(void)
{
	wax_timers_fini(&timers);
	wax_table_fini(&table);
}

TestSuite(timers, .init = init, .fini = fini);

Test(timers, none_is_due_when_none_is_set)
{
	cr_assert_eq(wax_timers_next(&timers), WAX_NEVER);
	assert_none_due(INT64_MAX);
}

Test(timers, are_due_in_the_order_of_time_and_not_before)
{
	set(1, 30);
	set(2, 10);
	set(3, 20);
	cr_assert_eq(wax_timers_next(&timers), 10);
	assert_none_due(9);
	assert_due(20, 2);
	assert_due(20, 3);
	assert_none_due(20);
	cr_assert_eq(wax_timers_next(&timers), 30);
	assert_due(30, 1);
	cr_assert_eq(wax_timers_next(&timers), WAX_NEVER);
}

Test(timers, of_equal_times_the_first_set_is_due_first)
{
	for (uint64_t key = 0; key < KEY_COUNT; key++)
		set(key, 5);
	for (uint64_t key = 0; key < KEY_COUNT; key++)
		assert_due(5, key);
}

Test(timers, last_time_set_counts)
{
	set(1, 10);
	set(1, 50);
	assert_none_due(49);
	set(1, 20);
	cr_assert_eq(wax_timers_next(&timers), 20);
	assert_due(100, 1);
	assert_none_due(100);
}

Test(timers, going_back_to_an_earlier_time_fires_once)
{
	set(1, 10);
	set(1, 20);
	set(1, 10);
	assert_due(100, 1);
	assert_none_due(100);
}

Test(timers, setting_one_later_again_and_again_takes_no_room)
{
	set(1, 10);
	set(2, 15);
	for (int64_t at = 11; at < 10000; at++)
		set(1, at);
	cr_assert_eq(timers.count, 2);
	assert_due(20, 2);
	assert_none_due(9998);
	cr_assert_eq(wax_timers_next(&timers), 9999);
	assert_due(9999, 1);
	assert_none_due(WAX_NEVER);
}

Test(timers, one_that_was_set_later_can_be_set_earlier_again)
{
	set(1, 10);
	set(1, 50);
	set(1, 30);
	assert_none_due(29);
	assert_due(30, 1);
	assert_none_due(WAX_NEVER);
	cr_assert_eq(timers.set_count, 0);
}

Test(timers, two_of_a_key_know_nothing_of_each_other)
{
	struct wax_timers others;

	wax_table_fini(&table);
	wax_table_init(&table, 8, 2 * sizeof(struct wax_timer), 0);
	wax_timers_init(&others, sizeof(struct wax_timer));
	set(1, 10);
	cr_assert_eq(wax_timers_set(&others, state_of(1), 20), 0);
	assert_due(100, 1);
	assert_none_due(100);
	cr_assert_eq(wax_timers_next(&others), 20);
	cr_assert_eq(key_of(wax_timers_pop_due(&others, 20)), 1);
	wax_timers_fini(&others);
}

Test(timers, never_clears)
{
	set(1, 10);
	set(1, WAX_NEVER);
	assert_none_due(100);
	set(1, WAX_NEVER);
	cr_assert_eq(wax_timers_next(&timers), WAX_NEVER);
	cr_assert_eq(timers.set_count, 0);
}

Test(timers, timer_of_a_removed_key_does_not_fire_for_the_next_in_its_memory)
{
	void *state = state_of(1);

	set(1, 10);
	set(1, WAX_NEVER);
	wax_table_remove(&table, state);
	cr_assert_eq(state_of(2), state, "memory is used again");
	assert_none_due(100);
	set(2, 20);
	assert_none_due(15);
	assert_due(20, 2);
}

Test(timers, one_set_in_the_past_is_due_at_once)
{
	set(1, -5);
	assert_due(0, 1);
}

Test(timers, stale_entries_do_not_pile_up)
{
	for (int64_t at = 1; at < 10000; at++) {
		for (uint64_t key = 0; key < 10; key++)
			set(key, at * 10 + (int64_t)key);
	}
	cr_assert_lt(timers.capacity, 1000);
	cr_assert_eq(timers.set_count, 10);
	for (uint64_t key = 0; key < 10; key++)
		assert_due(WAX_NEVER, key);
}

/* Against an array that is searched from end to end. */
Test(timers, do_what_a_plain_array_does)
{
	int64_t model[KEY_COUNT];
	uint64_t random = 1;

	for (int i = 0; i < KEY_COUNT; i++)
		model[i] = WAX_NEVER;
	for (int step = 0; step < 20000; step++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		uint64_t key = (random >> 33) % KEY_COUNT;
		int64_t at = (int64_t)((random >> 20) % 1000);

		switch ((random >> 60) % 8) {
		case 0: {
			void *state = wax_timers_pop_due(&timers, at);
			int64_t least = WAX_NEVER;

			for (int i = 0; i < KEY_COUNT; i++)
				least = model[i] < least ? model[i] : least;
			cr_assert_eq(state != NULL, least <= at);
			if (!state)
				break;
			cr_assert_eq(model[key_of(state)], least);
			model[key_of(state)] = WAX_NEVER;
			break;
		}
		case 1:
			set(key, WAX_NEVER);
			model[key] = WAX_NEVER;
			break;
		case 2:
			set(key, WAX_NEVER);
			wax_table_remove(&table, state_of(key));
			model[key] = WAX_NEVER;
			break;
		default:
			set(key, at);
			model[key] = at;
		}
	}
}
