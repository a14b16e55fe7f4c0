/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FILES_H
#define TESTS_SUPPORT_FILES_H

#include <criterion/criterion.h>

#include <stdio.h>

/* Small text files. */

static inline void fill_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file, "%s", path);
	fputs(text, file);
	fclose(file);
}

static inline void expect_file(const char *path, const char *expected)
{
	char text[256];
	FILE *file = fopen(path, "r");
	size_t bytes;

	cr_assert_not_null(file, "%s", path);
	bytes = fread(text, 1, sizeof(text) - 1, file);
	text[bytes] = '\0';
	fclose(file);
	cr_assert_str_eq(text, expected);
}

#endif
