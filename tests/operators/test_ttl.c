/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"
#include "tests/support/drive.h"

/* All keyed steps, with a time to live of 10 s. */
static struct wax_stream alive_10(struct wax_stream stream)
{
	return wax_ttl(stream, 10 * DRIVE_SECOND);
}

static int count_up(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	uint64_t *count = state;

	(void)item, (void)ctx;
	++*count;
	emit_decimal(out, *count);
	return WAX_RETAIN;
}

static void build_map(struct wax_flow *flow)
{
	run_flow_output(alive_10(wax_stateful_map(
					script(flow, "a"), "s", WAX_TEXT, 8, count_up, NULL)),
			"%v");
}

static void build_flat_map(struct wax_flow *flow)
{
	run_flow_output(alive_10(wax_stateful_flat_map(
					script(flow, "a"), "s", WAX_TEXT, 8, count_up, NULL)),
			"%v");
}

static void build_running(struct wax_flow *flow)
{
	run_flow_output(alive_10(wax_count_running(script(flow, "a"), "s")), "%v");
}

static void build_max(struct wax_flow *flow)
{
	run_flow_output(alive_10(wax_max_final(
					wax_redistribute(script(flow, "a"), "d", WAX_DEAL_KEYS),
					"s", NULL, NULL)),
			"%v");
}

static void build_count(struct wax_flow *flow)
{
	run_flow_output(alive_10(wax_count_final(
					wax_redistribute(script(flow, "a"), "d", WAX_DEAL_KEYS),
					"s")),
			"%v");
}

static int fold(void *acc, const struct wax_item *item, void *ctx)
{
	uint32_t *sum = acc;

	(void)ctx;
	*sum += (uint32_t)(*(const char *)item->value.data - '0');
	return 0;
}

static void fold_init(void *acc, void *ctx)
{
	(void)ctx;
	*(uint32_t *)acc = 100;
}

static void build_fold(struct wax_flow *flow)
{
	run_flow_output(alive_10(wax_fold_final(
					script(flow, "a"), "s", WAX_U32, fold_init, fold, NULL)),
			"%v");
}

static void build_collect(struct wax_flow *flow)
{
	const struct wax_collect_options options = {.size_bytes = sizeof(options), .count_max = 9};

	run_flow_output(alive_10(wax_collect(script(flow, "a"), "s", &options)), "%v");
}

static void build_join(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "a"), sides[] = {up, up};

	run_flow_output(alive_10(wax_join("s", sides, 2, WAX_JOIN_LAST, WAX_JOIN_COMPLETE)), "%v");
}

static void build_final_join(struct wax_flow *flow)
{
	struct wax_stream up = script(flow, "a"), sides[] = {up, up};

	run_flow_output(alive_10(wax_join("s", sides, 2, WAX_JOIN_LAST, WAX_JOIN_FINAL)), "%v");
}

/* a comes at 0 and 6, b at 0: b goes at 10 and a at 16; what comes then is new. */
static void drive_ttl(struct drive *drive, build_fn build)
{
	drive_open(drive, build, "s");
	drive_push(drive, 0, "a1 b2");
	drive_clock(drive, 6);
	drive_push(drive, 0, "a3");
	drive_clock(drive, 9);
	cr_assert_eq(drive_expired(drive), 0);
	drive_clock(drive, 10);
	cr_assert_eq(drive_expired(drive), 1);
	drive_push(drive, 0, "b4");
	drive_clock(drive, 16);
	cr_assert_eq(drive_expired(drive), 2);
	drive_push(drive, 0, "a5");
	drive_end(drive);
	cr_assert_eq(drive_expired(drive), 2);
}

static void expect_ttl(build_fn build, const char *output)
{
	struct drive drive;

	drive_ttl(&drive, build);
	drive_expect(&drive, output);
	drive_close(&drive);
}

Test(ttl, of_finals_ends_a_key_with_its_result)
{
	expect_ttl(build_max, "b:2\na:3\na:5\nb:4\n");
	expect_ttl(build_count, "b:1\na:2\na:1\nb:1\n");
	expect_ttl(build_fold, "b:102\na:104\na:105\nb:104\n");
}

static void drive_of_collect_hands_on_what_is_there(void)
{
	expect_ttl(build_collect, "b:[2]\na:[1, 3]\na:[5]\nb:[4]\n");
}

Test(ttl, of_collect_hands_on_what_is_there)
{
	drive_both_ways(drive_of_collect_hands_on_what_is_there);
}

static void drive_of_final_join_emits_its_rows(void)
{
	expect_ttl(build_final_join, "b:(2, -)\na:(3, -)\na:(5, -)\nb:(4, -)\n");
}

Test(ttl, of_final_join_emits_its_rows)
{
	drive_both_ways(drive_of_final_join_emits_its_rows);
}

/* Steps that have an `end` are driven with one. */
static void expect_forgotten(build_fn build, const char *output)
{
	struct drive drive;

	drive_open(&drive, build, "s");
	drive_push(&drive, 0, "a1 b2");
	drive_clock(&drive, 6);
	drive_push(&drive, 0, "a3");
	drive_clock(&drive, 10);
	cr_assert_eq(drive_expired(&drive), 1);
	drive_push(&drive, 0, "b4 a5");
	drive_expect(&drive, output);
	drive_clock(&drive, 100);
	cr_assert_eq(drive_expired(&drive), 3);
	drive_close(&drive);
}

Test(ttl, of_maps_forgets_the_state)
{
	expect_forgotten(build_map, "a:1\nb:1\na:2\nb:1\na:3\n");
	expect_forgotten(build_flat_map, "a:1\nb:1\na:2\nb:1\na:3\n");
	expect_forgotten(build_running, "a:1\nb:1\na:2\nb:1\na:3\n");
}

static void drive_of_complete_join_forgets_what_waits_in_vain(void)
{
	struct drive drive;

	drive_open(&drive, build_join, "s");
	drive_push(&drive, 0, "a1 b2");
	drive_clock(&drive, 9);
	drive_push(&drive, 1, "a3");
	drive_clock(&drive, 10);
	drive_push(&drive, 1, "b4");
	drive_end(&drive);
	drive_expect(&drive, "a:(1, 3)\n");
	cr_assert_eq(drive_expired(&drive), 1);
	drive_close(&drive);
}

Test(ttl, of_complete_join_forgets_what_waits_in_vain)
{
	drive_both_ways(drive_of_complete_join_forgets_what_waits_in_vain);
}

static void drive_leaves_nothing_behind(void)
{
	struct drive drive;
	char script[] = "a1 b1 c1 d1 e1 f1 g1 h1";
	size_t bytes = 0;

	drive_open(&drive, build_collect, "s");
	for (int round = 0; round < 5000; round++) {
		for (size_t at = 0; at < sizeof(script); at += 3)
			script[at] = (char)(1 + (round * 8 + (int)at / 3) % 30);
		for (size_t at = 0; at < sizeof(script); at += 3)
			script[at] = (char)(script[at] + 'A');
		drive_push(&drive, 0, script);
		drive.output_bytes = 0;
		drive_clock(&drive, 11 * (round + 1));
		if (round == 10)
			bytes = drive.op.class->state_bytes(&drive.op);
	}
	cr_assert_eq(drive_expired(&drive), 8 * 5000);
	cr_assert_eq(drive.op.class->state_bytes(&drive.op), bytes);
	drive_close(&drive);
}

Test(ttl, leaves_nothing_behind)
{
	drive_both_ways(drive_leaves_nothing_behind);
}

Test(ttl, is_kept_when_state_is_saved)
{
	struct drive drive;

	drive_open(&drive, build_collect, "s");
	drive_push(&drive, 0, "a1");
	drive_clock(&drive, 5);
	drive_epoch(&drive);
	drive_clock(&drive, 9);
	drive_expect(&drive, "");
	drive_clock(&drive, 10);
	drive_expect(&drive, "a:[1]\n");
	drive_close(&drive);
}

/* ---- in flows: with a combiner, and keys that do expire */

static uint64_t hundred = 100;

static void counts_long(struct wax_flow *flow)
{
	struct wax_stream up = keyed_numbers(flow, 100000, &hundred);

	run_flow_output(wax_ttl(wax_count_final(up, "c"), 3600 * DRIVE_SECOND), "%v");
}

static void counts_short(struct wax_flow *flow)
{
	/* Lasts 0.2 s: keys of the first part are long gone at the end. */
	struct wax_stream up = script_at(flow, "a1 a1 b1 c1|d1 d1|d1 d1|d1 d1|d1 d1|d1 d1|a1", 30);

	run_flow_output(wax_ttl(wax_count_final(up, "c"), 60 * 1000 * 1000), "%k%v");
}

Test(ttl, of_a_step_with_a_combiner)
{
	struct run_flow_result result;

	expect_sum(counts_long, 100, 100000);
	for (uint32_t workers = 1; workers <= 2; workers++) {
		result = run_flow(counts_short, workers, NULL);
		cr_assert_eq(result.status, 0, "%s", result.sentence);
		cr_assert_eq(strncmp(result.output, "a1\na2\nb1\nc1\nd", 13), 0, "%s",
				result.output);
		run_flow_free(&result);
	}
}

/* ---- mistakes */

static void of_a_map(struct wax_flow *flow)
{
	run_flow_output(alive_10(wax_filter(script(flow, "a"), "f", answer_yes, NULL)), "%v");
}

static void of_0(struct wax_flow *flow)
{
	run_flow_output(wax_ttl(wax_count_final(script(flow, "a"), "c"), 0), "%v");
}

static void of_a_failed_step(struct wax_flow *flow)
{
	run_flow_output(alive_10(wax_count_final(numbers(flow, 1), "c")), "%v");
}

Test(ttl, is_for_steps_with_state)
{
	expect_mistake(of_a_map,
			"step \"flow.f\": wax_ttl is for steps with a state for each key, "
			"this is a filter");
	expect_mistake(of_0,
			"step \"flow.c\": a time to live of 0 ns: it must be more than "
			"0");
	expect_mistake(of_a_failed_step,
			"step \"flow.c\": needs a keyed stream, gets one of "
			"uint64_t: put key_on before it");
}
