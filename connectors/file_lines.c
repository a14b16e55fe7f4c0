/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

#include <errno.h>
#include <stdbool.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/lines.h"
#include "connectors/ranges.h"
#include "runtime/assert.h"
#include "runtime/connector.h"

/*
 * One file, split among all workers. The launcher looks at it once, so that all of them agree on
 * its size; each opens it for itself, because the kernel reads ahead for each open file. A worker
 * reads one range after the other, each with a reader of its own.
 */
struct file_lines {
	char *path;   /* NULL: the flow had none */
	char *quoted; /* for sentences */
	uint64_t size;
	dev_t device;
	ino_t inode;
};

struct file_part {
	const struct file_lines *file;
	struct wax_env *env;
	struct wax_ranges ranges;
	struct wax_lines *lines; /* of the range that is read; NULL: all were */
	int fd;
};

static bool has_content(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool content = fd >= 0 && read(fd, &byte, 1) == 1;

	if (fd >= 0)
		close(fd);
	return content;
}

static int file_list(void *source, struct wax_parts *parts, struct wax_err *err)
{
	struct file_lines *file = source;
	struct stat info;
	int rc = 0;

	if (!file->path)
		return wax_err_set(err, -EINVAL, "the file to read has no name: give a path");

	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return wax_err_set(err, -errno, "cannot read %s: %m", file->quoted);
	rc = fstat(fd, &info) < 0 ? -errno : 0;
	close(fd);
	if (rc < 0)
		return wax_err_set(err, rc, "cannot read %s: %m", file->quoted);
	if (S_ISDIR(info.st_mode))
		return wax_err_set(err, -EISDIR,
				"%s is a directory: give a file, or read all of its files with "
				"wax_dir_lines",
				file->quoted);
	if (!S_ISREG(info.st_mode))
		return wax_err_set(err, -EINVAL,
				"%s is not a regular file and cannot be split: read it with "
				"wax_stdin_lines",
				file->quoted);
	if (info.st_size == 0 && has_content(file->path))
		return wax_err_set(err, -EINVAL,
				"%s does not say how long it is (as files of the kernel do) and "
				"cannot be split: read it with wax_stdin_lines",
				file->quoted);
	file->size = (uint64_t)info.st_size;
	file->device = info.st_dev;
	file->inode = info.st_ino;

	return wax_ranges_list(
			parts, file->path, "bytes", file->size, wax_parts_worker_count(parts), err);
}

static void wake_env(void *context)
{
	wax_env_wake(context);
}

static int file_fd(const struct file_lines *file, int *ret_fd, struct wax_err *err)
{
	struct stat info;
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return wax_err_set(err, -errno, "cannot read %s: %m", file->quoted);
	if (fstat(fd, &info) < 0 || info.st_dev != file->device || info.st_ino != file->inode) {
		close(fd);
		return wax_err_set(err, -ESTALE,
				"%s was replaced while the run started: start again", file->quoted);
	}
	*ret_fd = fd;
	return 0;
}

static void file_close(void *context)
{
	struct file_part *part = context;

	wax_lines_free(part->lines);
	wax_ranges_fini(&part->ranges);
	if (part->fd >= 0)
		close(part->fd);
	free(part);
}

/* Begin with the range that comes next, if there is one. */
static int begin_range(struct file_part *part, struct wax_err *err)
{
	const struct wax_range *range = wax_ranges_now(&part->ranges);

	wax_lines_free(part->lines);
	part->lines = NULL;
	if (!range)
		return 0;

	struct wax_lines_options options = {
			.loop = wax_env_loop(part->env),
			.name = part->file->quoted,
			.fd = part->fd,
			.begin = range->next,
			.end = range->end,
			.size = part->file->size,
			.resumes = range->begins,
			.wake = wake_env,
			.context = part->env,
	};
	return wax_lines_make(&options, &part->lines, err);
}

static int file_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	const struct file_lines *file = source;
	struct file_part *part = calloc(1, sizeof(*part));
	int rc;

	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory to read %s", file->quoted);
	part->file = file;
	part->env = env;
	part->fd = -1;
	rc = wax_ranges_init(&part->ranges, saved, err);
	if (rc == 0)
		rc = file_fd(file, &part->fd, err);
	if (rc == 0) {
		/* Only a hint. */
		posix_fadvise(part->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
		rc = begin_range(part, err);
	}
	if (rc < 0) {
		file_close(part);
		return rc;
	}
	*ret_part = part;
	return 0;
}

static int file_next(void *context, struct wax_out *out, struct wax_err *err)
{
	struct file_part *part = context;
	int rc;

	if (!part->lines)
		return WAX_END;
	rc = wax_lines_emit(part->lines, part->env, out, err);
	if (rc < 0)
		return rc;
	if (!wax_ranges_advance(&part->ranges, wax_lines_offset(part->lines),
			    wax_lines_begins(part->lines))) {
		WAX_ASSERT(rc != WAX_END);
		return rc;
	}
	rc = begin_range(part, err);
	if (rc < 0)
		return rc;
	return part->lines ? WAX_MORE : WAX_END;
}

static struct wax_bytes file_position(void *context)
{
	const struct file_part *part = context;

	return wax_ranges_position(&part->ranges);
}

static void file_free(void *source)
{
	struct file_lines *file = source;

	free(file->path);
	free(file->quoted);
	free(file);
}

static const struct wax_source_ops file_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "file_lines",
		.list = file_list,
		.open = file_open,
		.next = file_next,
		.position = file_position,
		.close = file_close,
		.free = file_free,
};

struct wax_source *wax_file_lines(const char *path)
{
	struct file_lines *file = calloc(1, sizeof(*file));
	struct wax_source *source = NULL;

	if (!file)
		return NULL;
	if (path) {
		file->path = strdup(path);
		if (asprintf(&file->quoted, "'%s'", path) < 0)
			file->quoted = NULL;
	}
	if (!path || (file->path && file->quoted))
		source = wax_source_make(&file_ops, WAX_TEXT, file, path);
	if (!source)
		file_free(file);
	return source;
}
