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
	BENCH_QUICK, /* all groups in about two minutes */
	BENCH_FULL,
};

enum bench_dist { BENCH_UNIFORM, BENCH_ZIPF };

enum { BENCH_ITEM_MAX = 4096 };

/** What the command line said; see options.c. Numbers are 0 where it said nothing. */
struct bench {
	enum bench_size size;
	bool quick, smoke, json, help, print_man;
	uint32_t procs;
	uint64_t item_bytes;
	bool variable;
	uint64_t keys;
	enum bench_dist dist;
	uint64_t work_ns;
	uint64_t rate;
	uint64_t slab_bytes;
	uint64_t exchange_mem_bytes;
	const char *plot;
	const char *markdown;
	const char *commit;
	const char *build;   /* folder with waxrun and examples/ */
	const char *scratch; /* folder for generated files */

	/* What to measure: names of groups, beginnings of names of figures, "all". */
	char **wanted;
	int wanted_count;
};

extern struct bench bench;

/** One of the three, by the size of this run. */
static inline int64_t bench_pick(int64_t smoke, int64_t quick, int64_t full)
{
	return bench.size == BENCH_SMOKE ? smoke : bench.size == BENCH_QUICK ? quick : full;
}

static inline uint32_t bench_rounds(void)
{
	return (uint32_t)bench_pick(1, 3, 7);
}

/** Is this figure to be measured, or one whose name begins so? */
bool bench_wants(const char *name);

/** The groups: each measures and reports its figures. */
void bench_exchange(void);
void bench_redistribute(void);
void bench_state(void);
void bench_operators(void);
void bench_keyed(void);
void bench_lines(void);
void bench_epoch(void);
void bench_latency(void);
void bench_wake(void);
void bench_overcommit(void);
void bench_memory(void);
void bench_wordcount(void);
void bench_brc(void);
void bench_start(void);
void bench_profile(void);
void bench_recovery(void);

/** Say what went wrong and exit with 1. */
void bench_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/** Say what is wrong with the command line and exit with 2. */
void bench_refuse(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#define BENCH_CHECK(condition)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			bench_die("%s:%d: %s", __FILE__, __LINE__, #condition);                    \
	} while (0)

#endif
