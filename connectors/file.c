/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/line_sink.h"

/* The path is the sink's own data: a string from malloc, or NULL when the flow had none. */

static int check_directory_of(const char *path, struct wax_err *err)
{
	char *copy = strdup(path);
	const char *directory;
	struct stat info;
	int result = 0;

	if (!copy)
		return wax_err_set(err, -ENOMEM, "no memory");

	directory = dirname(copy);
	if (stat(directory, &info) < 0 && errno == ENOENT)
		result = wax_err_set(err, -ENOENT,
				"cannot make '%s': there is no directory '%s': make it first", path,
				directory);
	else if (access(directory, W_OK | X_OK) < 0)
		result = wax_err_set(err, -errno, "cannot make '%s' in '%s': %m", path, directory);
	free(copy);
	return result;
}

/* Look whether the file can be written, and leave it as it is: the run may not come to pass. */
static int file_list(void *sink, struct wax_parts *parts, struct wax_err *err)
{
	const char *path = sink;
	struct stat info;
	int result = 0;

	if (!path || !*path)
		return wax_err_set(err, -EINVAL, "the file to write has no name: give a path");

	if (stat(path, &info) == 0) {
		if (S_ISDIR(info.st_mode))
			return wax_err_set(err, -EISDIR,
					"'%s' is a directory: give the path of a file", path);
		if (access(path, W_OK) < 0)
			return wax_err_set(err, -errno, "cannot write '%s': %m", path);
	} else if (errno == ENOENT) {
		result = check_directory_of(path, err);
	} else {
		result = wax_err_set(err, -errno, "cannot write '%s': %m", path);
	}
	return result < 0 ? result : wax_parts_add(parts, path);
}

static int file_open(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	return wax_line_open(env, sink, saved, ret_part, err);
}

static const struct wax_sink_ops file_ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "file",
		.list = file_list,
		.open = file_open,
		.write = wax_line_write,
		.flush = wax_line_flush,
		.position = wax_line_position,
		.prepare = wax_line_prepare,
		.close = wax_line_close,
		.free = free,
};

struct wax_sink *wax_file(const char *path, const char *format)
{
	char *copy = path ? strdup(path) : NULL;
	struct wax_sink *sink;

	if (path && !copy)
		return NULL;
	sink = wax_sink_make(&file_ops, WAX_TEXT, copy, path);
	if (sink)
		wax_sink_format(sink, format);
	else
		free(copy);
	return sink;
}
