/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/runner.h"

#include <stdio.h>
#include <stdlib.h>

/* Runs that go on where an earlier one was. Those of the catalogue that end an epoch behind each batch
 * wait here, with a pause, until one has ended by time. */

static struct wax_stream max_so_far(struct wax_stream up)
{
	return wax_max_running(up, "max");
}

static const uint32_t three_five_one[] = {3, 5, 1}, two_each[] = {2, 2, 2};

/* ---- A directory that is not whole */

static void in_state(const char *command)
{
	char text[256];

	snprintf(text, sizeof(text), "cd '%s' && %s", row_path("state"), command);
	if (system(text) != 0)
		abort();
}

static void lose_a_log(void)
{
	if (row_run() == 1)
		in_state("rm gen-*/worker-00000.*");
}

/* Of the first run, in place of that of the second. */
static void put_back_a_log(void)
{
	if (row_run() == 1)
		in_state("cp gen-*/worker-00000.* ..");
	if (row_run() == 2)
		in_state("mv ../worker-00000.* gen-*2/");
}

const struct row recovery_rows[] = {
		{.id = "r-1",
				.input = "0;1;2;!;3;4",
				.recovery = true,
				.interval = "5s",
				.runs = 2,
				.status = 5,
				.expected = "0;1;2 / 0;1;2;3;4"},
		{.id = "r-2",
				.input = "0;1;2;~0.2;!;3;4",
				.recovery = true,
				.interval = "10ms",
				.runs = 2,
				.status = 5,
				.expected = "0;1;2 / 3;4"},
		{.id = "r-3",
				.input = "0;1;2;|;3;4",
				.recovery = true,
				.interval = "5s",
				.runs = 4,
				.expected = "0;1;2 / 3;4 /  / "},
		{.id = "r-4",
				.input = "0;|;1;|;2;|;3;|;4",
				.recovery = true,
				.interval = "5s",
				.runs = 6,
				.expected = "0 / 1 / 2 / 3 / 4 / "},
		{.id = "r-5",
				.items = PAIRS,
				.input = "a=4;b=4;|;a=1;b=5;|;a=8;b=1",
				.steps = max_so_far,
				.recovery = true,
				.workers = three_five_one,
				.runs = 3,
				.expected = "a=4;b=4 / a=4;b=5 / a=8;b=5"},
		{.id = "r-6",
				.standing = DIFFERENT,
				.input = "0;1;2;|;3",
				.recovery = true,
				.runs = 2,
				.expected = "0;1;2 / 3"},
		{.id = "r-7",
				.standing = DIFFERENT,
				.input = "0;1;2;~0.2;|;3;4",
				.recovery = true,
				.interval = "10ms",
				.workers = two_each,
				.prepare = lose_a_log,
				.runs = 2,
				.next_status = 4,
				.expected = "0;1;2 / "},
		{.id = "r-8",
				.standing = DIFFERENT,
				.input = "0;1;|;2;|;3",
				.recovery = true,
				.interval = "10ms",
				.workers = two_each,
				.prepare = put_back_a_log,
				.runs = 3,
				.next_status = 4,
				.expected = "0;1 / 2 / "},
		{.id = "r-9", .standing = ABSENT},
		{.id = "r-10", .standing = ABSENT},
		{.id = "r-11", .standing = ABSENT},
		{0},
};
