/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/operators/flows.h"

#include <unistd.h>

static uint64_t two = 2;

static void plain(struct wax_flow *flow)
{
	run_flow_output(numbers(flow, 3), NULL);
}

static void keyed(struct wax_flow *flow)
{
	run_flow_output(keyed_numbers(flow, 3, &two), NULL);
}

static void nothing(struct wax_flow *flow)
{
	run_flow_output(numbers(flow, 0), NULL);
}

Test(output, writes_all_items_of_all_workers)
{
	expect_output(plain, "0\n1\n2\n");
	expect_output(keyed, "0\t0\n0\t2\n1\t1\n");
	expect_output(nothing, "");
	expect_output_of(plain, 8, NULL, "0\n1\n2\n");
}

/* What nobody reads is thrown away; other readers do not mind. */
static void fan_out(struct wax_flow *flow)
{
	struct wax_stream up = numbers(flow, 3);

	wax_map(up, "unread", WAX_TEXT, to_text, NULL);
	wax_output(up, "null", wax_null());
	run_flow_output(up, "%v");
}

Test(output, is_one_reader_of_several)
{
	expect_output(fan_out, "0\n1\n2\n");
}

static void two_inputs(struct wax_flow *flow)
{
	wax_output(numbers(flow, 2000), "null", wax_null());
	run_flow_output(wax_input(flow, "others", wax_numbers_single(2, 0)), "%v");
}

Test(input, may_be_one_of_several_flows_side_by_side)
{
	expect_output(two_inputs, "0\n1\n");
}

static void no_source(struct wax_flow *flow)
{
	run_flow_output(wax_input(flow, "in", NULL), "%v");
}

static void no_sink(struct wax_flow *flow)
{
	wax_output(numbers(flow, 1), "out", NULL);
}

static void no_output(struct wax_flow *flow)
{
	numbers(flow, 1);
}

static void empty(struct wax_flow *flow)
{
	(void)flow;
}

Test(input, needs_a_source)
{
	struct run_flow_result result = run_flow(no_source, 1, NULL);

	cr_assert_eq(result.status, 3);
	cr_assert_not_null(strstr(result.sentence, "step \"flow.in\": "), "%s", result.sentence);
	run_flow_free(&result);
}

Test(output, needs_a_sink)
{
	struct run_flow_result result = run_flow(no_sink, 1, NULL);

	cr_assert_eq(result.status, 3);
	cr_assert_not_null(strstr(result.sentence, "step \"flow.out\": "), "%s", result.sentence);
	run_flow_free(&result);
}

Test(output, is_needed_as_is_an_input)
{
	expect_mistake(no_output,
			"the flow has no output: it needs at least one wax_output or "
			"wax_inspect");
	expect_mistake(empty,
			"the flow has no input: it needs at least one wax_input\n"
			"the flow has no output: it needs at least one wax_output or "
			"wax_inspect");
}

/* ---- Partitions of a sink that chooses for itself: "a" to "e", by the number that the key is. Each
 * writes what it gets to a file of its own name. */

enum { PARTS = 5 };

static char parts_directory[] = "/tmp/wax-parts-XXXXXX";

static int parts_list(void *sink, struct wax_parts *parts, struct wax_err *err)
{
	(void)sink, (void)err;
	for (char name[] = "a"; name[0] < 'a' + PARTS; name[0]++)
		wax_parts_add(parts, name);
	return 0;
}

static int parts_open(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	char path[64];

	(void)sink, (void)saved;
	snprintf(path, sizeof(path), "%s/%s", parts_directory, wax_env_part(env));
	*ret_part = fopen(path, "w");
	return *ret_part ? 0 : wax_err_set(err, -1, "open '%s'", path);
}

static int parts_write(void *part, const struct wax_batch *batch, struct wax_err *err)
{
	(void)err;
	for (uint32_t i = 0; i < batch->count; i++)
		fprintf(part, "%" PRIu64 "\n", *(const uint64_t *)wax_batch_key(batch, i).data);
	return WAX_READY;
}

static int parts_close(void *part, int ok, struct wax_err *err)
{
	(void)ok, (void)err;
	return fclose(part);
}

static uint32_t parts_part(void *sink, struct wax_bytes key, uint32_t part_count)
{
	cr_assert_str_eq(sink, "sink");
	cr_assert_eq(part_count, PARTS);
	return (uint32_t) * (const uint64_t *)key.data;
}

static const struct wax_sink_ops parts_ops = {.size_bytes = sizeof(parts_ops),
		.kind = "parts",
		.list = parts_list,
		.open = parts_open,
		.write = parts_write,
		.close = parts_close,
		.part = parts_part};

static const uint64_t seventeen = 17;

static void chosen(struct wax_flow *flow)
{
	wax_output(keyed_numbers(flow, 10000, &seventeen), "out",
			wax_sink_make(&parts_ops, NULL, (void *)"sink", NULL));
}

static void expect_part(int part)
{
	char path[64];
	unsigned key, count = 0;

	snprintf(path, sizeof(path), "%s/%c", parts_directory, 'a' + part);

	FILE *file = fopen(path, "r");

	cr_assert_not_null(file);
	while (fscanf(file, "%u", &key) == 1) {
		cr_assert_eq((int)key % PARTS, part);
		count++;
	}
	fclose(file);
	unlink(path);
	cr_assert_gt(count, 1000);
}

Test(output, goes_to_the_partition_that_the_sink_chooses)
{
	cr_assert_not_null(mkdtemp(parts_directory));
	for (uint32_t workers = 1; workers <= 3; workers++) {
		struct run_flow_result result = run_flow(chosen, workers, NULL);

		cr_assert_eq(result.status, 0, "%s", result.sentence);
		run_flow_free(&result);
		for (int part = 0; part < PARTS; part++)
			expect_part(part);
	}
	rmdir(parts_directory);
}
