/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "launcher/setup.h"

void wax_streams_hold(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/", O_PATH);
	}
}

int wax_streams_finish(const char *program, int status)
{
	bool failed = ferror(stdout) != 0;
	if (fflush(stdout) == 0 && !failed)
		return status;
	if (failed)
		fprintf(stderr, "%s: error: standard output did not take all of it\n", program);
	else
		fprintf(stderr, "%s: error: standard output did not take all of it: %m\n", program);
	return status ? status : WAX_EXIT_CONNECTOR;
}
