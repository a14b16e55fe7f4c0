/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/clock.h"

/*
 * Measures a rate on a machine that others use too. Every process that takes part notes, each half
 * a millisecond, how many items it has done and how long it had to wait for a CPU. Afterwards the
 * run is cut in windows of a few ms; those in which one had to wait are thrown away, and the median
 * of the others is the rate.
 */

enum { METER_PROCS_MAX = 64, METER_MARKS_MAX = 16384 };

struct meter_mark {
	uint64_t ns;
	uint64_t items;
	uint64_t waited_ns; /* for a CPU, since the process began */
};

/** What one process notes; only it writes there. */
struct meter_log {
	_Alignas(128) uint64_t items;
	uint64_t look_at; /* items at which to look at the clock */
	uint32_t stride;  /* items between looks */
	uint32_t count;
	uint64_t made_sum; /* checksums of what was made and of what came out */
	uint64_t taken_sum;
	uint64_t taken;
	uint64_t first_ns; /* of the first item */
	uint64_t last_ns;
	uint64_t waited_ns; /* for a CPU, from the first item to the last */
	struct meter_mark marks[METER_MARKS_MAX];
};

/** In memory that forked processes share. */
struct meter {
	uint64_t until_ns; /* when to stop making items; UINT64_MAX: when there are enough */
	uint64_t started_ns;
	_Atomic uint32_t ready;
	struct meter_log logs[METER_PROCS_MAX];
};

/** The one of this program: measurements follow each other. */
struct meter *meter(void);

/** Before a run: forget the last one. @param ms how long to make items; 0: without limit
 *  @param stride items between looks at the clock: about 10 us of them */
void meter_start(uint32_t ms, uint32_t stride);

/** In each process that takes part. */
void meter_mark(struct meter_log *log, uint64_t now);

/** Note that items were done. @return true when it is time to stop */
static inline bool meter_add(struct meter_log *log, uint64_t count)
{
	log->items += count;
	if (__builtin_expect(log->items < log->look_at, 1))
		return false;
	log->look_at = log->items + log->stride;
	uint64_t now = clock_ns();
	if (log->count == 0 || now - log->marks[log->count - 1].ns >= 500 * 1000)
		meter_mark(log, now);
	return now >= meter()->until_ns;
}

/** Note that items came out; everybody may look with meter_taken. */
static inline void meter_take(struct meter_log *log, uint64_t count)
{
	__atomic_store_n(&log->taken, log->taken + count, __ATOMIC_RELAXED);
}

/** How many items have come out of all processes. */
static inline uint64_t meter_taken(uint32_t process_count)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < process_count; i++)
		sum += __atomic_load_n(&meter()->logs[i].taken, __ATOMIC_RELAXED);
	return sum;
}

/** ns that an item took, all processes together: wall time over items. NAN when it was too short.
 *  @param ret_clean may be NULL: were there enough windows without preemption? */
double meter_ns_per_item(uint32_t process_count, bool *ret_clean);

/** Begin and end of the time in which meter_waited_ns counts; in the process. */
void meter_begin(struct meter_log *log);
void meter_end(struct meter_log *log);

/** How long the processes waited for a CPU, together. */
uint64_t meter_waited_ns(uint32_t process_count);

/** Everything that was made has come out? Dies otherwise. */
void meter_check_sums(uint32_t process_count, const char *what);

/* ---- Processes */

/** Bind this process to the CPU of worker `index`, where there are enough, and ask the scheduler
 *  for long turns. */
void meter_settle(uint32_t index);

/** Can this machine give each of so many processes a CPU? */
bool meter_has_cpus(uint32_t process_count);

/** Run body(index, context) in so many forked processes and wait for them. */
void meter_fork(uint32_t process_count, void (*body)(uint32_t index, void *context), void *context);

/** All processes of meter_fork wait here for each other, once. */
void meter_meet(uint32_t process_count);

#endif
