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

#include <wax/connector.h>

#include "connectors/writer.h"
#include "tests/support/files.h"

/* Each test runs with each backend of the loop. */
#define BOTH(name)                                                                                 \
	static void name(void);                                                                    \
	Test(writer, name)                                                                         \
	{                                                                                          \
		set_up(WAX_IO_AUTO);                                                               \
		name();                                                                            \
		tear_down();                                                                       \
	}                                                                                          \
	Test(writer, name##_with_posix)                                                            \
	{                                                                                          \
		set_up(WAX_IO_POSIX);                                                              \
		name();                                                                            \
		tear_down();                                                                       \
	}                                                                                          \
	static void name(void)

/* In place of that of the C library, for the backend without io_uring: what the disk has is what the
 * file had at the last sync, and a test may have one fail. */
static int sync_failure;       /* errno of the next ones; 0: they do their work */
static unsigned sync_failures; /* how many fail; the others do not */
static unsigned sync_count;
static off_t on_disk;

int fdatasync(int fd)
{
	struct stat info;

	sync_count++;
	if (sync_failures > 0) {
		sync_failures--;
		errno = sync_failure;
		return -1;
	}
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
		on_disk = info.st_size;
	return (int)syscall(SYS_fdatasync, fd);
}

static struct wax_loop *loop;
static struct wax_writer *writer;
static struct wax_err err;
static char path[64];
static unsigned wakes;

static void on_wake(void *waker)
{
	cr_assert_eq(waker, path);
	wakes++;
}

static void set_up(enum wax_io io)
{
	int fd;

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(wax_loop_open(io, 8, &loop, &err), 0, "%s", err.text);
	strcpy(path, "/tmp/wax-test-writer-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	close(fd);
}

static void tear_down(void)
{
	wax_writer_close(writer);
	wax_loop_close(loop);
	unlink(path);
}

static void open_on(int fd, int64_t offset)
{
	struct wax_writer_target target = {.fd = fd, .name = "'out.txt'", .offset = offset};

	cr_assert_geq(fd, 0);
	cr_assert_eq(wax_writer_open(loop, &target, on_wake, path, &writer, &err), 0);
}

/* A batch of one line; valid until the next call. */
static const struct wax_batch *line(const char *text, size_t bytes)
{
	static struct wax_span span;
	static struct wax_batch batch;

	span = (struct wax_span){0, (uint32_t)bytes};
	batch = (struct wax_batch){
			.count = 1, .values = &span, .value_heap = text, .value_heap_bytes = bytes};
	return &batch;
}

static int write_line(const char *text)
{
	return wax_writer_write(writer, line(text, strlen(text)), &err);
}

/* Until everything is written or it failed. */
static int flush(void)
{
	for (;;) {
		unsigned wakes_before = wakes;
		int result = wax_writer_flush(writer, &err);

		if (result != WAX_BUSY)
			return result;
		while (wakes == wakes_before)
			wax_loop_wait(loop, WAX_NEVER);
	}
}

BOTH(lines_come_out_in_order)
{
	static const char heap[] = "onetwothree";
	static const struct wax_span spans[] = {{0, 3}, {3, 3}, {6, 0}, {6, 5}};
	struct wax_batch batch = {
			.count = 4, .values = spans, .value_heap = heap, .value_heap_bytes = 11};

	open_on(open(path, O_WRONLY), 0);
	cr_assert_eq(wax_writer_write(writer, &batch, &err), WAX_READY);
	cr_assert_eq(write_line("four"), WAX_READY);
	expect_file(path, "");
	cr_assert_eq(flush(), WAX_READY);
	expect_file(path, "one\ntwo\n\nthree\nfour\n");
	cr_assert_eq(wax_writer_offset(writer), 20);
	cr_assert_eq(wax_writer_sync(writer, &err), 0);
}

BOTH(flush_of_nothing_is_ready)
{
	open_on(open(path, O_WRONLY), 0);
	cr_assert_eq(wax_writer_flush(writer, &err), WAX_READY);
	write_line("one");
	cr_assert_eq(flush(), WAX_READY);
	cr_assert_eq(wax_writer_flush(writer, &err), WAX_READY);
}

BOTH(lines_go_behind_the_offset)
{
	fill_file(path, "0123456789");
	open_on(open(path, O_WRONLY), 4);
	write_line("ab");
	cr_assert_eq(flush(), WAX_READY);
	expect_file(path, "0123ab\n789");
	cr_assert_eq(wax_writer_offset(writer), 7);
	write_line("c");
	cr_assert_eq(flush(), WAX_READY);
	expect_file(path, "0123ab\nc\n9");
}

BOTH(own_position_of_a_file_is_respected)
{
	int fd = open(path, O_WRONLY);

	cr_assert_eq(write(fd, "head\n", 5), 5);
	open_on(fd, -1);
	write_line("one");
	cr_assert_eq(flush(), WAX_READY);
	write_line("two");
	cr_assert_eq(flush(), WAX_READY);
	expect_file(path, "head\none\ntwo\n");
}

BOTH(file_opened_to_append_is_appended_to)
{
	fill_file(path, "head\n");
	open_on(open(path, O_WRONLY | O_APPEND), -1);
	write_line("one");
	cr_assert_eq(flush(), WAX_READY);
	write_line("two");
	cr_assert_eq(flush(), WAX_READY);
	expect_file(path, "head\none\ntwo\n");
}

enum { MANY = 300000 };

/* Write "line 0" ... with respect for WAX_BUSY; drain: called while waiting. */
static unsigned write_many(void (*drain)(void))
{
	unsigned busy = 0;
	char text[32];

	for (int i = 0; i < MANY; i++) {
		unsigned wakes_before = wakes;
		int result;

		snprintf(text, sizeof(text), "line %d", i);
		result = write_line(text);
		cr_assert_geq(result, 0, "%s", err.text);
		if (result == WAX_READY)
			continue;
		busy++;
		while (wakes == wakes_before) {
			drain();
			wax_loop_wait(loop, 1000000);
		}
	}
	return busy;
}

static void drain_nothing(void)
{
}

static void expect_many(FILE *file)
{
	char expected[32];
	char text[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(expected, sizeof(expected), "line %d\n", i);
		cr_assert_not_null(fgets(text, sizeof(text), file));
		cr_assert_str_eq(text, expected);
	}
	cr_assert_null(fgets(text, sizeof(text), file));
	fclose(file);
}

BOTH(many_lines_go_to_a_file_while_it_is_written)
{
	open_on(open(path, O_WRONLY), 0);
	cr_assert_gt(write_many(drain_nothing), 0);
	cr_assert_eq(flush(), WAX_READY);
	expect_many(fopen(path, "r"));
}

static int pipe_ends[2];
static int drained_fd;

/* What a slow reader leaves of the pipe goes to the file at path. */
static void drain_pipe(void)
{
	char bytes[3000];
	ssize_t count = read(pipe_ends[0], bytes, sizeof(bytes));

	if (count > 0)
		cr_assert_eq(write(drained_fd, bytes, (size_t)count), count);
}

static void drain_pipe_to_the_end(void)
{
	unsigned wakes_before = wakes;

	while (wax_writer_flush(writer, &err) == WAX_BUSY) {
		for (wakes_before = wakes; wakes == wakes_before;) {
			drain_pipe();
			wax_loop_wait(loop, 1000000);
		}
	}
	for (int i = 0; i < 1000; i++)
		drain_pipe();
}

static void make_pipe(int flags)
{
	cr_assert_eq(pipe2(pipe_ends, flags), 0);
	cr_assert_eq(fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK), 0);
	drained_fd = open(path, O_WRONLY | O_TRUNC);
}

BOTH(many_lines_go_through_a_pipe)
{
	make_pipe(O_CLOEXEC);
	open_on(pipe_ends[1], -1);
	cr_assert_gt(write_many(drain_pipe), 0);
	drain_pipe_to_the_end();
	expect_many(fopen(path, "r"));
	cr_assert_eq(wax_writer_sync(writer, &err), 0);
}

BOTH(pipe_that_does_not_block_is_waited_for)
{
	make_pipe(O_CLOEXEC | O_NONBLOCK);
	open_on(pipe_ends[1], -1);
	cr_assert_gt(write_many(drain_pipe), 0);
	drain_pipe_to_the_end();
	expect_many(fopen(path, "r"));
}

BOTH(memory_is_bounded_when_nobody_reads)
{
	size_t given = 0;

	make_pipe(O_CLOEXEC);
	open_on(pipe_ends[1], -1);
	while (write_line("0123456789012345678901234567890123456789012345678901234567890") ==
			WAX_READY)
		given += 62;
	cr_assert_lt(given, 700 * 1024);
	for (int i = 0; i < 20; i++)
		wax_loop_wait(loop, 1000000);
	cr_assert_eq(wakes, 0);
	/* And the writer can be closed in the middle of its write. */
}

BOTH(huge_line_is_one_line)
{
	enum { BYTES = 9 * 1024 * 1024 };
	char *text = malloc(BYTES);
	struct stat info;

	memset(text, 'x', BYTES);
	open_on(open(path, O_WRONLY), 0);
	write_line("one");
	cr_assert_geq(wax_writer_write(writer, line(text, BYTES), &err), 0);
	write_line("two");
	cr_assert_eq(flush(), WAX_READY);
	cr_assert_eq(stat(path, &info), 0);
	cr_assert_eq(info.st_size, BYTES + 9);
	/* Twice: the buffer was given back. */
	cr_assert_geq(wax_writer_write(writer, line(text, BYTES), &err), 0);
	cr_assert_eq(flush(), WAX_READY);
	cr_assert_eq(wax_writer_offset(writer), 2 * BYTES + 10);
	free(text);
}

static void expect_failure(int code, const char *sentence)
{
	cr_assert_eq(flush(), code);
	cr_assert_eq(err.code, code);
	cr_assert_str_eq(err.text, sentence);

	/* It stays so. */
	err = (struct wax_err){0};
	cr_assert_eq(write_line("two"), code);
	cr_assert_str_eq(err.text, sentence);
	cr_assert_eq(wax_writer_sync(writer, &err), code);
}

BOTH(full_device_is_an_error)
{
	open_on(open("/dev/full", O_WRONLY), -1);
	write_line("one");
	expect_failure(-ENOSPC,
			"no space left on the device that holds 'out.txt', at byte 0: free "
			"some, then run again");
}

BOTH(pipe_without_a_reader_is_an_error)
{
	make_pipe(O_CLOEXEC);
	open_on(pipe_ends[1], -1);
	write_line("one");
	cr_assert_eq(flush(), WAX_READY);
	close(pipe_ends[0]);
	write_line("two");
	expect_failure(-EPIPE,
			"whoever reads 'out.txt' has closed it, after byte 4: let it read to "
			"the end, or write to a file");
}

BOTH(descriptor_not_open_for_writing_is_an_error)
{
	open_on(open(path, O_RDONLY), 0);
	write_line("one");
	expect_failure(-EBADF, "'out.txt' is not open for writing: redirect it to a file");
}

BOTH(failure_wakes_who_waits_for_room)
{
	open_on(open("/dev/full", O_WRONLY), -1);
	while (write_line("0123456789012345678901234567890123456789012345678901234567890") ==
			WAX_READY)
		;
	while (wakes == 0)
		wax_loop_wait(loop, WAX_NEVER);
	cr_assert_eq(write_line("one"), -ENOSPC);
}

/* ---- Until the disk has it */

/* Of a file that may be new. */
static void open_new(void)
{
	struct wax_writer_target target = {
			.fd = open(path, O_WRONLY), .name = "'out.txt'", .path = path};

	cr_assert_geq(target.fd, 0);
	cr_assert_eq(wax_writer_open(loop, &target, on_wake, path, &writer, &err), 0);
}

static int secure(uint64_t end)
{
	int result;

	while ((result = wax_writer_secure(writer, end, &err)) == WAX_PENDING) {
		for (unsigned wakes_before = wakes; wakes == wakes_before;)
			wax_loop_wait(loop, WAX_NEVER);
	}
	return result;
}

BOTH(nothing_is_secure_already)
{
	fill_file(path, "0123456789");
	open_on(open(path, O_WRONLY), 10);
	cr_assert_eq(wax_writer_end(writer), 10);
	cr_assert_eq(wax_writer_secure(writer, 10, &err), WAX_READY);
}

BOTH(lines_are_written_while_those_before_are_secured)
{
	open_new();
	write_line("one");
	cr_assert_eq(wax_writer_end(writer), 4);
	cr_assert_eq(wax_writer_secure(writer, 4, &err), WAX_PENDING);
	cr_assert_eq(write_line("two"), WAX_READY);
	cr_assert_eq(wax_writer_end(writer), 8);
	cr_assert_eq(secure(4), WAX_READY);
	expect_file(path, "one\n");
	cr_assert_eq(wax_writer_secure(writer, 4, &err), WAX_READY, "and it stays so");
	cr_assert_eq(secure(8), WAX_READY);
	expect_file(path, "one\ntwo\n");
}

/* The second end is wanted while the first is being secured. */
BOTH(more_is_secured_behind_what_is_under_way)
{
	open_new();
	write_line("one");
	cr_assert_eq(wax_writer_secure(writer, 4, &err), WAX_PENDING);
	write_line("two");
	cr_assert_eq(wax_writer_secure(writer, 8, &err), WAX_PENDING);
	cr_assert_eq(secure(8), WAX_READY);
	expect_file(path, "one\ntwo\n");
}

BOTH(many_lines_are_secured_epoch_by_epoch)
{
	uint64_t end = 0;
	unsigned pending = 0;

	open_new();
	for (int i = 0; i < MANY; i++) {
		char text[32];

		snprintf(text, sizeof(text), "line %d", i);
		if (write_line(text) == WAX_BUSY) {
			for (unsigned wakes_before = wakes; wakes == wakes_before;)
				wax_loop_wait(loop, WAX_NEVER);
		}
		if (i % 5000 == 0) {
			if (end > 0)
				cr_assert_eq(secure(end), WAX_READY);
			end = wax_writer_end(writer);
			pending += wax_writer_secure(writer, end, &err) == WAX_PENDING;
		}
	}
	cr_assert_eq(pending, MANY / 5000);
	cr_assert_eq(secure(wax_writer_end(writer)), WAX_READY);
	expect_many(fopen(path, "r"));
}

BOTH(what_goes_through_a_pipe_is_secure_when_it_is_in_there)
{
	make_pipe(O_CLOEXEC);
	open_on(pipe_ends[1], -1);
	write_line("one");
	cr_assert_eq(secure(4), WAX_READY);
	drain_pipe();
	expect_file(path, "one\n");
}

BOTH(failed_write_is_told_to_who_secures)
{
	open_on(open("/dev/full", O_WRONLY), -1);
	write_line("one");
	cr_assert_eq(secure(4), -ENOSPC);
	cr_assert_eq(secure(4), -ENOSPC, "and it stays so");
}

BOTH(writer_is_closed_in_the_middle_of_a_sync)
{
	open_new();
	write_line("one");
	cr_assert_eq(wax_writer_secure(writer, 4, &err), WAX_PENDING);
}

Test(writer, ready_is_said_when_the_sync_has_ended)
{
	set_up(WAX_IO_POSIX);
	open_new();
	for (int i = 0; i < 100; i++) {
		write_line("one");
		if (i % 3 == 0)
			flush();
		cr_assert_eq(secure(wax_writer_end(writer)), WAX_READY);
		cr_assert_geq((uint64_t)on_disk, wax_writer_end(writer));
	}
	cr_assert_eq(sync_count, 101, "and once the directory's");
	tear_down();
}

/* The first sync is the directory's. */
Test(writer, sync_that_fails_is_an_error_and_stays_one)
{
	for (int before = 0; before < 2; before++) {
		set_up(WAX_IO_POSIX);
		open_new();
		for (int i = 0; i < before; i++) {
			write_line("one");
			cr_assert_eq(secure(wax_writer_end(writer)), WAX_READY);
		}
		sync_failure = EIO;
		sync_failures = 1;
		write_line("two");
		cr_assert_eq(secure(wax_writer_end(writer)), -EIO);
		cr_assert_not_null(strstr(err.text, "the device that holds 'out.txt' failed"));
		cr_assert_eq(write_line("three"), -EIO);
		cr_assert_eq(secure(wax_writer_end(writer)), -EIO);
		cr_assert_eq(wax_writer_sync(writer, &err), -EIO);
		tear_down();
	}
}

Test(writer, sync_that_is_impossible_or_interrupted_is_none)
{
	static const int failures[] = {EINVAL, EROFS, ENOTSUP, EINTR};

	for (int i = 0; i < 4; i++) {
		set_up(WAX_IO_POSIX);
		open_new();
		sync_failure = failures[i];
		sync_failures = 2;
		write_line("one");
		cr_assert_eq(secure(4), WAX_READY);
		cr_assert_eq(sync_failures, 0);
		tear_down();
	}
}

Test(writer, directory_that_is_gone_is_an_error)
{
	struct wax_writer_target target = {.name = "'out.txt'", .path = "/nowhere/at/all"};

	set_up(WAX_IO_POSIX);
	target.fd = open(path, O_WRONLY);
	cr_assert_eq(wax_writer_open(loop, &target, on_wake, path, &writer, &err), 0);
	write_line("one");
	cr_assert_eq(secure(4), -ENOENT);
	tear_down();
}

Test(writer, path_opens_what_can_be_written)
{
	bool regular = false;
	int fd;

	set_up(WAX_IO_POSIX);
	fill_file(path, "old");
	fd = wax_writer_open_path(path, 0, &regular, &err);
	cr_assert_geq(fd, 0);
	cr_assert(regular);
	cr_assert_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	expect_file(path, "old");
	close(wax_writer_open_path(path, O_TRUNC, &regular, &err));
	expect_file(path, "");

	fd = wax_writer_open_path("/dev/null", O_TRUNC, &regular, &err);
	cr_assert_geq(fd, 0);
	cr_assert_not(regular);
	close(fd);
	tear_down();
}

Test(writer, path_that_cannot_be_written_is_an_error)
{
	bool regular;

	set_up(WAX_IO_POSIX);
	cr_assert_eq(wax_writer_open_path("/tmp", 0, &regular, &err), -EISDIR);
	cr_assert_str_eq(err.text, "open '/tmp' for writing: Is a directory");

	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(wax_writer_open_path(path, 0, &regular, &err), -ENXIO);
	cr_assert_not_null(strstr(err.text, "start its reader first"));
	tear_down();
}
