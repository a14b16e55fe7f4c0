/* SPDX-License-Identifier: Apache-2.0 */
/* The sink of examples/epoch_sink.c: whatever dies, each item is seen once. */
#include <criterion/criterion.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/stage.h"

struct wax_sink *epochs_in(const char *directory);

enum { EPOCHS = 4, CALLS_MAX = 1 + 4 * EPOCHS };

static char folder[64];

static void set_up(void)
{
	strcpy(folder, "/tmp/wax-test-epochs-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

static void empty_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -f %s/*", folder);
	cr_assert_eq(system(command), 0);
}

static void tear_down(void)
{
	empty_folder();
	cr_assert_eq(rmdir(folder), 0);
}

TestSuite(epoch_sink, .init = set_up, .fini = tear_down);

/* A process that has the sink open. */
struct run {
	struct stage stage;
	struct wax_sink *sink;
	void *part;
	struct wax_err err;
	int calls_left; /* until it is killed */
};

static void call(struct run *run)
{
	if (run->calls_left-- == 0)
		_exit(0);
}

static void open_run(struct run *run, uint32_t instance, uint64_t saved)
{
	struct wax_bytes position = {saved > 0 ? &saved : NULL, saved > 0 ? sizeof(saved) : 0};

	stage_init(&run->stage, 0, 1, "");
	run->stage.env.instance = instance;
	run->sink = epochs_in(folder);
	call(run);
	cr_assert_eq(run->sink->ops.open(run->sink->sink, &run->stage.env, position, &run->part,
				     &run->err),
			0, "%s", run->err.text);
}

static void close_run(struct run *run, int ok)
{
	cr_assert_eq(run->sink->ops.close(run->part, ok, &run->err), 0, "%s", run->err.text);
	wax_sink_free(run->sink);
	stage_fini(&run->stage);
}

static void write_item(struct run *run, uint64_t epoch, int index)
{
	char text[32];
	struct wax_span span = {0,
			(uint32_t)snprintf(
					text, sizeof(text), "%lu.%d", (unsigned long)epoch, index)};
	struct wax_batch batch = {.count = 1,
			.values = &span,
			.value_heap = text,
			.value_heap_bytes = span.bytes};

	call(run);
	cr_assert_eq(run->sink->ops.write(run->part, &batch, &run->err), WAX_READY);
}

/* Epochs from one on to the last, an epoch committed when `lag` others have been prepared since. */
static void write_epochs(struct run *run, uint64_t first, uint64_t lag)
{
	for (uint64_t epoch = first; epoch <= EPOCHS; epoch++) {
		/* One has no items. */
		for (int i = 0; i < 2 && epoch != 3; i++)
			write_item(run, epoch, i);
		call(run);
		cr_assert_eq(run->sink->ops.prepare(run->part, epoch, &run->err), WAX_READY, "%s",
				run->err.text);
		if (epoch < first + lag)
			continue;
		call(run);
		cr_assert_eq(run->sink->ops.commit(run->part, epoch - lag, &run->err), WAX_READY);
	}
}

/* What a run that is killed behind so many calls has prepared and committed. */
static void count_epochs(int calls, uint64_t lag, uint64_t *ret_prepared, uint64_t *ret_committed)
{
	*ret_prepared = *ret_committed = 0;
	calls--; /* open */
	for (uint64_t epoch = 1; epoch <= EPOCHS; epoch++) {
		calls -= epoch != 3 ? 3 : 1;
		if (calls < 0)
			return;
		*ret_prepared = epoch;
		if (epoch < 1 + lag)
			continue;
		if (--calls < 0)
			return;
		*ret_committed = epoch - lag;
	}
}

static void run_and_be_killed(int calls, uint64_t lag)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct run run = {.calls_left = calls};

		open_run(&run, 0, 0);
		write_epochs(&run, 1, lag);
		_exit(0);
	}
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The lines of all files that others see, in order, with a space behind each. */
static const char *seen(void)
{
	static char text[1024];
	char lines[64][16];
	size_t count = 0;
	DIR *directory = opendir(folder);

	text[0] = '\0';
	for (struct dirent *entry; (entry = readdir(directory));) {
		char path[400];

		if (entry->d_name[0] == '.' || strchr(entry->d_name, '.'))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		FILE *file = fopen(path, "r");
		while (count < 64 && fscanf(file, "%15s", lines[count]) == 1)
			count++;
		fclose(file);
	}
	closedir(directory);
	qsort(lines, count, sizeof(lines[0]), compare_lines);
	for (size_t i = 0; i < count; i++)
		strcat(strcat(text, lines[i]), " ");
	return text;
}

/* Items of epochs 1 ... last. */
static const char *items_of(uint64_t last)
{
	static const char all[] = "1.0 1.1 2.0 2.1 4.0 4.1 ";
	static char text[sizeof(all)];
	static const int bytes[] = {0, 8, 16, 16, 24};

	snprintf(text, sizeof(text), "%.*s", bytes[last], all);
	return text;
}

/* What was saved is any epoch between what was committed and what was prepared. */
Test(epoch_sink, killed_between_any_two_calls_gives_each_item_once, .timeout = 240)
{
	for (uint64_t lag = 0; lag < 3; lag++) {
		for (int calls = 0; calls <= CALLS_MAX; calls++) {
			uint64_t prepared, committed;

			count_epochs(calls, lag, &prepared, &committed);
			for (uint64_t saved = committed; saved <= prepared; saved++) {
				struct run run = {.calls_left = -1};

				empty_folder();
				run_and_be_killed(calls, lag);
				cr_assert_str_eq(seen(), items_of(committed), "%d calls", calls);
				open_run(&run, 0, saved);
				cr_assert_str_eq(seen(), items_of(saved), "%d calls", calls);
				write_epochs(&run, saved + 1, 0);
				cr_assert_str_eq(seen(), items_of(EPOCHS), "%d calls", calls);
				close_run(&run, 1);
				cr_assert_str_eq(seen(), items_of(EPOCHS));
			}
		}
	}
}

Test(epoch_sink, commit_may_come_twice)
{
	struct run run = {.calls_left = -1};

	open_run(&run, 0, 0);
	write_epochs(&run, 1, 0);
	cr_assert_eq(run.sink->ops.commit(run.part, EPOCHS, &run.err), WAX_READY);
	cr_assert_str_eq(seen(), items_of(EPOCHS));
	close_run(&run, 1);
}

/* Nothing is prepared then. */
Test(epoch_sink, run_without_state_shows_all_when_it_ends_well)
{
	struct run run = {.calls_left = -1};

	open_run(&run, 0, 0);
	write_item(&run, 1, 0);
	cr_assert_str_eq(seen(), "");
	close_run(&run, 1);
	cr_assert_str_eq(seen(), "1.0 ");

	open_run(&run, 0, 0);
	cr_assert_str_eq(seen(), "", "and the next begins anew");
	write_item(&run, 1, 1);
	close_run(&run, 0);
	cr_assert_str_eq(seen(), "");
}

Test(epoch_sink, instances_leave_each_other_alone)
{
	struct run one = {.calls_left = -1}, other = {.calls_left = -1};

	open_run(&one, 0, 0);
	write_item(&one, 1, 0);
	cr_assert_eq(one.sink->ops.prepare(one.part, 1, &one.err), WAX_READY);
	open_run(&other, 1, 0);
	write_item(&other, 1, 1);
	close_run(&other, 1);
	cr_assert_eq(one.sink->ops.commit(one.part, 1, &one.err), WAX_READY);
	cr_assert_str_eq(seen(), "1.0 1.1 ");
	close_run(&one, 1);
}
