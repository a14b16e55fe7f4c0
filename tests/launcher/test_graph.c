/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/graph.h"
#include "tests/launcher/flows.h"

static int is_odd(const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return (int)(*(const uint64_t *)item->value.data & 1);
}

/* A source read twice, a step with two outputs, one with two inputs, and names that need care. */
static void build_diamond(struct wax_flow *flow)
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers_single(1000, 0));
	struct wax_stream dealt = wax_redistribute(numbers, "deal \"all\" #1", WAX_DEAL_ITEMS);
	struct wax_branches sides = wax_branch(dealt, "odd", is_odd, NULL);
	struct wax_stream both[] = {sides.trues, sides.falses, numbers};

	wax_output(wax_merge("both", both, 3), "out", wax_null());
}

/* Lends until the next call. */
static const char *graph_of(void (*build)(struct wax_flow *flow), uint32_t worker_count,
		enum wax_option_graph format)
{
	static char text[8192];
	struct planned planned;
	FILE *out = fmemopen(text, sizeof(text), "w");

	planned_make(&planned, build, worker_count);
	cr_assert_eq(wax_graph_print(planned.flow, planned.plan, format, out), 0);
	fclose(out);
	planned_free(&planned);
	return text;
}

Test(graph, text_lists_steps_with_what_they_take_and_give)
{
	cr_assert_str_eq(graph_of(build_counting, 1, WAX_OPTION_GRAPH_TEXT),
			"test: 4 steps, 0 exchanges, for 1 worker\n"
			"  numbers    input                      -> uint64_t\n"
			"  by_number  key_on       <- numbers    -> (uint64_t, uint64_t)\n"
			"  count      count_final  <- by_number  -> (uint64_t, uint64_t)\n"
			"  out        output       <- count\n");
}

Test(graph, an_exchange_inside_a_step_is_drawn_in_front_of_it)
{
	cr_assert_str_eq(graph_of(build_counting, 8, WAX_OPTION_GRAPH_TEXT),
			"test: 4 steps, 2 exchanges, for 8 workers\n"
			"  numbers    input                               -> uint64_t\n"
			"  by_number  key_on       <- numbers             -> (uint64_t, uint64_t)\n"
			"  count      count_final  <- by_number by key    -> (uint64_t, uint64_t)\n"
			"  out        output       <- count by partition\n");
}

Test(graph, text_shows_all_inputs_and_outputs)
{
	cr_assert_str_eq(graph_of(build_diamond, 2, WAX_OPTION_GRAPH_TEXT),
			"test: 5 steps, 1 exchange, for 2 workers\n"
			"  numbers        input                               -> uint64_t\n"
			"  deal \"all\" #1  redistribute  <- numbers by items   -> uint64_t\n"
			"  odd            branch        <- deal \"all\" #1      -> uint64_t, "
			"uint64_t\n"
			"  both           merge         <- odd, odd, numbers  -> uint64_t\n"
			"  out            output        <- both\n");
}

Test(graph, mermaid_draws_exchanges_thick)
{
	cr_assert_str_eq(graph_of(build_counting, 2, WAX_OPTION_GRAPH_MERMAID),
			"flowchart TD\n"
			"    subgraph \"test (Dataflow)\"\n"
			"        test.numbers[\"numbers (input)\"]\n"
			"        test.by_number[\"by_number (key_on)\"]\n"
			"        test.numbers -- \"uint64_t\" --> test.by_number\n"
			"        test.count[\"count (count_final)\"]\n"
			"        test.by_number == \"(uint64_t, uint64_t) by key\" ==> test.count\n"
			"        test.out[\"out (output)\"]\n"
			"        test.count == \"(uint64_t, uint64_t) by partition\" ==> test.out\n"
			"    end\n");
}

Test(graph, mermaid_is_given_no_id_that_it_could_misread)
{
	const char *text = graph_of(build_diamond, 2, WAX_OPTION_GRAPH_MERMAID);

	cr_assert_not_null(strstr(
			text, "        test.1[\"deal #quot;all#quot; #35;1 (redistribute)\"]\n"));
	cr_assert_not_null(
			strstr(text, "        test.numbers == \"uint64_t by items\" ==> test.1\n"));
	cr_assert_not_null(strstr(text, "        test.1 -- \"uint64_t\" --> test.odd\n"));
}

Test(graph, json_names_parts_of_steps)
{
	const char *text = graph_of(build_counting, 2, WAX_OPTION_GRAPH_JSON);

	cr_assert_eq(strncmp(text, "{\"type\":\"graph\",\"schema\":1,\"flow\":\"test\",", 41), 0);
	cr_assert_not_null(strstr(text,
			"{\"id\":\"test.count.final\",\"kind\":\"count_final\","
			"\"internal\":true,\"part_of\":\"test.count\",\"stage\":1,"
			"\"inputs\":[{\"stream\":2,\"from\":\"test.count\","
			"\"route\":\"key\"}],"
			"\"outputs\":[{\"stream\":3,"
			"\"type\":\"(uint64_t, uint64_t)\",\"key\":\"uint64_t\","
			"\"value\":\"uint64_t\",\"by_key\":true}]}"));
}

Test(graph, json_is_one_line)
{
	const char *text = graph_of(build_diamond, 3, WAX_OPTION_GRAPH_JSON);

	cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1);
	cr_assert_not_null(strstr(text, "\"id\":\"test.deal \\\"all\\\" #1\""));
	/* The merge reads one stream behind the exchange, and one that waits for it in a queue. */
	cr_assert_not_null(strstr(text, "\"from\":\"test.numbers\",\"route\":\"local\""));
	cr_assert_not_null(strstr(text, "\"from\":\"test.odd\",\"route\":\"stage\""));
}

Test(graph, a_full_disk_is_reported)
{
	struct planned planned;
	FILE *full = fopen("/dev/full", "w");

	planned_make(&planned, build_counting, 1);
	cr_assert_eq(wax_graph_print(planned.flow, planned.plan, WAX_OPTION_GRAPH_TEXT, full),
			-EIO);
	fclose(full);
	planned_free(&planned);
}

static struct wax_stream twice_counted(struct wax_stream up, const char *id)
{
	wax_scope_begin(up.flow, id);

	struct wax_stream keyed = wax_key_on(up, "key", WAX_U64, wax_key_self, NULL);

	wax_scope_begin(up.flow, "inner \"x\"");

	struct wax_stream counts = wax_count_final(keyed, "count");

	wax_scope_end(up.flow);
	wax_scope_end(up.flow);
	return counts;
}

static void build_scopes(struct wax_flow *flow)
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(1000, 0));

	wax_output(twice_counted(numbers, "a"), "out", wax_null());
	wax_output(twice_counted(numbers, "b"), "out_b", wax_null());
}

Test(graph, text_shows_scopes_as_groups)
{
	cr_assert_str_eq(graph_of(build_scopes, 1, WAX_OPTION_GRAPH_TEXT),
			"test: 7 steps, 0 exchanges, for 1 worker\n"
			"  numbers                input                              -> uint64_t\n"
			"  a                      scope\n"
			"    a.key                key_on       <- numbers            -> (uint64_t, "
			"uint64_t)\n"
			"    a.inner \"x\"          scope\n"
			"      a.inner \"x\".count  count_final  <- a.key              -> "
			"(uint64_t, "
			"uint64_t)\n"
			"  out                    output       <- a.inner \"x\".count\n"
			"  b                      scope\n"
			"    b.key                key_on       <- numbers            -> (uint64_t, "
			"uint64_t)\n"
			"    b.inner \"x\"          scope\n"
			"      b.inner \"x\".count  count_final  <- b.key              -> "
			"(uint64_t, "
			"uint64_t)\n"
			"  out_b                  output       <- b.inner \"x\".count\n");
}

Test(graph, mermaid_draws_scopes_as_subgraphs)
{
	const char *text = graph_of(build_scopes, 1, WAX_OPTION_GRAPH_MERMAID);

	cr_assert_not_null(strstr(text,
					   "        test.numbers[\"numbers (input)\"]\n"
					   "        subgraph \"a\"\n"
					   "            test.a.key[\"a.key (key_on)\"]\n"
					   "            subgraph \"a.inner #quot;x#quot;\"\n"
					   "                test.2[\"a.inner #quot;x#quot;.count "
					   "(count_final)\"]\n"
					   "            end\n"
					   "        end\n"
					   "        test.out[\"out (output)\"]\n"
					   "        test.numbers -- \"uint64_t\" --> test.a.key\n"),
			"%s", text);
	cr_assert_not_null(strstr(text,
					   "        test.2 -- \"(uint64_t, uint64_t)\" --> "
					   "test.out\n"
					   "        subgraph \"b\"\n"),
			"%s", text);
}

Test(graph, json_names_the_scope)
{
	const char *text = graph_of(build_scopes, 1, WAX_OPTION_GRAPH_JSON);

	cr_assert_not_null(strstr(text,
					   "{\"id\":\"test.a.key\",\"kind\":\"key_on\","
					   "\"internal\":false,\"scope\":\"test.a\","),
			"%s", text);
}
