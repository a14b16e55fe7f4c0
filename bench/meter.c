/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/meter.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/stats.h"

enum {
	WINDOW_NS = 4 * 1000 * 1000,
	WINDOWS_MAX = 4096,
	/* Pages and caches are warm after this share of a run. */
	WARM_PERCENT = 20,
	/* A window is bad in which a process waited for a CPU more than 1 part in so many. */
	WAIT_SHARE = 50,
};

struct meter *meter(void)
{
	static struct meter *shared;
	if (!shared) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		BENCH_CHECK(shared != MAP_FAILED);
	}
	return shared;
}

void meter_start(uint32_t ms, uint32_t stride)
{
	struct meter *all = meter();
	for (uint32_t i = 0; i < METER_PROCS_MAX; i++) {
		struct meter_log *log = &all->logs[i];
		memset(log, 0, offsetof(struct meter_log, marks));
		log->stride = stride;
	}
	all->ready = 0;
	all->started_ns = clock_ns();
	all->until_ns = ms ? all->started_ns + ms * UINT64_C(1000000) : UINT64_MAX;
}

/* Ready but not running: preempted, or woken while others ran. Without the file: 0. */
static uint64_t waited_ns(void)
{
	static int fd = -1;
	static pid_t opened_by;
	char text[96];
	if (opened_by != getpid()) {
		fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
		opened_by = getpid();
	}
	ssize_t length = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	const char *second = strchr(text, ' ');
	return second ? strtoull(second, NULL, 10) : 0;
}

void meter_mark(struct meter_log *log, uint64_t now)
{
	if (log->count < METER_MARKS_MAX)
		log->marks[log->count++] = (struct meter_mark){now, log->items, waited_ns()};
}

void meter_begin(struct meter_log *log)
{
	log->first_ns = clock_ns();
	log->waited_ns -= waited_ns();
}

void meter_end(struct meter_log *log)
{
	log->last_ns = clock_ns();
	log->waited_ns += waited_ns();
}

uint64_t meter_waited_ns(uint32_t process_count)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < process_count; i++)
		sum += meter()->logs[i].waited_ns;
	return sum;
}

/* ---- From marks to a rate */

/* The last mark that is not later than `ns`. */
static const struct meter_mark *mark_before(const struct meter_log *log, uint64_t ns)
{
	uint32_t low = 0, high = log->count;
	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;
		if (log->marks[middle].ns <= ns)
			low = middle;
		else
			high = middle;
	}
	return &log->marks[low];
}

/* Items done at a time, in between two marks in proportion. */
static double items_at(const struct meter_log *log, uint64_t ns)
{
	const struct meter_mark *before = mark_before(log, ns), *after = before + 1;
	if (after == log->marks + log->count || ns <= before->ns)
		return (double)before->items;
	double share = (double)(ns - before->ns) / (double)(after->ns - before->ns);
	return (double)before->items + share * (double)(after->items - before->items);
}

static bool has_waited(const struct meter_log *log, uint64_t from, uint64_t to)
{
	const struct meter_mark *first = mark_before(log, from), *last = mark_before(log, to) + 1;
	if (last == log->marks + log->count)
		last--;
	return last->waited_ns - first->waited_ns > (to - from) / WAIT_SHARE;
}

/* The time in which all were at work. Logs without marks are of processes that had none. */
static bool find_span(uint32_t process_count, uint64_t *ret_from, uint64_t *ret_to)
{
	uint64_t from = 0, to = UINT64_MAX;
	for (uint32_t i = 0; i < process_count; i++) {
		const struct meter_log *log = &meter()->logs[i];
		if (log->count == 0)
			continue;
		uint64_t first = log->marks[0].ns, last = log->marks[log->count - 1].ns;
		from = first > from ? first : from;
		to = last < to ? last : to;
	}
	if (to == UINT64_MAX || to <= from)
		return false;
	*ret_from = from + (to - from) * WARM_PERCENT / 100;
	*ret_to = to;
	return true;
}

double meter_ns_per_item(uint32_t process_count, bool *ret_clean)
{
	static double all[WINDOWS_MAX], clean[WINDOWS_MAX];
	uint32_t all_count = 0, clean_count = 0;
	uint64_t from, to;
	if (!find_span(process_count, &from, &to))
		return NAN;

	uint64_t window = to - from < 3 * WINDOW_NS ? (to - from) / 3 : WINDOW_NS;
	if (window == 0)
		return NAN;
	for (; from + window <= to && all_count < WINDOWS_MAX; from += window) {
		double items = 0;
		bool disturbed = false;
		for (uint32_t i = 0; i < process_count; i++) {
			const struct meter_log *log = &meter()->logs[i];
			if (log->count == 0)
				continue;
			items += items_at(log, from + window) - items_at(log, from);
			disturbed |= has_waited(log, from, from + window);
		}
		if (items <= 0)
			continue;
		all[all_count++] = (double)window / items;
		if (!disturbed)
			clean[clean_count++] = (double)window / items;
	}
	bool enough = clean_count >= 3;
	if (ret_clean)
		*ret_clean = enough;
	return enough ? stats_median(clean, clean_count) : stats_median(all, all_count);
}

void meter_check_sums(uint32_t process_count, const char *what)
{
	uint64_t made = 0, taken = 0;
	for (uint32_t i = 0; i < process_count; i++) {
		made += meter()->logs[i].made_sum;
		taken += meter()->logs[i].taken_sum;
	}
	if (made != taken)
		bench_die("%s: what came out is not what was made", what);
}

/* ---- Processes */

static cpu_set_t allowed_cpus;

static int nth_cpu(uint32_t index)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &allowed_cpus) && index-- == 0)
			return cpu;
	}
	return -1;
}

bool meter_has_cpus(uint32_t process_count)
{
	if (CPU_COUNT(&allowed_cpus) == 0)
		sched_getaffinity(0, sizeof(allowed_cpus), &allowed_cpus);
	return process_count <= (uint32_t)CPU_COUNT(&allowed_cpus);
}

/* A turn as long as a sample: others get their share before or after it. Linux 6.12 and later. */
static void ask_for_long_turns(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attributes = {.size = 48, .nice = getpriority(PRIO_PROCESS, 0), .runtime = 100000000};
	syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void meter_settle(uint32_t index)
{
	cpu_set_t set;
	if (meter_has_cpus(index + 1)) {
		CPU_ZERO(&set);
		CPU_SET(nth_cpu(index), &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	ask_for_long_turns();
}

void meter_fork(uint32_t process_count, void (*body)(uint32_t index, void *context), void *context)
{
	pid_t pids[METER_PROCS_MAX];
	meter_has_cpus(process_count);
	fflush(NULL);
	for (uint32_t i = 0; i < process_count; i++) {
		pids[i] = fork();
		BENCH_CHECK(pids[i] >= 0);
		if (pids[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			meter_settle(i);
			body(i, context);
			_exit(0);
		}
	}
	for (uint32_t i = 0; i < process_count; i++) {
		int status;
		while (waitpid(pids[i], &status, 0) < 0 && errno == EINTR)
			;
		BENCH_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

void meter_meet(uint32_t process_count)
{
	struct meter *all = meter();
	__atomic_add_fetch((uint32_t *)&all->ready, 1, __ATOMIC_ACQ_REL);
	for (uint32_t spins = 0;
			__atomic_load_n((uint32_t *)&all->ready, __ATOMIC_ACQUIRE) < process_count;
			spins++) {
		if (spins > 1000)
			sched_yield();
		clock_relax();
	}
}
