/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_MEMORY_H
#define TESTS_SUPPORT_MEMORY_H

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Memory of which a test says when there is none: for all of its program and the C library below it.
 * Included by one file of a program only.
 *
 *     memory_fail(n, true);
 *     r = call();
 *     failures = memory_give();
 *
 * Only what the thread that has called memory_fail asks for fails. Under valgrind, which puts its own
 * in the place of all but aligned_alloc, nothing else fails: see memory_obeys.
 */
static _Thread_local volatile struct {
	bool counts;
	bool stays;
	int left; /* pieces that are given before none is; -1: all are */
	unsigned failures;
	int64_t held; /* pieces that were given, less those that came back */
} memory = {.left = -1};

/* The n-th allocation from now on fails, counted from 0, and all behind it when it stays so. */
static inline void memory_fail(int n, bool stays)
{
	memory.counts = true;
	memory.stays = stays;
	memory.left = n;
	memory.failures = 0;
	memory.held = 0;
}

/* There is memory again. @return how many have failed */
static inline unsigned memory_give(void)
{
	memory.counts = false;
	memory.left = -1;
	return memory.failures;
}

/* Pieces that are still held of what was given between memory_fail and memory_give. */
static inline int64_t memory_held(void)
{
	return memory.held;
}

static inline bool memory_is_out(void)
{
	if (memory.left != 0) {
		memory.left -= memory.left > 0;
		return false;
	}
	if (!memory.stays)
		memory.left = -1;
	memory.failures++;
	errno = ENOMEM;
	return true;
}

static inline void *memory_count(void *given)
{
	if (memory.counts && given)
		memory.held++;
	return given;
}

/* clang puts the sanitizer's own into the program itself: there ours find nothing behind them. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_IS_THE_SANITIZERS 1
#endif
#endif

#ifndef MEMORY_IS_THE_SANITIZERS

/* The C library and others are to find these too. */
#pragma GCC visibility push(default)

/* The one behind ours. */
#define MEMORY_REAL(name, ...)                                                                     \
	static void *(*real)(__VA_ARGS__);                                                         \
	if (!real)                                                                                 \
	*(void **)&real = dlsym(RTLD_NEXT, name)

void *malloc(size_t bytes)
{
	MEMORY_REAL("malloc", size_t);
	return memory_is_out() ? NULL : memory_count(real(bytes));
}

void *calloc(size_t count, size_t each)
{
	MEMORY_REAL("calloc", size_t, size_t);
	return memory_is_out() ? NULL : memory_count(real(count, each));
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	MEMORY_REAL("aligned_alloc", size_t, size_t);
	return memory_is_out() ? NULL : memory_count(real(alignment, bytes));
}

void *realloc(void *piece, size_t bytes)
{
	MEMORY_REAL("realloc", void *, size_t);
	void *given;

	if (memory_is_out())
		return NULL;
	given = real(piece, bytes);
	if (!piece)
		memory_count(given);
	return given;
}

/* Where a sanitizer has its own of these two, that would not come by ours. */
void *reallocarray(void *pieces, size_t count, size_t each)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, each, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(pieces, bytes);
}

char *strdup(const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *copy = malloc(bytes);

	return copy ? memcpy(copy, text, bytes) : NULL;
}

/* What is freed while the real one is looked for, a message of dlsym itself, is not. */
void free(void *piece)
{
	static void (*real)(void *);
	static bool looks;

	if (!real && looks)
		return;
	if (!real) {
		looks = true;
		*(void **)&real = dlsym(RTLD_NEXT, "free");
	}
	if (memory.counts && piece)
		memory.held--;
	real(piece);
}

#pragma GCC visibility pop
#endif

/* Is it ours that programs get? */
static inline bool memory_obeys(void)
{
	void *(*volatile ask)(size_t) = malloc;
	void *piece;

	memory_fail(0, false);
	piece = ask(1);
	memory_give();
	free(piece);
	return !piece;
}

/* Where what gives memory is not ours there is nothing to see. For Criterion. */
#define SKIP_UNLESS_MEMORY_OBEYS()                                                                 \
	do {                                                                                       \
		if (!memory_obeys())                                                               \
			cr_skip_test("memory does not come from the C library here");              \
	} while (0)

#endif
