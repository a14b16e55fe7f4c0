/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_SYSFILE_H
#define LAUNCHER_SYSFILE_H

#include <stddef.h>

/**
 * Read a small file of /sys or /proc as text, its last newline cut off.
 *
 * @param text       written on success only
 * @param text_bytes room; a file that does not fit with its end is refused
 * @param path_fmt   printf format of the path
 * @return 0, -E2BIG when it does not fit, or negative errno of open or read; no sentence, because
 *         callers do without the file
 */
int wax_sysfile_read(char *text, size_t text_bytes, const char *path_fmt, ...)
		__attribute__((format(printf, 3, 4)));

#endif
