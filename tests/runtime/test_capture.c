/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/capture.h"

static struct wax_capture capture;
static struct wax_capture_view view;
static struct wax_err err;

static void open_capture(void)
{
	cr_assert_eq(wax_capture_open(&capture, &err), 0, "%s", err.text);
}

static void close_capture(void)
{
	wax_capture_view_fini(&view);
	wax_capture_close(&capture);
}

TestSuite(capture, .init = open_capture, .fini = close_capture);

static void look(size_t count)
{
	wax_capture_view_fini(&view);
	cr_assert_eq(wax_capture_view_init(&capture, &view, &err), 0, "%s", err.text);
	cr_assert_eq(view.count, count, "%zu items, expected %zu", view.count, count);
}

static int add_numbers(uint32_t step, uint32_t worker, uint64_t first)
{
	uint64_t numbers[] = {first, first + 1};
	struct wax_batch batch = {.count = 2, .value_bytes = sizeof(*numbers), .values = numbers};

	return wax_capture_add(&capture, step, worker, &batch, &err);
}

static uint64_t number_at(size_t index)
{
	uint64_t number;

	cr_assert_eq(view.items[index].value.bytes, sizeof(number));
	memcpy(&number, view.items[index].value.data, sizeof(number));
	return number;
}

Test(capture, gives_back_what_was_added)
{
	look(0);
	cr_assert_eq(add_numbers(3, 7, 10), 0);
	cr_assert_eq(add_numbers(4, 8, 20), 0);
	look(4);
	cr_assert_eq(number_at(1), 11);
	cr_assert_eq(number_at(2), 20);
	cr_assert_eq(view.items[1].step, 3);
	cr_assert_eq(view.items[1].worker, 7);
	cr_assert_eq(view.items[2].step, 4);
	cr_assert_eq(view.items[2].worker, 8);
	cr_assert_null(view.items[2].key.data);
}

Test(capture, keeps_keys_and_items_of_any_length)
{
	static const char heap[] = "keyvalue";
	struct wax_span keys[] = {{0, 3}, {0, 0}}, values[] = {{3, 5}, {0, 0}};
	struct wax_batch batch = {.count = 2,
			.keyed = 1,
			.keys = keys,
			.values = values,
			.key_heap = heap,
			.value_heap = heap,
			.key_heap_bytes = 8,
			.value_heap_bytes = 8};

	cr_assert_eq(wax_capture_add(&capture, 0, 0, &batch, &err), 0);
	look(2);
	cr_assert_eq(view.items[0].key.bytes, 3);
	cr_assert_eq(memcmp(view.items[0].key.data, "key", 3), 0);
	cr_assert_eq(view.items[0].value.bytes, 5);
	cr_assert_eq(memcmp(view.items[0].value.data, "value", 5), 0);
	cr_assert_eq((uintptr_t)view.items[0].value.data % 16, 0);
	cr_assert_eq(view.items[1].key.bytes, 0);
	cr_assert_not_null(view.items[1].key.data, "an empty key is a key");
}

Test(capture, view_stays_when_it_is_cleared)
{
	cr_assert_eq(add_numbers(0, 0, 1), 0);
	look(2);
	wax_capture_clear(&capture);
	cr_assert_eq(add_numbers(0, 0, 100), 0);
	cr_assert_eq(number_at(0), 1);
	look(2);
	cr_assert_eq(number_at(0), 100);
}

Test(capture, takes_from_many_processes_at_once)
{
	enum { CHILDREN = 4, ROUNDS = 500 };
	uint64_t next[CHILDREN] = {0};

	for (uint32_t child = 0; child < CHILDREN; child++) {
		if (fork() == 0) {
			for (uint64_t i = 0; i < ROUNDS; i++)
				add_numbers(0, child, 2 * i);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	look((size_t)CHILDREN * ROUNDS * 2);
	for (size_t i = 0; i < view.count; i++)
		cr_assert_eq(number_at(i), next[view.items[i].worker]++);
}

Test(capture, more_than_its_limit_is_an_error)
{
	capture.bytes_limit = 100;
	cr_assert_eq(add_numbers(0, 0, 1), 0);
	cr_assert_eq(add_numbers(0, 0, 1), -EFBIG);
	cr_assert(strstr(err.text, "less input"), "%s", err.text);
}
