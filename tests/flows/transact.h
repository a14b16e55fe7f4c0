/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FLOWS_TRANSACT_H
#define TESTS_FLOWS_TRANSACT_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <wax/wax.h>

/*
 * A sink whose files show just what was committed: the items of an epoch are written to
 * "pending-INSTANCE-EPOCH", which its commit renames to "done-INSTANCE-EPOCH". It takes its time for
 * both, and fails the run where it is called out of order:
 *
 *     prepare of e + 1 behind the commit of e, each epoch once; commit of what was prepared last;
 *     what was saved as prepared is there when it is opened again, pending or done.
 */

enum { TRANSACT_PATH_BYTES = 512 };

struct transact_part {
	const char *dir;
	struct wax_env *env;
	uint32_t instance;
	char *text; /* of this epoch, and what it has and was written of the one that prepares */
	size_t bytes, capacity;
	uint64_t prepared;  /* the last epoch; 0: none yet */
	uint64_t committed; /* the same */
	uint64_t preparing; /* 0: it does not */
	uint64_t committing;
	bool begun; /* it has prepared one since it was opened */
	int timer;
	int64_t done_at; /* of what is under way */
	char position[32];
};

static inline void transact_name(const struct transact_part *part, const char *kind, uint64_t epoch,
		char path[TRANSACT_PATH_BYTES])
{
	snprintf(path, TRANSACT_PATH_BYTES, "%s/%s-%u-%" PRIu64, part->dir, kind, part->instance,
			epoch);
}

static inline int64_t transact_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Come again in a while, as one that waits for a server would. */
static inline int transact_wait(struct transact_part *part, int how, struct wax_err *err)
{
	const struct itimerspec when = {.it_value.tv_nsec = part->done_at - transact_now()};
	int r = 0;

	if (when.it_value.tv_nsec > 0)
		timerfd_settime(part->timer, 0, &when, NULL);
	r = wax_env_wake_on(part->env, part->timer, POLLIN);
	if (r < 0 && r != -EBUSY)
		return wax_err_set(err, r, "wait for a timer: %s", strerror(-r));
	return how;
}

/* Something begins that takes from 0 to 3 ms, by the epoch. */
static inline void transact_begin(struct transact_part *part, uint64_t epoch)
{
	part->done_at = transact_now() + (int64_t)(epoch * 7919 % 4) * 1000000;
}

/* Make visible what was saved as prepared, and undo what is newer. */
static inline int transact_recover(
		struct transact_part *part, uint64_t prepared, struct wax_err *err)
{
	char pending[TRANSACT_PATH_BYTES], done[TRANSACT_PATH_BYTES], other[TRANSACT_PATH_BYTES];
	DIR *dir = opendir(part->dir);
	struct dirent *entry;

	transact_name(part, "pending", prepared, pending);
	transact_name(part, "done", prepared, done);
	if (prepared > 0 && access(done, F_OK) < 0 && rename(pending, done) < 0)
		return wax_err_set(err, -errno, "'%s' was prepared, and is gone: %m", pending);
	while (dir && (entry = readdir(dir))) {
		unsigned instance;
		uint64_t epoch;

		if (sscanf(entry->d_name, "pending-%u-%" SCNu64, &instance, &epoch) != 2 ||
				instance != part->instance)
			continue;
		transact_name(part, "pending", epoch, other);
		unlink(other);
	}
	if (dir)
		closedir(dir);
	part->prepared = part->committed = prepared;
	return 0;
}

static inline int transact_close(void *data, int ok, struct wax_err *err)
{
	struct transact_part *part = (struct transact_part *)data;

	(void)ok;
	(void)err;
	close(part->timer);
	free(part->text);
	free(part);
	return 0;
}

static inline int transact_open(void *sink, struct wax_env *env, struct wax_bytes saved,
		void **ret_part, struct wax_err *err)
{
	struct transact_part *part = (struct transact_part *)calloc(1, sizeof(*part));
	char text[32] = "0";
	int r;

	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory");
	part->dir = (const char *)sink;
	part->env = env;
	part->instance = wax_env_instance(env);
	part->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (saved.data && saved.bytes < sizeof(text)) {
		memcpy(text, saved.data, saved.bytes);
		text[saved.bytes] = '\0';
	}
	r = part->timer < 0 ? wax_err_set(err, -errno, "no timer: %m")
			    : transact_recover(part, strtoull(text, NULL, 10), err);
	if (r < 0) {
		transact_close(part, 0, NULL);
		return r;
	}
	*ret_part = part;
	return 0;
}

/* Text; a line each. */
static inline int transact_write(void *data, const struct wax_batch *batch, struct wax_err *err)
{
	struct transact_part *part = (struct transact_part *)data;

	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes line = wax_batch_value(batch, i);

		if (part->bytes + line.bytes + 1 > part->capacity) {
			size_t capacity = 2 * (part->bytes + line.bytes) + 4096;
			char *grown = (char *)realloc(part->text, capacity);

			if (!grown)
				return wax_err_set(err, -ENOMEM, "no memory");
			part->text = grown;
			part->capacity = capacity;
		}
		memcpy(part->text + part->bytes, line.data, line.bytes);
		part->bytes += line.bytes;
		part->text[part->bytes++] = '\n';
	}
	return WAX_READY;
}

static inline int transact_write_pending(
		struct transact_part *part, uint64_t epoch, struct wax_err *err)
{
	char path[TRANSACT_PATH_BYTES];
	int fd, r = 0;

	transact_name(part, "pending", epoch, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return wax_err_set(err, -errno, "make '%s': %m", path);
	for (size_t done = 0; done < part->bytes && r == 0;) {
		ssize_t bytes = write(fd, part->text + done, part->bytes - done);

		if (bytes < 0 && errno != EINTR)
			r = wax_err_set(err, -errno, "write '%s': %m", path);
		done += bytes > 0 ? (size_t)bytes : 0;
	}
	part->bytes = 0;
	close(fd);
	return r;
}

static inline int transact_prepare(void *data, uint64_t epoch, struct wax_err *err)
{
	struct transact_part *part = (struct transact_part *)data;

	if (part->preparing == 0) {
		if (part->committing != 0 || part->committed != part->prepared)
			return wax_err_set(err, -EPROTO,
					"prepare %" PRIu64 ", but %" PRIu64 " is not committed",
					epoch, part->prepared);
		/* Runs with fewer workers may have come between. */
		if (epoch <= part->prepared || (part->begun && epoch != part->prepared + 1))
			return wax_err_set(err, -EPROTO, "prepare %" PRIu64 " behind %" PRIu64,
					epoch, part->prepared);
		/* At once: items of the next epoch may come as soon as this has returned. */
		int r = transact_write_pending(part, epoch, err);

		if (r < 0)
			return r;
		part->preparing = epoch;
		part->begun = true;
		transact_begin(part, epoch);
	}
	if (part->preparing != epoch)
		return wax_err_set(err, -EPROTO, "prepare %" PRIu64 " within %" PRIu64, epoch,
				part->preparing);
	if (transact_now() < part->done_at)
		return transact_wait(part, epoch % 2 ? WAX_BUSY : WAX_PENDING, err);
	part->preparing = 0;
	part->prepared = epoch;
	return WAX_READY;
}

/* Asked while it prepares too, when it has said WAX_PENDING. */
static inline struct wax_bytes transact_position(void *data)
{
	struct transact_part *part = (struct transact_part *)data;
	uint64_t epoch = part->preparing ? part->preparing : part->prepared;
	int bytes = snprintf(part->position, sizeof(part->position), "%" PRIu64, epoch);
	struct wax_bytes position = {part->position, (size_t)bytes};

	return position;
}

static inline int transact_commit(void *data, uint64_t epoch, struct wax_err *err)
{
	struct transact_part *part = (struct transact_part *)data;
	char pending[TRANSACT_PATH_BYTES], done[TRANSACT_PATH_BYTES];

	if (epoch == part->committed)
		return WAX_READY; /* again */
	if (epoch != part->prepared || part->preparing != 0)
		return wax_err_set(err, -EPROTO, "commit %" PRIu64 ", prepared is %" PRIu64, epoch,
				part->prepared);
	if (part->committing == 0) {
		part->committing = epoch;
		transact_begin(part, epoch + 1);
	}
	if (transact_now() < part->done_at)
		return transact_wait(part, WAX_BUSY, err);
	transact_name(part, "pending", epoch, pending);
	transact_name(part, "done", epoch, done);
	if (rename(pending, done) < 0)
		return wax_err_set(err, -errno, "rename '%s': %m", pending);
	part->committing = 0;
	part->committed = epoch;
	return WAX_READY;
}

static const struct wax_sink_ops transact_ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "transact",
		.open = transact_open,
		.write = transact_write,
		.position = transact_position,
		.close = transact_close,
		.prepare = transact_prepare,
		.commit = transact_commit,
};

/** @param dir is there; borrows until the process ends @param format as for wax_file */
static inline struct wax_sink *transact_to(const char *dir, const char *format)
{
	struct wax_sink *sink = wax_sink_make(&transact_ops, NULL, (void *)(uintptr_t)dir, dir);

	wax_sink_format(sink, format);
	return sink;
}

#endif
