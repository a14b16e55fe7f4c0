/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two buffers change places. Lines go into `filling`; when nothing is being written and enough has
 * come together, or a flush wants it, filling becomes `flying` and is handed to the loop, and the
 * empty one is filled. A short write is continued where it ended. When all of flying is written,
 * the two change again if there is reason to.
 *
 * Whoever writes is told WAX_BUSY when filling is full and flying still under way. What was given
 * is taken all the same, so filling outgrows its size by one batch at most. wake ends that state.
 *
 * A failed write ends it all: the sentence is kept, and each later call gives it back.
 *
 * What is to be safe on the disk is an offset, `wanted`. Up to there lines are written as if for a
 * flush; when the kernel has them a sync is started, and lines behind it are written meanwhile. It
 * secures what had been written when it began, so `secured` may come to stand behind what was wanted.
 * Before the first one the directory is synced: a new file that is safe must be found again.
 */
#include "connectors/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wax/connector.h>

#include "runtime/assert.h"
#include "runtime/loop.h"

enum {
	/* Enough to make the cost of a write small against copying. */
	WRITE_BYTES = 64 * 1024,
	FULL_BYTES = 256 * 1024,
	/* A full buffer and a usual batch of short lines behind it. */
	BUFFER_BYTES = 384 * 1024,
	/* A buffer that huge lines have blown up is given back when it is empty. */
	BUFFER_BYTES_KEPT = 4 * 1024 * 1024,
	/* As much as one operation can tell the result of. */
	WRITE_BYTES_MAX = 1 << 30,
};

struct buffer {
	char *data;
	size_t used;
	size_t capacity;
};

struct wax_writer {
	struct wax_loop *loop;
	struct wax_completion completion;
	int fd;
	const char *name;
	int64_t offset; /* -1: at the file's own position */
	uint64_t written;
	void (*wake)(void *waker);
	void *waker;
	struct buffer filling;
	struct buffer flying;
	struct wax_completion sync;
	const char *path; /* whose directory is still to be synced; NULL: none is */
	int directory;    /* while it is synced */
	uint64_t wanted;  /* is to be secured up to here */
	uint64_t syncing; /* is secured up to here by the sync under way */
	uint64_t secured;
	size_t flown;   /* of flying: bytes that are written */
	bool told_busy; /* a wake is owed */
	bool flushing;  /* all of filling is wanted */
	struct wax_err failure;
};

static void start(struct wax_writer *writer);
static void secure_rest(struct wax_writer *writer);

static int buffer_reserve(struct buffer *buffer, size_t bytes)
{
	size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_BYTES;
	char *data;

	if (bytes <= buffer->capacity - buffer->used)
		return 0;
	while (capacity - buffer->used < bytes)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (!data)
		return -ENOMEM;

	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
}

static void buffer_empty(struct buffer *buffer)
{
	buffer->used = 0;
	if (buffer->capacity > BUFFER_BYTES_KEPT) {
		free(buffer->data);
		*buffer = (struct buffer){0};
	}
}

/* Say what to do about a write that failed at `at`. */
static int explain(struct wax_err *err, int code, const char *name, uint64_t at)
{
	switch (-code) {
	case ENOSPC:
		return wax_err_set(err, code,
				"no space left on the device that holds %s, at byte %" PRIu64
				": free some, then run again",
				name, at);
	case EDQUOT:
		return wax_err_set(err, code,
				"your quota is used up on the device that holds %s, at byte "
				"%" PRIu64 ": free some, then run again",
				name, at);
	case EFBIG:
		return wax_err_set(err, code,
				"%s has reached the largest size that a file may have, at byte "
				"%" PRIu64 ": look at ulimit -f, or write several files",
				name, at);
	case EPIPE:
		return wax_err_set(err, code,
				"whoever reads %s has closed it, after byte %" PRIu64
				": let it read to the end, or write to a file",
				name, at);
	case EBADF:
		return wax_err_set(err, code, "%s is not open for writing: redirect it to a file",
				name);
	case EIO:
		return wax_err_set(err, code,
				"the device that holds %s failed at byte %" PRIu64
				": look at dmesg, then run again",
				name, at);
	default:
		errno = -code;
		return wax_err_set(err, code, "write %s at byte %" PRIu64 ": %m", name, at);
	}
}

static int report(const struct wax_writer *writer, struct wax_err *err)
{
	if (err)
		*err = writer->failure;
	return writer->failure.code;
}

static void wake(struct wax_writer *writer)
{
	writer->told_busy = false;
	writer->wake(writer->waker);
}

/* After a completion: begin the next write if there is reason to, and tell who waits. */
static void turn(struct wax_writer *writer)
{
	bool all = writer->flushing || wax_writer_offset(writer) < writer->wanted;
	size_t enough = all ? 1 : WRITE_BYTES;

	if (writer->flying.used == 0 && writer->filling.used >= enough)
		start(writer);
	secure_rest(writer);
	if (writer->flying.used == 0)
		writer->flushing = false;
	/* A flush waits for all, others for room. */
	if (writer->told_busy && !writer->flushing && writer->filling.used < FULL_BYTES)
		wake(writer);
}

static void write_rest(struct wax_writer *writer)
{
	size_t bytes = writer->flying.used - writer->flown;
	int64_t at = writer->offset < 0 ? -1 : writer->offset + (int64_t)writer->written;

	if (bytes > WRITE_BYTES_MAX)
		bytes = WRITE_BYTES_MAX;
	wax_loop_write(writer->loop, &writer->completion, writer->fd,
			writer->flying.data + writer->flown, (uint32_t)bytes, at);
}

static void on_write(struct wax_completion *completion, int result);

static void on_writable(struct wax_completion *completion, int result)
{
	struct wax_writer *writer = (struct wax_writer *)((char *)completion -
			offsetof(struct wax_writer, completion));

	(void)result;
	/* Whatever the poll found, the write will tell. */
	writer->completion.done = on_write;
	write_rest(writer);
}

static void on_write(struct wax_completion *completion, int result)
{
	struct wax_writer *writer = (struct wax_writer *)((char *)completion -
			offsetof(struct wax_writer, completion));

	if (result == -EINTR) {
		write_rest(writer);
		return;
	}
	if (result == -EAGAIN) {
		writer->completion.done = on_writable;
		wax_loop_poll(writer->loop, &writer->completion, writer->fd, POLLOUT);
		return;
	}
	if (result <= 0) {
		/* Nothing written and nothing wrong: no file does that, so do not try for ever. */
		explain(&writer->failure, result < 0 ? result : -EIO, writer->name,
				wax_writer_offset(writer));
		wake(writer);
		return;
	}

	writer->flown += (size_t)result;
	writer->written += (uint64_t)result;
	if (writer->flown < writer->flying.used) {
		write_rest(writer);
		return;
	}
	buffer_empty(&writer->flying);
	writer->flown = 0;
	turn(writer);
}

static void start(struct wax_writer *writer)
{
	struct buffer empty = writer->flying;

	WAX_ASSERT(empty.used == 0);
	WAX_ASSERT(!writer->completion.busy);
	writer->flying = writer->filling;
	writer->filling = empty;
	writer->flown = 0;
	write_rest(writer);
}

int wax_writer_open(struct wax_loop *loop, const struct wax_writer_target *target,
		void (*wake_fn)(void *waker), void *waker, struct wax_writer **ret_writer,
		struct wax_err *err)
{
	struct wax_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return wax_err_set(err, -ENOMEM, "no memory to write %s", target->name);

	writer->loop = loop;
	writer->completion.done = on_write;
	writer->fd = target->fd;
	writer->name = target->name;
	writer->offset = target->offset;
	writer->path = target->path;
	writer->directory = -1;
	writer->secured = wax_writer_offset(writer);
	writer->wake = wake_fn;
	writer->waker = waker;
	*ret_writer = writer;
	return 0;
}

static void copy_lines(struct buffer *buffer, const struct wax_batch *batch)
{
	char *at = buffer->data + buffer->used;

	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes line = wax_batch_value(batch, i);

		/* An empty one may have no address. */
		if (line.bytes > 0)
			memcpy(at, line.data, line.bytes);
		at += line.bytes;
		*at++ = '\n';
	}
	buffer->used = (size_t)(at - buffer->data);
}

static size_t lines_bytes(const struct wax_batch *batch)
{
	size_t bytes = batch->count;

	for (uint32_t i = 0; i < batch->count; i++)
		bytes += wax_batch_value(batch, i).bytes;
	return bytes;
}

int wax_writer_write(struct wax_writer *writer, const struct wax_batch *batch, struct wax_err *err)
{
	size_t bytes = lines_bytes(batch);

	if (writer->failure.code)
		return report(writer, err);
	if (buffer_reserve(&writer->filling, bytes) < 0)
		return wax_err_set(err, -ENOMEM, "no memory for %zu bytes of lines to write to %s",
				bytes, writer->name);

	copy_lines(&writer->filling, batch);
	if (writer->flying.used == 0 && writer->filling.used >= WRITE_BYTES)
		start(writer);
	if (writer->filling.used < FULL_BYTES)
		return WAX_READY;

	writer->told_busy = true;
	return WAX_BUSY;
}

int wax_writer_flush(struct wax_writer *writer, struct wax_err *err)
{
	if (writer->failure.code)
		return report(writer, err);
	if (writer->flying.used == 0 && writer->filling.used > 0)
		start(writer);
	if (writer->flying.used == 0)
		return WAX_READY;

	writer->flushing = true;
	writer->told_busy = true;
	return WAX_BUSY;
}

/* ---- Until the disk has it */

/* Pipes and terminals cannot be synced and need not. */
static bool is_sync_failure(int code)
{
	return code < 0 && code != -EINVAL && code != -EROFS && code != -ENOTSUP;
}

static void fail_sync(struct wax_writer *writer, int code)
{
	explain(&writer->failure, code, writer->name, wax_writer_offset(writer));
	wake(writer);
}

static void on_sync(struct wax_completion *completion, int result)
{
	struct wax_writer *writer = (struct wax_writer *)((char *)completion -
			offsetof(struct wax_writer, sync));

	if (is_sync_failure(result) && result != -EINTR) {
		fail_sync(writer, result);
		return;
	}
	if (result != -EINTR)
		writer->secured = writer->syncing;
	if (writer->secured < writer->wanted)
		secure_rest(writer);
	else
		writer->wake(writer->waker);
}

static void on_directory_sync(struct wax_completion *completion, int result)
{
	struct wax_writer *writer = (struct wax_writer *)((char *)completion -
			offsetof(struct wax_writer, sync));

	close(writer->directory);
	writer->directory = -1;
	if (is_sync_failure(result) && result != -EINTR) {
		fail_sync(writer, result);
		return;
	}
	if (result != -EINTR)
		writer->path = NULL;
	secure_rest(writer);
}

static int open_directory(const struct wax_writer *writer)
{
	char *path = strdup(writer->path);
	int fd = path ? open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (path && fd < 0)
		fd = -errno;
	free(path);
	return path ? fd : -ENOMEM;
}

/* Start a sync if one is due, and none is under way. */
static void secure_rest(struct wax_writer *writer)
{
	if (writer->secured >= writer->wanted || writer->sync.busy || writer->failure.code ||
			wax_writer_offset(writer) < writer->wanted)
		return;
	if (!writer->path) {
		writer->syncing = wax_writer_offset(writer);
		writer->sync.done = on_sync;
		wax_loop_sync(writer->loop, &writer->sync, writer->fd);
		return;
	}
	writer->directory = open_directory(writer);
	if (writer->directory < 0) {
		fail_sync(writer, writer->directory);
		return;
	}
	writer->sync.done = on_directory_sync;
	wax_loop_sync(writer->loop, &writer->sync, writer->directory);
}

int wax_writer_secure(struct wax_writer *writer, uint64_t end, struct wax_err *err)
{
	WAX_ASSERT(end <= wax_writer_end(writer));
	if (writer->failure.code)
		return report(writer, err);
	if (writer->secured >= end)
		return WAX_READY;
	if (writer->wanted < end)
		writer->wanted = end;
	if (writer->flying.used == 0 && wax_writer_offset(writer) < writer->wanted)
		start(writer);
	secure_rest(writer);
	return writer->failure.code ? report(writer, err) : WAX_PENDING;
}

int wax_writer_sync(struct wax_writer *writer, struct wax_err *err)
{
	int code;

	if (writer->failure.code)
		return report(writer, err);
	code = fdatasync(writer->fd) < 0 ? -errno : 0;
	return is_sync_failure(code) ? explain(err, code, writer->name, wax_writer_offset(writer))
				     : 0;
}

uint64_t wax_writer_offset(const struct wax_writer *writer)
{
	return writer->written + (writer->offset > 0 ? (uint64_t)writer->offset : 0);
}

uint64_t wax_writer_end(const struct wax_writer *writer)
{
	return wax_writer_offset(writer) + (writer->flying.used - writer->flown) +
			writer->filling.used;
}

void wax_writer_close(struct wax_writer *writer)
{
	if (!writer)
		return;
	wax_loop_cancel(writer->loop, &writer->completion);
	wax_loop_cancel(writer->loop, &writer->sync);
	if (writer->directory >= 0)
		close(writer->directory);
	close(writer->fd);
	free(writer->filling.data);
	free(writer->flying.data);
	free(writer);
}

int wax_writer_open_path(const char *path, int flags, bool *ret_regular, struct wax_err *err)
{
	struct stat info;
	int code;
	/* Not blocking: a pipe without a reader would stop the whole worker here. */
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags, 0666);

	if (fd < 0 && errno == ENXIO)
		return wax_err_set(err, -ENXIO,
				"nobody reads the pipe '%s': start its reader first", path);
	if (fd < 0)
		return wax_err_set(err, -errno, "open '%s' for writing: %m", path);

	/* The loop waits for readiness by itself, and of a regular file there is none. */
	if (fstat(fd, &info) < 0 || fcntl(fd, F_SETFL, 0) < 0) {
		code = wax_err_set(err, -errno, "open '%s' for writing: %m", path);
		close(fd);
		return code;
	}
	*ret_regular = S_ISREG(info.st_mode);
	return fd;
}
