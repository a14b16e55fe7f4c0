/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/line_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/writer.h"
#include "runtime/connector.h"

struct line_part {
	struct wax_env *env;
	struct wax_writer *writer;
	char *name;        /* for sentences */
	bool regular;      /* else a pipe or device, which cannot be brought back to a position */
	uint64_t epoch;    /* that was last prepared */
	uint64_t end;      /* of it, in the file */
	uint64_t position; /* lent by wax_line_position */
	char path[];
};

static void wake(void *part)
{
	wax_env_wake(((struct line_part *)part)->env);
}

static int open_at(struct wax_env *env, int fd, const char *path, int64_t offset, void **ret_part,
		struct wax_err *err)
{
	struct wax_writer_target target = {.fd = fd, .offset = offset};
	struct line_part *part = calloc(1, sizeof(*part) + strlen(path) + 1);
	int result = -ENOMEM;

	if (part && asprintf(&part->name, "'%s'", path) < 0)
		part->name = NULL;
	if (part && part->name) {
		part->env = env;
		part->regular = offset >= 0;
		part->epoch = UINT64_MAX;
		target.name = part->name;
		target.path = part->regular ? strcpy(part->path, path) : NULL;
		result = wax_writer_open(
				wax_env_loop(env), &target, wake, part, &part->writer, err);
	} else {
		wax_err_set(err, -ENOMEM, "no memory to write '%s'", path);
	}
	if (result < 0) {
		if (part)
			free(part->name);
		free(part);
		close(fd);
		return result;
	}
	*ret_part = part;
	return 0;
}

/* Cut off what was written after the state was saved: it will be written again. */
static int cut(int fd, const char *path, uint64_t offset, struct wax_err *err)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return wax_err_set(err, -errno, "look at '%s': %m", path);
	if ((uint64_t)info.st_size < offset)
		return wax_err_set(err, -ESTALE,
				"'%s' has %" PRIu64 " bytes, but the saved run had written %" PRIu64
				": put the file back, or begin anew with --from none",
				path, (uint64_t)info.st_size, offset);
	if (ftruncate(fd, (off_t)offset) < 0)
		return wax_err_set(err, -errno, "cut '%s' to %" PRIu64 " bytes: %m", path, offset);
	return 0;
}

static int read_saved(
		struct wax_bytes saved, const char *path, uint64_t *ret_offset, struct wax_err *err)
{
	uint64_t offset = 0;

	if (saved.data && saved.bytes == sizeof(offset))
		memcpy(&offset, saved.data, sizeof(offset));
	else if (saved.data)
		return wax_err_set(err, -EBADMSG, "the saved state of '%s' is damaged", path);
	if (offset > INT64_MAX)
		return wax_err_set(err, -EBADMSG, "the saved state of '%s' is damaged", path);

	*ret_offset = offset;
	return 0;
}

int wax_line_open(struct wax_env *env, const char *path, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	uint64_t offset = 0;
	bool regular;
	int result;
	int fd;

	result = read_saved(saved, path, &offset, err);
	if (result < 0)
		return result;

	fd = wax_writer_open_path(path, saved.data ? 0 : O_TRUNC, &regular, err);
	if (fd < 0)
		return fd;

	if (regular && saved.data) {
		result = cut(fd, path, offset, err);
		if (result < 0) {
			close(fd);
			return result;
		}
	}
	return open_at(env, fd, path, regular ? (int64_t)offset : -1, ret_part, err);
}

int wax_line_write(void *part, const struct wax_batch *batch, struct wax_err *err)
{
	return wax_writer_write(((struct line_part *)part)->writer, batch, err);
}

int wax_line_flush(void *part, struct wax_err *err)
{
	return wax_writer_flush(((struct line_part *)part)->writer, err);
}

int wax_line_prepare(void *line_part, uint64_t epoch, struct wax_err *err)
{
	struct line_part *part = line_part;

	if (part->epoch != epoch) {
		part->epoch = epoch;
		part->end = wax_writer_end(part->writer);
	}
	return wax_writer_secure(part->writer, part->end, err);
}

struct wax_bytes wax_line_position(void *line_part)
{
	struct line_part *part = line_part;

	if (!part->regular)
		return (struct wax_bytes){NULL, 0};
	part->position = wax_writer_end(part->writer);
	return (struct wax_bytes){&part->position, sizeof(part->position)};
}

/*
 * A run that ended well has its output on the disk: else a crash of the machine minutes later could
 * leave a file cut short beside a program that was told of success. This is the one place where a
 * sink blocks its worker, when the sink has nothing more to do.
 */
int wax_line_close(void *line_part, int ok, struct wax_err *err)
{
	struct line_part *part = line_part;
	int result = ok ? wax_writer_sync(part->writer, err) : 0;

	wax_writer_close(part->writer);
	free(part->name);
	free(part);
	return result;
}
