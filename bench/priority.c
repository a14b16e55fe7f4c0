/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/priority.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char autogroup[] = "/proc/self/autogroup";
static int session_nice;
static pid_t raised_by;

static int write_session(int nice)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", nice);
	int fd = open(autogroup, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t written = write(fd, text, (size_t)length);
	close(fd);
	return written == length ? 0 : -1;
}

void priority_raise(void)
{
	char line[64];
	FILE *file = fopen(autogroup, "r");
	if (file && fgets(line, sizeof(line), file)) {
		const char *nice = strstr(line, "nice ");
		if (nice && sscanf(nice, "nice %d", &session_nice) == 1 && write_session(-20) == 0)
			raised_by = getpid();
	}
	if (file)
		fclose(file);
	(void)setpriority(PRIO_PROCESS, 0, -20);
}

void priority_restore(void)
{
	/* Children of ours exit by themselves. */
	if (raised_by == getpid())
		(void)write_session(session_nice);
}
