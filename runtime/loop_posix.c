/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop on poll(2), for where io_uring is forbidden.
 *
 * A transfer at an offset, or on a regular file, or a sync, is done when it is started: the page cache has no
 * readiness to wait for. It has ended then; only its done waits for the next reap or wait, as with
 * io_uring. Everything else is in `polled` until poll(2) says that it is ready.
 *
 * No descriptor is made non-blocking: the flag belongs to the open file, which other processes
 * share (a terminal, a pipe). A transfer is asked not to block where the kernel can do that for a
 * single one (RWF_NOWAIT); where it cannot, it is read once when it is readable, and written in
 * pieces that fit into a pipe that is writable. Another reader of the same terminal may then still
 * come in between.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "runtime/loop_backend.h"

/* A busy loop does not ask the kernel more often than this: poll(2) costs half a microsecond. */
#define POLL_INTERVAL_NS INT64_C(20000)

struct posix {
	struct wax_loop loop;
	struct wax_loop_queue polled; /* without watches */
	struct pollfd *fds;
	uint32_t capacity; /* of fds */
	uint32_t count;    /* watches and polled operations */
	int64_t polled_at; /* of the monotonic clock; 0: something new is there to be polled */
};

static struct posix *posix_of(struct wax_loop *loop)
{
	return (struct posix *)loop;
}

static unsigned kind_of(const struct wax_completion *completion)
{
	return completion->kind & WAX_LOOP_KIND;
}

/* Room for one more. Without memory the last ones are not polled until others have ended. */
static void reserve(struct posix *posix)
{
	uint32_t capacity = posix->capacity ? posix->capacity * 2 : 16;
	struct pollfd *fds;

	posix->count++;
	posix->polled_at = 0;
	if (posix->count <= posix->capacity)
		return;
	fds = realloc(posix->fds, capacity * sizeof(*fds));
	if (!fds)
		return;
	posix->fds = fds;
	posix->capacity = capacity;
}

static struct pollfd pollfd_of(const struct wax_completion *completion)
{
	struct pollfd fd = {.fd = completion->fd, .events = completion->events};

	if (completion->kind & WAX_LOOP_DEAD)
		fd.fd = -1;
	else if (kind_of(completion) == WAX_LOOP_READ)
		fd.events = POLLIN;
	else if (kind_of(completion) == WAX_LOOP_WRITE)
		fd.events = POLLOUT;
	return fd;
}

static int sync_data(int fd)
{
	int rc;

	do
		rc = fdatasync(fd) < 0 ? -errno : 0;
	while (rc == -EINTR);
	return rc;
}

/* At an offset, or where readiness is no question. Once: -EINTR is possible. */
static int transfer(const struct wax_completion *completion, uint32_t bytes)
{
	bool reads = kind_of(completion) == WAX_LOOP_READ;
	int fd = completion->fd;
	off_t offset = (off_t)completion->offset;
	ssize_t rc;

	if (completion->kind & WAX_LOOP_STREAM)
		rc = reads ? read(fd, completion->buffer, bytes)
			   : write(fd, completion->buffer, bytes);
	else
		rc = reads ? pread(fd, completion->buffer, bytes, offset)
			   : pwrite(fd, completion->buffer, bytes, offset);
	return rc < 0 ? -errno : (int)rc;
}

/* A stream, without blocking. -EINTR and -EAGAIN: not now. */
static int transfer_now(const struct wax_completion *completion)
{
	struct iovec piece = {.iov_base = completion->buffer, .iov_len = completion->bytes};
	bool reads = kind_of(completion) == WAX_LOOP_READ;
	struct pollfd ready = pollfd_of(completion);
	ssize_t rc;

	rc = reads ? preadv2(completion->fd, &piece, 1, -1, RWF_NOWAIT)
		   : pwritev2(completion->fd, &piece, 1, -1, RWF_NOWAIT);
	if (rc >= 0)
		return (int)rc;
	if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
		return -errno;

	/* Not known for this kind of file. Another operation of this round may have taken what
	 * there was, so look again. A pipe that is writable has room for PIPE_BUF, and no more is
	 * sure. */
	if (poll(&ready, 1, 0) <= 0)
		return -EAGAIN;
	return transfer(completion,
			reads || piece.iov_len < PIPE_BUF ? completion->bytes : PIPE_BUF);
}

/* The same, until it is not interrupted. */
static int transfer_whole(const struct wax_completion *completion)
{
	int rc;

	do
		rc = transfer(completion, completion->bytes);
	while (rc == -EINTR);
	return rc;
}

static bool has_readiness(const struct wax_completion *completion)
{
	struct stat info;

	if (!(completion->kind & WAX_LOOP_STREAM))
		return false;
	return fstat(completion->fd, &info) < 0 || !S_ISREG(info.st_mode);
}

static void posix_start(struct wax_loop *loop, struct wax_completion *completion)
{
	struct posix *posix = posix_of(loop);

	if (kind_of(completion) == WAX_LOOP_SYNC) {
		wax_loop_ended(loop, completion, sync_data(completion->fd));
		return;
	}
	if (kind_of(completion) != WAX_LOOP_POLL && !has_readiness(completion)) {
		wax_loop_ended(loop, completion, transfer_whole(completion));
		return;
	}
	wax_loop_queue_push(&posix->polled, completion);
	reserve(posix);
}

static void posix_start_linked(
		struct wax_loop *loop, struct wax_completion *write, struct wax_completion *sync)
{
	uint32_t bytes = write->bytes;
	int rc = transfer_whole(write);
	bool whole = rc >= 0 && (uint32_t)rc == bytes;

	wax_loop_ended(loop, write, rc);
	wax_loop_ended(loop, sync, whole ? sync_data(sync->fd) : -ECANCELED);
}

static void posix_watch(struct wax_loop *loop, struct wax_completion *completion)
{
	(void)completion;
	reserve(posix_of(loop));
}

/* @return how many of fds are in use: watches first, then polled operations in their order */
static uint32_t fill_fds(struct posix *posix)
{
	uint32_t count = 0;

	for (const struct wax_completion *at = posix->loop.watches; at; at = at->next) {
		if (count < posix->capacity)
			posix->fds[count++] = pollfd_of(at);
	}
	for (const struct wax_completion *at = posix->polled.head; at; at = at->next) {
		if (count < posix->capacity)
			posix->fds[count++] = pollfd_of(at);
	}
	return count;
}

/* Read the counter, or the next poll would find it again. */
static void watch_ready(struct posix *posix, struct wax_completion *watch, short events)
{
	uint64_t counter;

	if (events & POLLNVAL) {
		watch->kind |= WAX_LOOP_DEAD;
		wax_loop_hit(&posix->loop, watch, -EBADF);
		return;
	}
	if (read(watch->fd, &counter, sizeof(counter)) < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	wax_loop_hit(&posix->loop, watch, events);
}

/* @return has it ended? */
static bool operation_ready(struct posix *posix, struct wax_completion *completion, short events)
{
	int rc;

	if (events & POLLNVAL)
		rc = -EBADF;
	else if (kind_of(completion) == WAX_LOOP_POLL)
		rc = events;
	else
		rc = transfer_now(completion);
	if (rc == -EAGAIN || rc == -EINTR)
		return false;
	posix->count--;
	wax_loop_ended(&posix->loop, completion, rc);
	return true;
}

/* fds as fill_fds left them, with what poll(2) found. */
static void take_ready(struct posix *posix, uint32_t count)
{
	struct wax_loop_queue polled = posix->polled;
	struct wax_completion *completion;
	uint32_t index = 0;

	for (struct wax_completion *at = posix->loop.watches; at && index < count; at = at->next) {
		short events = posix->fds[index++].revents;

		if (events)
			watch_ready(posix, at, events);
	}

	posix->polled.head = NULL;
	while ((completion = wax_loop_queue_pop(&polled))) {
		short events = index < count ? posix->fds[index].revents : 0;

		index++;
		if (!events || !operation_ready(posix, completion, events))
			wax_loop_queue_push(&posix->polled, completion);
	}
}

static void poll_for(struct posix *posix, int64_t timeout_ns)
{
	uint32_t count = fill_fds(posix);
	struct timespec timeout = {
			.tv_sec = timeout_ns / 1000000000,
			.tv_nsec = timeout_ns % 1000000000,
	};

	if (ppoll(posix->fds, count, timeout_ns == WAX_NEVER ? NULL : &timeout, NULL) > 0)
		take_ready(posix, count);
}

static int64_t monotonic_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void posix_reap(struct wax_loop *loop)
{
	struct posix *posix = posix_of(loop);
	int64_t now;

	if (posix->count == 0)
		return;
	now = monotonic_now();
	if (now - posix->polled_at < POLL_INTERVAL_NS)
		return;
	poll_for(posix, 0);
	posix->polled_at = now;
}

static void posix_wait(struct wax_loop *loop, int64_t timeout_ns)
{
	struct posix *posix = posix_of(loop);

	poll_for(posix, wax_loop_has_ended(loop) ? 0 : timeout_ns);
}

static void posix_cancel(struct wax_loop *loop, struct wax_completion *completion)
{
	struct posix *posix = posix_of(loop);

	if (kind_of(completion) == WAX_LOOP_WATCH ||
			wax_loop_queue_remove(&posix->polled, completion))
		posix->count--;
}

static void posix_close(struct wax_loop *loop)
{
	struct posix *posix = posix_of(loop);
	struct wax_completion *completion;

	while ((completion = wax_loop_queue_pop(&posix->polled)))
		completion->busy = 0;
	free(posix->fds);
}

static const struct wax_loop_backend backend = {
		.name = "posix",
		.start = posix_start,
		.start_linked = posix_start_linked,
		.watch = posix_watch,
		.cancel = posix_cancel,
		.reap = posix_reap,
		.wait = posix_wait,
		.close = posix_close,
};

int wax_loop_open_posix(struct wax_loop **ret_loop, struct wax_err *err)
{
	struct posix *posix = calloc(1, sizeof(*posix));

	if (!posix)
		return wax_err_set(err, -ENOMEM, "out of memory");
	posix->loop.backend = &backend;
	*ret_loop = &posix->loop;
	return 0;
}
