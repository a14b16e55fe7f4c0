/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/report.h"
#include "shm/atomic.h"
#include "tests/launcher/flows.h"

/* Three workers that never run: the test writes the control page in their place. */
enum { WORKERS = 3 };

#define MS UINT64_C(1000000)

static struct planned planned;
static struct wax_control control;
static struct wax_placement *placement;
static struct wax_options options;
static struct wax_segment_plan exchange;
static struct wax_report_env env;
static struct wax_report *report;
static struct wax_ended ended;
static struct wax_err err;
static char *printed;
static size_t printed_bytes;
static char json_path[64];

static void make_flow(void (*build)(struct wax_flow *flow))
{
	planned_make(&planned, build, WORKERS);

	struct wax_control_plan plan = {
			"test", WORKERS, planned.flow->step_count, planned.plan->edge_count};

	cr_assert_eq(wax_control_make(&plan, &control, &err), 0, "%s", err.text);
	env.flow = planned.flow;
	env.plan = planned.plan;
	env.control = &control;
}

static void set_up(void)
{
	cr_assert_eq(wax_placement_make(NULL, WORKERS, WAX_BIND_NONE, &placement, &err), 0, "%s",
			err.text);
	placement->core_count = 4;
	exchange.slab_bytes = 65536;
	exchange.slabs_per_lane = 4;
	options.snapshot_interval_ns = (int64_t)(10000 * MS);
	env.options = &options;
	env.placement = placement;
	env.exchange = &exchange;
	env.exchange_bytes = 24 << 20;
	env.io = "io_uring";
	env.to = open_memstream(&printed, &printed_bytes);
	env.columns = 80;
	ended.wall_ns = 2000 * MS;
	ended.usage.ru_utime.tv_sec = 3;
	ended.usage.ru_maxrss = 3 * 1024;
	ended.rss_max_kib = 2 * 1024;
	make_flow(build_counting);
}

static void free_flow(void)
{
	wax_control_free(&control);
	planned_free(&planned);
}

static void tear_down(void)
{
	wax_report_free(report);
	free_flow();
	wax_placement_free(placement);
	fclose(env.to);
	free(printed);
	if (json_path[0])
		unlink(json_path);
}

TestSuite(report, .init = set_up, .fini = tear_down);

static void make_report(void)
{
	cr_assert_eq(wax_report_make(&env, &report, &err), 0, "%s", err.text);
}

/* A file for --json. */
static void want_json(void)
{
	snprintf(json_path, sizeof(json_path), "/tmp/wax-report.XXXXXX");
	close(mkstemp(json_path));
	options.json_path = json_path;
}

/* Lends until the next call. */
static const char *json_text(void)
{
	static char text[65536];
	FILE *file = fopen(json_path, "r");
	size_t bytes = fread(text, 1, sizeof(text) - 1, file);

	text[bytes] = '\0';
	fclose(file);
	return text;
}

static uint64_t at_ms(uint64_t ms)
{
	return control.header->started_ns + ms * MS;
}

static uint32_t step_of(const char *id)
{
	for (uint32_t i = 0; i < planned.flow->step_count; i++) {
		if (strcmp(planned.flow->steps[i]->id, id) == 0)
			return i;
	}
	cr_assert_fail("no step %s", id);
	return 0;
}

static struct wax_step_counters *counters(uint32_t worker, const char *id)
{
	return wax_control_step(&control, worker, step_of(id));
}

static struct wax_worker_record *record(uint32_t worker)
{
	return wax_control_worker(&control, worker);
}

static void expect(const char *text)
{
	fflush(env.to);
	cr_assert_not_null(strstr(printed, text), "no '%s' in:\n%s", text, printed);
}

static void reject(const char *text)
{
	fflush(env.to);
	cr_assert_null(strstr(printed, text), "'%s' in:\n%s", text, printed);
}

static void expect_all(const char *text)
{
	fflush(env.to);
	cr_assert_str_eq(printed, text);
}

/* Each worker emitted 1000 numbers, which went out as 10 counts. */
static void count_evenly(void)
{
	for (uint32_t i = 0; i < WORKERS; i++) {
		wax_count(&record(i)->turns, 1);
		wax_count(&counters(i, "test.numbers")->items_out, 1000);
		wax_count(&counters(i, "test.numbers")->bytes_out, 8000);
		wax_count(&counters(i, "test.by_number")->items_in, 1000);
		wax_count(&counters(i, "test.by_number")->items_out, 1000);
		wax_count(&counters(i, "test.count")->items_in, 1000);
		wax_count(&counters(i, "test.count")->items_out, 20);
		wax_count(&counters(i, "test.count.final")->items_in, 20);
		wax_count(&counters(i, "test.count.final")->items_out, 10);
		wax_count(&counters(i, "test.count.final")->bytes_out, 160);
		wax_count(&counters(i, "test.out.format")->items_in, 10);
		wax_count(&counters(i, "test.out.format")->items_out, 10);
	}
	wax_count(&counters(0, "test.out")->items_in, 30);
}

/* ---- The banner */

Test(report, banner_says_on_a_terminal_what_runs_where)
{
	env.is_terminal = true;
	make_report();
	wax_report_banner(report);
	expect_all("waxrun: test, 3 workers on 4 cores, exchange 24MiB\n");
}

Test(report, banner_is_for_terminals)
{
	make_report();
	wax_report_banner(report);
	expect_all("");
}

Test(report, banner_with_v_says_more_and_anywhere)
{
	options.verbose = true;
	make_report();
	wax_report_banner(report);
	expect("waxrun: test, 3 workers on 4 cores, exchange 24MiB\n");
	expect("  exchange: 24MiB, 2 edges, slabs of 64KiB, 4 a lane\n");
	expect("  input and output: io_uring\n");
	expect("  epochs: every 10s\n");
	expect(placement->reason);
}

Test(report, quiet_prints_failures_only)
{
	options.quiet = true;
	env.is_terminal = true;
	make_report();
	wax_report_banner(report);
	wax_report_progress(report, at_ms(1000));
	wax_report_summary(report, &ended, &err);
	expect_all("");
	ended.ending = WAX_ENDING_VANISHED;
	wax_report_failure(report, &ended);
	expect("waxrun: error: worker 0 ended without a word");
}

/* ---- Progress */

Test(report, progress_shows_the_rates_of_the_last_interval)
{
	options.verbose = true;
	make_report();
	count_evenly();
	wax_report_progress(report, at_ms(1000));
	expect_all("1.0s  in 3.00K/s  out 30/s  busy 100%  worst: worker 0 100%  epoch 1\n");
	count_evenly();
	wax_report_progress(report, at_ms(3000));
	expect("3.0s  in 1.50K/s  out 15/s");
}

Test(report, progress_names_the_busiest_worker_and_what_it_does_most)
{
	options.verbose = true;
	make_report();
	for (uint32_t i = 0; i < WORKERS; i++)
		wax_store_relaxed(&record(i)->step_now, WAX_NO_STEP);
	wax_count(&record(0)->slept_ns, 900 * MS);
	wax_count(&record(1)->slept_ns, 100 * MS);
	wax_count(&record(2)->slept_ns, 500 * MS);
	for (int i = 0; i < 5; i++) {
		wax_store_relaxed(&record(1)->step_now, step_of(i < 2 ? "test.out" : "test.count"));
		wax_report_sample(report, at_ms(900 + i));
	}
	wax_report_progress(report, at_ms(1000));
	expect("busy 50%  worst: count@1 90%");
}

Test(report, a_worker_that_sleeps_on_is_not_busy)
{
	options.verbose = true;
	make_report();
	for (uint32_t i = 0; i < WORKERS; i++)
		wax_count(&record(i)->turns, 1);
	wax_report_progress(report, at_ms(1000));
	/* Asleep ever since: slept_ns will tell when they wake. */
	wax_report_progress(report, at_ms(2000));
	expect("2.0s  in 0/s  out 0/s  busy 0%");
	/* A sleep longer than the interval that it ended in. */
	for (uint32_t i = 0; i < WORKERS; i++) {
		wax_count(&record(i)->turns, 1);
		wax_count(&record(i)->slept_ns, 1500 * MS);
	}
	wax_report_progress(report, at_ms(3000));
	expect("3.0s  in 0/s  out 0/s  busy 0%");
}

Test(report, progress_writes_over_its_line_on_a_terminal)
{
	env.is_terminal = true;
	env.columns = 20;
	make_report();
	wax_report_progress(report, at_ms(10000));
	wax_report_progress(report, at_ms(20000));
	/* Cut where the last column begins. */
	expect_all("\r10.0s  in 0/s  out "
		   "\r20.0s  in 0/s  out ");
}

Test(report, progress_is_erased_before_anything_else)
{
	env.is_terminal = true;
	env.columns = 6;
	make_report();
	wax_report_notice(report, "first");
	wax_report_progress(report, at_ms(10000));
	wax_report_notice(report, "second");
	wax_report_notice(report, "third");
	expect_all("waxrun: first\n"
		   "\r10.0s\r     \rwaxrun: second\n"
		   "waxrun: third\n");
}

Test(report, progress_is_whole_lines_where_the_flow_prints_too)
{
	env.is_terminal = true;
	env.shares_terminal = true;
	make_report();
	wax_report_progress(report, at_ms(1000));
	reject("\r");
	expect("epoch 1\n");
}

/* ---- The summary */

Test(report, summary_shows_steps_and_exchanges)
{
	make_report();
	count_evenly();
	for (uint32_t i = 0; i < WORKERS; i++) {
		wax_count(&wax_control_edge(&control, i, 0)->items_out, 1000);
		wax_count(&wax_control_edge(&control, i, 0)->items_crossed, 660);
		wax_count(&wax_control_edge(&control, i, 0)->bytes_crossed, 10 * 1024);
		wax_count(&wax_control_edge(&control, i, 0)->messages, 4);
		wax_count(&wax_control_edge(&control, i, 0)->blocked_ns, 500 * MS);
	}
	wax_store_relaxed(&record(1)->first_item_ns, 3 * MS);
	wax_store_relaxed(&record(2)->first_item_ns, 2 * MS);
	cr_assert_eq(wax_report_summary(report, &ended, &err), 0);
	expect_all("step       kind         items in  items out  bytes out     rate  skew\n"
		   "numbers    input               -      3,000    23.4KiB  1.50K/s\n"
		   "by_number  key_on          3,000      3,000         0B  1.50K/s\n"
		   "count      count_final     3,000         30       480B  1.50K/s  1.00\n"
		   "out        output             30          -          -     15/s\n"
		   "\n"
		   "exchange              by         items  crossed  bytes  a batch  blocked\n"
		   "count -> count.final  key        3,000    66.0%  30KiB      165     1.5s\n"
		   "out.format -> out     partition      0     0.0%     0B        -        -\n"
		   "\n"
		   "test: finished after 2.0s: 3,000 items in, 30 out\n"
		   "CPU 3.0s, 50% of 3 workers, 1ms an item; memory 3MiB, at most 2MiB a worker\n"
		   "epochs 0; first item after 2ms; dropped 0\n");
}

Test(report, summary_with_v_takes_steps_apart)
{
	make_report();
	wax_report_summary(report, &ended, &err);
	reject("  count.final ");
	options.verbose = true;
	wax_report_summary(report, &ended, &err);
	expect("\n  count.final  count_final ");
	expect("\n  out.format ");
}

Test(report, summary_has_no_escapes_without_color)
{
	make_report();
	wax_report_summary(report, &ended, &err);
	reject("\033");
}

Test(report, summary_with_color_has_bold_headings_and_dim_units)
{
	env.color = true;
	make_report();
	count_evenly();
	wax_report_summary(report, &ended, &err);
	expect("\033[1mstep\033[0m");
	expect("23.4\033[2mKiB\033[0m");
}

Test(report, summary_of_a_failure_is_one_line)
{
	ended.ending = WAX_ENDING_FAILED;
	make_report();
	wax_report_summary(report, &ended, &err);
	expect_all("test: failed after 2.0s: 0 items in, 0 out\n");
}

Test(report, a_hot_key_is_pointed_out)
{
	make_report();
	count_evenly();
	wax_count(&counters(1, "test.count.final")->items_in, 9940);
	wax_report_summary(report, &ended, &err);
	expect("hot: worker 1 got 100% of the items of count -> count.final (3 workers): "
	       "a few keys carry most of the load\n");
}

Test(report, a_few_items_are_no_reason_for_advice)
{
	make_report();
	wax_count(&counters(1, "test.count.final")->items_in, 999);
	wax_count(&counters(1, "test.numbers")->items_out, 999);
	wax_report_summary(report, &ended, &err);
	reject("hot:");
	reject("all input");
}

Test(report, a_source_in_one_worker_is_pointed_out)
{
	make_report();
	wax_count(&counters(2, "test.numbers")->items_out, 5000);
	wax_report_summary(report, &ended, &err);
	expect("all input of \"numbers\" comes from worker 2: put redistribute behind it");
}

static void build_dealing(struct wax_flow *flow)
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(1000, 0));
	struct wax_stream dealt = wax_redistribute(numbers, "deal", WAX_DEAL_BATCHES);

	wax_output(dealt, "out", wax_null());
}

Test(report, a_source_that_is_dealt_out_is_not)
{
	free_flow();
	make_flow(build_dealing);
	make_report();
	wax_count(&counters(2, "test.numbers")->items_out, 5000);
	wax_report_summary(report, &ended, &err);
	reject("all input");
}

/* ---- Where the time went */

static void build_sharing(struct wax_flow *flow)
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(1000, 0));
	struct wax_stream dealt = wax_redistribute(numbers, "deal", WAX_DEAL_BATCHES);
	struct wax_stream kept = wax_inspect(dealt, "work", NULL, NULL);

	wax_output(kept, "out", wax_null());
}

/* Each worker dealt out 1000 items and got as many. */
static void profile_sharing(void)
{
	free_flow();
	make_flow(build_sharing);
	options.profile = true;
	make_report();
	for (uint32_t i = 0; i < WORKERS; i++) {
		wax_store_relaxed(&record(i)->state, WAX_WORKER_RUNNING);
		wax_store_relaxed(&record(i)->turn_started_ns, 1);
		wax_store_relaxed(&record(i)->step_now, WAX_NO_STEP);
		wax_count(&counters(i, "test.numbers")->items_out, 1000);
		wax_count(&counters(i, "test.work")->items_in, 1000);
		wax_count(&wax_control_edge(&control, i, 0)->items_out, 1000);
		wax_count(&wax_control_edge(&control, i, 0)->items_in, 1000);
	}
}

/* All workers are seen at this so many times, a millisecond each. */
static uint64_t seen_ms;

static void see(uint32_t doing, uint32_t step, uint32_t count)
{
	for (uint32_t i = 0; i < WORKERS; i++) {
		wax_worker_does(record(i), doing);
		wax_store_relaxed(&record(i)->step_now, step);
	}
	for (uint32_t i = 0; i < count; i++)
		wax_report_sample(report, at_ms(++seen_ms));
}

Test(report, profile_shows_shares_and_times_of_an_item)
{
	profile_sharing();
	see(WAX_DOING_SENDING, WAX_NO_STEP, 60);
	see(WAX_DOING_RECEIVING, WAX_NO_STEP, 40);
	see(WAX_DOING_SPINNING, WAX_NO_STEP, 100);
	see(WAX_DOING_STEPS, step_of("test.work"), 200);
	wax_report_summary(report, &ended, &err);
	expect("skew   time  an item\n");
	expect("  50.0%    200us\n");
	expect("  sending  receiving   busiest\n");
	expect("  60us       40us  33.3% @0\n");
	expect("worker  steps  sending  receiving  runtime  spinning  asleep\n"
	       "all     50.0%    15.0%      10.0%     0.0%     25.0%    0.0%\n"
	       "0       50.0%    15.0%      10.0%     0.0%     25.0%    0.0%\n");
	reject("which is few");
	reject("redistribute cost");
}

Test(report, profile_says_when_it_is_of_a_short_run)
{
	profile_sharing();
	see(WAX_DOING_STEPS, step_of("test.work"), 50);
	wax_report_summary(report, &ended, &err);
	expect("shares come from 50 looks at each worker, which is few");
	reject("counts most");
}

Test(report, a_step_that_takes_most_of_the_time_is_pointed_out)
{
	profile_sharing();
	see(WAX_DOING_STEPS, WAX_NO_STEP, 100);
	see(WAX_DOING_STEPS, step_of("test.work"), 300);
	wax_report_summary(report, &ended, &err);
	expect("step \"work\": 75% of the workers' time, 300us an item: "
	       "what is saved there counts most\n");
}

Test(report, a_redistribute_that_costs_more_than_the_work_behind_it_is_pointed_out)
{
	profile_sharing();
	see(WAX_DOING_SENDING, WAX_NO_STEP, 100);
	see(WAX_DOING_RECEIVING, WAX_NO_STEP, 50);
	see(WAX_DOING_STEPS, step_of("test.work"), 110);
	wax_report_summary(report, &ended, &err);
	expect("step \"deal\": redistribute cost 150us an item for 110us of work behind it: "
	       "remove it\n");
}

Test(report, a_redistribute_of_what_one_worker_has_may_cost_as_much_as_the_work)
{
	profile_sharing();
	wax_count(&counters(1, "test.numbers")->items_out, 100000);
	see(WAX_DOING_SENDING, WAX_NO_STEP, 100);
	see(WAX_DOING_RECEIVING, WAX_NO_STEP, 50);
	see(WAX_DOING_STEPS, step_of("test.work"), 110);
	wax_report_summary(report, &ended, &err);
	reject("redistribute cost");
}

Test(report, a_redistribute_with_no_work_behind_it_is_pointed_out)
{
	profile_sharing();
	wax_count(&counters(1, "test.numbers")->items_out, 100000);
	see(WAX_DOING_SENDING, WAX_NO_STEP, 200);
	wax_report_summary(report, &ended, &err);
	expect("redistribute cost 200us an item for next to no work behind it: remove it\n");
}

Test(report, a_worker_that_is_busy_alone_is_pointed_out)
{
	profile_sharing();
	see(WAX_DOING_STEPS, WAX_NO_STEP, 1);
	for (uint32_t i = 0; i < WORKERS - 1; i++)
		wax_store_relaxed(&record(i)->turn_started_ns, 0);
	for (uint32_t i = 0; i < 399; i++)
		wax_report_sample(report, at_ms(++seen_ms));
	wax_report_summary(report, &ended, &err);
	expect("worker 2 was busy 100% of the time, the others 0%: the run takes as long as it "
	       "does\n");
}

Test(report, json_of_a_profile_has_times_and_advice)
{
	want_json();
	profile_sharing();
	see(WAX_DOING_SENDING, WAX_NO_STEP, 200);
	wax_report_summary(report, &ended, &err);

	const char *text = json_text();

	cr_assert_not_null(strstr(text, "\"busiest_worker\":0,\"busiest_share\":0.33"));
	cr_assert_not_null(strstr(text,
			"\"sending_ns\":600000000,\"receiving_ns\":0,"
			"\"sending_ns_per_item\":200000,"));
	cr_assert_not_null(strstr(text, "\"looks\":200,\"step_time_ns\":["));
	cr_assert_not_null(strstr(text, "\"time_ns\":0,\"time_share\":0"));
	cr_assert_not_null(strstr(text, "\"advice\":[\"step \\\"deal\\\": redistribute cost"));
}

/* ---- Failures */

static void fail_worker(uint32_t worker)
{
	struct wax_worker_record *failed = record(worker);

	wax_store_relaxed(&failed->state, WAX_WORKER_FAILED);
	failed->fail_status = 1;
	failed->fail_step = step_of("test.by_number");
	failed->fail_epoch = 41;
	strcpy(failed->fail_sentence, "no ';'");
	strcpy(failed->fail_item, "a\\x01b");
	strcpy(failed->source, "in.csv");
	wax_store_relaxed(&failed->source_offset, 91823);
	ended.ending = WAX_ENDING_FAILED;
	ended.worker = worker;
	ended.status = 1;
}

Test(report, a_failure_says_where_and_at_what)
{
	make_report();
	fail_worker(2);
	wax_report_failure(report, &ended);
	expect_all("waxrun: error: step \"test.by_number\" (worker 2, epoch 41, source in.csv "
		   "offset 91823): no ';'\n"
		   "  item: \"a\\x01b\"\n");
}

Test(report, later_failures_are_counted)
{
	make_report();
	fail_worker(0);
	fail_worker(1);
	fail_worker(2);
	wax_report_failure(report, &ended);
	expect("  2 other workers failed after it\n");
}

Test(report, a_failure_outside_of_steps_names_the_worker)
{
	make_report();
	fail_worker(1);
	record(1)->fail_step = WAX_NO_STEP;
	record(1)->fail_item[0] = '\0';
	record(1)->source[0] = '\0';
	wax_report_failure(report, &ended);
	expect_all("waxrun: error: worker 1 (epoch 41): no ';'\n");
}

Test(report, a_killed_worker_is_told_from_outside)
{
	make_report();
	ended.ending = WAX_ENDING_KILLED;
	ended.worker = 1;
	ended.signal = SIGSEGV;
	wax_store_relaxed(&record(1)->step_now, step_of("test.count"));
	wax_store_relaxed(&record(1)->epoch_done, 6);
	wax_report_failure(report, &ended);
	expect("waxrun: error: worker 1 was killed by signal 11 (Segmentation fault) in step "
	       "\"test.count\" (epoch 7)\n  hint: ");
}

Test(report, a_timeout_is_no_workers_fault)
{
	make_report();
	options.timeout_ns = (int64_t)(1500 * MS);
	ended.ending = WAX_ENDING_TIMEOUT;
	wax_report_failure(report, &ended);
	expect_all("waxrun: error: the run was not done in the time of --timeout 1500ms\n");
}

Test(report, what_was_noticed_is_no_failure)
{
	make_report();
	ended.ending = WAX_ENDING_STOPPED;
	wax_report_failure(report, &ended);
	ended.ending = WAX_ENDING_ABORTED;
	wax_report_failure(report, &ended);
	expect_all("");
}

/* A worker that lost its mind may have written anything anywhere. */
Test(report, a_record_full_of_rubbish_does_no_harm)
{
	want_json();
	make_report();
	fail_worker(1);
	memset(record(1), 0xee, sizeof(*record(1)));
	memset(record(1)->fail_sentence, '\033', sizeof(record(1)->fail_sentence));
	wax_report_progress(report, at_ms(1000));
	wax_report_failure(report, &ended);
	cr_assert_eq(wax_report_summary(report, &ended, &err), 0);
	expect("waxrun: error: worker 1 (epoch ");
	reject("\033");
}

/* ---- JSON */

Test(report, json_has_an_object_for_each_interval_and_a_summary)
{
	want_json();
	make_report();
	count_evenly();
	wax_report_progress(report, at_ms(1000));
	cr_assert_eq(wax_report_summary(report, &ended, &err), 0);

	const char *text = json_text();
	const char *second = strchr(text, '\n') + 1;

	cr_assert_eq(strncmp(text, "{\"type\":\"interval\",\"schema\":1,", 30), 0);
	cr_assert_not_null(strstr(text, "\"elapsed_ns\":1000000000,"));
	cr_assert_not_null(strstr(text, "\"items_in\":3000,\"items_out\":30,"));
	cr_assert_eq(strncmp(second, "{\"type\":\"summary\",\"schema\":1,", 29), 0);
	cr_assert_not_null(strstr(second, "\"ending\":\"finished\",\"exit_status\":0,"));
	cr_assert_not_null(strstr(second, "\"cpu_user_ns\":3000000000,"));
	cr_assert_not_null(strstr(second,
			"{\"id\":\"test.count.final\",\"kind\":\"count_final\",\"internal\":true,"
			"\"items_in\":60,"));
	cr_assert_not_null(strstr(second,
			"{\"from\":\"test.count\",\"to\":\"test.count.final\","
			"\"route\":\"key\",\"items_out\":0,"));
	cr_assert_null(strstr(second, "\"error\""));
	cr_assert_eq(strchr(second, '\n'), second + strlen(second) - 1);
}

Test(report, json_tells_why_a_run_failed)
{
	want_json();
	make_report();
	fail_worker(2);
	cr_assert_eq(wax_report_summary(report, &ended, &err), 0);
	cr_assert_not_null(strstr(json_text(),
			"\"error\":{\"sentence\":\"no ';'\",\"step\":\"test.by_number\","
			"\"worker\":2,\"epoch\":41,\"source\":\"in.csv\",\"offset\":91823,"
			"\"item\":\"a\\\\x01b\"}"));
}

Test(report, json_without_a_file_is_all_that_is_printed)
{
	options.json_path = "-";
	env.is_terminal = true;
	make_report();
	wax_report_banner(report);
	wax_report_progress(report, at_ms(1000));
	wax_report_summary(report, &ended, &err);
	fflush(env.to);
	for (const char *line = printed; *line; line = strchr(line, '\n') + 1)
		cr_assert_eq(*line, '{');
}

Test(report, a_json_file_that_cannot_be_made_is_named)
{
	options.json_path = "/dev/null/report.json";
	cr_assert_eq(wax_report_make(&env, &report, &err), -ENOTDIR);
	cr_assert_not_null(strstr(err.text, "/dev/null/report.json"));
}

Test(report, a_full_disk_is_reported)
{
	options.json_path = "/dev/full";
	make_report();
	cr_assert_eq(wax_report_summary(report, &ended, &err), -EIO);
	cr_assert_not_null(strstr(err.text, "/dev/full"));
}
