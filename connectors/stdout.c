/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "connectors/writer.h"
#include "runtime/connector.h"

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

/* Descriptor 1 is the process's, and so is what writes to it: a flow may have several such sinks,
 * and their lines are not mixed either. */
struct stdout_part {
	struct wax_env *env;
	struct stdout_part *next;
};

static struct {
	struct wax_writer *writer;
	struct stdout_part *parts;
} shared;

static void wake_all(void *context)
{
	(void)context;
	for (struct stdout_part *part = shared.parts; part; part = part->next)
		wax_env_wake(part->env);
}

static int open_writer(struct wax_env *env, struct wax_err *err)
{
	/* The writer closes what it was given; descriptor 1 shall not be free for others. */
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return wax_err_set(err, -errno, "standard output: %m");
	struct wax_writer_target target = {.fd = fd, .name = "standard output", .offset = -1};
	int r = wax_writer_open(wax_env_loop(env), &target, wake_all, NULL, &shared.writer, err);
	if (r < 0)
		close(fd);
	return r;
}

static int stdout_open(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	(void)sink;
	(void)saved;
	struct stdout_part *part = calloc(1, sizeof(*part));
	if (!part)
		return wax_err_set(err, -ENOMEM, "no memory to write standard output");
	int r = shared.writer ? 0 : open_writer(env, err);
	if (r < 0) {
		free(part);
		return r;
	}
	*part = (struct stdout_part){env, shared.parts};
	shared.parts = part;
	*ret_part = part;
	return 0;
}

static int stdout_write(void *part, const struct wax_batch *batch, struct wax_err *err)
{
	(void)part;
	return wax_writer_write(shared.writer, batch, err);
}

static int stdout_flush(void *part, struct wax_err *err)
{
	(void)part;
	return wax_writer_flush(shared.writer, err);
}

/* Whether it is on a disk is the business of whoever opened it. */
static int stdout_close(void *stdout_part, int ok, struct wax_err *err)
{
	(void)ok;
	(void)err;
	struct stdout_part **at = &shared.parts;
	while (*at != stdout_part)
		at = &(*at)->next;
	*at = (*at)->next;
	free(stdout_part);
	if (!shared.parts) {
		wax_writer_close(shared.writer);
		shared.writer = NULL;
	}
	return 0;
}

/* No position: what was written to a pipe or terminal cannot be taken back. */
static const struct wax_sink_ops stdout_ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "stdout",
		.list = stdout_list,
		.open = stdout_open,
		.write = stdout_write,
		.flush = stdout_flush,
		.close = stdout_close,
};

struct wax_sink *wax_stdout(const char *format)
{
	struct wax_sink *sink = wax_sink_make(&stdout_ops, WAX_TEXT, NULL, NULL);

	if (sink)
		wax_sink_format(sink, format);
	return sink;
}
