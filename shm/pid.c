/* SPDX-License-Identifier: Apache-2.0 */
#include "shm/pid.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t wax_pid_start(pid_t pid)
{
	char path[64], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	/* Without memory of its own: who has none would look as if it had ended. */
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t bytes = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[bytes > 0 ? bytes : 0] = '\0';

	/* The command, field 2, may hold blanks and parentheses: count from its last one. */
	char *field = strrchr(text, ')');
	for (int skip = 0; field && skip < 20; skip++) {
		field = strchr(field + 1, ' ');
	}
	return field ? strtoull(field + 1, NULL, 10) : 0;
}
