/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/test.h>

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/clock.h"
#include "shm/atomic.h"

/* Memory that forked workers share, and the clock that lies in such. */

/* In front of the memory: its size, and so much that any type is aligned. */
enum { HEAD_BYTES = 64 };

void *wax_test_shared_make(size_t bytes)
{
	size_t all = bytes + HEAD_BYTES;
	char *memory = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	memcpy(memory, &all, sizeof(all));
	return memory + HEAD_BYTES;
}

void wax_test_shared_free(void *memory)
{
	if (!memory)
		return;
	char *head = (char *)memory - HEAD_BYTES;
	size_t all;
	memcpy(&all, head, sizeof(all));
	munmap(head, all);
}

struct wax_test_clock *wax_test_clock_make(int64_t now)
{
	struct wax_test_clock *clock = wax_test_shared_make(sizeof(*clock));
	if (clock)
		wax_test_clock_set(clock, now);
	return clock;
}

void wax_test_clock_free(struct wax_test_clock *clock)
{
	wax_test_shared_free(clock);
}

int64_t wax_test_clock_now(const struct wax_test_clock *clock)
{
	/* Relaxed, here and below: time orders nothing else. */
	return wax_load_relaxed(&clock->now);
}

void wax_test_clock_set(struct wax_test_clock *clock, int64_t now)
{
	wax_store_relaxed(&clock->now, now);
}

void wax_test_clock_advance(struct wax_test_clock *clock, int64_t duration_ns)
{
	wax_test_clock_set(clock, wax_test_clock_now(clock) + duration_ns);
}
