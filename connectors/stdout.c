/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "connectors/line_sink.h"

/*
 * One partition, so all text comes to one worker and lines are never mixed. The position of the
 * descriptor is respected: a shell may have opened a file for several programs, or to append.
 */

static int stdout_list(void *sink, struct wax_parts *parts, struct wax_err *err)
{
	(void)sink;
	/* The launcher holds a closed descriptor with one that cannot be written. */
	int flags = fcntl(STDOUT_FILENO, F_GETFL);
	if (flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == O_RDONLY)
		return wax_err_set(err, -EBADF,
				"standard output is closed: redirect it to a file or to /dev/null");
	return wax_parts_add(parts, "stdout");
}

static int stdout_open(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	/* The writer closes what it was given; descriptor 1 shall not be free for others. */
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	(void)sink;
	(void)saved;
	if (fd < 0)
		return wax_err_set(err, -errno, "standard output: %m");
	return wax_line_open_fd(env, fd, "standard output", ret_part, err);
}

/* Whether it is on a disk is the business of whoever opened it. */
static int stdout_close(void *part, int ok, struct wax_err *err)
{
	(void)ok;
	return wax_line_close(part, 0, err);
}

/* No position: what was written to a pipe or terminal cannot be taken back. */
static const struct wax_sink_ops stdout_ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "stdout",
		.list = stdout_list,
		.open = stdout_open,
		.write = wax_line_write,
		.flush = wax_line_flush,
		.close = stdout_close,
};

struct wax_sink *wax_stdout(const char *format)
{
	struct wax_sink *sink = wax_sink_make(&stdout_ops, WAX_TEXT, NULL, NULL);

	if (sink)
		wax_sink_format(sink, format);
	return sink;
}
