/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <wax/connectors.h>

#include "tests/support/files.h"
#include "tests/support/stage.h"

static struct stage stage;
static struct wax_parts parts;
static struct wax_err err;
static struct wax_sink *sink;
static void *part;

static char folder[64];
static char path[128];

/* The last directory for which somebody has called it. */
static ino_t synced;

int fsync(int fd)
{
	struct stat info;

	if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode))
		synced = info.st_ino;
	return (int)syscall(SYS_fsync, fd);
}

static void set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	strcpy(folder, "/tmp/wax-test-sinks-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/out.txt", folder);
	wax_parts_init(&parts, 2, NULL);
	stage_init(&stage, 1, 2, "");
	stage.env.instance = 1;
}

static void tear_down(void)
{
	char command[128];

	wax_sink_free(sink);
	wax_parts_fini(&parts);
	stage_fini(&stage);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(sinks, .init = set_up, .fini = tear_down);

static int list(void)
{
	return sink->ops.list(sink->sink, &parts, &err);
}

static int open_part(struct wax_bytes saved)
{
	return sink->ops.open(sink->sink, &stage.env, saved, &part, &err);
}

#define ANEW ((struct wax_bytes){NULL, 0})

static int write_line(const char *text)
{
	struct wax_span span = {0, (uint32_t)strlen(text)};
	struct wax_batch batch = {.count = 1,
			.values = &span,
			.value_heap = text,
			.value_heap_bytes = span.bytes};

	return sink->ops.write(part, &batch, &err);
}

Test(sinks, file_is_left_alone_until_it_is_opened)
{
	sink = wax_file(path, NULL);
	cr_assert_eq(list(), 0);
	cr_assert_eq(parts.count, 1);
	cr_assert_str_eq(parts.names[0], path);
	cr_assert_neq(access(path, F_OK), 0);

	wax_parts_fini(&parts);
	fill_file(path, "old\n");
	cr_assert_eq(list(), 0);
	expect_file(path, "old\n");
}

Test(sinks, file_is_emptied_and_written)
{
	fill_file(path, "old contents\n");
	sink = wax_file(path, NULL);
	cr_assert_eq(open_part(ANEW), 0, "%s", err.text);
	cr_assert_eq(write_line("one"), WAX_READY);
	cr_assert_eq(write_line("two"), WAX_READY);
	cr_assert_eq(stage_flush(&stage, sink, part), WAX_READY);
	cr_assert_eq(sink->ops.close(part, 1, &err), 0);
	expect_file(path, "one\ntwo\n");
}

Test(sinks, file_goes_on_behind_the_saved_position)
{
	struct wax_bytes position;
	uint64_t saved;

	sink = wax_file(path, NULL);
	cr_assert_eq(open_part(ANEW), 0);
	write_line("one");
	cr_assert_eq(stage_flush(&stage, sink, part), WAX_READY);
	position = sink->ops.position(part);
	cr_assert_eq(position.bytes, sizeof(saved));
	memcpy(&saved, position.data, sizeof(saved));
	write_line("lost");
	cr_assert_eq(stage_flush(&stage, sink, part), WAX_READY);
	sink->ops.close(part, 0, &err);
	expect_file(path, "one\nlost\n");

	cr_assert_eq(open_part((struct wax_bytes){&saved, sizeof(saved)}), 0, "%s", err.text);
	expect_file(path, "one\n");
	write_line("two");
	cr_assert_eq(stage_flush(&stage, sink, part), WAX_READY);
	sink->ops.close(part, 1, &err);
	expect_file(path, "one\ntwo\n");
}

/* Until it is prepared. */
static int prepare(uint64_t epoch)
{
	int result;

	while ((result = sink->ops.prepare(part, epoch, &stage.err)) == WAX_PENDING) {
		for (stage.env.woken = false; !stage.env.woken;)
			wax_loop_wait(stage.worker.loop, WAX_NEVER);
	}
	return result;
}

static uint64_t position(void)
{
	struct wax_bytes at = sink->ops.position(part);
	uint64_t saved;

	cr_assert_eq(at.bytes, sizeof(saved));
	memcpy(&saved, at.data, sizeof(saved));
	return saved;
}

Test(sinks, position_is_the_end_of_the_epoch_that_is_prepared)
{
	uint64_t saved;

	sink = wax_file(path, NULL);
	cr_assert_eq(open_part(ANEW), 0);
	write_line("one");
	cr_assert_eq(sink->ops.prepare(part, 1, &err), WAX_PENDING);
	saved = position();
	cr_assert_eq(saved, 4, "with what is not written yet");
	write_line("of the next epoch");
	cr_assert_eq(prepare(1), WAX_READY);
	cr_assert_eq(prepare(2), WAX_READY);
	sink->ops.close(part, 0, &err);
	expect_file(path, "one\nof the next epoch\n");

	cr_assert_eq(open_part((struct wax_bytes){&saved, sizeof(saved)}), 0, "%s", err.text);
	expect_file(path, "one\n");
	sink->ops.close(part, 0, &err);
}

/* What the file should have, and how much of it an epoch has saved. */
struct expected {
	char text[16 * 1024];
	size_t bytes;
	uint64_t saved;
	unsigned lines;
	uint64_t state; /* of chance */
};

static unsigned chance(struct expected *expected, unsigned limit)
{
	expected->state = expected->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(expected->state >> 33) % limit;
}

static void write_some(struct expected *expected)
{
	for (unsigned count = chance(expected, 4); count > 0; count--) {
		char line[16];

		snprintf(line, sizeof(line), "line %u", expected->lines++);
		write_line(line);
		expected->bytes += (size_t)sprintf(expected->text + expected->bytes, "%s\n", line);
	}
}

/* Some epochs, each written while the one before is prepared, until it is killed. */
static void run_until_killed(struct expected *expected)
{
	for (uint64_t epoch = 1;; epoch++) {
		uint64_t at;

		write_some(expected);
		if (chance(expected, 6) == 0)
			return;
		cr_assert_geq(sink->ops.prepare(part, epoch, &err), 0);
		at = position();
		write_some(expected);
		if (chance(expected, 6) == 0)
			return;
		cr_assert_eq(prepare(epoch), WAX_READY);
		expected->saved = at;
	}
}

Test(sinks, lines_of_a_file_are_there_once_after_any_crash)
{
	struct expected expected = {.state = 1};

	sink = wax_file(path, NULL);
	for (unsigned run = 0; run < 60; run++) {
		struct wax_bytes saved = {&expected.saved, sizeof(expected.saved)};
		struct stat info;

		cr_assert_eq(open_part(run > 0 ? saved : ANEW), 0, "%s", err.text);
		cr_assert_eq(stat(path, &info), 0);
		cr_assert_eq((uint64_t)info.st_size, expected.saved);
		run_until_killed(&expected);
		cr_assert_eq(sink->ops.close(part, 0, &err), 0);
		expected.bytes = expected.saved;
		expected.text[expected.bytes] = '\0';
	}
	cr_assert_eq(open_part((struct wax_bytes){&expected.saved, sizeof(expected.saved)}), 0);
	sink->ops.close(part, 1, &err);
	cr_assert_gt(expected.bytes, 500);

	FILE *file = fopen(path, "r");
	static char text[sizeof(expected.text)];
	size_t bytes = fread(text, 1, sizeof(text), file);

	fclose(file);
	cr_assert_eq(bytes, expected.bytes);
	cr_assert_eq(memcmp(text, expected.text, bytes), 0);
}

Test(sinks, pipe_has_no_position_and_is_no_error)
{
	int fd;

	cr_assert_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	sink = wax_file(path, NULL);
	cr_assert_eq(open_part(ANEW), 0, "%s", err.text);
	write_line("one");
	cr_assert_eq(prepare(1), WAX_READY);
	cr_assert_null(sink->ops.position(part).data);
	sink->ops.close(part, 1, &err);
	close(fd);
}

Test(sinks, file_that_lost_what_was_saved_is_refused)
{
	uint64_t saved = 100;

	fill_file(path, "short\n");
	sink = wax_file(path, NULL);
	cr_assert_eq(open_part((struct wax_bytes){&saved, sizeof(saved)}), -ESTALE);
	expect_file(path, "short\n");
	cr_assert_eq(open_part((struct wax_bytes){&saved, 3}), -EBADMSG);
}

Test(sinks, file_that_cannot_be_is_an_error_before_the_run)
{
	sink = wax_file("/nowhere/at/all/out.txt", NULL);
	cr_assert_eq(list(), -ENOENT);
	cr_assert_str_eq(err.text,
			"cannot make '/nowhere/at/all/out.txt': there is no directory "
			"'/nowhere/at/all': make it first");
	wax_sink_free(sink);

	sink = wax_file(folder, NULL);
	cr_assert_eq(list(), -EISDIR);
	wax_sink_free(sink);

	fill_file(path, "");
	strcat(path, "/x");
	sink = wax_file(path, NULL);
	cr_assert_eq(list(), -ENOTDIR);
}

Test(sinks, path_that_the_flow_does_not_have_is_an_error)
{
	sink = wax_file(NULL, NULL);
	cr_assert_eq(list(), -EINVAL);
	wax_sink_free(sink);

	sink = wax_dir(NULL, 3, NULL);
	cr_assert_eq(list(), -EINVAL);
	wax_sink_free(sink);

	sink = wax_dir(NULL, 0, NULL);
	cr_assert_eq(open_part(ANEW), -EINVAL);
}

Test(sinks, file_may_be_a_device)
{
	sink = wax_file("/dev/full", NULL);
	cr_assert_eq(list(), 0);
	cr_assert_eq(open_part(ANEW), 0);
	write_line("one");
	cr_assert_eq(stage_flush(&stage, sink, part), -ENOSPC);
	cr_assert_not_null(strstr(stage.err.text, "'/dev/full'"));
	cr_assert_eq(sink->ops.close(part, 0, &err), 0);
}

Test(sinks, dir_is_made_with_its_partitions)
{
	snprintf(path, sizeof(path), "%s/parts", folder);
	sink = wax_dir(path, 3, NULL);
	cr_assert_eq(list(), 0);
	cr_assert_eq(access(path, F_OK), 0);
	cr_assert_eq(parts.count, 3);
	cr_assert_str_eq(parts.names[0], "part-00000");
	cr_assert_str_eq(parts.names[2], "part-00002");

	/* Once more: it may be there. */
	wax_parts_fini(&parts);
	cr_assert_eq(list(), 0);

	stage.env.part = "part-00002";
	cr_assert_eq(open_part(ANEW), 0);
	write_line("one");
	cr_assert_eq(stage_flush(&stage, sink, part), WAX_READY);
	cr_assert_eq(sink->ops.close(part, 1, &err), 0);
	strcat(path, "/part-00002");
	expect_file(path, "one\n");
}

Test(sinks, dir_per_worker_is_made_by_the_workers)
{
	snprintf(path, sizeof(path), "%s/parts", folder);
	sink = wax_dir(path, 0, NULL);
	cr_assert_null(sink->ops.list);
	cr_assert_eq(open_part(ANEW), 0);
	cr_assert_eq(write_line("one"), WAX_READY);
	cr_assert_eq(stage_flush(&stage, sink, part), WAX_READY);
	cr_assert_eq(sink->ops.close(part, 1, &err), 0);
	strcat(path, "/part-00001");
	expect_file(path, "one\n");
}

/* A crash of the machine must not take away with the directory what was safe in it. */
Test(sinks, dir_that_is_made_is_known_to_the_one_it_is_in)
{
	struct stat info;

	cr_assert_eq(stat(folder, &info), 0);
	snprintf(path, sizeof(path), "%s/parts", folder);
	sink = wax_dir(path, 3, NULL);
	cr_assert_eq(list(), 0);
	cr_assert_eq(synced, info.st_ino);
	wax_sink_free(sink);

	synced = 0;
	snprintf(path, sizeof(path), "%s/others/", folder);
	sink = wax_dir(path, 0, NULL);
	cr_assert_eq(open_part(ANEW), 0);
	cr_assert_eq(synced, info.st_ino);
	cr_assert_eq(sink->ops.close(part, 1, &err), 0);
}

/* That of a worker which is no more is brought to what was saved of it. */
Test(sinks, dir_per_worker_is_the_file_of_its_instance)
{
	uint64_t saved = 4;

	snprintf(path, sizeof(path), "%s/part-00003", folder);
	fill_file(path, "one\ntwo\n");
	sink = wax_dir(folder, 0, NULL);
	stage.env.instance = 3;
	cr_assert_eq(open_part((struct wax_bytes){&saved, sizeof(saved)}), 0, "%s", err.text);
	cr_assert_eq(sink->ops.close(part, 1, &err), 0);
	expect_file(path, "one\n");
}

Test(sinks, dir_of_another_number_of_files_cannot_go_on)
{
	struct wax_saved_part saved_parts[] = {
			{.name = {"part-00000", 10}}, {.name = {"part-00001", 10}}};
	struct wax_saved_parts saved = {saved_parts, 2};

	wax_parts_fini(&parts);
	wax_parts_init(&parts, 2, &saved);
	sink = wax_dir(folder, 3, NULL);
	cr_assert_eq(list(), -ESTALE);
	cr_assert_not_null(strstr(err.text, "dealt items to 2 files"), "%s", err.text);
	wax_sink_free(sink);

	sink = wax_dir(folder, 2, NULL);
	cr_assert_eq(list(), 0, "%s", err.text);
	cr_assert_eq(parts.count, 2);
}

Test(sinks, dir_that_is_a_file_is_an_error)
{
	fill_file(path, "");
	sink = wax_dir(path, 2, NULL);
	cr_assert_eq(list(), -ENOTDIR);
	wax_sink_free(sink);

	sink = wax_dir(folder, 20000, NULL);
	cr_assert_eq(list(), -EINVAL);
	wax_sink_free(sink);

	sink = wax_dir("/nowhere/at/all", 2, NULL);
	cr_assert_eq(list(), -ENOENT);
}

/* Standard output for the time of a test. */
static void redirect(int fd)
{
	cr_assert_geq(dup2(fd, STDOUT_FILENO), 0);
	close(fd);
}

Test(sinks, standard_output_is_written_where_it_stands)
{
	int fd;

	fill_file(path, "");
	fd = open(path, O_WRONLY);
	cr_assert_eq(write(fd, "head\n", 5), 5);
	redirect(fd);
	sink = wax_stdout(NULL);
	cr_assert_eq(list(), 0);
	cr_assert_eq(parts.count, 1);
	cr_assert_eq(open_part(ANEW), 0);
	write_line("one");
	cr_assert_eq(stage_flush(&stage, sink, part), WAX_READY);
	cr_assert_eq(sink->ops.close(part, 1, &err), 0);
	/* Others may still use it. */
	cr_assert_eq(write(STDOUT_FILENO, "tail\n", 5), 5);
	expect_file(path, "head\none\ntail\n");
}

Test(sinks, standard_output_without_a_reader_is_an_error)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	redirect(ends[1]);
	close(ends[0]);
	sink = wax_stdout("%v");
	cr_assert_eq(open_part(ANEW), 0);
	write_line("one");
	cr_assert_eq(stage_flush(&stage, sink, part), -EPIPE);
	cr_assert_str_eq(stage.err.text,
			"whoever reads standard output has closed it, after byte "
			"0: let it read to the end, or write to a file");
	sink->ops.close(part, 0, &err);
}

Test(sinks, standard_output_that_is_closed_is_an_error_before_the_run)
{
	close(STDOUT_FILENO);
	sink = wax_stdout(NULL);
	cr_assert_eq(list(), -EBADF);
	cr_assert_str_eq(err.text,
			"standard output is closed: redirect it to a file or to /dev/null");
}

Test(sinks, null_takes_everything)
{
	sink = wax_null();
	cr_assert_null(sink->type);
	cr_assert_null(sink->ops.list);
	cr_assert_eq(open_part(ANEW), 0);
	cr_assert_eq(write_line("one"), WAX_READY);
}
