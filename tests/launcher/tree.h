/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LAUNCHER_TREE_H
#define TESTS_LAUNCHER_TREE_H

#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/**
 * A folder that looks like the root of another machine: files under sys and proc, written by a
 * test, read by the module under test, removed at the end.
 */
struct tree {
	char root[64];
};

static inline int tree_open(struct tree *tree)
{
	snprintf(tree->root, sizeof(tree->root), "/tmp/wax-tree-XXXXXX");
	return mkdtemp(tree->root) ? 0 : -1;
}

static inline int tree_remove_one(
		const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline void tree_close(struct tree *tree)
{
	nftw(tree->root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Make the folders in front of the last slash. */
static inline void tree_make_folders(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
}

/**
 * Write a file of one line.
 *
 * @param name below the root, "sys/devices/system/cpu/online"
 * @param fmt  printf format of the line, without its newline
 * @return 0, or -1 when it could not be written
 */
__attribute__((format(printf, 3, 4))) static inline int tree_write(
		const struct tree *tree, const char *name, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;

	snprintf(path, sizeof(path), "%s/%s", tree->root, name);
	tree_make_folders(path);

	FILE *file = fopen(path, "w");

	if (!file)
		return -1;
	va_start(args, fmt);
	vfprintf(file, fmt, args);
	va_end(args);
	putc('\n', file);
	return fclose(file);
}

#endif
