/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "launcher/profile.h"
#include "shm/atomic.h"

/* Two workers that never run: the test writes the control page in their place. */
enum { WORKERS = 2, STEPS = 3, EDGES = 2 };

static struct wax_control control;
static struct wax_profile *profile;
static uint64_t now_ns;

static struct wax_worker_record *record(uint32_t worker)
{
	return wax_control_worker(&control, worker);
}

static void set_up(void)
{
	struct wax_control_plan plan = {"test", WORKERS, STEPS, EDGES};

	cr_assert_eq(wax_control_make(&plan, &control, NULL), 0);
	cr_assert_eq(wax_profile_make(&control, 1000, &profile), 0);
	now_ns = 1000;
	for (uint32_t i = 0; i < WORKERS; i++) {
		wax_store_relaxed(&record(i)->state, WAX_WORKER_RUNNING);
		wax_store_relaxed(&record(i)->turn_started_ns, 1);
	}
}

static void tear_down(void)
{
	wax_profile_free(profile);
	wax_control_free(&control);
}

TestSuite(profile, .init = set_up, .fini = tear_down);

static void look_after(uint64_t ns)
{
	wax_profile_look(profile, now_ns += ns);
}

static void expect(uint32_t worker, struct wax_profile_time expected)
{
	struct wax_profile_time time = wax_profile_worker(profile, worker);

	cr_assert_eq(time.steps_ns, expected.steps_ns);
	cr_assert_eq(time.sending_ns, expected.sending_ns);
	cr_assert_eq(time.receiving_ns, expected.receiving_ns);
	cr_assert_eq(time.runtime_ns, expected.runtime_ns);
	cr_assert_eq(time.spinning_ns, expected.spinning_ns);
	cr_assert_eq(time.asleep_ns, expected.asleep_ns);
}

Test(profile, time_since_the_last_look_counts_for_what_is_seen)
{
	wax_store_relaxed(&record(0)->step_now, 2);
	look_after(10);
	wax_store_relaxed(&record(0)->step_now, WAX_NO_STEP);
	look_after(5);
	cr_assert_eq(wax_profile_step_ns(profile, 0, 2), 10);
	cr_assert_eq(wax_profile_step_ns(profile, 0, 1), 0);
	cr_assert_eq(wax_profile_looks(profile), 2);
	expect(0, (struct wax_profile_time){.steps_ns = 10, .runtime_ns = 5});
	expect(1, (struct wax_profile_time){.runtime_ns = 15});
}

Test(profile, sides_of_an_exchange_count_for_its_edge_and_not_for_the_step)
{
	wax_store_relaxed(&record(0)->step_now, 0);
	wax_worker_does(record(0), WAX_DOING_SENDING | 1);
	wax_worker_does(record(1), WAX_DOING_RECEIVING | 1);
	look_after(7);
	expect(0, (struct wax_profile_time){.sending_ns = 7});
	expect(1, (struct wax_profile_time){.receiving_ns = 7});
	cr_assert_eq(wax_profile_edge(profile, 1).sending_ns, 7);
	cr_assert_eq(wax_profile_edge(profile, 1).receiving_ns, 7);
	cr_assert_eq(wax_profile_edge(profile, 0).sending_ns, 0);
	cr_assert_eq(wax_profile_edge(profile, 0).receiving_ns, 0);

	wax_worker_does(record(0), WAX_DOING_STEPS);
	look_after(2);
	cr_assert_eq(wax_profile_step_ns(profile, 0, 0), 2);
}

Test(profile, who_spins_sleeps_or_is_gone_is_not_at_work)
{
	wax_worker_does(record(0), WAX_DOING_SPINNING);
	wax_store_relaxed(&record(1)->turn_started_ns, 0);
	look_after(3);
	wax_store_relaxed(&record(0)->state, WAX_WORKER_DONE);
	wax_store_relaxed(&record(1)->state, WAX_WORKER_FAILED);
	look_after(4);
	expect(0, (struct wax_profile_time){.spinning_ns = 3, .asleep_ns = 4});
	expect(1, (struct wax_profile_time){.asleep_ns = 7});
}

Test(profile, who_starts_is_at_work)
{
	wax_store_relaxed(&record(0)->state, WAX_WORKER_STARTING);
	wax_store_relaxed(&record(0)->turn_started_ns, 0);
	look_after(3);
	wax_store_relaxed(&record(0)->step_now, 1); /* it is opened */
	look_after(4);
	expect(0, (struct wax_profile_time){.steps_ns = 4, .runtime_ns = 3});
}

Test(profile, parts_of_all_workers_add_up)
{
	wax_worker_does(record(0), WAX_DOING_SPINNING);
	wax_store_relaxed(&record(1)->step_now, 0);
	look_after(3);
	wax_worker_does(record(0), WAX_DOING_SENDING);
	look_after(8);

	struct wax_profile_time all = wax_profile_all(profile);

	cr_assert_eq(all.steps_ns, 11);
	cr_assert_eq(all.spinning_ns, 3);
	cr_assert_eq(all.sending_ns, 8);
	cr_assert_eq(wax_profile_total_ns(&all), WORKERS * 11);
}

Test(profile, rubbish_in_a_record_does_no_harm)
{
	const uint32_t rubbish[] = {STEPS, 0x10000 + EDGES, 0x1ffff, 0x20000 + EDGES, 0x30001,
			0x40000, 0xffffffff};

	for (size_t i = 0; i < sizeof(rubbish) / sizeof(*rubbish); i++) {
		wax_store_relaxed(&record(0)->step_now, STEPS + i);
		wax_worker_does(record(0), rubbish[i]);
		look_after(1);
	}
	expect(0, (struct wax_profile_time){.runtime_ns = sizeof(rubbish) / sizeof(*rubbish)});
}

Test(profile, of_many_workers_it_is_looked_less_often)
{
	cr_assert_eq(wax_profile_interval_ns(16), wax_profile_interval_ns(1));
	cr_assert_eq(wax_profile_interval_ns(64), 4 * wax_profile_interval_ns(1));
}
