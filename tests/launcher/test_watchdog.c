/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/watchdog.h"

/* The clock is the test's; the worker is a child that sleeps, as the kernel knows it. */

enum { MS = 1000 * 1000, BUDGET = 100 * MS, LOOK = BUDGET / 4 };

static struct wax_control control;
static struct wax_worker_record *record;
static struct wax_watchdog *watchdog;
static pid_t pid;
static uint64_t now;

static struct {
	uint32_t found;
	uint32_t found_new;
	uint32_t over;
	struct wax_hold last;
} seen;

static void held(void *context, const struct wax_hold *hold)
{
	(void)context;
	seen.found += !hold->is_over;
	seen.found_new += hold->is_new;
	seen.over += hold->is_over;
	seen.last = *hold;
	seen.last.no_stack = NULL; /* lent */
}

/* The kernel may take its time to run the child to where it sleeps. */
static void wait_asleep(void)
{
	char path[64], state = '?';

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	while (state != 'S') {
		FILE *file = fopen(path, "re");

		cr_assert_not_null(file);
		cr_assert_eq(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
		fclose(file);
		usleep(1000);
	}
}

static void start(void)
{
	const struct wax_control_plan plan = {"test", 1, 3, 0};

	cr_assert_eq(wax_control_make(&plan, &control, NULL), 0);
	record = wax_control_worker(&control, 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	wait_asleep();
	watchdog = wax_watchdog_make(
			&(const struct wax_watchdog_env){&control, &pid, BUDGET, held, NULL});
	cr_assert_not_null(watchdog);
	cr_assert_eq(wax_watchdog_interval_ns(watchdog), LOOK);
	now = 5 * BUDGET;
}

static void stop(void)
{
	wax_watchdog_free(watchdog);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	wax_control_free(&control);
}

TestSuite(watchdog, .init = start, .fini = stop, .timeout = 60);

static void look(uint32_t times)
{
	for (uint32_t i = 0; i < times; i++, now += LOOK)
		wax_watchdog_look(watchdog, now);
}

static void be_in(uint32_t step, uint64_t calls)
{
	wax_store_relaxed(&record->step_now, step);
	wax_store_relaxed(&record->calls, calls);
}

Test(watchdog, reports_a_call_that_takes_longer_than_the_budget_once)
{
	be_in(1, 7);
	look(5);
	cr_assert_eq(seen.found, 0, "it may have begun just before the second look");
	look(1);
	cr_assert_eq(seen.found, 1);
	cr_assert_eq(seen.found_new, 1);
	cr_assert_eq(seen.last.worker, 0);
	cr_assert_eq(seen.last.step, 1);
	cr_assert_geq(seen.last.held_ns, BUDGET);
	cr_assert_lt(seen.last.busy_ns, BUDGET / 2, "it sleeps");
	look(10);
	cr_assert_eq(seen.found, 1);
	cr_assert_eq(seen.over, 0);

	be_in(1, 8);
	look(1);
	cr_assert_eq(seen.over, 1);
	cr_assert_geq(seen.last.held_ns, 10 * LOOK);
}

Test(watchdog, counts_each_call_but_shows_a_place_once)
{
	for (uint64_t call = 0; call < 4; call++) {
		be_in(2, call);
		look(8);
	}
	be_in(WAX_NO_STEP, 9);
	look(1);
	cr_assert_eq(seen.found, 4);
	cr_assert_eq(seen.over, 4);
	cr_assert_eq(seen.found_new, 1, "the child sleeps at the same place each time");
}

Test(watchdog, is_silent_while_calls_follow_each_other)
{
	for (uint64_t call = 0; call < 20; call++) {
		be_in(1, call / 2);
		look(2);
	}
	cr_assert_eq(seen.found, 0);
}

Test(watchdog, is_silent_while_no_step_runs)
{
	be_in(WAX_NO_STEP, 7);
	look(20);
	be_in(3, 7); /* no step of this flow */
	look(20);
	cr_assert_eq(seen.found, 0);
}

Test(watchdog, does_not_blame_a_worker_that_is_stopped)
{
	int status;

	kill(pid, SIGSTOP);
	cr_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
	be_in(1, 7);
	look(20);
	cr_assert_eq(seen.found, 0);
	kill(pid, SIGCONT);
	wait_asleep();
	look(20);
	cr_assert_eq(seen.found, 1);

	kill(pid, SIGSTOP);
	cr_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
	look(5);
	be_in(2, 8);
	look(1);
	cr_assert_eq(seen.over, 1);
	cr_assert_eq(seen.last.step, 1, "stopped while it was held");
}

Test(watchdog, ends_with_the_worker)
{
	pid_t was = pid;

	be_in(1, 7);
	look(10);
	pid = 0;
	look(10);
	pid = was;
	cr_assert_eq(seen.found, 1);
	cr_assert_eq(seen.over, 1);
}

Test(watchdog, leaves_the_end_of_a_worker_to_whoever_waits_for_it)
{
	struct wax_stack stack;
	struct wax_err err = {0};
	int status;

	kill(pid, SIGTERM);
	while (kill(pid, 0) == 0 &&
			waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT) != 0)
		;
	cr_assert_lt(wax_stack_read(pid, &stack, &err), 0);
	cr_assert_eq(stack.frame_count, 0);
	cr_assert_str_neq(err.text, "");
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	pid = fork();
	if (pid == 0)
		pause();
}

Test(watchdog, shows_where_it_waits)
{
	struct wax_stack stack;
	struct wax_err err = {0};
	int r = wax_stack_read(pid, &stack, &err);

	if (r == -ENOSYS || r == -EPERM)
		cr_skip_test("%s", err.text);
	cr_assert_eq(r, 0, "%s", err.text);
	cr_assert_gt(stack.frame_count, 1);
	bool found = false;
	for (uint32_t i = 0; i < stack.frame_count; i++)
		found |= strstr(stack.frames[i], "pause") != NULL;
	cr_assert(found, "%s", stack.frames[0]);
	cr_assert_eq(kill(pid, 0), 0, "it goes on");
}
