/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <wax/wax.h>

#include "runtime/capture.h"
#include "runtime/flow.h"
#include "runtime/perturb.h"
#include "tests/support/run_flow.h"

static struct wax_capture capture;

static int sleep_long(const struct wax_item *item, void *ctx)
{
	const struct timespec pause = {.tv_nsec = 3 * WAX_PERTURB_WAIT_NS_MAX};

	(void)item, (void)ctx;
	nanosleep(&pause, NULL);
	return 1;
}

static struct wax_stream limited(struct wax_flow *flow)
{
	static const struct wax_perturb limits = {.seed = 1, .single = true, .limits = true};

	flow->perturb = &limits;
	flow->capture = &capture;
	return wax_input(flow, "numbers", wax_numbers(2, 0));
}

static void plain(struct wax_flow *flow)
{
	wax_output(limited(flow), "out", wax_null());
}

static void sleeps(struct wax_flow *flow)
{
	wax_output(wax_filter(limited(flow), "ask", sleep_long, NULL), "out", wax_null());
}

Test(perturb, fails_a_callback_that_waits)
{
	cr_assert_eq(wax_capture_open(&capture, NULL), 0);

	struct run_flow_result result = run_flow(sleeps, 1, NULL);

	cr_assert_eq(result.status, 1);
	cr_assert_str_eq(result.step, "flow.ask");
	cr_assert_not_null(strstr(result.sentence, "without using a CPU"), "%s", result.sentence);
	run_flow_free(&result);
	wax_capture_close(&capture);
}

/* Takes what is written to a full pipe, but not at once. */
static pid_t fork_late_reader(int fd)
{
	pid_t pid = fork();
	char bytes[4096];

	if (pid != 0)
		return pid;
	close(capture.fd);
	sleep_long(NULL, NULL);
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	_exit(0);
}

static void fill(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	char bytes[4096] = {0};

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
	fcntl(fd, F_SETFL, flags);
}

Test(perturb, blames_no_step_for_a_wait_until_its_results_are_kept)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	capture.fd = ends[1];
	fill(ends[1]);

	pid_t reader = fork_late_reader(ends[0]);
	struct run_flow_result result = run_flow(plain, 1, NULL);

	cr_assert_eq(result.status, 0, "%s: %s", result.step, result.sentence);
	run_flow_free(&result);
	wax_capture_close(&capture);
	close(ends[0]);
	cr_assert_eq(waitpid(reader, NULL, 0), reader);
}
