/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wax/wax.h>

#include "runtime/clock.h"
#include "runtime/worker.h"
#include "shm/bell.h"

/*
 * A whole worker, or two, at flows whose source and sink are made here and write down what they are
 * called for. The launcher is played by the test.
 */

static struct wax_flow *flow;
static struct wax_plan *plan;
static struct wax_segment segment;
static struct wax_control control;
static int bells[2] = {-1, -1};
static uint32_t worker_count;
static struct wax_err err;

/* What was called, in order; of this process. */
static char calls[4096];

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *fmt, ...)
{
	size_t used = strlen(calls);
	va_list args;

	va_start(args, fmt);
	vsnprintf(calls + used, sizeof(calls) - used, fmt, args);
	va_end(args);
}

/* ---- A source that does what it is told: a letter a call. */

static struct {
	const char *play; /* m: item, more; i: item, idle until woken; t: idle for 2 ms; f: until the
			     pipe is readable; e: end; x: fail; o: nonsense; .: nothing, more */
	const char *at;
	struct wax_env *env;
	uint64_t number;
	int pipe;
	int open_code;
} source;

static int source_open(void *s, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *to)
{
	(void)s;
	(void)saved;
	if (source.open_code < 0)
		return wax_err_set(to, source.open_code, "cannot open the source");
	source.at = source.play;
	source.env = env;
	*ret_part = &source;
	note("<");
	return 0;
}

static int source_next(void *part, struct wax_out *out, struct wax_err *to)
{
	(void)part;
	char play = *source.at ? *source.at++ : 'e';

	if (strchr("mi", play)) {
		wax_emit(out, &source.number, sizeof(source.number));
		source.number++;
	}
	switch (play) {
	case 'm':
	case '.':
		return WAX_MORE;
	case 'i':
		wax_env_wake(source.env);
		return WAX_IDLE;
	case 't':
		return WAX_IDLE;
	case 'f':
		wax_env_wake_on(source.env, source.pipe, POLLIN);
		return WAX_IDLE;
	case 'x':
		return wax_err_set(to, -EIO, "the source is broken");
	case 'o':
		return 99;
	default:
		return WAX_END;
	}
}

static int64_t source_awake(void *part)
{
	(void)part;
	return source.at > source.play && source.at[-1] == 't' ? wax_env_now(source.env) + 2000000
							       : WAX_NEVER;
}

static void source_close(void *part)
{
	(void)part;
	note(">");
}

static const struct wax_source_ops source_ops = {
		.size_bytes = sizeof(source_ops),
		.kind = "played",
		.open = source_open,
		.next = source_next,
		.next_awake = source_awake,
		.close = source_close,
};

/* ---- A sink likewise. */

static struct {
	const char *writes;  /* a letter a write: r ready, b busy until woken, x fail, o nonsense */
	const char *flushes; /* likewise a flush */
	struct wax_env *env;
	uint64_t items;
	int wake_fd;
	int open_code;
	int close_code;
} sink;

static int sink_open(void *s, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *to)
{
	(void)s;
	(void)saved;
	if (sink.open_code < 0)
		return wax_err_set(to, sink.open_code, "cannot open the sink");
	sink.env = env;
	sink.wake_fd = eventfd(1, EFD_CLOEXEC);
	*ret_part = &sink;
	note("(");
	return 0;
}

static int answer(const char **play, struct wax_err *to)
{
	switch (**play ? *(*play)++ : 'r') {
	case 'b':
		/* It is woken by its descriptor, which is ready at once. */
		wax_env_wake_on(sink.env, sink.wake_fd, POLLIN);
		return WAX_BUSY;
	case 'x':
		return wax_err_set(to, -ENOSPC, "the sink is full");
	case 'o':
		return 99;
	default:
		return WAX_READY;
	}
}

static int sink_write(void *part, const struct wax_batch *batch, struct wax_err *to)
{
	(void)part;
	sink.items += batch->count;
	note("w%u", batch->count);
	return answer(&sink.writes, to);
}

static int sink_flush(void *part, struct wax_err *to)
{
	(void)part;
	note("f");
	return answer(&sink.flushes, to);
}

static int sink_close(void *part, int ok, struct wax_err *to)
{
	(void)part;
	close(sink.wake_fd);
	note(ok ? ")" : "!)");
	return sink.close_code < 0 ? wax_err_set(to, sink.close_code, "cannot close the sink") : 0;
}

static const struct wax_sink_ops sink_ops = {
		.size_bytes = sizeof(sink_ops),
		.kind = "played",
		.open = sink_open,
		.write = sink_write,
		.flush = sink_flush,
		.close = sink_close,
};

/* ---- A launcher */

static void make(void (*describe)(struct wax_flow *), uint32_t workers)
{
	struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR, WAX_VERSION_MINOR, "t",
			"A test", describe};

	worker_count = workers;
	cr_assert_eq(wax_flow_make(&entry, 0, NULL, &flow, &err), 0);
	cr_assert_eq(flow->mistake_count, 0, "%s", flow->mistake_count ? flow->mistakes[0] : "");
	cr_assert_eq(wax_flow_prepare(flow, workers, &err), 0, "%s", err.text);
	cr_assert_eq(wax_plan_make(flow, workers, &plan, &err), 0, "%s", err.text);
	struct wax_segment_plan shape = {workers, plan->edge_count, 512, 2, 2};

	cr_assert_eq(wax_segment_make(&shape, &segment, &err), 0, "%s", err.text);
	struct wax_control_plan pages = {"t", workers, flow->step_count, plan->edge_count};

	cr_assert_eq(wax_control_make(&pages, &control, &err), 0, "%s", err.text);
	for (uint32_t i = 0; i < workers; i++)
		bells[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void set_up(void)
{
	memset(&source, 0, sizeof(source));
	memset(&sink, 0, sizeof(sink));
	source.play = "e";
	sink.writes = sink.flushes = "";
	calls[0] = '\0';
}

/* AddressSanitizer's, where it is. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

static void tear_down(void)
{
	for (uint32_t i = 0; i < worker_count; i++)
		close(bells[i]);
	wax_control_free(&control);
	wax_segment_free(&segment);
	wax_plan_free(plan);
	wax_flow_free(flow);
	plan = NULL;
	flow = NULL;
	if (__lsan_do_recoverable_leak_check)
		cr_assert_eq(__lsan_do_recoverable_leak_check(), 0);
}

TestSuite(stage, .init = set_up, .fini = tear_down, .timeout = 60);

static int run_worker(uint32_t me)
{
	struct wax_worker_env env = {
			.plan = plan,
			.segment = &segment,
			.control = &control,
			.bells = bells,
			.me = me,
			.spin_ns = -1,
			.overcommitted = true,
	};

	return wax_worker_run(&env);
}

static int run(void)
{
	return run_worker(0);
}

static const struct wax_worker_record *record(void)
{
	return wax_control_worker(&control, 0);
}

static void expect_failure(int status, const char *id, const char *sentence)
{
	cr_assert_eq(wax_load_relaxed(&record()->state), WAX_WORKER_FAILED);
	cr_assert_eq(record()->fail_status, status, "%d: %s", record()->fail_status,
			record()->fail_sentence);
	cr_assert(strstr(record()->fail_sentence, sentence), "'%s' lacks '%s'",
			record()->fail_sentence, sentence);
	cr_assert_lt(record()->fail_step, flow->step_count);
	cr_assert_str_eq(flow->steps[record()->fail_step]->id, id);
}

static int pass(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit(out, item->value.data, item->value.bytes);
}

static struct wax_stream played(struct wax_flow *to)
{
	return wax_input(to, "in", wax_source_make(&source_ops, WAX_U64, NULL, NULL));
}

static void into_sink(struct wax_stream up)
{
	wax_output(up, "out", wax_sink_make(&sink_ops, NULL, NULL, NULL));
}

static void straight(struct wax_flow *to)
{
	into_sink(wax_map(played(to), "map", WAX_U64, pass, NULL));
}

/* ---- Sources */

Test(stage, without_items_opens_and_closes)
{
	make(straight, 1);
	cr_assert_eq(run(), 0);
	cr_assert_str_eq(calls, "<(>)");
	cr_assert_eq(wax_load_relaxed(&record()->state), WAX_WORKER_DONE);
}

Test(stage, hands_all_items_on_flushes_and_closes)
{
	source.play = "mmme";
	make(straight, 1);
	cr_assert_eq(run(), 0);
	cr_assert_str_eq(calls, "<(w1w1w1>f)");
}

Test(stage, asks_an_idle_source_again_when_its_time_comes)
{
	source.play = "mtmttme";
	make(straight, 1);
	cr_assert_eq(run(), 0);
	cr_assert_eq(sink.items, 3);
	cr_assert(strstr(calls, "w1fw1f"), "%s: it is flushed before it rests", calls);
}

Test(stage, asks_a_source_that_has_more_again_though_it_gave_nothing)
{
	source.play = "..m..mt.m.e";
	make(straight, 1);
	cr_assert_eq(run(), 0);
	cr_assert_eq(sink.items, 3);
}

Test(stage, asks_an_idle_source_again_when_it_is_woken)
{
	source.play = "iimie";
	make(straight, 1);
	cr_assert_eq(run(), 0);
	cr_assert_eq(sink.items, 4);
}

Test(stage, sleeps_while_a_source_waits_for_a_descriptor)
{
	int fds[2];
	pid_t writer;
	struct rusage usage;

	cr_assert_eq(pipe(fds), 0);
	source.pipe = fds[0];
	source.play = "mfme";
	make(straight, 1);
	writer = fork();
	if (writer == 0) {
		usleep(300 * 1000);
		_exit(write(fds[1], "x", 1) == 1 ? 0 : 1);
	}
	cr_assert_eq(run(), 0);
	getrusage(RUSAGE_SELF, &usage);
	waitpid(writer, NULL, 0);
	cr_assert_eq(sink.items, 2);
	cr_assert_lt(wax_load_relaxed(&record()->sleeps), 20);
	cr_assert_gt(wax_load_relaxed(&record()->slept_ns), 200u * 1000 * 1000);
	close(fds[0]);
	close(fds[1]);
}

Test(stage, ends_sources_when_it_is_told_to_stop)
{
	char play[] = "................................mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm";

	source.play = play;
	make(straight, 1);
	wax_store_relaxed(&control.header->stop, 1);
	cr_assert_eq(run(), 0);
	cr_assert_str_eq(calls, "<(>)");
}

/* ---- Sinks */

Test(stage, does_not_write_to_a_sink_that_is_busy)
{
	source.play = "mmmmmmmme";
	sink.writes = "brbbrr";
	make(straight, 1);
	cr_assert_eq(run(), 0);
	cr_assert_eq(sink.items, 8);
	cr_assert_eq(calls[strlen(calls) - 1], ')');
}

Test(stage, waits_for_the_last_flush)
{
	source.play = "me";
	sink.flushes = "bbr";
	make(straight, 1);
	cr_assert_eq(run(), 0);
	cr_assert_str_eq(calls, "<(w1>fff)");
}

static void two_sinks(struct wax_flow *to)
{
	struct wax_stream in = played(to);

	wax_output(wax_map(in, "map", WAX_U64, pass, NULL), "null", wax_null());
	into_sink(in);
}

Test(stage, with_a_busy_sink_holds_its_source_back)
{
	source.play = "mmmmmmmmmme";
	sink.writes = "bbbbbbbbbb";
	make(two_sinks, 1);
	cr_assert_eq(run(), 0);
	cr_assert_eq(sink.items, 10);
	cr_assert_eq(wax_load_relaxed(&wax_control_step(&control, 0, 1)->items_in), 10);
}

/* ---- Failures */

Test(stage, reports_a_source_that_cannot_be_opened)
{
	source.open_code = -ENOENT;
	make(straight, 1);
	cr_assert_eq(run(), 5);
	expect_failure(5, "t.in", "cannot open the source");
	cr_assert_str_eq(calls, "");
}

Test(stage, reports_a_sink_that_cannot_be_opened)
{
	sink.open_code = -EACCES;
	make(straight, 1);
	cr_assert_eq(run(), 5);
	expect_failure(5, "t.out", "cannot open the sink");
	cr_assert_str_eq(calls, "<>", "the source is closed");
}

Test(stage, reports_a_source_that_fails)
{
	source.play = "mmx";
	make(straight, 1);
	cr_assert_eq(run(), 5);
	expect_failure(5, "t.in", "the source is broken");
	cr_assert(strstr(calls, ">"), "%s", calls);
	cr_assert(strstr(calls, "!)"), "%s: the sink knows that not all is well", calls);
}

Test(stage, reports_a_source_that_talks_nonsense)
{
	source.play = "o";
	make(straight, 1);
	cr_assert_eq(run(), 5);
	expect_failure(5, "t.in", "next of the source gave back 99, which means nothing");
}

Test(stage, reports_a_sink_that_fails)
{
	source.play = "mme";
	sink.writes = "rx";
	make(straight, 1);
	cr_assert_eq(run(), 5);
	expect_failure(5, "t.out", "the sink is full");
	cr_assert_str_eq(calls, "<(w1w1>!)");
}

Test(stage, reports_a_sink_that_talks_nonsense)
{
	source.play = "me";
	sink.writes = "o";
	make(straight, 1);
	cr_assert_eq(run(), 5);
	expect_failure(5, "t.out", "write of the sink gave back 99, which means nothing");
}

Test(stage, reports_a_flush_that_fails)
{
	source.play = "me";
	sink.flushes = "x";
	make(straight, 1);
	cr_assert_eq(run(), 5);
	expect_failure(5, "t.out", "the sink is full");
}

Test(stage, reports_a_close_that_fails)
{
	source.play = "me";
	sink.close_code = -EIO;
	make(straight, 1);
	cr_assert_eq(run(), 5);
	expect_failure(5, "t.out", "cannot close the sink");
}

static int third_fails(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number;

	memcpy(&number, item->value.data, sizeof(number));
	return number == 2 ? wax_fail(out, "two is too many") : pass(out, item, ctx);
}

static void failing(struct wax_flow *to)
{
	struct wax_stream s = wax_map(played(to), "map", WAX_U64, pass, NULL);

	into_sink(wax_map(s, "check", WAX_U64, third_fails, NULL));
}

Test(stage, reports_the_step_and_the_item_of_a_callback_that_fails)
{
	source.play = "mmmme";
	make(failing, 1);
	cr_assert_eq(run(), 1);
	expect_failure(1, "t.check", "two is too many");
	cr_assert_str_eq(record()->fail_item, "2");
	cr_assert_eq(record()->fail_epoch, 1);
}

/* ---- Epochs and ends, of two workers: worker 1 is a child, worker 0 this process. */

/* A child that does not outlive a test that fails. */
static pid_t fork_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* The launcher's clock, as fast as the workers are: in a child of its own. */
static pid_t start_clock(void)
{
	pid_t pid = fork_child();

	if (pid != 0)
		return pid;
	for (uint64_t epoch = 1;; usleep(200)) {
		uint32_t done = 0;

		for (uint32_t i = 0; i < worker_count; i++) {
			const struct wax_worker_record *worker = wax_control_worker(&control, i);

			done += wax_load_acquire(&worker->epoch_done) >= epoch - 1;
		}
		if (done < worker_count)
			continue;
		wax_store_release(&control.header->epoch, ++epoch);
		for (uint32_t i = 0; i < worker_count; i++)
			wax_bell_ring(wax_segment_bell(&segment, i), bells[i]);
	}
}

static int run_two(bool with_epochs)
{
	pid_t clock = with_epochs ? start_clock() : 0;
	pid_t other = fork_child();
	int status = 0;

	if (other == 0)
		_exit(run_worker(1));
	int mine = run_worker(0);

	waitpid(other, &status, 0);
	if (with_epochs) {
		kill(clock, SIGKILL);
		waitpid(clock, NULL, 0);
	}
	return mine ? mine : WEXITSTATUS(status);
}

/* Items carry the epoch in which they left the first step; none may arrive in another. */
static int stamp(const struct wax_place *place, const struct wax_item *item, void *ctx)
{
	(void)item;
	*(uint64_t *)ctx = place->epoch;
	return 0;
}

static int stamped(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint64_t number;

	memcpy(&number, item->value.data, sizeof(number));
	return wax_emit_kv(out, &number, sizeof(number), ctx, sizeof(uint64_t));
}

static int check_stamp(const struct wax_place *place, const struct wax_item *item, void *ctx)
{
	uint64_t epoch;

	(void)ctx;
	memcpy(&epoch, item->value.data, sizeof(epoch));
	return epoch == place->epoch ? 0 : -EILSEQ;
}

static void aligned(struct wax_flow *to)
{
	uint64_t *epoch = wax_flow_alloc(to, sizeof(*epoch));
	const struct wax_type *keyed = wax_type_keyed(WAX_U64, WAX_U64);
	struct wax_stream s = wax_input(to, "in", wax_numbers(150000, 0));

	s = wax_map(wax_inspect(s, "stamp", stamp, epoch), "put", keyed, stamped, epoch);
	s = wax_redistribute(s, "deal", WAX_DEAL_ITEMS);
	struct wax_stream ups[] = {s, wax_redistribute(s, "again", WAX_DEAL_BATCHES)};

	s = wax_inspect(wax_merge("merge", ups, 2), "check", check_stamp, NULL);
	wax_output(wax_count_final(s, "count"), "out", wax_null());
}

Test(stage, keeps_items_in_their_epoch_across_exchanges_and_queues)
{
	make(aligned, 2);
	cr_assert_eq(run_two(true), 0, "%s", record()->fail_sentence);
	uint64_t items = 0;

	for (uint32_t i = 0; i < 2; i++)
		items += wax_load_relaxed(
				&wax_control_step(&control, i, flow->step_count - 1)->items_in);
	cr_assert_eq(items, 150000, "a key each");
	cr_assert_gt(wax_load_relaxed(&control.header->epoch), 3);
}

/* Much is emitted at the end, by each of a chain of steps. */
static void at_the_end(struct wax_flow *to)
{
	struct wax_stream s = wax_input(to, "in", wax_numbers(100000, 0));

	for (int i = 0; i < 3; i++) {
		static const char *const ids[][2] = {{"k0", "c0"}, {"k1", "c1"}, {"k2", "c2"}};

		s = wax_key_on(s, ids[i][0], WAX_U64, wax_key_self, NULL);
		s = wax_count_final(s, ids[i][1]);
		if (i < 2)
			s = wax_redistribute(s, i ? "r1" : "r0", WAX_DEAL_ITEMS);
	}
	wax_output(s, "out", wax_null());
}

Test(stage, hands_on_all_that_is_emitted_at_the_end)
{
	make(at_the_end, 2);
	cr_assert_eq(run_two(true), 0, "%s", record()->fail_sentence);
	uint64_t ones = 0;

	/* 100000 keys with a count of 1; then one key 1 with a count of 100000; then that. */
	for (uint32_t i = 0; i < 2; i++)
		ones += wax_load_relaxed(
				&wax_control_step(&control, i, flow->step_count - 1)->items_in);
	cr_assert_eq(ones, 1);
}

struct large {
	uint64_t number;
	char rest[1192]; /* three slabs, of which there are two */
};

static int enlarge(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	struct large large = {0};

	(void)ctx;
	memcpy(&large.number, item->value.data, sizeof(large.number));
	return wax_emit(out, &large, sizeof(large));
}

static int one_part(void *s, struct wax_parts *parts, struct wax_err *to)
{
	(void)s;
	(void)to;
	return wax_parts_add(parts, "one");
}

/* All in worker 0: the source, the sink, and the exchange between them. */
static void large_items(struct wax_flow *to)
{
	static struct wax_sink_ops one_part_ops;

	one_part_ops = sink_ops;
	one_part_ops.list = one_part;

	const struct wax_type *type = WAX_STRUCT(struct large);
	struct wax_stream s = wax_input(to, "in", wax_numbers_single(125, 0));

	s = wax_map(s, "map", type, enlarge, NULL);
	wax_output(s, "out", wax_sink_make(&one_part_ops, NULL, NULL, NULL));
}

/* No end of an epoch is there to wake who sleeps by mistake. */
Test(stage, goes_on_when_pieces_of_a_large_item_make_room)
{
	make(large_items, 2);
	cr_assert_eq(run_two(false), 0, "%s", record()->fail_sentence);
	cr_assert_eq(sink.items, 125);
}
