/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/line_sink.h"
#include "runtime/connector.h"

/* Each is a file that stays open: as many are a mistake. */
enum { PARTS_MAX = 10000, PART_NAME_BYTES = sizeof("part-4294967295") };

struct dir_sink {
	uint32_t part_count; /* 0: one for each worker */
	char path[];
};

static void name_part(char *name, uint32_t index)
{
	snprintf(name, PART_NAME_BYTES, "part-%05u", index);
}

/* What is safe in a directory that was made just now must be found again. @return 0 or negative */
static int sync_parent(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int result = fd >= 0 ? fsync(fd) : -1;

	/* Not all of them can be read, or synced. */
	if (result < 0 && (errno == EACCES || errno == EINVAL || errno == ENOTSUP))
		result = 0;
	result = result < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	free(copy);
	return result;
}

/* Several workers may do it at once: whoever comes second finds it made. */
static int make_directory(const struct dir_sink *sink, struct wax_err *err)
{
	const char *path = sink->path;
	struct stat info;
	int result = 0;

	if (!*path)
		return wax_err_set(err, -EINVAL, "the directory to write has no name: give a path");
	if (mkdir(path, 0777) == 0)
		result = sync_parent(path);
	else if (errno != EEXIST)
		return wax_err_set(err, -errno, "make the directory '%s': %m", path);
	if (result < 0)
		return wax_err_set(err, result, "sync the directory of '%s': %s", path,
				strerror(-result));
	if (stat(path, &info) < 0)
		return wax_err_set(err, -errno, "look at '%s': %m", path);
	if (!S_ISDIR(info.st_mode))
		return wax_err_set(err, -ENOTDIR, "'%s' is no directory: give another path", path);
	if (access(path, W_OK | X_OK) < 0)
		return wax_err_set(err, -errno, "cannot make files in '%s': %m", path);
	return 0;
}

static int dir_list(void *dir_sink, struct wax_parts *parts, struct wax_err *err)
{
	const struct dir_sink *sink = dir_sink;
	uint32_t saved_count = wax_parts_saved_count(parts);
	char name[PART_NAME_BYTES];
	int result;

	if (sink->part_count > PARTS_MAX)
		return wax_err_set(err, -EINVAL, "%u files in '%s', at most %u are possible",
				sink->part_count, sink->path, PARTS_MAX);
	/* A key would be in two files. */
	if (saved_count > 0 && saved_count != sink->part_count)
		return wax_err_set(err, -ESTALE,
				"the saved run dealt items to %u files in '%s', and this one is to "
				"deal them to %u: give as many, or begin anew with --from none",
				saved_count, sink->path, sink->part_count);

	result = make_directory(sink, err);
	for (uint32_t i = 0; i < sink->part_count && result >= 0; i++) {
		name_part(name, i);
		result = wax_parts_add(parts, name);
	}
	return result;
}

/* A reader takes all parts of a directory: those of an earlier run with more of them must go, as
 * what was in the others does, unless they were saved. */
static void remove_stale_parts(const struct wax_env *env, const struct dir_sink *sink)
{
	uint32_t count = sink->part_count ? sink->part_count : wax_env_worker_count(env);
	DIR *directory = opendir(sink->path);

	if (!directory)
		return; /* opening a part will say why */
	for (struct dirent *entry; (entry = readdir(directory));) {
		char name[PART_NAME_BYTES];
		uint32_t index;

		if (sscanf(entry->d_name, "part-%" SCNu32, &index) != 1 || index < count ||
				(!sink->part_count && wax_env_is_saved(env, index)))
			continue;
		name_part(name, index);
		if (strcmp(name, entry->d_name) == 0)
			unlinkat(dirfd(directory), name, 0);
	}
	closedir(directory);
}

static int dir_open(void *dir_sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	const struct dir_sink *sink = dir_sink;
	char own_name[PART_NAME_BYTES];
	const char *name = wax_env_part(env);
	char *path;
	int result;

	/* Per worker there is no list, which would have made the directory. */
	if (sink->part_count == 0) {
		result = make_directory(sink, err);
		if (result < 0)
			return result;

		name_part(own_name, wax_env_instance(env));
		name = own_name;
	}

	if (strcmp(name, "part-00000") == 0)
		remove_stale_parts(env, sink);

	if (asprintf(&path, "%s/%s", sink->path, name) < 0)
		return wax_err_set(err, -ENOMEM, "no memory to write in '%s'", sink->path);

	result = wax_line_open(env, path, saved, ret_part, err);
	free(path);
	return result;
}

#define DIR_OPS                                                                                    \
	.size_bytes = sizeof(struct wax_sink_ops), .kind = "dir", .open = dir_open,                \
	.write = wax_line_write, .flush = wax_line_flush, .position = wax_line_position,           \
	.prepare = wax_line_prepare, .close = wax_line_close, .free = free

static const struct wax_sink_ops by_key_ops = {DIR_OPS, .list = dir_list};
static const struct wax_sink_ops by_worker_ops = {DIR_OPS};

struct wax_sink *wax_dir(const char *path, uint32_t parts, const char *format)
{
	size_t path_bytes = path ? strlen(path) + 1 : 1;
	struct dir_sink *dir_sink = calloc(1, sizeof(*dir_sink) + path_bytes);
	struct wax_sink *sink;

	if (!dir_sink)
		return NULL;

	dir_sink->part_count = parts;
	if (path)
		memcpy(dir_sink->path, path, path_bytes);
	sink = wax_sink_make(parts > 0 ? &by_key_ops : &by_worker_ops, WAX_TEXT, dir_sink, path);
	if (sink)
		wax_sink_format(sink, format);
	else
		free(dir_sink);
	return sink;
}
