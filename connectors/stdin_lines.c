/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/lines.h"
#include "runtime/connector.h"

/*
 * Standard input: as a file from its current offset on where it is one (waxrun ... <in.txt), which
 * is read ahead; else as a stream. The descriptor is inherited and shared with other processes, so
 * nothing about it is changed. There is no position: a later run has another standard input.
 */
static const char name[] = "standard input";

struct stdin_part {
	struct wax_env *env;
	struct wax_lines *lines;
};

static int look_at_stdin(struct stat *ret_info, struct wax_err *err)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);

	/* The launcher holds a closed descriptor with one that cannot be read. */
	if (flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY)
		return wax_err_set(err, -EBADF,
				"standard input is closed: give it a file, a pipe or /dev/null");
	if (fstat(STDIN_FILENO, ret_info) < 0)
		return wax_err_set(err, -errno, "cannot read %s: %m", name);
	return 0;
}

static int stdin_list(void *source, struct wax_parts *parts, struct wax_err *err)
{
	struct stat info;
	int rc = look_at_stdin(&info, err);

	(void)source;
	if (rc < 0)
		return rc;
	if (S_ISDIR(info.st_mode))
		return wax_err_set(err, -EISDIR, "cannot read %s: it is a directory", name);

	rc = wax_parts_add(parts, "stdin");
	return rc < 0 ? wax_err_set(err, rc, "cannot read %s: %s", name, strerror(-rc)) : 0;
}

static void wake_env(void *context)
{
	wax_env_wake(context);
}

static void stdin_close(void *context)
{
	struct stdin_part *part = context;

	wax_lines_free(part->lines);
	free(part);
}

static int stdin_open(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct wax_lines_options options = {
			.loop = wax_env_loop(env),
			.name = name,
			.fd = STDIN_FILENO,
			.wake = wake_env,
			.context = env,
	};
	struct stdin_part *part;
	struct stat info;
	int rc = look_at_stdin(&info, err);

	(void)source;
	(void)saved;
	if (rc < 0)
		return rc;
	if (S_ISREG(info.st_mode)) {
		off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);

		options.begin = at > 0 ? (uint64_t)at : 0;
		options.end = (uint64_t)info.st_size;
		options.size = options.end;
		options.resumes = true;
	} else {
		options.stream = true;
	}

	part = calloc(1, sizeof(*part));
	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory to read %s", name);
	part->env = env;
	rc = wax_lines_make(&options, &part->lines, err);
	if (rc < 0) {
		stdin_close(part);
		return rc;
	}
	*ret_part = part;
	return 0;
}

static int stdin_next(void *context, struct wax_out *out, struct wax_err *err)
{
	struct stdin_part *part = context;

	return wax_lines_emit(part->lines, part->env, out, err);
}

static const struct wax_source_ops stdin_ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "stdin_lines",
		.list = stdin_list,
		.open = stdin_open,
		.next = stdin_next,
		.close = stdin_close,
};

struct wax_source *wax_stdin_lines(void)
{
	return wax_source_make(&stdin_ops, WAX_TEXT, NULL, "standard input");
}
