/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <math.h>

#include <wax/connectors.h>

#include "connectors/pace.h"
#include "tests/support/resume.h"

#define SECOND INT64_C(1000000000)

/* Some time of today. */
static const int64_t start = INT64_C(1700000000) * SECOND;

static struct wax_err err;

Test(pace, without_a_rate_all_is_due)
{
	struct wax_pace pace;

	cr_assert_eq(wax_pace_init(&pace, 0, 0, 1, &err), 0);
	cr_assert_eq(wax_pace_due(&pace, start, 4096), 4096);
	wax_pace_advance(&pace, 4096);
	cr_assert_eq(wax_pace_due(&pace, start, 1), 1);
	cr_assert_eq(wax_pace_due(&pace, start, 0), 0);
}

Test(pace, item_is_due_at_its_time)
{
	struct wax_pace pace;

	cr_assert_eq(wax_pace_init(&pace, 10, 0, 1, &err), 0);
	cr_assert_eq(wax_pace_due(&pace, start, 100), 1, "the first at once");
	wax_pace_advance(&pace, 1);
	cr_assert_eq(wax_pace_next(&pace), start + SECOND / 10);
	cr_assert_eq(wax_pace_due(&pace, start + SECOND / 10 - 1, 100), 0);
	cr_assert_eq(wax_pace_due(&pace, start + SECOND / 10, 100), 1);
}

Test(pace, what_was_missed_is_caught_up)
{
	struct wax_pace pace;

	cr_assert_eq(wax_pace_init(&pace, 10, 0, 1, &err), 0);
	cr_assert_eq(wax_pace_due(&pace, start, 100), 1);
	wax_pace_advance(&pace, 1);
	cr_assert_eq(wax_pace_due(&pace, start + 5 * SECOND, 100), 50);
	cr_assert_eq(wax_pace_due(&pace, start + 5 * SECOND, 20), 20);
	wax_pace_advance(&pace, 50);
	cr_assert_eq(wax_pace_due(&pace, start + 5 * SECOND, 100), 0);
	cr_assert_eq(wax_pace_next(&pace), start + 51 * SECOND / 10);
}

Test(pace, workers_take_turns)
{
	struct wax_pace pace[4];

	for (uint32_t worker = 0; worker < 4; worker++) {
		uint64_t due;

		cr_assert_eq(wax_pace_init(&pace[worker], 4, worker, 4, &err), 0);
		due = wax_pace_due(&pace[worker], start, 100);
		cr_assert_eq(due, worker == 0);
		cr_assert_eq(wax_pace_next(&pace[worker]), start + worker * SECOND / 4);
		wax_pace_advance(&pace[worker], 1);
		cr_assert_eq(wax_pace_next(&pace[worker]), start + SECOND + worker * SECOND / 4);
	}
}

Test(pace, rate_holds_however_the_turns_fall)
{
	struct wax_pace pace;
	uint64_t done = 0;
	int64_t now = start;

	/* A rate whose period is no whole number of ns, and turns that fall anywhere. */
	cr_assert_eq(wax_pace_init(&pace, 3e6 / 7, 1, 3, &err), 0);
	for (uint64_t state = 1; now < start + 10 * SECOND;) {
		uint64_t due = wax_pace_due(&pace, now, 4096);

		done += due;
		wax_pace_advance(&pace, due);
		state = state * 6364136223846793005u + 1442695040888963407u;
		now += due > 0 ? (int64_t)(state >> 45) : wax_pace_next(&pace) - now;
	}
	cr_assert_geq(done, 1428571 - 100);
	cr_assert_leq(done, 1428571 + 1);
}

Test(pace, item_at_its_next_time_is_due_for_any_rate)
{
	static const double rates[] = {1e-3, 0.3, 7, 999, 123456.7, 1e9 / 3, 1e9, 3e9};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct wax_pace pace;

		cr_assert_eq(wax_pace_init(&pace, rates[i], 0, 1, &err), 0);
		wax_pace_due(&pace, start, 1);
		for (int k = 0; k < 10000; k++) {
			cr_assert_geq(wax_pace_due(&pace, wax_pace_next(&pace), 1), 1);
			wax_pace_advance(&pace, 1);
		}
	}
}

Test(pace, so_slow_that_it_is_never)
{
	struct wax_pace pace;

	cr_assert_eq(wax_pace_init(&pace, 1e-300, 0, 1, &err), 0);
	cr_assert_eq(wax_pace_due(&pace, start, 100), 1);
	wax_pace_advance(&pace, 1);
	cr_assert_eq(wax_pace_next(&pace), WAX_NEVER);
	cr_assert_eq(wax_pace_due(&pace, start + SECOND, 100), 0);
}

Test(pace, rate_that_is_none_is_refused)
{
	struct wax_pace pace;

	cr_assert_eq(wax_pace_init(&pace, -1, 0, 1, &err), -EINVAL);
	cr_assert_eq(wax_pace_init(&pace, (double)NAN, 0, 1, &err), -EINVAL);
	cr_assert_eq(wax_pace_init(&pace, (double)INFINITY, 0, 1, &err), 0);
	cr_assert_eq(wax_pace_due(&pace, start, 100), 100);
}

static struct resume resume;

/* What came, which is next, next + 1, ... */
static uint64_t next;

static int take(struct wax_port *port, const struct wax_batch *batch)
{
	(void)port;
	for (uint32_t i = 0; i < batch->count; i++)
		cr_assert_eq(WAX_VALUES(batch, uint64_t)[i], next++);
	return 0;
}

static void begin(struct wax_source *source, uint32_t worker_count)
{
	resume_begin(&resume, source, worker_count, WAX_U64, take, NULL);
}

Test(numbers, workers_count_their_shares)
{
	begin(wax_numbers(100001, 0), 3);
	cr_assert_eq(resume.parts.count, 3);
	cr_assert_str_eq(resume.parts.names[2], "numbers:2/3");
	for (uint32_t worker = 0; worker < 3; worker++) {
		while (resume_next(&resume, worker, 0) == WAX_MORE)
			;
		cr_assert_eq(resume.stage.record.source_offset, next);
		cr_assert_eq(next, 100001 * (worker + 1) / 3);
	}
	resume_end(&resume);
}

Test(numbers, single_counts_all_in_one_partition)
{
	begin(wax_numbers_single(10, 0), 4);
	cr_assert_eq(resume.parts.count, 1);
	cr_assert_eq(resume_next(&resume, 0, 0), WAX_END);
	cr_assert_eq(next, 10);
	resume_end(&resume);
}

Test(numbers, source_goes_on_behind_the_saved_position)
{
	begin(wax_numbers(10000, 0), 1);
	cr_assert_eq(resume_next(&resume, 0, 0), WAX_MORE);
	cr_assert_eq(next, 4096);
	resume_save(&resume);
	resume_end(&resume);

	begin(wax_numbers_single(12000, 0), 5);
	resume_drain(&resume, 0);
	cr_assert_eq(next, 12000);
	resume_end(&resume);
	resume_fini(&resume);
}

Test(numbers, rate_is_kept_by_waiting)
{
	begin(wax_numbers(100, 10), 1);
	int64_t began = resume.stage.worker.wall_ns;

	resume_drain(&resume, 0);
	cr_assert_eq(next, 100);
	cr_assert_eq(resume.stage.worker.wall_ns - began, 99 * SECOND / 10);
	resume_end(&resume);
}

/* What the time between the runs was worth is not caught up. */
Test(numbers, rate_is_kept_after_going_on)
{
	begin(wax_numbers(100, 10), 1);
	for (int i = 0; i < 40; i++)
		cr_assert_eq(resume_next(&resume, 0, 1), WAX_MORE);
	resume_save(&resume);
	resume_end(&resume);

	begin(wax_numbers(100, 10), 1);
	int64_t began = resume.stage.worker.wall_ns;

	resume_drain(&resume, 0);
	cr_assert_eq(next, 100);
	cr_assert_eq(resume.stage.worker.wall_ns - began, 59 * SECOND / 10);
	resume_end(&resume);
	resume_fini(&resume);
}

Test(numbers, none_and_endless_are_numbers_too)
{
	begin(wax_numbers(0, 0), 1);
	cr_assert_eq(resume_next(&resume, 0, 0), WAX_END);
	resume_end(&resume);

	begin(wax_numbers(INT64_MAX, 0), 1);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(resume_next(&resume, 0, 0), WAX_MORE);
	resume_end(&resume);
}

Test(numbers, wrong_count_and_rate_are_refused)
{
	cr_assert_eq(resume_list(&resume, wax_numbers(-1, 0), 1), -EINVAL);
	cr_assert_str_eq(resume.err.text, "-1 numbers: give 0 or more");
	resume_end(&resume);
	cr_assert_eq(resume_list(&resume, wax_numbers(1, -1), 1), -EINVAL);
	resume_end(&resume);
}
