/* SPDX-License-Identifier: Apache-2.0 */
#include "shm/pid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t wax_pid_start(pid_t pid)
{
	char path[64], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	size_t bytes = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[bytes] = '\0';

	/* The command, field 2, may hold blanks and parentheses: count from its last one. */
	char *field = strrchr(text, ')');
	for (int skip = 0; field && skip < 20; skip++) {
		field = strchr(field + 1, ' ');
	}
	return field ? strtoull(field + 1, NULL, 10) : 0;
}
