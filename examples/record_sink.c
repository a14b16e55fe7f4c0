/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sink of one's own, one in each worker: fixed-size records to a file, or a FIFO, per worker.
 *
 *     mkdir records && waxrun record_sink.c -- --to records --count 1M
 *
 * Explained in docs/how-to/write-a-sink.md; record_source.c reads the files.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wax/wax.h>

struct record {
	uint64_t number;
	uint32_t sensor;
	int32_t value;
};

enum { ENOUGH_BYTES = 64 * 1024 };

/* One instance, in one worker. */
struct part {
	struct wax_env *env;
	int fd;
	char *bytes; /* taken, and not yet written */
	size_t used;
	size_t capacity;
};

static int records_close(void *sink_part, int ok, struct wax_err *err)
{
	struct part *part = (struct part *)sink_part;

	(void)ok; /* 0: what is left in bytes is given up */
	(void)err;
	close(part->fd);
	free(part->bytes);
	free(part);
	return 0;
}

static int records_open(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct part *part = (struct part *)calloc(1, sizeof(*part));
	char path[4096];

	(void)saved;
	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory");
	snprintf(path, sizeof(path), "%s/records-%05u", (const char *)sink, wax_env_worker(env));
	part->env = env;
	part->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0666);
	if (part->fd < 0) {
		int code = wax_err_set(err, -errno, "cannot write '%s': %m", path);

		free(part);
		return code;
	}
	*ret_part = part;
	return 0;
}

/* Write what the descriptor takes now. */
static int drain(struct part *part, struct wax_err *err)
{
	size_t done = 0;

	while (done < part->used) {
		ssize_t bytes = write(part->fd, part->bytes + done, part->used - done);

		if (bytes < 0 && errno == EAGAIN)
			break;
		if (bytes < 0 && errno != EINTR)
			return wax_err_set(err, -errno, "write records: %m");
		done += bytes > 0 ? (size_t)bytes : 0;
	}
	part->used -= done;
	memmove(part->bytes, part->bytes + done, part->used);
	if (part->used == 0)
		return WAX_READY;

	int r = wax_env_wake_on(part->env, part->fd, POLLOUT);

	if (r < 0 && r != -EBUSY) /* -EBUSY: asked for already */
		return wax_err_set(err, r, "wait for room: %s", strerror(-r));
	return WAX_BUSY;
}

static int records_write(void *sink_part, const struct wax_batch *batch, struct wax_err *err)
{
	struct part *part = (struct part *)sink_part;
	size_t bytes = batch->count * sizeof(struct record);

	if (part->used + bytes > part->capacity) {
		size_t capacity = 2 * (part->used + bytes);
		char *grown = (char *)realloc(part->bytes, capacity);

		if (!grown)
			return wax_err_set(err, -ENOMEM, "no memory");
		part->bytes = grown;
		part->capacity = capacity;
	}
	memcpy(part->bytes + part->used, batch->values, bytes); /* the batch is lent: copy */
	part->used += bytes;
	return part->used < ENOUGH_BYTES ? WAX_READY : drain(part, err);
}

static int records_flush(void *sink_part, struct wax_err *err)
{
	return drain((struct part *)sink_part, err);
}

static const struct wax_sink_ops records_ops = {
	.size_bytes = sizeof(struct wax_sink_ops),
	.kind = "records",
	.open = records_open, /* no list: an instance in each worker */
	.write = records_write,
	.flush = records_flush,
	.close = records_close,
	.free = free,
};

static struct wax_sink *records_to(const char *path)
{
	char *copy = strdup(path ? path : "");

	return copy ? wax_sink_make(&records_ops, WAX_STRUCT(struct record), copy, path) : NULL;
}

WAX_MAP(make_record, uint64_t, number, struct record, record)
{
	record->number = *number;
	record->sensor = (uint32_t)(*number % 10);
	record->value = (int32_t)(*number % 1000);
}

WAX_FLOW(record_sink, "Write records, a file for each worker")
{
	const char *to = wax_arg_path(flow, "to", "directory to write to", WAX_REQUIRED);
	int64_t count = wax_arg_int(flow, "count", "how many records", "1M");

	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(count, 0));
	struct wax_stream records = wax_map_typed(numbers, "record", &make_record);

	wax_output(records, "out", records_to(to));
}
