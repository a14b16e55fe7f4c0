/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "runtime/loop.h"
#include "runtime/loop_backend.h"
#include "tests/support/loops.h"

enum { MS = 1000000 };

struct op {
	struct wax_completion completion; /* first */
	struct wax_loop *loop;
	char *buffer;
	unsigned done_count;
	unsigned restarts;
	int result;
	int fd;
};

static void note(struct wax_completion *completion, int result)
{
	struct op *op = (struct op *)completion;

	cr_assert_eq(completion->busy, 0);
	op->done_count++;
	op->result = result;
}

static struct op op_make(struct wax_loop *loop)
{
	return (struct op){.completion.done = note, .loop = loop};
}

static void wait_for(struct wax_loop *loop, const unsigned *count, unsigned wanted)
{
	for (int i = 0; i < 500 && *count < wanted; i++)
		wax_loop_wait(loop, 10 * MS);
	cr_assert_eq(*count, wanted);
}

static int temporary_file(const char *text)
{
	char path[] = "/tmp/wax-loop-XXXXXX";
	int fd = mkstemp(path);

	cr_assert(fd >= 0);
	unlink(path);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

BOTH(loop, reads_at_an_offset)
{
	char buffer[5] = "";
	struct op op = op_make(loop);
	int fd = temporary_file("0123456789");

	wax_loop_read(loop, &op.completion, fd, buffer, 4, 3);
	cr_assert_eq(op.done_count, 0, "done is never called by the call that starts");
	cr_assert_eq(wax_loop_pending(loop), 1);
	wait_for(loop, &op.done_count, 1);
	cr_assert_eq(op.result, 4);
	cr_assert_str_eq(buffer, "3456");
	cr_assert_eq(wax_loop_pending(loop), 0);
	cr_assert_eq(lseek(fd, 0, SEEK_CUR), 10, "the file's own position stays");
	wax_loop_close(loop);
	close(fd);
}

BOTH(loop, read_at_the_end_is_short_and_then_empty)
{
	char buffer[8];
	struct op op = op_make(loop);
	int fd = temporary_file("0123456789");

	wax_loop_read(loop, &op.completion, fd, buffer, sizeof(buffer), 7);
	wait_for(loop, &op.done_count, 1);
	cr_assert_eq(op.result, 3);
	wax_loop_read(loop, &op.completion, fd, buffer, sizeof(buffer), 10);
	wait_for(loop, &op.done_count, 2);
	cr_assert_eq(op.result, 0);
	wax_loop_close(loop);
	close(fd);
}

BOTH(loop, read_at_no_offset_moves_the_files_position)
{
	char buffer[5] = "";
	struct op op = op_make(loop);
	int fd = temporary_file("0123456789");

	lseek(fd, 2, SEEK_SET);
	wax_loop_read(loop, &op.completion, fd, buffer, 4, -1);
	wait_for(loop, &op.done_count, 1);
	cr_assert_eq(op.result, 4);
	cr_assert_str_eq(buffer, "2345");
	cr_assert_eq(lseek(fd, 0, SEEK_CUR), 6);
	wax_loop_close(loop);
	close(fd);
}

BOTH(loop, writes_at_an_offset)
{
	char buffer[11] = "";
	struct op op = op_make(loop);
	int fd = temporary_file("0123456789");

	wax_loop_write(loop, &op.completion, fd, "abc", 3, 4);
	wait_for(loop, &op.done_count, 1);
	cr_assert_eq(op.result, 3);
	cr_assert_eq(pread(fd, buffer, 10, 0), 10);
	cr_assert_str_eq(buffer, "0123abc789");
	wax_loop_close(loop);
	close(fd);
}

BOTH(loop, a_failure_is_the_result)
{
	char buffer[8];
	struct op op = op_make(loop);
	struct op other = op_make(loop);
	struct op poll_op = op_make(loop);

	wax_loop_read(loop, &op.completion, 999, buffer, sizeof(buffer), 0);
	wax_loop_write(loop, &other.completion, 999, buffer, sizeof(buffer), -1);
	wax_loop_poll(loop, &poll_op.completion, 999, POLLIN);
	wait_for(loop, &op.done_count, 1);
	wait_for(loop, &other.done_count, 1);
	wait_for(loop, &poll_op.done_count, 1);
	cr_assert_eq(op.result, -EBADF);
	cr_assert_eq(other.result, -EBADF);
	cr_assert_eq(poll_op.result, -EBADF);
	wax_loop_close(loop);
}

BOTH(loop, read_of_a_pipe_waits_until_there_is_something)
{
	char buffer[8] = "";
	struct op op = op_make(loop);
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	wax_loop_read(loop, &op.completion, fds[0], buffer, sizeof(buffer), -1);
	cr_assert_eq(wax_loop_wait(loop, 5 * MS), 0);
	cr_assert_eq(wax_loop_reap(loop), 0);
	cr_assert_eq(op.done_count, 0);
	cr_assert_eq(write(fds[1], "hello", 5), 5);
	wait_for(loop, &op.done_count, 1);
	cr_assert_eq(op.result, 5);
	cr_assert_str_eq(buffer, "hello");

	close(fds[1]);
	wax_loop_read(loop, &op.completion, fds[0], buffer, sizeof(buffer), -1);
	wait_for(loop, &op.done_count, 2);
	cr_assert_eq(op.result, 0, "the end");
	wax_loop_close(loop);
	close(fds[0]);
}

BOTH(loop, read_of_a_pipe_that_is_non_blocking_waits_too)
{
	char buffer[8] = "";
	struct op op = op_make(loop);
	int fds[2];

	cr_assert_eq(pipe2(fds, O_NONBLOCK), 0);
	wax_loop_read(loop, &op.completion, fds[0], buffer, sizeof(buffer), -1);
	for (int i = 0; i < 5; i++)
		wax_loop_wait(loop, 1 * MS);
	cr_assert_eq(op.done_count, 0);
	cr_assert_eq(write(fds[1], "hello", 5), 5);
	wait_for(loop, &op.done_count, 1);
	cr_assert_eq(op.result, 5);
	cr_assert_str_eq(buffer, "hello");
	wax_loop_close(loop);
	close(fds[0]);
	close(fds[1]);
}

BOTH(loop, write_to_a_full_pipe_waits_for_room)
{
	enum { BYTES = 1 << 20 };
	char *text = calloc(1, BYTES);
	struct op op = op_make(loop);
	unsigned done_count = 0;
	uint32_t at = 0;
	uint32_t seen = 0;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	while (at < BYTES) {
		wax_loop_write(loop, &op.completion, fds[1], text + at, BYTES - at, -1);
		done_count++;
		while (op.done_count < done_count) {
			char piece[8192];
			struct pollfd ready = {.fd = fds[0], .events = POLLIN};

			if (wax_loop_wait(loop, 1 * MS) == 0 && poll(&ready, 1, 0) > 0)
				seen += (uint32_t)read(fds[0], piece, sizeof(piece));
		}
		cr_assert(op.result > 0);
		at += (uint32_t)op.result;
	}
	while (seen < BYTES) {
		char piece[8192];

		seen += (uint32_t)read(fds[0], piece, sizeof(piece));
	}
	cr_assert_eq(seen, BYTES);
	wax_loop_close(loop);
	free(text);
	close(fds[0]);
	close(fds[1]);
}

BOTH(loop, poll_fires_once)
{
	struct op op = op_make(loop);
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	wax_loop_poll(loop, &op.completion, fds[0], POLLIN);
	cr_assert_eq(wax_loop_wait(loop, 2 * MS), 0);
	cr_assert_eq(write(fds[1], "x", 1), 1);
	wait_for(loop, &op.done_count, 1);
	cr_assert(op.result & POLLIN);
	cr_assert_eq(write(fds[1], "x", 1), 1);
	cr_assert_eq(wax_loop_wait(loop, 2 * MS), 0);
	cr_assert_eq(op.done_count, 1);
	wax_loop_close(loop);
	close(fds[0]);
	close(fds[1]);
}

static void note_watch(struct wax_completion *completion, int result)
{
	struct op *op = (struct op *)completion;

	op->done_count++;
	op->result = result;
}

BOTH(loop, watch_fires_each_time_it_was_rung)
{
	struct op op = {.completion.done = note_watch};
	int fd = eventfd(0, EFD_CLOEXEC);

	wax_loop_watch(loop, &op.completion, fd);
	cr_assert_eq(wax_loop_pending(loop), 0);
	cr_assert_eq(wax_loop_wait(loop, 2 * MS), 0);
	for (unsigned i = 1; i <= 1000; i++) {
		cr_assert_eq(eventfd_write(fd, 1), 0);
		wait_for(loop, &op.done_count, i);
		cr_assert(op.result & POLLIN);
	}
	cr_assert_eq(wax_loop_wait(loop, 2 * MS), 0);
	cr_assert_eq(wax_loop_reap(loop), 0);
	cr_assert_eq(op.done_count, 1000);
	wax_loop_close(loop);
	close(fd);
}

/* More rings than the completion queue has room for. */
BOTH(loop, watch_survives_many_rings_at_once)
{
	struct op ops[40];
	int fds[40];

	for (unsigned i = 0; i < 40; i++) {
		ops[i] = (struct op){.completion.done = note_watch};
		fds[i] = eventfd(0, EFD_CLOEXEC);
		wax_loop_watch(loop, &ops[i].completion, fds[i]);
	}
	wax_loop_reap(loop);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 40; i++)
			ops[i].done_count = 0;
		for (unsigned i = 0; i < 40 * 3; i++)
			cr_assert_eq(eventfd_write(fds[i % 40], 1), 0);
		for (int i = 0; i < 5; i++)
			wax_loop_wait(loop, 1 * MS);
		for (unsigned i = 0; i < 40; i++)
			cr_assert(ops[i].done_count >= 1, "watch %u, round %u", i, round);
	}
	wax_loop_close(loop);
	for (unsigned i = 0; i < 40; i++)
		close(fds[i]);
}

static void cancel_another(struct wax_completion *completion, int result)
{
	struct op *op = (struct op *)completion;

	note_watch(completion, result);
	wax_loop_cancel(op->loop, (struct wax_completion *)op->buffer);
}

BOTH(loop, watch_may_cancel_another_that_has_fired_too)
{
	struct op first = {.completion.done = cancel_another, .loop = loop};
	struct op second = {.completion.done = cancel_another, .loop = loop};
	int fds[2] = {eventfd(0, 0), eventfd(0, 0)};

	first.buffer = (char *)&second.completion;
	second.buffer = (char *)&first.completion;
	wax_loop_watch(loop, &first.completion, fds[0]);
	wax_loop_watch(loop, &second.completion, fds[1]);
	wax_loop_reap(loop);
	eventfd_write(fds[0], 1);
	eventfd_write(fds[1], 1);
	for (int i = 0; i < 5; i++)
		wax_loop_wait(loop, 1 * MS);
	cr_assert_eq(first.done_count + second.done_count, 1);
	wax_loop_close(loop);
}

BOTH(loop, wait_ends_when_the_time_is_over)
{
	struct op op = {.completion.done = note_watch};
	int fd = eventfd(0, EFD_CLOEXEC);
	int64_t before;
	int64_t took;

	wax_loop_watch(loop, &op.completion, fd);
	for (int i = 0; i < 3; i++) {
		before = now_ns();
		cr_assert_eq(wax_loop_wait(loop, 20 * MS), 0);
		took = now_ns() - before;
		cr_assert(took >= 20 * MS, "%lld ns", (long long)took);
		cr_assert(took < 2000 * (int64_t)MS, "%lld ns", (long long)took);
	}
	before = now_ns();
	cr_assert_eq(wax_loop_wait(loop, 0), 0);
	cr_assert(now_ns() - before < 15 * MS);
	wax_loop_close(loop);
	close(fd);
}

static void ignore(int signal)
{
	(void)signal;
}

BOTH(loop, signal_ends_a_wait_without_limit)
{
	struct sigaction action = {.sa_handler = ignore};
	struct op op = {.completion.done = note_watch};
	int fd = eventfd(0, EFD_CLOEXEC);

	sigaction(SIGALRM, &action, NULL);
	wax_loop_watch(loop, &op.completion, fd);
	ualarm(20000, 0);
	cr_assert_eq(wax_loop_wait(loop, WAX_NEVER), 0);
	wax_loop_close(loop);
	close(fd);
}

BOTH(loop, more_operations_than_entries)
{
	enum { COUNT = 1000 };
	struct op *ops = calloc(COUNT, sizeof(*ops));
	char *buffers = calloc(COUNT, 2);
	int fd = temporary_file("0123456789");
	unsigned told = 0;

	for (unsigned i = 0; i < COUNT; i++) {
		ops[i] = op_make(loop);
		wax_loop_read(loop, &ops[i].completion, fd, buffers + 2 * i, 2, i % 9);
	}
	cr_assert_eq(wax_loop_pending(loop), COUNT);
	while (told < COUNT) {
		unsigned count = wax_loop_wait(loop, 1000 * MS);

		cr_assert(count > 0);
		told += count;
	}
	cr_assert_eq(wax_loop_pending(loop), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		cr_assert_eq(ops[i].done_count, 1);
		cr_assert_eq(ops[i].result, 2);
		cr_assert_eq(buffers[2 * i], '0' + (char)(i % 9));
		cr_assert_eq(buffers[2 * i + 1], '1' + (char)(i % 9));
	}
	wax_loop_close(loop);
	free(ops);
	free(buffers);
	close(fd);
}

/* All wait in the kernel at once, and all end at once: more than its queue of completions holds. */
BOTH(loop, more_polls_than_entries)
{
	enum { COUNT = 300 };
	struct op *ops = calloc(COUNT, sizeof(*ops));
	int fds[2];
	unsigned told = 0;

	cr_assert_eq(pipe(fds), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		ops[i] = op_make(loop);
		wax_loop_poll(loop, &ops[i].completion, fds[0], POLLIN);
	}
	cr_assert_eq(wax_loop_wait(loop, 2 * MS), 0);
	cr_assert_eq(write(fds[1], "x", 1), 1);
	for (int i = 0; i < 1000 && told < COUNT; i++)
		told += wax_loop_wait(loop, 10 * MS);
	cr_assert_eq(told, COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		cr_assert_eq(ops[i].done_count, 1);
	wax_loop_close(loop);
	free(ops);
	close(fds[0]);
	close(fds[1]);
}

/* Under AddressSanitizer a late write of the kernel's would not be seen, but a late use by the loop
 * would; the pattern shows the former. */
BOTH(loop, close_ends_what_is_under_way)
{
	enum { COUNT = 50 };
	struct op *ops = calloc(COUNT, sizeof(*ops));
	char *buffers = calloc(COUNT, 16);
	struct op watch = {.completion.done = note_watch};
	int fd = eventfd(0, EFD_CLOEXEC);
	int file = temporary_file("0123456789");
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	wax_loop_watch(loop, &watch.completion, fd);
	for (unsigned i = 0; i < COUNT; i++) {
		ops[i] = op_make(loop);
		if (i % 3 == 0)
			wax_loop_poll(loop, &ops[i].completion, fds[0], POLLIN);
		else
			wax_loop_read(loop, &ops[i].completion, i % 3 == 1 ? fds[0] : file,
					buffers + 16 * i, 16, i % 3 == 1 ? -1 : 0);
		if (i == COUNT / 2)
			wax_loop_reap(loop);
	}
	wax_loop_close(loop);
	cr_assert_eq(watch.completion.busy, 0);
	for (unsigned i = 0; i < COUNT; i++) {
		cr_assert_eq(ops[i].completion.busy, 0);
		if (i > COUNT / 2)
			cr_assert_eq(ops[i].done_count, 0);
	}
	memset(buffers, 0x55, COUNT * 16);
	cr_assert_eq(write(fds[1], "0123456789abcdef", 16), 16);
	for (unsigned i = 0; i < COUNT * 16; i++)
		cr_assert_eq(buffers[i], 0x55);
	free(ops);
	free(buffers);
	close(fd);
	close(file);
	close(fds[0]);
	close(fds[1]);
}

BOTH(loop, cancel_ends_one_and_leaves_the_others)
{
	char buffers[3][8] = {{0}};
	struct op ops[3];
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	for (unsigned i = 0; i < 3; i++) {
		ops[i] = op_make(loop);
		wax_loop_read(loop, &ops[i].completion, fds[0], buffers[i], 8, -1);
	}
	cr_assert_eq(wax_loop_wait(loop, 1 * MS), 0);
	wax_loop_cancel(loop, &ops[1].completion);
	cr_assert_eq(ops[1].completion.busy, 0);
	cr_assert_eq(wax_loop_pending(loop), 2);
	wax_loop_cancel(loop, &ops[1].completion);
	cr_assert_eq(write(fds[1], "a", 1), 1);
	for (int i = 0; i < 10 && wax_loop_pending(loop) == 2; i++)
		wax_loop_wait(loop, 10 * MS);
	cr_assert_eq(write(fds[1], "b", 1), 1);
	wait_for(loop, &ops[0].done_count, 1);
	wait_for(loop, &ops[2].done_count, 1);
	cr_assert_eq(ops[1].done_count, 0);
	cr_assert_eq(buffers[1][0], 0);
	cr_assert_eq(wax_loop_pending(loop), 0);

	wax_loop_read(loop, &ops[1].completion, fds[0], buffers[1], 8, -1);
	cr_assert_eq(write(fds[1], "c", 1), 1);
	wait_for(loop, &ops[1].done_count, 1);
	cr_assert_eq(buffers[1][0], 'c');
	wax_loop_close(loop);
	close(fds[0]);
	close(fds[1]);
}

BOTH(loop, cancel_before_submission_and_after_the_end)
{
	char buffer[8];
	struct op op = op_make(loop);
	struct op other = op_make(loop);
	int fd = temporary_file("0123456789");

	wax_loop_read(loop, &op.completion, fd, buffer, 8, 0);
	wax_loop_read(loop, &other.completion, fd, buffer, 8, 0);
	wax_loop_cancel(loop, &other.completion);
	wax_loop_cancel(loop, &op.completion);
	cr_assert_eq(wax_loop_pending(loop), 0);
	cr_assert_eq(wax_loop_wait(loop, 1 * MS), 0);
	cr_assert_eq(op.done_count + other.done_count, 0);
	wax_loop_close(loop);
	close(fd);
}

static void read_again(struct wax_completion *completion, int result)
{
	struct op *op = (struct op *)completion;

	note(completion, result);
	if (op->restarts > 0) {
		op->restarts--;
		wax_loop_read(op->loop, completion, op->fd, op->buffer, 4, 0);
	}
}

BOTH(loop, completion_may_be_started_again_in_its_own_done)
{
	char buffer[5] = "";
	struct op op = op_make(loop);

	op.completion.done = read_again;
	op.restarts = 99;
	op.buffer = buffer;
	op.fd = temporary_file("0123456789");
	wax_loop_read(loop, &op.completion, op.fd, buffer, 4, 0);
	for (int i = 0; i < 1000 && op.done_count < 100; i++)
		cr_assert(wax_loop_wait(loop, 1000 * MS) <= 1, "a round is bounded");
	cr_assert_eq(op.done_count, 100);
	cr_assert_str_eq(buffer, "0123");
	wax_loop_close(loop);
	close(op.fd);
}

BOTH(loop, reap_alone_makes_progress)
{
	char buffer[8] = "";
	struct op op = op_make(loop);
	int64_t until;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	wax_loop_read(loop, &op.completion, fds[0], buffer, sizeof(buffer), -1);
	for (int i = 0; i < 100; i++)
		wax_loop_reap(loop);
	cr_assert_eq(write(fds[1], "hello", 5), 5);
	until = now_ns() + 1000 * (int64_t)MS;
	while (op.done_count == 0 && now_ns() < until)
		wax_loop_reap(loop);
	cr_assert_eq(op.done_count, 1);
	cr_assert_str_eq(buffer, "hello");
	wax_loop_close(loop);
	close(fds[0]);
	close(fds[1]);
}

BOTH(loop, sync_gives_0_or_what_is_wrong)
{
	struct op file = op_make(loop), none = op_make(loop), pipe_op = op_make(loop);
	struct op directory = op_make(loop);
	int directory_fd = open("/tmp", O_RDONLY | O_DIRECTORY);
	int fd = temporary_file("0123456789");
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	wax_loop_sync(loop, &file.completion, fd);
	wax_loop_sync(loop, &none.completion, 999);
	wax_loop_sync(loop, &pipe_op.completion, fds[1]);
	wax_loop_sync_directory(loop, &directory.completion, directory_fd);
	cr_assert_eq(file.done_count, 0);
	cr_assert_eq(wax_loop_pending(loop), 4);
	wait_for(loop, &directory.done_count, 1);
	wait_for(loop, &file.done_count, 1);
	wait_for(loop, &none.done_count, 1);
	wait_for(loop, &pipe_op.done_count, 1);
	cr_assert_eq(file.result, 0);
	cr_assert_eq(none.result, -EBADF);
	cr_assert_eq(pipe_op.result, -EINVAL);
	cr_assert_eq(directory.result, 0);
	close(directory_fd);
	wax_loop_close(loop);
	close(fd);
}

/* Of a sync: the write that it is linked behind must have been told. */
static void note_behind(struct wax_completion *completion, int result)
{
	const struct op *write = (const struct op *)((struct op *)completion)->buffer;

	note(completion, result);
	cr_assert_eq(write->done_count, 1);
}

static struct op op_behind(struct wax_loop *loop, struct op *write)
{
	return (struct op){.completion.done = note_behind, .loop = loop, .buffer = (char *)write};
}

BOTH(loop, sync_is_told_behind_the_write_that_it_is_linked_to)
{
	char buffer[11] = "";
	struct op op = op_make(loop), sync = op_behind(loop, &op);
	int fd = temporary_file("0123456789");

	wax_loop_write_sync(loop, &op.completion, fd, "abc", 3, 4, &sync.completion);
	cr_assert_eq(op.done_count + sync.done_count, 0);
	cr_assert_eq(wax_loop_pending(loop), 2);
	wait_for(loop, &sync.done_count, 1);
	cr_assert_eq(op.result, 3);
	cr_assert_eq(sync.result, 0);
	cr_assert_eq(wax_loop_pending(loop), 0);
	cr_assert_eq(pread(fd, buffer, 10, 0), 10);
	cr_assert_str_eq(buffer, "0123abc789");
	wax_loop_close(loop);
	close(fd);
}

/* Files may have `bytes` from now on, in this process. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

BOTH(loop, sync_behind_a_write_that_fails_or_is_short_is_cancelled)
{
	struct op none = op_make(loop), none_sync = op_behind(loop, &none);
	struct op part = op_make(loop), part_sync = op_behind(loop, &part);
	struct op full = op_make(loop), full_sync = op_behind(loop, &full);
	int fd = temporary_file("0123456789");

	limit_files(20);
	wax_loop_write_sync(loop, &none.completion, 999, "abc", 3, 0, &none_sync.completion);
	wax_loop_write_sync(
			loop, &part.completion, fd, "abcdefghij", 10, 15, &part_sync.completion);
	wax_loop_write_sync(loop, &full.completion, fd, "abc", 3, 20, &full_sync.completion);
	wait_for(loop, &none_sync.done_count, 1);
	wait_for(loop, &part_sync.done_count, 1);
	wait_for(loop, &full_sync.done_count, 1);
	cr_assert_eq(none.result, -EBADF);
	cr_assert_eq(none_sync.result, -ECANCELED);
	cr_assert_eq(part.result, 5);
	cr_assert_eq(part_sync.result, -ECANCELED);
	cr_assert_eq(full.result, -EFBIG);
	cr_assert_eq(full_sync.result, -ECANCELED);
	wax_loop_close(loop);
	close(fd);
}

/* A read between shifts the pairs: some would be cut by the end of the queue. */
BOTH(loop, more_linked_syncs_than_entries)
{
	enum { COUNT = 100 };
	struct op *ops = calloc(COUNT, 3 * sizeof(*ops));
	char *buffers = calloc(COUNT, 1);
	int fd = temporary_file("0123456789");
	int bad;

	for (unsigned i = 0; i < COUNT; i++) {
		struct op *op = &ops[3 * i];

		op[0] = op_make(loop);
		op[1] = op_behind(loop, op);
		op[2] = op_make(loop);
		bad = i % 5 == 0;
		wax_loop_write_sync(loop, &op[0].completion, bad ? 999 : fd, "x", 1, 10 + i,
				&op[1].completion);
		if (i % 3 == 0)
			wax_loop_read(loop, &op[2].completion, fd, buffers + i, 1, i % 10);
	}
	for (int i = 0; i < 1000 && wax_loop_pending(loop) > 0; i++)
		wax_loop_wait(loop, 10 * MS);
	for (unsigned i = 0; i < COUNT; i++) {
		const struct op *op = &ops[3 * i];

		bad = i % 5 == 0;
		cr_assert_eq(op[0].done_count, 1);
		cr_assert_eq(op[1].done_count, 1);
		cr_assert_eq(op[0].result, bad ? -EBADF : 1);
		cr_assert_eq(op[1].result, bad ? -ECANCELED : 0);
		cr_assert_eq(op[2].done_count, i % 3 == 0);
	}
	wax_loop_close(loop);
	free(ops);
	free(buffers);
	close(fd);
}

BOTH(loop, cancelled_write_cancels_its_sync_but_not_the_other_way)
{
	struct op ops[4], syncs[4];
	int fd = temporary_file("0123456789");
	char text[5] = "";

	for (unsigned i = 0; i < 4; i++) {
		ops[i] = op_make(loop);
		syncs[i] = op_make(loop);
		if (i == 2)
			wax_loop_reap(loop);
		wax_loop_write_sync(loop, &ops[i].completion, fd, &"abcd"[i], 1, i,
				&syncs[i].completion);
	}
	/* 0 and 1 may have ended already, 2 and 3 wait. */
	wax_loop_cancel(loop, &ops[0].completion);
	wax_loop_cancel(loop, &syncs[1].completion);
	wax_loop_cancel(loop, &ops[2].completion);
	wax_loop_cancel(loop, &syncs[3].completion);
	for (int i = 0; i < 100 && wax_loop_pending(loop) > 0; i++)
		wax_loop_wait(loop, 10 * MS);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_eq(ops[i].completion.busy, 0);
		cr_assert_eq(syncs[i].completion.busy, 0);
	}
	cr_assert_eq(syncs[0].done_count, 1);
	cr_assert_eq(ops[1].result, 1);
	cr_assert_eq(ops[2].done_count, 0);
	cr_assert_eq(syncs[2].done_count, 1);
	if (strcmp(wax_loop_backend(loop), "io_uring") == 0)
		cr_assert_eq(syncs[2].result, -ECANCELED);
	cr_assert_eq(ops[3].result, 1);
	cr_assert_eq(syncs[3].done_count, 0);
	cr_assert_eq(pread(fd, text, 4, 0), 4);
	cr_assert_eq(text[1], 'b');
	cr_assert_eq(text[3], 'd');
	wax_loop_close(loop);
	close(fd);
}

BOTH(loop, close_ends_linked_syncs)
{
	enum { COUNT = 20 };
	struct op *ops = calloc(COUNT, 2 * sizeof(*ops));
	int fd = temporary_file("0123456789");

	for (unsigned i = 0; i < COUNT; i++) {
		ops[2 * i] = op_make(loop);
		ops[2 * i + 1] = op_make(loop);
		wax_loop_write_sync(loop, &ops[2 * i].completion, fd, "x", 1, i,
				&ops[2 * i + 1].completion);
		if (i == COUNT / 2)
			wax_loop_reap(loop);
	}
	wax_loop_close(loop);
	for (unsigned i = 0; i < 2 * COUNT; i++)
		cr_assert_eq(ops[i].completion.busy, 0);
	free(ops);
	close(fd);
}

/* What the kernel does when it has no memory for the second of two: it takes one less than it is
 * given, once. */
static bool cut_link;

int io_uring_submit_and_get_events(struct io_uring *ring)
{
	static int (*real)(struct io_uring * ring);
	unsigned held = cut_link;
	int rc;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "io_uring_submit_and_get_events");
	cut_link = false;
	ring->sq.sqe_tail -= held;
	rc = real(ring);
	ring->sq.sqe_tail += held;
	return rc;
}

static void fill_pipe(int fds[2])
{
	char piece[4096] = "";

	cr_assert_eq(pipe2(fds, O_NONBLOCK), 0);
	while (write(fds[1], piece, sizeof(piece)) > 0)
		continue;
	fcntl(fds[1], F_SETFL, 0);
}

Test(loop_uring, sync_whose_link_the_kernel_has_cut_comes_behind_the_write_all_the_same)
{
	struct wax_loop *loop = open_loop(WAX_IO_URING);
	struct op full = op_make(loop), full_sync = op_behind(loop, &full);
	struct op part = op_make(loop), part_sync = op_behind(loop, &part);
	int fd = temporary_file("0123456789");

	limit_files(20);
	cut_link = true;
	wax_loop_write_sync(loop, &full.completion, fd, "abc", 3, 4, &full_sync.completion);
	wax_loop_reap(loop);
	cr_assert_not(cut_link);
	wait_for(loop, &full_sync.done_count, 1);
	cr_assert_eq(full.result, 3);
	cr_assert_eq(full_sync.result, 0);

	cut_link = true;
	wax_loop_write_sync(
			loop, &part.completion, fd, "abcdefghij", 10, 15, &part_sync.completion);
	wax_loop_reap(loop);
	cr_assert_not(cut_link);
	wait_for(loop, &part_sync.done_count, 1);
	cr_assert_eq(part.result, 5);
	cr_assert_eq(part_sync.result, -ECANCELED);
	cr_assert_eq(wax_loop_pending(loop), 0);
	wax_loop_close(loop);
	close(fd);
}

/* A pipe that is full makes the write last. */
Test(loop_uring, sync_whose_link_was_cut_waits_and_may_be_cancelled)
{
	struct wax_loop *loop = open_loop(WAX_IO_URING);
	struct op ops[4], syncs[4];
	int fds[2];

	fill_pipe(fds);
	for (unsigned i = 0; i < 4; i++) {
		ops[i] = op_make(loop);
		syncs[i] = op_make(loop);
		cut_link = true;
		wax_loop_write_sync(
				loop, &ops[i].completion, fds[1], "x", 1, 0, &syncs[i].completion);
		wax_loop_reap(loop);
		cr_assert_not(cut_link);
		wax_loop_reap(loop);
		cr_assert_eq(ops[i].done_count + syncs[i].done_count, 0);
	}
	wax_loop_cancel(loop, &syncs[0].completion);
	cr_assert_eq(wax_loop_pending(loop), 7);
	wax_loop_cancel(loop, &ops[1].completion);
	wait_for(loop, &syncs[1].done_count, 1);
	cr_assert_eq(syncs[1].result, -ECANCELED);
	cr_assert_eq(wax_loop_pending(loop), 5);
	cr_assert_eq(syncs[2].done_count, 0, "it waits for its write");

	/* The rest goes with the loop. */
	wax_loop_close(loop);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_eq(ops[i].completion.busy, 0);
		cr_assert_eq(syncs[i].completion.busy, 0);
	}
	close(fds[0]);
	close(fds[1]);
}

Test(loop, backends_have_names)
{
	struct wax_loop *loop;

	cr_assert_eq(wax_loop_open(WAX_IO_POSIX, ENTRIES, &loop, NULL), 0);
	cr_assert_str_eq(wax_loop_backend(loop), "posix");
	wax_loop_close(loop);
	loop = open_loop(WAX_IO_URING);
	cr_assert_str_eq(wax_loop_backend(loop), "io_uring");
	wax_loop_close(loop);
	wax_loop_close(NULL);
}

Test(loop, auto_falls_back_and_uring_says_what_to_do)
{
	struct rlimit limit;
	struct rlimit none;
	struct wax_loop *loop;
	struct wax_err err = {0};
	int rc;

	/* No descriptor left: as good as forbidden. */
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	rc = wax_loop_open(WAX_IO_URING, ENTRIES, &loop, &err);
	if (wax_loop_open(WAX_IO_AUTO, ENTRIES, &loop, NULL) < 0)
		loop = NULL;
	setrlimit(RLIMIT_NOFILE, &limit);

	cr_assert(rc < 0);
	cr_assert(strstr(err.text, "--io=posix"), "%s", err.text);
	cr_assert(loop);
	cr_assert_str_eq(wax_loop_backend(loop), "posix");
	wax_loop_close(loop);
}
