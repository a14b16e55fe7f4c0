/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/lines.h"
#include "runtime/connector.h"

/*
 * The files of a directory, each a partition. All partitions of a worker are opened when it starts,
 * and there may be a hundred thousand of them; so a file is opened, and its buffers are made, when
 * its turn comes. A part that has to wait for its turn is idle until another one has ended.
 *
 * Each worker has its own copy of struct dir_lines since the fork, and so its own queue.
 */
enum { ACTIVE_MAX = 4 };

/* How far a file was read, and how long it was when it was opened. A file that was read to its end may
 * go; one that was not may not. */
struct dir_position {
	uint64_t offset;
	uint64_t size; /* NOT_OPENED: it was not, by any run */
};

#define NOT_OPENED UINT64_MAX

struct dir_part {
	struct dir_lines *dir;
	struct wax_env *env;
	struct dir_part *next_waiting;
	char *quoted; /* path, for sentences */
	struct wax_lines *lines;
	int fd;
	bool active;
	bool waiting;
	bool ended;
	struct dir_position position;
};

struct dir_lines {
	char *path; /* NULL: the flow had none */
	char *glob;
	uint32_t active_count;
	struct dir_part *waiting_first;
	struct dir_part *waiting_last; /* of no meaning while waiting_first is NULL */
};

struct names {
	char **names;
	size_t count;
	size_t capacity;
};

static void names_fini(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
}

static int names_add(struct names *names, const char *name)
{
	if (names->count == names->capacity) {
		size_t capacity = names->capacity ? 2 * names->capacity : 64;
		char **grown = realloc(names->names, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		names->names = grown;
		names->capacity = capacity;
	}
	names->names[names->count] = strdup(name);
	if (!names->names[names->count])
		return -ENOMEM;
	names->count++;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int check_file(
		const struct dir_lines *dir, int dir_fd, const char *name, struct wax_err *err)
{
	struct stat info;

	if (fstatat(dir_fd, name, &info, 0) < 0)
		return wax_err_set(err, -errno, "cannot read '%s/%s': %m", dir->path, name);
	if (S_ISDIR(info.st_mode))
		return wax_err_set(err, -EISDIR,
				"'%s/%s' is a directory, and only files are read: choose a "
				"pattern that leaves it out ('%s' does not)",
				dir->path, name, dir->glob);
	if (!S_ISREG(info.st_mode))
		return wax_err_set(err, -EINVAL,
				"'%s/%s' is not a regular file: choose a pattern that leaves it "
				"out ('%s' does not)",
				dir->path, name, dir->glob);
	if (faccessat(dir_fd, name, R_OK, AT_EACCESS) < 0)
		return wax_err_set(err, -errno, "cannot read '%s/%s': %m", dir->path, name);
	return 0;
}

static int find_files(
		const struct dir_lines *dir, DIR *stream, struct names *names, struct wax_err *err)
{
	struct dirent *entry;
	int rc = 0;

	for (errno = 0; rc == 0 && (entry = readdir(stream)); errno = 0) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
				fnmatch(dir->glob, name, FNM_PERIOD) != 0)
			continue;
		rc = check_file(dir, dirfd(stream), name, err);
		if (rc == 0 && names_add(names, name) < 0)
			rc = wax_err_set(
					err, -ENOMEM, "no memory for the names in '%s'", dir->path);
	}
	if (rc == 0 && errno != 0)
		rc = wax_err_set(err, -errno, "cannot read directory '%s': %m", dir->path);
	return rc;
}

static int read_position(
		struct wax_bytes saved, struct dir_position *ret_position, struct wax_err *err)
{
	struct dir_position position = {0, NOT_OPENED};

	if (saved.data && saved.bytes == sizeof(position))
		memcpy(&position, saved.data, sizeof(position));
	else if (saved.data)
		position.offset = UINT64_MAX;
	if (position.offset > position.size || position.offset > INT64_MAX)
		return wax_err_set(err, -EBADMSG,
				"the saved position of a file is damaged: begin anew with --from "
				"none");
	*ret_position = position;
	return 0;
}

static bool was_read(struct dir_position position)
{
	return position.offset == position.size;
}

/* Can a file that an earlier run has read be gone on with, or done without? */
static int check_saved_file(const struct dir_lines *dir, const struct names *names,
		const char *name, struct wax_bytes saved, struct wax_err *err)
{
	struct dir_position position = {0, NOT_OPENED};
	struct stat info;
	char *path;
	int rc = read_position(saved, &position, err);

	if (rc < 0)
		return rc;
	if (names->count == 0 ||
			!bsearch(&name, names->names, names->count, sizeof(*names->names),
					compare_names)) {
		if (was_read(position))
			return 0;
		return wax_err_set(err, -ESTALE,
				"'%s/%s' was not read to its end by the saved run, and is there no "
				"more, or does not match '%s': bring it back, or begin anew with "
				"--from none",
				dir->path, name, dir->glob);
	}
	if (asprintf(&path, "%s/%s", dir->path, name) < 0)
		return wax_err_set(err, -ENOMEM, "no memory for the names in '%s'", dir->path);
	rc = stat(path, &info) < 0 ? -errno : 0;
	if (rc < 0)
		wax_err_set(err, rc, "cannot read '%s': %m", path);
	else if ((uint64_t)info.st_size < position.offset)
		rc = wax_err_set(err, -ESTALE,
				"'%s' has %llu bytes, and the saved run had read %llu: it was "
				"replaced or cut short; bring it back, or begin anew with --from "
				"none",
				path, (unsigned long long)info.st_size,
				(unsigned long long)position.offset);
	free(path);
	return rc;
}

static int check_saved(const struct dir_lines *dir, const struct names *names,
		struct wax_parts *parts, struct wax_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < wax_parts_saved_count(parts) && rc == 0; i++)
		rc = check_saved_file(dir, names, wax_parts_saved_name(parts, i),
				wax_parts_saved_position(parts, i), err);
	return rc;
}

static int dir_list(void *source, struct wax_parts *parts, struct wax_err *err)
{
	const struct dir_lines *dir = source;
	struct names names = {0};
	DIR *stream;
	int rc;

	if (!dir->path)
		return wax_err_set(err, -EINVAL, "the directory to read has no name: give a path");
	stream = opendir(dir->path);
	if (!stream && errno == ENOTDIR)
		return wax_err_set(err, -ENOTDIR,
				"'%s' is not a directory: give one, or read a file with "
				"wax_file_lines",
				dir->path);
	if (!stream)
		return wax_err_set(err, -errno, "cannot read directory '%s': %m", dir->path);

	rc = find_files(dir, stream, &names, err);
	closedir(stream);
	if (rc == 0 && names.count == 0 && wax_parts_saved_count(parts) == 0)
		rc = wax_err_set(
				err, -ENOENT, "no file in '%s' matches '%s'", dir->path, dir->glob);
	if (rc == 0 && names.count > 0)
		qsort(names.names, names.count, sizeof(*names.names), compare_names);
	if (rc == 0)
		rc = check_saved(dir, &names, parts, err);
	if (rc == 0) {
		for (size_t i = 0; i < names.count && rc == 0; i++)
			rc = wax_parts_add(parts, names.names[i]);
		if (rc < 0)
			wax_err_set(err, rc, "cannot list '%s': %s", dir->path, strerror(-rc));
	}
	names_fini(&names);
	return rc;
}

static void wait_for_turn(struct dir_part *part)
{
	struct dir_lines *dir = part->dir;

	part->waiting = true;
	part->next_waiting = NULL;
	if (dir->waiting_first)
		dir->waiting_last->next_waiting = part;
	else
		dir->waiting_first = part;
	dir->waiting_last = part;
}

static void wait_no_more(struct dir_part *part)
{
	struct dir_lines *dir = part->dir;
	struct dir_part *before = NULL;
	struct dir_part *at = dir->waiting_first;

	if (!part->waiting)
		return;
	for (; at != part; at = at->next_waiting)
		before = at;
	if (before)
		before->next_waiting = part->next_waiting;
	else
		dir->waiting_first = part->next_waiting;
	if (dir->waiting_last == part)
		dir->waiting_last = before;
	part->waiting = false;
}

static void wake_env(void *context)
{
	wax_env_wake(context);
}

/* The turn of a part has come. Counted as active even when this fails: close counts it down. */
static int activate(struct dir_part *part, struct wax_err *err)
{
	struct wax_lines_options options = {
			.loop = wax_env_loop(part->env),
			.name = part->quoted,
			.begin = part->position.offset,
			.resumes = true,
			.wake = wake_env,
			.context = part->env,
	};
	struct stat info;
	char *path;

	part->active = true;
	part->dir->active_count++;
	if (asprintf(&path, "%s/%s", part->dir->path, wax_env_part(part->env)) < 0)
		return wax_err_set(err, -ENOMEM, "no memory to read %s", part->quoted);
	part->fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (part->fd < 0 || fstat(part->fd, &info) < 0)
		return wax_err_set(err, -errno, "cannot read %s: %m", part->quoted);

	/* Only a hint. */
	posix_fadvise(part->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	options.fd = part->fd;
	options.size = (uint64_t)info.st_size;
	options.end = options.size;
	part->position.size = options.size;
	if (options.size < part->position.offset)
		return wax_err_set(err, -ESTALE,
				"%s became shorter while the run started: start again",
				part->quoted);
	return wax_lines_make(&options, &part->lines, err);
}

/* Let the next one have its turn. It stays in the queue until it takes it: another may be faster,
 * and then it waits on where it was. */
static void deactivate(struct dir_part *part)
{
	struct dir_lines *dir = part->dir;

	if (!part->active)
		return;
	wax_lines_free(part->lines);
	part->lines = NULL;
	if (part->fd >= 0)
		close(part->fd);
	part->fd = -1;
	part->active = false;
	dir->active_count--;
	if (dir->waiting_first)
		wax_env_wake(dir->waiting_first->env);
}

static int dir_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct dir_lines *dir = source;
	struct dir_part *part = calloc(1, sizeof(*part));
	int rc;

	if (!part || asprintf(&part->quoted, "'%s/%s'", dir->path, wax_env_part(env)) < 0) {
		free(part);
		return wax_err_set(err, -ENOMEM, "no memory to read '%s'", dir->path);
	}
	part->dir = dir;
	part->env = env;
	part->fd = -1;
	rc = read_position(saved, &part->position, err);
	if (rc < 0) {
		free(part->quoted);
		free(part);
		return rc;
	}
	*ret_part = part;
	return 0;
}

static int dir_next(void *context, struct wax_out *out, struct wax_err *err)
{
	struct dir_part *part = context;
	int rc = 0;

	if (part->ended)
		return WAX_END;
	if (!part->active) {
		if (part->dir->active_count >= ACTIVE_MAX) {
			if (!part->waiting)
				wait_for_turn(part);
			return WAX_IDLE;
		}
		wait_no_more(part);
		rc = activate(part, err);
		if (rc < 0)
			return rc;
	}

	rc = wax_lines_emit(part->lines, part->env, out, err);
	part->position.offset = wax_lines_offset(part->lines);
	if (rc == WAX_END) {
		part->ended = true;
		deactivate(part);
	}
	return rc;
}

static struct wax_bytes dir_position(void *context)
{
	struct dir_part *part = context;

	return (struct wax_bytes){&part->position, sizeof(part->position)};
}

static void dir_close(void *context)
{
	struct dir_part *part = context;

	wait_no_more(part);
	deactivate(part);
	free(part->quoted);
	free(part);
}

static void dir_free(void *source)
{
	struct dir_lines *dir = source;

	free(dir->path);
	free(dir->glob);
	free(dir);
}

static const struct wax_source_ops dir_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "dir_lines",
		.list = dir_list,
		.open = dir_open,
		.next = dir_next,
		.position = dir_position,
		.close = dir_close,
		.free = dir_free,
};

struct wax_source *wax_dir_lines(const char *path, const char *glob)
{
	struct dir_lines *dir = calloc(1, sizeof(*dir));
	struct wax_source *source = NULL;

	if (!dir)
		return NULL;
	dir->path = path ? strdup(path) : NULL;
	dir->glob = strdup(glob ? glob : "*");
	if (dir->glob && (dir->path || !path))
		source = wax_source_make(&dir_ops, WAX_TEXT, dir, path);
	if (!source)
		dir_free(dir);
	return source;
}
