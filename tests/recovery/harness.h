/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RECOVERY_HARNESS_H
#define TESTS_RECOVERY_HARNESS_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/shm/stress.h"

/*
 * What the simulations here share: rounds, each decided by a seed, of waxrun with tests/flows/crash.c
 * in a scratch directory, and the lines that a run gives that was left alone.
 */

enum {
	HARNESS_PATH_BYTES = 512,
	HARNESS_USUAL_MS = 400, /* about what a run takes that is left alone */
};

struct harness {
	const char *build;
	char work[HARNESS_PATH_BYTES];
	uint64_t items;
	uint64_t seed; /* of this round */
	uint64_t random;
	uint64_t first_seed, rounds;
	uint64_t rounds_max;
	time_t until;   /* 0: so many rounds */
	uint64_t kills; /* in a round, where something is killed */
	uint64_t calm;  /* from one kill to the next it is up to 2^calm times as long */
};

static inline uint64_t below(struct harness *harness, uint64_t bound)
{
	return next_random(&harness->random) % bound;
}

__attribute__((noreturn, format(printf, 2, 3))) static inline void harness_fail(
		const struct harness *harness, const char *fmt, ...)
{
	char text[HARNESS_PATH_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	stress_fail("seed %" PRIu64 ": %s; see %s", harness->seed, text, harness->work);
}

/** Run a command in the scratch directory. @return its exit status; 128 and a signal */
__attribute__((format(printf, 2, 3))) static inline int harness_try(
		const struct harness *harness, const char *fmt, ...)
{
	char text[8 * HARNESS_PATH_BYTES];
	int begun = snprintf(text, sizeof(text), "cd '%s' && ", harness->work);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + begun, sizeof(text) - (size_t)begun, fmt, args);
	va_end(args);

	int status = system(text);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define harness_do(harness, ...)                                                                   \
	do {                                                                                       \
		int harness_status = harness_try(harness, __VA_ARGS__);                            \
		if (harness_status != 0)                                                           \
			harness_fail(harness, "exit status %d in line %d", harness_status,         \
					__LINE__);                                                 \
	} while (0)

/** The first number that a command prints. */
static inline uint64_t harness_count(const struct harness *harness, const char *command)
{
	char text[4 * HARNESS_PATH_BYTES], line[64] = "0";

	snprintf(text, sizeof(text), "cd '%s' && %s", harness->work, command);

	FILE *from = popen(text, "r");
	bool read = from && fgets(line, sizeof(line), from);

	if (from)
		pclose(from);
	return read ? strtoull(line, NULL, 10) : 0;
}

/** All lines of all files of each output, sorted. */
static inline void harness_gather(const struct harness *harness, const char *from, const char *to)
{
	harness_do(harness,
			"cd '%s' && find . -type f ! -name 'pending-*' -exec awk "
			"'{ split(FILENAME, part, \"/\"); print part[2] \"\\t\" $0 }' {} + | "
			"LC_ALL=C sort >../'%s'",
			from, to);
}

/** The lines of a second source, and what comes of them and of the numbers: lines, expected. */
static inline void harness_make_reference(struct harness *harness)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	harness_do(harness,
			"mkdir -p reference/txn && awk 'BEGIN { for (i = 0; i < %" PRIu64
			"; i++) printf \"w%%d %%d\\n\", i * 7919 %% 1009, i }' >lines && "
			"'%s/waxrun' -q -n 2 --bind none '%s/tests/flows/crash.so' -- --in lines "
			"--items %" PRIu64 " --out reference && cp lines reference/txn/done",
			harness->items / 4, harness->build, harness->build, harness->items);
	clock_gettime(CLOCK_MONOTONIC, &to);
	/* Where the machine is slow or busy, what is to be hit comes later too. */
	for (time_t ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
			ms > HARNESS_USUAL_MS; ms /= 2)
		harness->calm++;
	harness_gather(harness, "reference", "expected");
	harness_do(harness, "rm -r reference");
}

/**
 * [--seed FIRST] [--rounds N | --seconds N] [--items N] [--kills N] [--calm N]; the scratch directory is
 * made.
 *
 * @param usual values of what is not given
 */
static inline void harness_init(
		struct harness *harness, struct harness usual, int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");

	*harness = usual;
	harness->build = getenv("BUILD");
	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t value = strtoull(argv[i + 1], NULL, 10);

		if (strcmp(argv[i], "--seed") == 0)
			harness->first_seed = value;
		else if (strcmp(argv[i], "--rounds") == 0)
			harness->rounds_max = value;
		else if (strcmp(argv[i], "--seconds") == 0)
			harness->until = time(NULL) + (time_t)value;
		else if (strcmp(argv[i], "--items") == 0)
			harness->items = value;
		else if (strcmp(argv[i], "--kills") == 0)
			harness->kills = value;
		else if (strcmp(argv[i], "--calm") == 0)
			harness->calm = value;
		else
			stress_fail("no option %s", argv[i]);
	}
	harness->seed = harness->first_seed;
	printf("seeds from %" PRIu64 "\n", harness->first_seed);
	fflush(stdout);
	if (!harness->build)
		stress_fail("BUILD is not set: the build folder");
	snprintf(harness->work, sizeof(harness->work), "%s/wax-recovery.XXXXXX",
			tmp ? tmp : "/tmp");
	if (!mkdtemp(harness->work))
		stress_fail("make '%s': %m", harness->work);
	setenv("XDG_RUNTIME_DIR", harness->work, 1);
}

/** Run rounds until it is enough, at least one. */
static inline void harness_run(struct harness *harness, void (*round)(struct harness *harness))
{
	do {
		harness->random = harness->seed;
		round(harness);
		harness->seed++;
		harness->rounds++;
	} while (harness->until ? time(NULL) < harness->until
				: harness->rounds < harness->rounds_max);
}

static inline void harness_fini(const struct harness *harness)
{
	harness_do(harness, "rm -rf '%s'", harness->work);
}

#endif
