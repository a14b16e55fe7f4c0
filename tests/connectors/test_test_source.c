/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include <wax/test.h>

#include "runtime/clock.h"
#include "tests/support/stage.h"

/* The source of tests, a call at a time: what each batch holds, and the position behind it. */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t n0 = 0, n1 = 1, n2 = 2, n3 = 3, n4 = 4;

struct reading {
	struct stage stage;
	struct wax_source *source;
	void *part;
	char seen[64]; /* "0 1", of the last batch */
};

static int take(struct wax_port *port, const struct wax_batch *batch)
{
	struct reading *reading = port->taker;

	for (uint32_t i = 0; i < batch->count; i++) {
		uint64_t value;

		memcpy(&value, wax_batch_value(batch, i).data, sizeof(value));
		snprintf(reading->seen + strlen(reading->seen),
				sizeof(reading->seen) - strlen(reading->seen), "%s%llu",
				reading->seen[0] ? " " : "", (unsigned long long)value);
	}
	return 0;
}

static void begin(struct reading *reading, const struct wax_test_entry *entries, size_t count,
		size_t batch_size, uint64_t at)
{
	struct wax_bytes saved = {at > 0 ? &at : NULL, at > 0 ? sizeof(at) : 0};

	*reading = (struct reading){0};
	stage_init(&reading->stage, 0, 1, "entries");
	stage_collect(&reading->stage, WAX_U64, take, reading);
	reading->source = wax_test_source(WAX_U64, entries, count, batch_size);
	cr_assert_eq(reading->source->ops.open(reading->source->source, &reading->stage.env, saved,
				     &reading->part, &reading->stage.err),
			0, "%s", reading->stage.err.text);
}

static void end(struct reading *reading)
{
	reading->source->ops.close(reading->part);
	wax_source_free(reading->source);
	stage_fini(&reading->stage);
}

static void expect(struct reading *reading, int next, const char *seen)
{
	reading->seen[0] = '\0';
	int got = reading->source->ops.next(
			reading->part, &reading->stage.port.out, &reading->stage.err);

	wax_port_flush(&reading->stage.port);
	cr_assert_eq(got, next, "next gave %d, expected %d", got, next);
	cr_assert_str_eq(reading->seen, seen);
}

static uint64_t position(struct reading *reading)
{
	uint64_t at;

	memcpy(&at, reading->source->ops.position(reading->part).data, sizeof(at));
	return at;
}

static const struct wax_test_entry three[] = {
		WAX_TEST_VALUE(n0), WAX_TEST_VALUE(n1), WAX_TEST_VALUE(n2)};

Test(test_source, gives_items_one_by_one)
{
	struct reading reading;

	begin(&reading, three, COUNT(three), 1, 0);
	expect(&reading, WAX_MORE, "0");
	expect(&reading, WAX_MORE, "1");
	expect(&reading, WAX_MORE, "2");
	expect(&reading, WAX_END, "");
	end(&reading);
}

Test(test_source, goes_on_behind_its_position)
{
	struct reading reading;

	begin(&reading, three, COUNT(three), 1, 0);
	expect(&reading, WAX_MORE, "0");
	expect(&reading, WAX_MORE, "1");
	uint64_t at = position(&reading);
	end(&reading);
	cr_assert_eq(at, 2);

	begin(&reading, three, COUNT(three), 1, at);
	cr_assert_eq(position(&reading), 2);
	expect(&reading, WAX_MORE, "2");
	expect(&reading, WAX_END, "");
	end(&reading);
}

Test(test_source, batches_have_their_size)
{
	struct reading reading;
	const struct wax_test_entry five[] = {WAX_TEST_VALUE(n0), WAX_TEST_VALUE(n1),
			WAX_TEST_VALUE(n2), WAX_TEST_VALUE(n3), WAX_TEST_VALUE(n4)};

	begin(&reading, five, COUNT(five), 2, 0);
	expect(&reading, WAX_MORE, "0 1");
	expect(&reading, WAX_MORE, "2 3");
	expect(&reading, WAX_MORE, "4");
	expect(&reading, WAX_END, "");
	end(&reading);
}

Test(test_source, eof_ends_it_and_is_behind_it_when_it_goes_on)
{
	struct reading reading;
	const struct wax_test_entry entries[] = {WAX_TEST_VALUE(n0), WAX_TEST_VALUE(n1),
			WAX_TEST_VALUE(n2), WAX_TEST_EOF, WAX_TEST_VALUE(n3), WAX_TEST_VALUE(n4)};

	begin(&reading, entries, COUNT(entries), 2, 0);
	expect(&reading, WAX_MORE, "0 1");
	expect(&reading, WAX_MORE, "2");
	expect(&reading, WAX_END, "");
	uint64_t at = position(&reading);
	end(&reading);
	cr_assert_eq(at, 4);

	begin(&reading, entries, COUNT(entries), 2, at);
	expect(&reading, WAX_MORE, "3 4");
	expect(&reading, WAX_END, "");
	end(&reading);
}

Test(test_source, abort_fires_once)
{
	struct reading reading;
	int *fired = wax_test_shared_make(sizeof(*fired));
	const struct wax_test_entry entries[] = {WAX_TEST_VALUE(n0), WAX_TEST_VALUE(n1),
			WAX_TEST_VALUE(n2), WAX_TEST_ABORT(fired), WAX_TEST_VALUE(n3),
			WAX_TEST_VALUE(n4)};

	begin(&reading, entries, COUNT(entries), 2, 0);
	expect(&reading, WAX_MORE, "0 1");
	uint64_t at = position(&reading);
	expect(&reading, WAX_MORE, "2");
	expect(&reading, -ECANCELED, "");
	cr_assert(strstr(reading.stage.err.text, "aborted by a mark"));
	end(&reading);

	begin(&reading, entries, COUNT(entries), 2, at);
	expect(&reading, WAX_MORE, "2 3");
	expect(&reading, WAX_MORE, "4");
	expect(&reading, WAX_END, "");
	end(&reading);
	wax_test_shared_free(fired);
}

Test(test_source, abort_without_a_memory_fires_each_time)
{
	struct reading reading;
	const struct wax_test_entry entries[] = {WAX_TEST_ABORT(NULL), WAX_TEST_VALUE(n0)};

	for (int i = 0; i < 2; i++) {
		begin(&reading, entries, COUNT(entries), 1, 0);
		expect(&reading, WAX_MORE, "");
		expect(&reading, -ECANCELED, "");
		end(&reading);
	}
}

Test(test_source, pause_waits_and_is_not_counted)
{
	struct reading reading;
	const struct wax_test_entry entries[] = {WAX_TEST_VALUE(n0), WAX_TEST_PAUSE(1000),
			WAX_TEST_VALUE(n1), WAX_TEST_VALUE(n2)};

	begin(&reading, entries, COUNT(entries), 1, 0);
	expect(&reading, WAX_MORE, "0");
	expect(&reading, WAX_IDLE, "");
	int64_t awake = reading.source->ops.next_awake(reading.part);
	cr_assert_eq(awake, reading.stage.worker.wall_ns + 1000);
	reading.stage.worker.wall_ns = awake - 1;
	expect(&reading, WAX_IDLE, "");
	reading.stage.worker.wall_ns = awake;
	expect(&reading, WAX_MORE, "1");
	uint64_t at = position(&reading);
	end(&reading);
	cr_assert_eq(at, 2);

	begin(&reading, entries, COUNT(entries), 1, at);
	expect(&reading, WAX_MORE, "1");
	end(&reading);
}

Test(test_source, mark_turns_the_clock)
{
	struct reading reading;
	struct wax_test_clock *clock = wax_test_clock_make(5);
	const struct wax_test_entry entries[] = {WAX_TEST_TURN(7), WAX_TEST_VALUE(n0)};

	*(&reading) = (struct reading){0};
	stage_init(&reading.stage, 0, 1, "entries");
	reading.stage.worker.env.clock = clock;
	stage_collect(&reading.stage, WAX_U64, take, &reading);
	reading.source = wax_test_source(WAX_U64, entries, COUNT(entries), 3);
	cr_assert_eq(reading.source->ops.open(reading.source->source, &reading.stage.env,
				     (struct wax_bytes){NULL, 0}, &reading.part,
				     &reading.stage.err),
			0);
	expect(&reading, WAX_IDLE, "");
	cr_assert_eq(wax_test_clock_now(clock), 12);
	reading.stage.worker.wall_ns++;
	cr_assert_eq(reading.source->ops.next_awake(reading.part), reading.stage.worker.wall_ns);
	expect(&reading, WAX_MORE, "0");
	end(&reading);
	wax_test_clock_free(clock);
}

Test(test_source, clock_is_set_and_advanced)
{
	struct wax_test_clock *clock = wax_test_clock_make(100);

	cr_assert_eq(wax_test_clock_now(clock), 100);
	wax_test_clock_advance(clock, 20);
	cr_assert_eq(wax_test_clock_now(clock), 120);
	wax_test_clock_set(clock, 7);
	cr_assert_eq(wax_test_clock_now(clock), 7);
	wax_test_clock_free(clock);
	wax_test_clock_free(NULL);
}

Test(test_source, needs_a_type)
{
	cr_assert_null(wax_test_source(NULL, three, COUNT(three), 1));
	cr_assert_null(wax_test_values(NULL, &n0, 1, 1));
	cr_assert_null(wax_test_values(WAX_TEXT, &n0, 1, 1), "texts have no fixed size");
}
