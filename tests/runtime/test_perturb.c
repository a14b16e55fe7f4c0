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

static struct wax_stream limited(struct wax_flow *flow, struct wax_source *source)
{
	static const struct wax_perturb limits = {.seed = 1, .single = true, .limits = true};

	flow->perturb = &limits;
	flow->capture = &capture;
	return wax_input(flow, "numbers", source);
}

static void plain(struct wax_flow *flow)
{
	wax_output(limited(flow, wax_numbers(2, 0)), "out", wax_null());
}

static void sleeps(struct wax_flow *flow)
{
	struct wax_stream numbers = limited(flow, wax_numbers(2, 0));

	wax_output(wax_filter(numbers, "ask", sleep_long, NULL), "out", wax_null());
}

/* ---- not with items, but by a timer, at the end, and of a source */

static int keep_item(struct wax_keyed *keyed, void *state, const struct wax_item *item, void *ctx)
{
	(void)keyed, (void)item, (void)ctx;
	*(uint64_t *)state = 1;
	return WAX_RETAIN;
}

static int sleep_late(struct wax_keyed *keyed, void *state, void *ctx)
{
	(void)keyed, (void)ctx;
	*(uint64_t *)state = 0;
	sleep_long(NULL, NULL);
	return WAX_RETAIN;
}

static int64_t soon(const void *state, void *ctx)
{
	(void)ctx;
	return *(const uint64_t *)state ? 1 : WAX_NEVER;
}

static void keyed_sleeper(struct wax_flow *flow, const struct wax_stateful_item *ops)
{
	struct wax_stream numbers = limited(flow, wax_rate(wax_numbers(3, 0), 100));
	struct wax_stream keyed = wax_key_on(numbers, "key", WAX_U64, wax_key_self, NULL);

	wax_output(wax_stateful_items(keyed, "ask", WAX_U64, ops, NULL), "out", wax_null());
}

static void sleeps_by_a_timer(struct wax_flow *flow)
{
	static const struct wax_stateful_item ops = {.size_bytes = sizeof(ops),
			.state_bytes = sizeof(uint64_t),
			.on_item = keep_item,
			.on_notify = sleep_late,
			.notify_at = soon};

	keyed_sleeper(flow, &ops);
}

static void sleeps_at_the_end(struct wax_flow *flow)
{
	static const struct wax_stateful_item ops = {.size_bytes = sizeof(ops),
			.state_bytes = sizeof(uint64_t),
			.on_item = keep_item,
			.on_eof = sleep_late};

	keyed_sleeper(flow, &ops);
}

static int poll_late(void *source, struct wax_out *out, int64_t *ret_retry_ns, struct wax_err *err)
{
	(void)source, (void)out, (void)ret_retry_ns, (void)err;
	sleep_long(NULL, NULL);
	return WAX_END;
}

static void sleeps_in_a_source(struct wax_flow *flow)
{
	static const struct wax_polling_ops ops = {
			.size_bytes = sizeof(ops), .interval_ns = 1, .poll = poll_late};
	struct wax_source *source = wax_polling(&ops, WAX_U64, NULL, NULL);

	wax_output(limited(flow, source), "out", wax_null());
}

static void expect_found(void (*build)(struct wax_flow *), const char *step, int status)
{
	cr_assert_eq(wax_capture_open(&capture, NULL), 0);

	struct run_flow_result result = run_flow(build, 1, NULL);

	cr_assert_eq(result.status, status, "%s: %s", step, result.sentence);
	cr_assert_str_eq(result.step, step);
	cr_assert_not_null(strstr(result.sentence, "without using a CPU"), "%s", result.sentence);
	run_flow_free(&result);
	wax_capture_close(&capture);
}

Test(perturb, fails_a_callback_that_waits)
{
	expect_found(sleeps, "flow.ask", 1);
	expect_found(sleeps_by_a_timer, "flow.ask", 1);
	expect_found(sleeps_at_the_end, "flow.ask", 1);
	expect_found(sleeps_in_a_source, "flow.numbers", 5);
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
