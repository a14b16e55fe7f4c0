/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/sysfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* Until end of file: seq files of /proc give one piece a read. */
static int read_all(int fd, char *text, size_t text_bytes, size_t *ret_bytes)
{
	size_t at = 0;

	for (;;) {
		if (at == text_bytes)
			return -E2BIG;

		ssize_t got = read(fd, text + at, text_bytes - at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		at += (size_t)got;
	}

	*ret_bytes = at;
	return 0;
}

int wax_sysfile_read(char *text, size_t text_bytes, const char *path_fmt, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, path_fmt);

	int path_bytes = vsnprintf(path, sizeof(path), path_fmt, args);

	va_end(args);
	if (path_bytes < 0 || (size_t)path_bytes >= sizeof(path))
		return -ENAMETOOLONG;

	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;

	size_t bytes = 0;
	int rc = read_all(fd, text, text_bytes, &bytes);

	close(fd);
	if (rc < 0)
		return rc;

	if (bytes > 0 && text[bytes - 1] == '\n')
		bytes--;
	text[bytes] = '\0';
	return 0;
}
