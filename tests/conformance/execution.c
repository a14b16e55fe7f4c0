/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs and their ends, and how a flow is built. */

static int add_one(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	int64_t sum = row_number(item) + 1;

	(void)ctx;
	return wax_emit(out, &sum, sizeof(sum));
}

static struct wax_stream map_add_one(struct wax_stream up)
{
	return wax_map(up, "add", WAX_I64, add_one, NULL);
}

static int refuse_zero(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	if (row_number(item) == 0)
		return wax_fail(out, "a zero: %d, %s", 1, "two");
	return add_one(out, item, ctx);
}

static struct wax_stream map_not_zero(struct wax_stream up)
{
	return wax_map(up, "refuse", WAX_I64, refuse_zero, NULL);
}

/* waxrun itself, in a script. */
static const char *interrupted(int workers)
{
	static char text[512];
	char command[1024];
	FILE *script;
	size_t bytes;

	snprintf(command, sizeof(command), "sh '%s/tests/conformance/interrupt.sh' %d 2>&1",
			getenv("SOURCE") ? getenv("SOURCE") : ".", workers);
	script = popen(command, "r");
	bytes = script ? fread(text, 1, sizeof(text) - 1, script) : 0;
	text[bytes] = '\0';
	if (script && pclose(script) == 0)
		return "stopped";
	return text;
}

static const char *interrupted_alone(void)
{
	return interrupted(1);
}

static const char *interrupted_two(void)
{
	return interrupted(2);
}

static const char *interrupted_four(void)
{
	return interrupted(4);
}

/* ---- Mistakes */

static void id_is_null(struct wax_flow *flow)
{
	row_output(wax_map(row_input(flow, "in", NUMBERS, "0"), NULL, WAX_I64, add_one, NULL));
}

static void id_has_a_dot(struct wax_flow *flow)
{
	row_output(wax_map(row_input(flow, "in", NUMBERS, "0"), "add.one", WAX_I64, add_one, NULL));
}

const struct row execution_rows[] = {
		{.id = "x-1", .input = "0;1;2", .steps = map_add_one, .expected = "1;2;3"},
		{.id = "x-2",
				.input = "0;1;2",
				.steps = map_not_zero,
				.status = 1,
				.failed_step = "test.refuse",
				.sentence = "a zero: 1, two",
				.expected = ""},
		{.id = "x-3", .check = interrupted_alone, .expected = "stopped"},
		{.id = "x-4", .check = interrupted_two, .expected = "stopped"},
		{.id = "x-5", .check = interrupted_four, .expected = "stopped"},
		{.id = "c-1", .standing = ABSENT},
		{.id = "c-2", .standing = ABSENT},
		{.id = "c-3", .standing = ABSENT},
		{.id = "c-4", .standing = ABSENT},
		{.id = "c-5", .standing = ABSENT},
		{.id = "m-1", .standing = ABSENT},
		{.id = "m-2", .standing = ABSENT},
		{.id = "m-3", .standing = ABSENT},
		{.id = "m-4", .standing = ABSENT},
		{.id = "m-5", .standing = ABSENT},
		{.id = "m-6", .build = id_is_null, .status = 3, .sentence = "id"},
		{.id = "m-7", .build = id_has_a_dot, .status = 3, .sentence = "add.one"},
		{.id = "m-8", .standing = ABSENT},
		{.id = "m-9", .standing = ABSENT},
		{.id = "v-1", .standing = ABSENT},
		{.id = "v-2", .standing = ABSENT},
		{.id = "v-3", .standing = ABSENT},
		{.id = "v-4", .standing = ABSENT},
		{.id = "v-5", .standing = ABSENT},
		{.id = "v-6", .standing = ABSENT},
		{0},
};
