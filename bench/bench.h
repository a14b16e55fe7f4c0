/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * waxbench: each figure beside the loop that one would write by hand for the same work. Both run in
 * turns of a fraction of a second, so that what disturbs the machine disturbs both; the ratio of a
 * round is of two neighbours, and what is reported is the median over the rounds.
 */

/** How much of everything. */
enum bench_size {
	BENCH_SMOKE, /* once, tiny: does it work at all? */
	BENCH_QUICK, /* all groups under a minute */
	BENCH_FULL,
};

struct bench {
	enum bench_size size;
	bool json;
	uint32_t procs;
	const char *build;        /* folder with waxrun and examples/ */
	const char *scratch;      /* folder for generated files */
	const char *slab;         /* as for waxrun; NULL: chosen */
	const char *exchange_mem; /* the same */
	const char *only;         /* beginning of the names of figures to measure; NULL: all */
};

extern struct bench bench;

/** One of the three, by the size of this run. */
static inline int64_t bench_pick(int64_t smoke, int64_t quick, int64_t full)
{
	return bench.size == BENCH_SMOKE ? smoke : bench.size == BENCH_QUICK ? quick : full;
}

static inline uint32_t bench_rounds(void)
{
	return (uint32_t)bench_pick(1, 5, 9);
}

/** Is this figure to be measured? */
bool bench_wants(const char *name);

/** The groups: each measures and reports its figures. */
void bench_exchange(void);
void bench_redistribute(void);
void bench_operators(void);
void bench_lines(void);
void bench_wake(void);
void bench_latency(void);
void bench_wordcount(void);
void bench_brc(void);
void bench_start(void);
void bench_profile(void);

/** Say what went wrong and exit with 1. */
void bench_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#define BENCH_CHECK(condition)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			bench_die("%s:%d: %s", __FILE__, __LINE__, #condition);                    \
	} while (0)

#endif
