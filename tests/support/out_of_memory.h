/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_OUT_OF_MEMORY_H
#define TESTS_SUPPORT_OUT_OF_MEMORY_H

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wax/err.h>

#include "runtime/hash.h"
#include "tests/support/memory.h"

/* What a call may leave behind: descriptors, and files below a folder. */
struct traces {
	unsigned descriptors;
	unsigned files;
	uint64_t sum; /* of their names and of what is in them */
};

static struct traces traces_seen;

static inline uint64_t traces_hash_file(const char *path, uint64_t seed)
{
	char room[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0, "%s", path);
	for (ssize_t bytes; (bytes = read(fd, room, sizeof(room))) > 0;)
		seed = XXH3_64bits_withSeed(room, (size_t)bytes, seed);
	close(fd);
	return seed;
}

static inline int traces_add(
		const char *path, const struct stat *status, int type, struct FTW *walk)
{
	uint64_t hash = XXH3_64bits_withSeed(path, strlen(path), status->st_mode);

	(void)walk;
	traces_seen.files++;
	traces_seen.sum += type == FTW_F ? traces_hash_file(path, hash) : hash;
	return 0;
}

static inline struct traces traces_find(const char *folder)
{
	traces_seen = (struct traces){0};
	for (int fd = 0; fd < 256; fd++)
		traces_seen.descriptors += fcntl(fd, F_GETFD) >= 0;
	if (folder)
		nftw(folder, traces_add, 16, FTW_PHYS);
	return traces_seen;
}

static inline void traces_expect(const struct traces *before, const char *folder)
{
	struct traces now = traces_find(folder);

	cr_assert_eq(now.descriptors, before->descriptors, "%u descriptors are open, of %u",
			now.descriptors, before->descriptors);
	cr_assert_eq(now.files, before->files, "%u files are there, of %u", now.files,
			before->files);
	cr_assert_eq(now.sum, before->sum, "a file has changed");
}

/* A sentence that says what there is too little of. */
static inline void expect_no_memory(int code, const struct wax_err *err)
{
	cr_assert_eq(code, -ENOMEM, "%d: %s", code, err->text);
	cr_assert_eq(err->code, -ENOMEM);
	cr_assert(strstr(err->text, "memory"), "%s", err->text);
}

/**
 * The n-th allocation of a call fails, for each n: it says so, leaves nothing behind, and does what it
 * should when there is memory again.
 *
 * @param call   gives back all that it has got @return negative errno with a sentence, or anything else
 * @param folder whose files the call does not change; NULL: none
 * @return how many allocations could fail
 */
static inline int out_of_memory(int (*call)(struct wax_err *err), const char *folder)
{
	struct wax_err err = {0};
	const int wanted = call(&err);
	const struct traces before = traces_find(folder);
	unsigned failures = 1;
	int n = 0;

	for (int way = 0; failures > 0; way++) {
		int r;

		n = way / 4;
		err = (struct wax_err){0};
		memory_fail(n, way & 1);
		r = call(way & 2 ? NULL : &err);
		failures = memory_give();
		cr_assert_eq(memory_held(), 0, "%d: %d are lost", n, (int)memory_held());
		traces_expect(&before, folder);
		if (failures == 0)
			cr_assert_eq(r, wanted);
		else if (way & 2)
			cr_assert_eq(r, -ENOMEM);
		else
			expect_no_memory(r, &err);
		cr_assert_eq(call(&err), wanted, "%d: %s", n, err.text);
	}
	traces_expect(&before, folder);
	return n;
}

#endif
