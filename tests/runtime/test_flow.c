/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include <wax/wax.h>

#include "runtime/flow.h"

/* What is wrong with a flow's description is found when it is built, all of it, each once. */

static struct wax_flow *flow;

static void tear_down(void)
{
	wax_flow_free(flow);
	flow = NULL;
}

TestSuite(flow, .fini = tear_down);

static void build(void (*describe)(struct wax_flow *))
{
	struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR, WAX_VERSION_MINOR, "test",
			"A test", describe};
	struct wax_err err = {0};

	cr_assert_eq(wax_flow_make(&entry, 0, NULL, &flow, &err), 0, "%s", err.text);
}

static void expect_mistakes(uint32_t count)
{
	for (uint32_t i = count; i < flow->mistake_count; i++)
		cr_log_error("unexpected: %s", flow->mistakes[i]);
	cr_assert_eq(flow->mistake_count, count, "%u mistakes", flow->mistake_count);
	cr_assert_eq(flow->usage_mistake_count, 0);
}

static void expect_mistake(uint32_t index, const char *text)
{
	cr_assert_lt(index, flow->mistake_count);
	cr_assert(strstr(flow->mistakes[index], text), "'%s' lacks '%s'", flow->mistakes[index],
			text);
}

static int pass(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	return wax_emit(out, item->value.data, item->value.bytes);
}

static int always(const struct wax_item *item, void *ctx)
{
	(void)item;
	(void)ctx;
	return 1;
}

static struct wax_stream numbers(struct wax_flow *to, const char *id)
{
	return wax_input(to, id, wax_numbers(10, 0));
}

static void sound(struct wax_flow *to)
{
	wax_output(numbers(to, "in"), "out", wax_null());
}

Test(flow, that_is_sound_has_no_mistakes)
{
	build(sound);
	expect_mistakes(0);
	cr_assert_eq(flow->step_count, 2);
	cr_assert_str_eq(flow->steps[0]->id, "test.in");
	cr_assert_str_eq(flow->steps[1]->id, "test.out");
}

static void empty(struct wax_flow *to)
{
	(void)to;
}

Test(flow, that_is_empty_lacks_input_and_output)
{
	build(empty);
	expect_mistakes(2);
	expect_mistake(0, "the flow has no input: it needs at least one wax_input");
	expect_mistake(1,
			"the flow has no output: it needs at least one wax_output or "
			"wax_inspect");
}

static void without_output(struct wax_flow *to)
{
	wax_map(numbers(to, "in"), "map", WAX_U64, pass, NULL);
}

Test(flow, without_output_says_so)
{
	build(without_output);
	expect_mistakes(1);
	expect_mistake(0, "no output");
}

static void inspected(struct wax_flow *to)
{
	wax_inspect(numbers(to, "in"), "look", NULL, NULL);
}

Test(flow, counts_an_inspect_as_an_output)
{
	build(inspected);
	expect_mistakes(0);
}

static void doubled(struct wax_flow *to)
{
	struct wax_stream in = numbers(to, "in");

	wax_output(wax_map(in, "in", WAX_U64, pass, NULL), "out", wax_null());
}

Test(flow, refuses_an_id_that_is_taken)
{
	build(doubled);
	expect_mistakes(1);
	expect_mistake(0,
			"step \"test.in\": the id \"in\" is taken by an earlier step: ids name "
			"steps in reports and in saved state, so each is used once");
}

static void dotted(struct wax_flow *to)
{
	wax_output(numbers(to, "a.b"), "out", wax_null());
}

Test(flow, refuses_a_dot_in_an_id)
{
	build(dotted);
	expect_mistakes(1);
	expect_mistake(0,
			"step \"test.a.b\": the id \"a.b\" has a dot in it, which stands between "
			"a step and its parts: use \"_\"");
}

static void nameless(struct wax_flow *to)
{
	struct wax_stream in = numbers(to, NULL);

	wax_output(wax_map(in, "", WAX_U64, pass, NULL), "out", wax_null());
}

Test(flow, refuses_a_step_without_an_id)
{
	build(nameless);
	expect_mistakes(2);
	expect_mistake(0, "step \"test.?\": a step needs an id (this one is a input)");
	expect_mistake(1, "a step needs an id (this one is a map)");
}

static void mismatched(struct wax_flow *to)
{
	const struct wax_stream ups[] = {
			numbers(to, "numbers"), wax_input(to, "text", wax_text(10, 10, 1, 0))};

	wax_output(wax_merge("both", ups, 2), "out", wax_null());
}

Test(flow, names_both_types_of_a_mismatch)
{
	build(mismatched);
	expect_mistakes(1);
	expect_mistake(0, "step \"test.both\"");
	expect_mistake(0, WAX_U64->name);
	expect_mistake(0, WAX_TEXT->name);
}

static struct wax_stream foreign;

static void gives_away(struct wax_flow *to)
{
	foreign = numbers(to, "in");
	wax_output(foreign, "out", wax_null());
}

static void takes_foreign(struct wax_flow *to)
{
	const struct wax_stream ups[] = {numbers(to, "in"), foreign};

	wax_output(wax_merge("both", ups, 2), "out", wax_null());
}

Test(flow, refuses_a_stream_of_another_flow)
{
	struct wax_flow *other;

	build(gives_away);
	other = flow;
	build(takes_foreign);
	expect_mistakes(1);
	expect_mistake(0, "step \"test.both\": its input is a stream of another flow");
	wax_flow_free(other);
}

static void zeroed(struct wax_flow *to)
{
	struct wax_stream none = {0};

	wax_output(numbers(to, "in"), "out", wax_null());
	wax_output(wax_map(none, "map", WAX_U64, pass, NULL), "out2", wax_null());
}

Test(flow, refuses_a_zeroed_stream_and_names_the_step)
{
	build(zeroed);
	cr_assert_geq(flow->mistake_count, 1);
	expect_mistake(0, "step \"test.map\": its input is no stream: the handle is zero");
}

static void made_up(struct wax_flow *to)
{
	struct wax_stream none = {to, 77};

	wax_output(numbers(to, "in"), "out", wax_null());
	wax_filter(none, "filter", always, NULL);
}

Test(flow, refuses_a_stream_that_nobody_made)
{
	build(made_up);
	expect_mistakes(1);
	expect_mistake(0, "step \"test.filter\": its input is no stream of this flow");
}

static void without_key(struct wax_flow *to)
{
	wax_output(wax_count_final(numbers(to, "in"), "count"), "out", wax_null());
}

Test(flow, says_how_to_get_a_key_where_one_is_needed)
{
	build(without_key);
	expect_mistakes(1);
	expect_mistake(0,
			"step \"test.count\": needs a keyed stream, gets one of uint64_t: put "
			"key_on before it");
}

static void without_callbacks(struct wax_flow *to)
{
	struct wax_stream in = numbers(to, "in");

	wax_output(in, "out", wax_null());
	wax_map(in, "map", WAX_U64, NULL, NULL);
	wax_filter(in, "filter", NULL, NULL);
	wax_flat_map(in, "flat_map", WAX_U64, NULL, NULL);
	wax_key_on(in, "key_on", WAX_U64, NULL, NULL);
	wax_branch(in, "branch", NULL, NULL);
}

Test(flow, refuses_a_callback_that_is_null)
{
	static const char *const ids[] = {"map", "filter", "flat_map", "key_on", "branch"};

	build(without_callbacks);
	expect_mistakes(5);
	for (uint32_t i = 0; i < 5; i++) {
		expect_mistake(i, ids[i]);
		expect_mistake(i, "its callback is NULL");
	}
}

static void without_type(struct wax_flow *to)
{
	wax_output(wax_map(numbers(to, "in"), "map", NULL, pass, NULL), "out", wax_null());
}

Test(flow, says_what_a_missing_type_may_come_from)
{
	build(without_type);
	expect_mistakes(1);
	expect_mistake(0, "step \"test.map\": no type for what it emits");
}

static void chained(struct wax_flow *to)
{
	struct wax_stream bad = wax_map(numbers(to, "in"), "a.b", WAX_U64, pass, NULL);
	struct wax_stream on = wax_map(bad, "map", WAX_TEXT, pass, NULL);
	struct wax_stream keyed = wax_key_on(on, "key", WAX_U64, pass, NULL);

	wax_output(wax_count_final(keyed, "count"), "out", wax_null());
	wax_count_final(on, "count2");
	wax_merge("merge", (struct wax_stream[]){on, keyed}, 2);
}

Test(flow, reports_one_mistake_once_whatever_comes_behind_it)
{
	build(chained);
	expect_mistakes(1);
	expect_mistake(0, "a.b");
}

static void many_wrong(struct wax_flow *to)
{
	struct wax_stream in = numbers(to, "in");

	wax_flow_fail(to, "the year %d is not over", 2024);
	wax_output(in, "in", wax_null());
	wax_filter(in, "filter", NULL, NULL);
}

Test(flow, collects_mistakes_in_the_order_of_description)
{
	build(many_wrong);
	expect_mistakes(3);
	expect_mistake(0, "the year 2024 is not over");
	expect_mistake(1, "the id \"in\" is taken");
	expect_mistake(2, "its callback is NULL");
}

static void long_id(struct wax_flow *to)
{
	static char id[3000];

	memset(id, 'x', sizeof(id) - 1);
	wax_output(numbers(to, id), id, wax_null());
}

Test(flow, cuts_a_sentence_that_is_too_long)
{
	build(long_id);
	expect_mistakes(1);
	cr_assert_leq(strlen(flow->mistakes[0]), 1023);
	expect_mistake(0, "the id");
}

static void allocating(struct wax_flow *to)
{
	sound(to);
	for (size_t bytes = 0; bytes < 200; bytes++) {
		char *memory = wax_flow_alloc(to, bytes);

		for (size_t i = 0; i < bytes; i++)
			cr_assert_eq(memory[i], 0);
	}
}

Test(flow, gives_zeroed_memory_that_goes_with_it)
{
	build(allocating);
	expect_mistakes(0);
}

/* Steps that have parts are in a topological order all the same. */
static void with_parts(struct wax_flow *to)
{
	struct wax_stream keyed = wax_key_on(numbers(to, "in"), "key", WAX_U64, wax_key_self, NULL);

	wax_output(wax_count_final(keyed, "count"), "out", wax_stdout("%k %v"));
}

Test(flow, keeps_parts_of_steps_in_order)
{
	build(with_parts);
	expect_mistakes(0);
	for (uint32_t i = 0; i < flow->step_count; i++) {
		const struct wax_step *step = flow->steps[i];

		cr_assert_eq(step->index, i);
		for (uint32_t input = 0; input < step->input_count; input++)
			cr_assert_lt(wax_flow_stream(flow, step->inputs[input])->step, i);
	}
}

/* ---- The entry */

static int make(const struct wax_flow_entry *entry, struct wax_err *err)
{
	return wax_flow_make(entry, 0, NULL, &flow, err);
}

Test(flow_entry, of_another_version_is_refused_with_both_numbers)
{
	struct wax_flow_entry entry = {
			sizeof(entry), WAX_VERSION_MAJOR + 1, WAX_VERSION_MINOR, "x", "", sound};
	struct wax_err err = {0};

	cr_assert_eq(make(&entry, &err), -EINVAL);
	cr_assert(strstr(err.text, "it was built for wax 1."), "%s", err.text);
	cr_assert(strstr(err.text, "build it again with these headers"), "%s", err.text);
	entry.version_major = WAX_VERSION_MAJOR;
	entry.version_minor = WAX_VERSION_MINOR + 1;
	cr_assert_eq(make(&entry, &err), -EINVAL);
}

Test(flow_entry, that_is_damaged_is_refused)
{
	struct wax_flow_entry good = {
			sizeof(good), WAX_VERSION_MAJOR, WAX_VERSION_MINOR, "x", "", sound};
	struct wax_flow_entry bad = good;
	struct wax_err err = {0};

	cr_assert_eq(make(NULL, &err), -EINVAL);
	cr_assert(strstr(err.text, "its wax_flow_entry is damaged: build it again"));
	bad.size_bytes = 8;
	cr_assert_eq(make(&bad, &err), -EINVAL);
	bad = good;
	bad.name = NULL;
	cr_assert_eq(make(&bad, &err), -EINVAL);
	bad = good;
	bad.build = NULL;
	cr_assert_eq(make(&bad, NULL), -EINVAL);
}

Test(flow_entry, of_a_longer_struct_is_accepted)
{
	struct {
		struct wax_flow_entry entry;
		void *more;
	} longer = {{sizeof(longer), WAX_VERSION_MAJOR, WAX_VERSION_MINOR, "x", "", sound}, NULL};
	struct wax_err err = {0};

	cr_assert_eq(make(&longer.entry, &err), 0);
	wax_flow_free(flow);
}

Test(flow_entry, free_of_null_is_allowed)
{
	wax_flow_free(NULL);
}

/* ---- Scopes */

static struct wax_stream clean(struct wax_stream up, const char *id)
{
	wax_scope_begin(up.flow, id);

	struct wax_stream parsed = wax_map(up, "parse", WAX_U64, pass, NULL);
	struct wax_stream counted = wax_count_final(
			wax_key_on(parsed, "key", WAX_U64, wax_key_self, NULL), "count");

	wax_scope_end(up.flow);
	return counted;
}

static void composed(struct wax_flow *to)
{
	struct wax_stream all = numbers(to, "numbers");

	wax_scope_begin(to, "both");
	wax_output(clean(all, "a"), "out_a", wax_null());
	wax_output(clean(all, "b"), "out_b", wax_null());
	wax_scope_end(to);
	wax_output(clean(all, "a"), "parse", wax_null());
}

Test(flow, gives_steps_of_a_scope_its_id)
{
	static const char *const ids[] = {"test.numbers", "test.both.a.parse", "test.both.a.key",
			"test.both.a.count", "test.both.a.count.final", "test.both.out_a",
			"test.both.b.parse", "test.both.b.key", "test.both.b.count",
			"test.both.b.count.final", "test.both.out_b", "test.a.parse", "test.a.key",
			"test.a.count", "test.a.count.final", "test.parse"};

	build(composed);
	expect_mistakes(0);
	cr_assert_eq(flow->step_count, sizeof(ids) / sizeof(ids[0]));
	for (uint32_t i = 0; i < flow->step_count; i++)
		cr_assert_str_eq(flow->steps[i]->id, ids[i]);
	cr_assert_str_eq(flow->steps[4]->scope->id, "test.both.a");
	cr_assert_str_eq(flow->steps[4]->scope->outer->id, "test.both");
	cr_assert_eq(flow->steps[4]->owner, flow->steps[3]);
	cr_assert_null(flow->steps[15]->scope);
}

static void twice_in_scopes(struct wax_flow *to)
{
	struct wax_stream all = numbers(to, "numbers");

	wax_output(clean(all, "a"), "out", wax_null());
	clean(all, "a");
	clean(all, "numbers");
	wax_scope_begin(to, "c");
	wax_map(all, "same", WAX_U64, pass, NULL);
	wax_map(all, "same", WAX_U64, pass, NULL);
	wax_scope_end(to);
	wax_map(all, "c", WAX_U64, pass, NULL);
}

Test(flow, refuses_an_id_that_is_taken_in_its_scope)
{
	build(twice_in_scopes);
	expect_mistake(0, "scope \"test.a\": the id \"a\" is taken by an earlier step");
	expect_mistake(1, "step \"test.a.parse\": the id \"parse\" is taken");
	/* The other steps in there are doubled as well. */
	expect_mistake(4, "scope \"test.numbers\": the id \"numbers\" is taken by an earlier step");
	expect_mistake(5, "step \"test.c.same\": the id \"same\" is taken");
	expect_mistake(6, "step \"test.c\": the id \"c\" is taken");
	expect_mistakes(7);
}

static void ends_too_often(struct wax_flow *to)
{
	wax_output(clean(numbers(to, "numbers"), "a"), "out", wax_null());
	wax_scope_end(to);
	wax_scope_begin(to, NULL);
	wax_scope_end(to);
	wax_scope_begin(to, "b.c");
}

Test(flow, refuses_scopes_that_begin_or_end_badly)
{
	build(ends_too_often);
	expect_mistake(0, "wax_scope_end without a wax_scope_begin");
	expect_mistake(1, "scope \"test.?\": a step needs an id (this one is a scope)");
	expect_mistake(2, "scope \"test.b.c\": the id \"b.c\" has a dot in it");
	expect_mistake(3, "scope \"test.b.c\" is begun but not ended: call wax_scope_end");
	expect_mistakes(4);
}

/* ---- Policies as a command line gives them */

static int set_policies(struct wax_err *err, const char *first, const char *second)
{
	const char *rules[] = {first, second};

	return wax_flow_set_policies(flow, rules, second ? 2 : 1, err);
}

static void expect_policies(const char *letters)
{
	for (uint32_t i = 0; i < flow->step_count; i++)
		cr_assert_eq("FSD"[flow->steps[i]->policy], letters[i], "%s", flow->steps[i]->id);
}

Test(flow, takes_a_policy_for_all_or_one_or_a_scope)
{
	struct wax_err err = {0};

	build(composed);
	cr_assert_eq(set_policies(&err, "both.a=skip", NULL), 0, "%s", err.text);
	expect_policies("FSSSSFFFFFFFFFFF");
	/* The one that names a step counts more, wherever it stands. */
	cr_assert_eq(set_policies(&err, "test.a.count=dlq:/x=y", "skip"), 0, "%s", err.text);
	expect_policies("FSSSSFSSSSFSSDDF");
	cr_assert_eq(flow->letter_box_count, 1);
	cr_assert_str_eq(flow->letter_boxes[flow->steps[14]->letter_box].path, "/x=y");
	cr_assert_eq(set_policies(&err, "fail", "both.out_a=fail"), -EINVAL);
	expect_policies("FFFFFFFFFFFFFFFF");
}

Test(flow, refuses_a_policy_that_means_nothing)
{
	static const struct {
		const char *rule;
		const char *sentence;
	} cases[] = {
			{"both.b.pase=skip",
					"the flow has no step \"both.b.pase\": did you mean "
					"\"both.b.parse\"?"},
			{"pars=skip", "did you mean \"both.a.parse\"?"},
			{"bot=skip", "did you mean \"both\"?"},
			{"nothing_like_it=skip",
					"the flow has no step \"nothing_like_it\": "
					"`waxrun --graph` lists them"},
			{"numbers=skip", "step \"numbers\" is a source or sink"},
			{"both.a.count.final=skip", "no step \"both.a.count.final\""},
			{"drop", "'drop' is not accepted: write fail, skip or dlq:PATH, or STEP="},
			{"dlq:", "'dlq:' is not accepted"},
			{"=skip", "'=skip' is not accepted"},
			{"both=", "'both=' is not accepted"},
	};

	build(composed);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wax_err err = {0};

		cr_assert_eq(set_policies(&err, cases[i].rule, NULL), -EINVAL, "%s", cases[i].rule);
		cr_assert(strstr(err.text, cases[i].sentence), "'%s' lacks '%s'", err.text,
				cases[i].sentence);
	}
	expect_policies("FFFFFFFFFFFFFFFF");
}
