/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source of one's own, with partitions and a rate: fixed-size records from all files of a
 * directory, a partition each.
 *
 *     waxrun record_source.c -- --from records --rate 100K
 *
 * Explained in docs/how-to/write-a-source.md; record_sink.c writes such files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

enum { BLOCK_RECORDS = 4096 };

struct records {
	double rate; /* records per second and file; 0: no limit */
	char path[];
};

/* One partition: an open file. */
struct part {
	struct wax_env *env;
	int fd;
	uint64_t offset;
	double rate;
	int64_t started_ns;
	uint64_t done;
};

/* In the launcher, once. What is missing is found here, before anything runs. */
static int records_list(void *source, struct wax_parts *parts, struct wax_err *err)
{
	const struct records *records = source;
	DIR *dir = opendir(records->path);
	int count = 0, r = 0;

	if (!dir)
		return wax_err_set(err, -errno, "cannot read directory '%s': %m", records->path);
	for (struct dirent *entry; r == 0 && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		r = wax_parts_add(parts, entry->d_name);
		count++;
	}
	closedir(dir);
	if (r < 0)
		return wax_err_set(err, r, "list '%s': %s", records->path, strerror(-r));
	return count > 0 ? 0 : wax_err_set(err, -ENOENT, "no file in '%s'", records->path);
}

static void records_close(void *source_part)
{
	struct part *part = source_part;

	close(part->fd);
	free(part);
}

/* In the worker that has this partition. */
static int records_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	const struct records *records = source;
	struct part *part = calloc(1, sizeof(*part));
	char path[4096];

	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory");
	*part = (struct part){.env = env, .rate = records->rate, .started_ns = wax_env_now(env)};
	if (saved.bytes == sizeof(part->offset))
		memcpy(&part->offset, saved.data, sizeof(part->offset));

	snprintf(path, sizeof(path), "%s/%s", records->path, wax_env_part(env));
	part->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (part->fd < 0) {
		int code = wax_err_set(err, -errno, "cannot read '%s': %m", path);

		free(part);
		return code;
	}
	posix_fadvise(part->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*ret_part = part;
	return 0;
}

/* How many records may be read now. */
static uint32_t records_due(const struct part *part)
{
	double seconds = (double)(wax_env_now(part->env) - part->started_ns) / 1e9;
	double due = part->rate > 0 ? seconds * part->rate - (double)part->done : BLOCK_RECORDS;

	return due < BLOCK_RECORDS ? (uint32_t)(due > 0 ? due : 0) : BLOCK_RECORDS;
}

static int records_next(void *source_part, struct wax_out *out, struct wax_err *err)
{
	struct part *part = source_part;
	uint32_t due = records_due(part);

	if (due == 0)
		return WAX_IDLE;

	/* Straight into the column: no copy. */
	uint32_t room = wax_out_room(out, due);
	ssize_t bytes = pread(part->fd, WAX_OUT_VALUES(out, struct record),
			room * sizeof(struct record), (off_t)part->offset);

	if (bytes < 0)
		return wax_err_set(err, -errno, "read '%s': %m", wax_env_part(part->env));
	if (bytes == 0)
		return WAX_END;
	if ((size_t)bytes % sizeof(struct record) != 0)
		return wax_err_set(err, -EBADMSG, "'%s' ends in the middle of a record",
				wax_env_part(part->env));

	uint32_t count = (uint32_t)((size_t)bytes / sizeof(struct record));

	wax_out_advance(out, count);
	part->done += count;
	part->offset += (uint64_t)bytes;
	wax_env_at(part->env, part->offset); /* for failure reports */
	return WAX_MORE;
}

/* When to call next after WAX_IDLE: when the next record is due. */
static int64_t records_next_awake(void *source_part)
{
	const struct part *part = source_part;

	return part->started_ns + (int64_t)((double)(part->done + 1) / part->rate * 1e9) + 1;
}

static struct wax_bytes records_position(void *source_part)
{
	const struct part *part = source_part;

	return (struct wax_bytes){&part->offset, sizeof(part->offset)};
}

static const struct wax_source_ops records_ops = {
	.size_bytes = sizeof(struct wax_source_ops),
	.kind = "records",
	.list = records_list,
	.open = records_open,
	.next = records_next,
	.next_awake = records_next_awake,
	.position = records_position,
	.close = records_close,
	.free = free,
};

static struct wax_source *records_from(const char *path, double rate)
{
	size_t path_bytes = strlen(path ? path : "") + 1;
	struct records *records = malloc(sizeof(*records) + path_bytes);

	if (!records)
		return NULL;
	records->rate = rate;
	memcpy(records->path, path ? path : "", path_bytes);
	return wax_source_make(&records_ops, WAX_STRUCT(struct record), records, path);
}

WAX_KEY(sensor_of, struct record, record, uint32_t, sensor)
{
	*sensor = record->sensor;
}

WAX_FLOW(record_source, "Count the records of each sensor")
{
	const char *from = wax_arg_path(flow, "from", "directory of record files", WAX_REQUIRED);
	int64_t rate = wax_arg_int(flow, "rate", "records per second and file; 0: no limit", "0");

	struct wax_stream records = wax_input(flow, "records", records_from(from, (double)rate));
	struct wax_stream by_sensor = wax_key_on_typed(records, "by_sensor", &sensor_of);
	struct wax_stream counts = wax_count_final(by_sensor, "count");

	wax_output(counts, "out", wax_stdout("sensor %k: %v"));
}
