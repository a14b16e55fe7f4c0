/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks are written in their order, a few at a time, each at its place in the segment. The block
 * with which an epoch ends waits until all before it are written, and is written with a sync linked
 * behind it: when that has come back, and the directory knows the segment, the epoch is durable.
 * Nothing of the next epoch is written before: what a crash leaves of it never lies behind a gap in
 * this one, so that whoever finds such a gap knows that something was damaged.
 *
 * A cut opens the next segment; the block that begins it moves `writing` on. A segment is closed when
 * nothing of it is under way any more. Room that was allocated for it and is not used is given back
 * with wax_log_close only: that takes milliseconds (ext4), and allocating and opening do not.
 *
 * What goes wrong: a write that is short is continued where it ended. One that ended inside of a
 * block of the device, or that the file system refuses for being direct, is continued through the
 * page cache. Its linked sync has been cancelled and comes anew with the rest. What fails, ends it
 * all: the sentence is kept, nothing more is written, and each later call gives the sentence back.
 */
#include "runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/assert.h"

enum {
	/* Blocks on their way at once. */
	WRITES_MAX = 2,
	/* Who can wait should when so much is not written. */
	FULL_BYTES = 8 << 20,
	/* So much is allocated at once, in one piece where the file system can. */
	CHUNK_BYTES = 8 << 20,
	/* How often an operation is tried that is told to come again. */
	TRIES_MAX = 1000,
	/* As much as one operation can tell the result of. */
	WRITE_BYTES_MAX = 1 << 30,
};

/* A file. */
struct segment {
	struct segment *next;
	uint64_t number;
	uint64_t bytes;     /* of the blocks that were taken for it */
	uint64_t allocated; /* UINT64_MAX: no more */
	char name[WAX_LOG_NAME_BYTES];
	int fd;
	bool direct;
};

/* A block on its way. */
struct write {
	struct wax_completion completion;
	struct wax_log *log;
	struct segment *segment;
	struct wax_frames_block block;
	uint64_t offset; /* in the file, of the block */
	size_t done;     /* bytes of the block that are written */
	unsigned tries;
	enum { HELD, FLYING, AGAIN, LANDED } state;
};

struct wax_log {
	struct wax_log_env env;
	struct wax_frames *frames;

	/* A ring, in the order of the blocks: given back in that order too. */
	struct write writes[WRITES_MAX];
	uint32_t first;
	uint32_t count;

	/* One at a time. */
	struct wax_completion sync;
	struct write *sync_write; /* that it is linked behind, while it has not landed */
	struct segment *syncing;  /* or NULL */
	uint64_t sync_epoch;
	unsigned sync_tries;

	struct wax_completion listing; /* of the directory */
	uint64_t listing_number;       /* segments up to this one were made before it began */
	uint64_t listed_number;        /* and before the last that has ended */
	unsigned listing_tries;

	struct segment *closed; /* in their order, but those that are known to be removed */
	struct segment **closed_end;
	struct segment *oldest; /* that is not closed */
	struct segment *newest;
	struct segment *writing; /* where the block that was taken last belongs; NULL: none was */
	uint64_t synced_epoch;
	uint64_t synced_number; /* segment of synced_epoch */
	uint64_t durable;
	uint64_t bytes;
	struct wax_err failure;
};

static void pump(struct wax_log *log);

/* Say what to do about an operation that failed. */
static int explain(struct wax_err *err, int code, const char *dir, const char *name, uint64_t at)
{
	switch (-code) {
	case ENOSPC:
		return wax_err_set(err, code,
				"no space left on the device that holds the recovery directory, at "
				"byte %" PRIu64 " of %s/%s: free some, then run again",
				at, dir, name);
	case EDQUOT:
		return wax_err_set(err, code,
				"your quota is used up on the device that holds the recovery "
				"directory, at byte %" PRIu64 " of %s/%s: free some, then run "
				"again",
				at, dir, name);
	case EFBIG:
		return wax_err_set(err, code,
				"%s/%s has reached the largest size that a file may have, at byte "
				"%" PRIu64 ": look at ulimit -f, then run again",
				dir, name, at);
	case EIO:
		return wax_err_set(err, code,
				"the device that holds the recovery directory failed at byte "
				"%" PRIu64 " of %s/%s: look at dmesg, then run again",
				at, dir, name);
	default:
		errno = -code;
		return wax_err_set(err, code, "write %s/%s at byte %" PRIu64 ": %m", dir, name, at);
	}
}

static void fail(struct wax_log *log, int code, const struct segment *segment, uint64_t at)
{
	explain(&log->failure, code, log->env.dir_path, segment->name, at);
	log->env.wake(log->env.waker);
}

static bool is_temporary(int result)
{
	return result == -EINTR || result == -EAGAIN;
}

/* ---- segments */

static int open_file(const struct wax_log *log, struct segment *segment, struct wax_err *err)
{
	int fd = openat(log->env.dir, segment->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int flags;

	if (fd < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
		return explain(err, -errno, log->env.dir_path, segment->name, 0);
	if (fd < 0)
		return wax_err_set(err, -errno, "open '%s/%s' to write the recovery log: %m",
				log->env.dir_path, segment->name);

	/* Afterwards: where open refuses O_DIRECT it may have made the file all the same. */
	flags = fcntl(fd, F_GETFL);
	segment->direct = flags >= 0 && fcntl(fd, F_SETFL, flags | O_DIRECT) == 0;
	segment->fd = fd;
	return 0;
}

static void go_through_cache(struct segment *segment)
{
	int flags = fcntl(segment->fd, F_GETFL);

	fcntl(segment->fd, F_SETFL, flags & ~O_DIRECT);
	segment->direct = false;
}

/* Ask for room for the next write. When there is none the write will tell. */
static void allocate(struct segment *segment, uint64_t until)
{
	while (until > segment->allocated) {
		if (fallocate(segment->fd, FALLOC_FL_KEEP_SIZE, (off_t)segment->allocated,
				    CHUNK_BYTES) == 0)
			segment->allocated += CHUNK_BYTES;
		else if (errno != EINTR)
			segment->allocated = UINT64_MAX;
	}
}

/* Give back what was allocated and not written, although the size may not change. It is but room on
 * the disk, so that it fails is no failure. */
static void cut_file(int fd, uint64_t bytes)
{
	while (ftruncate(fd, (off_t)bytes) < 0 && errno == EINTR)
		continue;
	close(fd);
}

static struct write *write_at(struct wax_log *log, uint32_t index)
{
	return &log->writes[(log->first + index) % WRITES_MAX];
}

static bool is_used(struct wax_log *log, const struct segment *segment)
{
	if (log->syncing == segment)
		return true;
	for (uint32_t i = 0; i < log->count; i++) {
		if (write_at(log, i)->segment == segment)
			return true;
	}
	return false;
}

static void close_old_segments(struct wax_log *log)
{
	while (log->writing && log->oldest != log->writing && !is_used(log, log->oldest)) {
		struct segment *old = log->oldest;

		log->oldest = old->next;
		close(old->fd);
		old->next = NULL;
		*log->closed_end = old;
		log->closed_end = &old->next;
	}
}

static void forget_first_closed(struct wax_log *log)
{
	struct segment *first = log->closed;

	log->closed = first->next;
	if (!log->closed)
		log->closed_end = &log->closed;
	free(first);
}

/* They are removed in their order: so that a log that is cut for years knows of a few. */
static void forget_removed_segments(struct wax_log *log)
{
	while (log->closed && faccessat(log->env.dir, log->closed->name, F_OK, 0) < 0 &&
			errno == ENOENT)
		forget_first_closed(log);
}

/* Segments that were removed meanwhile are not there to be cut. */
static void cut_closed_segments(struct wax_log *log)
{
	while (log->closed) {
		struct segment *segment = log->closed;
		int fd = openat(log->env.dir, segment->name, O_WRONLY | O_CLOEXEC);

		if (fd >= 0)
			cut_file(fd, segment->bytes);
		forget_first_closed(log);
	}
}

/* Fills in durable: the directory must know the file before what is in it counts. */
static void update_durable(struct wax_log *log)
{
	if (log->synced_epoch <= log->durable || log->synced_number > log->listed_number)
		return;
	log->durable = log->synced_epoch;
	log->env.wake(log->env.waker);
}

static void list(struct wax_log *log)
{
	if (log->listing.busy || log->listed_number == log->newest->number)
		return;
	log->listing_number = log->newest->number;
	wax_loop_sync_directory(log->env.loop, &log->listing, log->env.dir);
}

static void on_listing(struct wax_completion *completion, int result)
{
	struct wax_log *log =
			(struct wax_log *)((char *)completion - offsetof(struct wax_log, listing));

	if (log->failure.code)
		return;
	if (is_temporary(result) && log->listing_tries++ < TRIES_MAX) {
		list(log);
		return;
	}
	if (result < 0) {
		fail(log, result, log->newest, 0);
		return;
	}

	log->listing_tries = 0;
	log->listed_number = log->listing_number;
	update_durable(log);
	list(log);
}

static int append_open(struct wax_log *log, uint64_t number, struct wax_err *err)
{
	const struct wax_log_open open = {
			.generation = log->env.generation,
			.segment = number,
			.worker = log->env.worker,
			.worker_count = log->env.worker_count,
			.run = log->env.run,
	};

	if (wax_frames_open(log->frames, &open) < 0)
		return wax_err_set(err, -ENOMEM, "no memory to write the recovery log");
	return 0;
}

/* The file, and the frame that it begins with. */
static int add_segment(struct wax_log *log, struct wax_err *err)
{
	struct segment *segment = calloc(1, sizeof(*segment));
	int code;

	if (!segment)
		return wax_err_set(err, -ENOMEM, "no memory to write the recovery log");
	segment->number = log->newest ? log->newest->number + 1 : 1;
	snprintf(segment->name, sizeof(segment->name), "worker-%05" PRIu32 ".%06" PRIu64,
			log->env.worker, segment->number);
	code = open_file(log, segment, err);
	if (code < 0) {
		free(segment);
		return code;
	}
	code = append_open(log, segment->number, err);
	if (code < 0) {
		unlinkat(log->env.dir, segment->name, 0);
		close(segment->fd);
		free(segment);
		return code;
	}

	if (log->newest)
		log->newest->next = segment;
	else
		log->oldest = segment;
	log->newest = segment;
	list(log);
	forget_removed_segments(log);
	return 0;
}

/* ---- blocks on their way */

/* The block is borrowed until it has landed. */
static void issue(struct write *write)
{
	struct wax_log *log = write->log;
	int fd = write->segment->fd;
	const char *data = write->block.data + write->done;
	size_t rest = write->block.bytes - write->done;
	uint32_t bytes = rest > WRITE_BYTES_MAX ? WRITE_BYTES_MAX : (uint32_t)rest;
	int64_t at = (int64_t)(write->offset + write->done);

	write->state = FLYING;
	if (write->block.ends && bytes == rest)
		wax_loop_write_sync(
				log->env.loop, &write->completion, fd, data, bytes, at, &log->sync);
	else
		wax_loop_write(log->env.loop, &write->completion, fd, data, bytes, at);
}

/* The sync of the write before has been cancelled, and must be told first. */
static void issue_again(struct write *write)
{
	if (write == write->log->sync_write && write->log->sync.busy)
		write->state = AGAIN;
	else
		issue(write);
}

/* Blocks have landed: give them back. */
static void give_back(struct wax_log *log)
{
	bool was_full = wax_log_is_full(log);

	while (log->count > 0 && write_at(log, 0)->state == LANDED) {
		log->first = (log->first + 1) % WRITES_MAX;
		log->count--;
		wax_frames_written(log->frames);
	}
	pump(log);
	if (was_full && !wax_log_is_full(log))
		log->env.wake(log->env.waker);
}

/* Some of it was written. */
static void advance(struct write *write, size_t bytes)
{
	write->tries = 0;
	write->done += bytes;
	if (write->done == write->block.bytes) {
		write->state = LANDED;
		if (write == write->log->sync_write)
			write->log->sync_write = NULL;
		give_back(write->log);
		return;
	}
	if (write->segment->direct && write->done % WAX_LOG_EPOCH_ALIGN != 0)
		go_through_cache(write->segment);
	issue_again(write);
}

static void on_write(struct wax_completion *completion, int result)
{
	struct write *write = (struct write *)completion;
	struct wax_log *log = write->log;

	if (log->failure.code)
		return;
	if (result > 0) {
		advance(write, (size_t)result);
		return;
	}
	if (result == -EINVAL && write->segment->direct) {
		go_through_cache(write->segment);
		issue_again(write);
		return;
	}
	if (is_temporary(result) && write->tries++ < TRIES_MAX) {
		issue_again(write);
		return;
	}
	/* Nothing written and nothing wrong: no file does that. */
	fail(log, result < 0 ? result : -EIO, write->segment, write->offset + write->done);
}

static void on_sync(struct wax_completion *completion, int result)
{
	struct wax_log *log =
			(struct wax_log *)((char *)completion - offsetof(struct wax_log, sync));

	if (log->failure.code)
		return;
	if (log->sync_write) {
		WAX_ASSERT(log->sync_write->state == AGAIN);
		issue(log->sync_write);
		return;
	}
	if ((is_temporary(result) || result == -ECANCELED) && log->sync_tries++ < TRIES_MAX) {
		wax_loop_sync(log->env.loop, &log->sync, log->syncing->fd);
		return;
	}
	if (result < 0) {
		fail(log, result, log->syncing, log->syncing->bytes);
		return;
	}

	log->synced_epoch = log->sync_epoch;
	log->synced_number = log->syncing->number;
	log->syncing = NULL;
	log->sync_tries = 0;
	update_durable(log);
	pump(log);
}

static bool take(struct wax_log *log)
{
	struct write *write = write_at(log, log->count);
	struct segment *segment = log->writing;

	if (!wax_frames_take(log->frames, &write->block))
		return false;
	if (write->block.opens) {
		segment = segment ? segment->next : log->oldest;
		log->writing = segment;
	}
	write->segment = segment;
	write->offset = segment->bytes;
	write->done = 0;
	write->tries = 0;
	write->state = HELD;
	segment->bytes += write->block.bytes;
	log->bytes += write->block.bytes;
	log->count++;
	return true;
}

/* The last block of an epoch waits for those before it, all of an epoch for the sync of the epoch
 * before. @return is it on its way? */
static bool start(struct wax_log *log, struct write *write)
{
	if (log->syncing)
		return false;
	if (write->block.ends) {
		if (log->count > 1)
			return false;
		log->syncing = write->segment;
		log->sync_epoch = write->block.ends;
		log->sync_write = write;
	}
	allocate(write->segment, write->offset + write->block.bytes);
	issue(write);
	return true;
}

/* Start what can be started: blocks in their order, so only the last one may be held. */
static void pump(struct wax_log *log)
{
	while (!log->failure.code) {
		struct write *last = log->count ? write_at(log, log->count - 1) : NULL;

		if (last && last->state == HELD) {
			if (!start(log, last))
				break;
			continue;
		}
		if (log->count == WRITES_MAX || !take(log))
			break;
	}
	close_old_segments(log);
}

/* ---- the log */

static int report(const struct wax_log *log, struct wax_err *err)
{
	if (err && log->failure.code)
		*err = log->failure;
	return log->failure.code;
}

int wax_log_open(const struct wax_log_env *env, struct wax_log **ret_log, struct wax_err *err)
{
	struct wax_log *log = calloc(1, sizeof(*log));
	int code;

	if (!log)
		return wax_err_set(err, -ENOMEM, "no memory to write the recovery log");
	log->env = *env;
	log->closed_end = &log->closed;
	log->sync.done = on_sync;
	log->listing.done = on_listing;
	for (uint32_t i = 0; i < WRITES_MAX; i++) {
		log->writes[i].log = log;
		log->writes[i].completion.done = on_write;
	}
	code = wax_frames_make(&log->frames, err);
	if (code == 0)
		code = add_segment(log, err);
	if (code < 0) {
		wax_log_close(log);
		return code;
	}
	*ret_log = log;
	return 0;
}

/* The end of what is written without a gap. */
static uint64_t written_bytes(struct wax_log *log, const struct segment *segment)
{
	for (uint32_t i = 0; i < log->count; i++) {
		const struct write *write = write_at(log, i);

		if (write->segment == segment && write->state != LANDED)
			return write->offset + write->done;
	}
	return segment->bytes;
}

void wax_log_close(struct wax_log *log)
{
	if (!log)
		return;
	for (uint32_t i = 0; i < WRITES_MAX; i++)
		wax_loop_cancel(log->env.loop, &log->writes[i].completion);
	wax_loop_cancel(log->env.loop, &log->sync);
	wax_loop_cancel(log->env.loop, &log->listing);
	while (log->oldest) {
		struct segment *segment = log->oldest;

		log->oldest = segment->next;
		cut_file(segment->fd, written_bytes(log, segment));
		free(segment);
	}
	cut_closed_segments(log);
	wax_frames_free(log->frames);
	free(log);
}

struct wax_frames *wax_log_frames(struct wax_log *log)
{
	return log->frames;
}

int wax_log_push(struct wax_log *log, struct wax_err *err)
{
	pump(log);
	return report(log, err);
}

bool wax_log_is_full(const struct wax_log *log)
{
	return wax_frames_pending(log->frames) > FULL_BYTES;
}

int wax_log_cut(struct wax_log *log, struct wax_err *err)
{
	if (log->failure.code)
		return report(log, err);
	return add_segment(log, err);
}

int wax_log_end(struct wax_log *log, const struct wax_log_end *end,
		const struct wax_frames_position *positions, uint32_t count, struct wax_err *err)
{
	if (log->failure.code)
		return report(log, err);
	if (wax_frames_end(log->frames, end, positions, count) < 0)
		return wax_err_set(err, -ENOMEM, "no memory to write the recovery log");
	return wax_log_push(log, err);
}

uint64_t wax_log_durable(const struct wax_log *log)
{
	return log->durable;
}

uint64_t wax_log_segment(const struct wax_log *log)
{
	return log->newest->number;
}

uint64_t wax_log_bytes(const struct wax_log *log)
{
	return log->bytes;
}

int wax_log_failure(const struct wax_log *log, struct wax_err *err)
{
	return report(log, err);
}
