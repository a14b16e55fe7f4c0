/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers go through a step whose callback takes --time for each, asleep or at work. */
#include <wax/wax.h>

#include <string.h>
#include <time.h>

struct holds {
	int64_t time_ns;
	int busy;
};

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static __attribute__((noinline)) void work_at_the_oracle(int64_t time_ns)
{
	for (int64_t until = now_ns() + time_ns; now_ns() < until;)
		;
}

static __attribute__((noinline)) void wait_for_the_oracle(int64_t time_ns)
{
	struct timespec left = {time_ns / 1000000000, time_ns % 1000000000};
	while (nanosleep(&left, &left) < 0)
		;
}

static int ask(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct holds *holds = ctx;
	if (holds->busy)
		work_at_the_oracle(holds->time_ns);
	else
		wait_for_the_oracle(holds->time_ns);
	return wax_emit(out, item->value.data, item->value.bytes);
}

WAX_FLOW(holds, "Ask an oracle that takes its time")
{
	struct holds *holds = wax_flow_alloc(flow, sizeof(*holds));
	int64_t items = wax_arg_int(flow, "items", "questions", "3");
	holds->time_ns = wax_arg_duration(flow, "time", "for each", "1s");
	holds->busy = wax_arg_flag(flow, "busy", "compute instead of sleeping");

	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(items, 0));
	struct wax_stream answers = wax_map(numbers, "ask", WAX_U64, ask, holds);
	wax_output(answers, "out", wax_stdout("%v"));
}
