/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sink of one's own that gives each item to the outside exactly once, whatever dies: a file for
 * each epoch, which gets its name when the epoch is committed.
 *
 *     mkdir out && waxrun epoch_sink.c -- --to out
 *
 * Explained in docs/how-to/write-a-sink.md.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wax/wax.h>

/*
 * The files of instance 3:
 *
 *     part-00003.open     what was written since the last epoch ended
 *     part-00003-7.tmp    epoch 7: prepared, nobody else reads it
 *     part-00003-6        epoch 6: committed
 */
struct part {
	const char *directory;
	uint32_t instance;
	uint64_t prepared; /* epoch; the position */
	FILE *file;        /* .open; NULL: nothing was written since */
};

enum { PATH_BYTES = 4096 };

static void make_path(const struct part *part, char *path, uint64_t epoch, const char *suffix)
{
	snprintf(path, PATH_BYTES, "%s/part-%05u-%" PRIu64 "%s", part->directory, part->instance,
			epoch, suffix);
}

static void make_open_path(const struct part *part, char *path)
{
	snprintf(path, PATH_BYTES, "%s/part-%05u.open", part->directory, part->instance);
}

/* A new name is safe when its directory is. */
static int sync_directory(const struct part *part, struct wax_err *err)
{
	int fd = open(part->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed = fd < 0 || fsync(fd) < 0;
	int code = failed ? wax_err_set(err, -errno, "sync '%s': %m", part->directory) : 0;

	if (fd >= 0)
		close(fd);
	return code;
}

/* Of one file: make it visible, or undo it. */
static int settle_file(const struct part *part, const char *name, uint64_t committed, int undo,
		struct wax_err *err)
{
	char from[PATH_BYTES], to[PATH_BYTES];
	uint32_t instance;
	uint64_t epoch;
	int length = 0;

	if (sscanf(name, "part-%" SCNu32 "-%" SCNu64 "%n", &instance, &epoch, &length) != 2 ||
			instance != part->instance)
		return 0;
	make_path(part, from, epoch, name + length);
	make_path(part, to, epoch, "");
	if (epoch > committed && undo && unlink(from) < 0)
		return wax_err_set(err, -errno, "remove '%s': %m", from);
	if (epoch <= committed && strcmp(name + length, ".tmp") == 0 && rename(from, to) < 0)
		return wax_err_set(err, -errno, "rename '%s': %m", from);
	return 0;
}

/* Make everything visible up to an epoch, and in open undo what is newer. */
static int settle(const struct part *part, uint64_t committed, int undo, struct wax_err *err)
{
	DIR *directory = opendir(part->directory);
	int r = 0;

	if (!directory)
		return wax_err_set(err, -errno, "cannot read '%s': %m", part->directory);
	for (struct dirent *entry; r == 0 && (entry = readdir(directory));)
		r = settle_file(part, entry->d_name, committed, undo, err);
	closedir(directory);
	return r < 0 ? r : sync_directory(part, err);
}

static int epochs_open(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct part *part = (struct part *)calloc(1, sizeof(*part));
	char path[PATH_BYTES];

	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory");
	part->directory = (const char *)sink;
	part->instance = wax_env_instance(env);
	/* Nothing saved: epoch 0, and all that is there is of another run. */
	if (saved.data && saved.bytes == sizeof(part->prepared))
		memcpy(&part->prepared, saved.data, sizeof(part->prepared));
	make_open_path(part, path);
	unlink(path);

	int r = settle(part, part->prepared, 1, err);

	if (r < 0) {
		free(part);
		return r;
	}
	*ret_part = part;
	return 0;
}

static int epochs_write(void *sink_part, const struct wax_batch *batch, struct wax_err *err)
{
	struct part *part = (struct part *)sink_part;
	char path[PATH_BYTES];

	make_open_path(part, path);
	if (!part->file)
		part->file = fopen(path, "we");
	if (!part->file)
		return wax_err_set(err, -errno, "cannot write '%s': %m", path);
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes line = wax_batch_value(batch, i);

		fwrite(line.data, 1, line.bytes, part->file);
		if (putc('\n', part->file) == EOF)
			return wax_err_set(err, -errno, "write '%s': %m", path);
	}
	return WAX_READY;
}

/* From here on the epoch cannot be lost, and cannot be seen. */
static int epochs_prepare(void *sink_part, uint64_t epoch, struct wax_err *err)
{
	struct part *part = (struct part *)sink_part;
	char from[PATH_BYTES], to[PATH_BYTES];

	part->prepared = epoch;
	if (!part->file)
		return WAX_READY;
	make_open_path(part, from);
	make_path(part, to, epoch, ".tmp");

	int failed = fflush(part->file) == EOF || fdatasync(fileno(part->file)) < 0;
	int code = failed ? wax_err_set(err, -errno, "write '%s': %m", from) : 0;

	fclose(part->file);
	part->file = NULL;
	if (code == 0 && rename(from, to) < 0)
		code = wax_err_set(err, -errno, "rename '%s': %m", from);
	return code < 0 ? code : sync_directory(part, err);
}

static struct wax_bytes epochs_position(void *sink_part)
{
	struct part *part = (struct part *)sink_part;
	struct wax_bytes position = {&part->prepared, sizeof(part->prepared)};

	return position;
}

static int epochs_commit(void *sink_part, uint64_t epoch, struct wax_err *err)
{
	return settle((struct part *)sink_part, epoch, 0, err);
}

static int epochs_close(void *sink_part, int ok, struct wax_err *err)
{
	struct part *part = (struct part *)sink_part;
	int r = 0;

	/* A run that keeps no state has no epochs to prepare: what it wrote is good when it ends
	 * well. */
	if (ok && part->file) {
		r = epochs_prepare(part, part->prepared + 1, err);
		if (r == 0)
			r = epochs_commit(part, part->prepared, err);
	}
	if (part->file)
		fclose(part->file);
	free(part);
	return r;
}

static const struct wax_sink_ops epochs_ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "epochs",
		.open = epochs_open, /* no list: an instance in each worker */
		.write = epochs_write,
		.position = epochs_position,
		.close = epochs_close,
		.free = free,
		.prepare = epochs_prepare,
		.commit = epochs_commit,
};

/* Not static: its test is in another file. */
struct wax_sink *epochs_in(const char *directory);

struct wax_sink *epochs_in(const char *directory)
{
	char *copy = strdup(directory ? directory : "");
	struct wax_sink *sink = copy ? wax_sink_make(&epochs_ops, WAX_TEXT, copy, directory) : NULL;

	wax_sink_format(sink, NULL);
	return sink;
}

WAX_FLOW(epoch_sink, "Write numbers to files that are whole or not there")
{
	const char *to = wax_arg_path(flow, "to", "directory to write to", WAX_REQUIRED);
	int64_t count = wax_arg_int(flow, "count", "how many numbers", "1000");

	wax_output(wax_input(flow, "numbers", wax_numbers(count, 0)), "out", epochs_in(to));
}
