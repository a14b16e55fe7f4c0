/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SHM_STRESS_H
#define TESTS_SHM_STRESS_H

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "tests/support/random.h"

/*
 * What the stress programs of this layer share: workers that are threads (so that ThreadSanitizer
 * sees them) or forked processes (as in a run), a seeded generator, and one way to fail.
 *
 *     stress_x [--seconds N] [--workers N] [--threads | --forks] [--seed N]
 */

enum { STRESS_WORKERS_MAX = 16 };

struct stress_options {
	double seconds;   /* for each part */
	uint32_t workers; /* 0: 2, then 4 */
	bool threads;
	bool forks;
	uint64_t seed;
};

/* Ends the whole program in threads, this worker in forks: then the parent ends the others. */
__attribute__((noreturn, format(printf, 1, 2))) static inline void stress_fail(const char *fmt, ...)
{
	char text[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "FAIL: %s\n", text);
	_exit(1);
}

static inline uint64_t stress_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Memory that threads and forks share, all zero. */
static inline void *stress_share(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		stress_fail("no shared memory: %m");
	return memory;
}

static inline struct stress_options stress_parse(int argc, char **argv, double seconds)
{
	struct stress_options options = {.seconds = seconds, .seed = 1};
	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;
		if (!strcmp(argv[i], "--seconds") && more)
			options.seconds = atof(argv[++i]);
		else if (!strcmp(argv[i], "--workers") && more)
			options.workers = (uint32_t)atoi(argv[++i]);
		else if (!strcmp(argv[i], "--seed") && more)
			options.seed = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--threads"))
			options.threads = true;
		else if (!strcmp(argv[i], "--forks"))
			options.forks = true;
		else
			stress_fail("usage: %s [--seconds N] [--workers N] [--threads | --forks] "
				    "[--seed N]",
					argv[0]);
	}
	if (options.workers == 1 || options.workers > STRESS_WORKERS_MAX)
		stress_fail("--workers must be in [2, %d]", STRESS_WORKERS_MAX);
	if (!options.threads && !options.forks) {
		options.threads = true;
#ifndef WAX_TSAN
		options.forks = true;
#endif
	}
	return options;
}

/* What to say when the alarm that a part has set goes off. */
static const char *stress_hung = "FAIL: hung\n";

static inline void stress_die_hung(int signal)
{
	(void)signal;
	if (write(STDERR_FILENO, stress_hung, strlen(stress_hung)) < 0)
		_exit(3);
	_exit(1);
}

/* Run the parts that the command line asks for: threads, then forks, two of them, then four. */
static inline void stress_run(int argc, char **argv, double seconds,
		void (*run_part)(const struct stress_options *options, uint32_t workers,
				bool forked))
{
	struct stress_options options = stress_parse(argc, argv, seconds);

	signal(SIGALRM, stress_die_hung);
	for (int forked = 0; forked < 2; forked++)
		for (uint32_t workers = 2; workers <= 4; workers += 2)
			if ((forked ? options.forks : options.threads) &&
					(!options.workers || workers == 2))
				run_part(&options, options.workers ? options.workers : workers,
						forked);
}

struct stress_worker {
	void (*body)(void *part, uint32_t worker);
	void *part;
	uint32_t index;
	pthread_t thread;
	pid_t pid;
};

/* The workers of one part. */
struct stress_crew {
	struct stress_worker workers[STRESS_WORKERS_MAX];
	uint32_t count;
	bool forked;
};

static inline void *stress_thread(void *argument)
{
	struct stress_worker *worker = argument;
	worker->body(worker->part, worker->index);
	return NULL;
}

static inline void stress_start(struct stress_crew *crew, uint32_t count, bool forked,
		void (*body)(void *part, uint32_t worker), void *part)
{
	crew->count = count;
	crew->forked = forked;
	fflush(NULL);
	for (uint32_t i = 0; i < count; i++) {
		struct stress_worker *worker = &crew->workers[i];
		*worker = (struct stress_worker){.body = body, .part = part, .index = i};
		if (!forked) {
			if (pthread_create(&worker->thread, NULL, stress_thread, worker) != 0)
				stress_fail("no thread");
			continue;
		}
		worker->pid = fork();
		if (worker->pid < 0)
			stress_fail("no process: %m");
		if (worker->pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody stays behind */
			body(part, i);
			_exit(0);
		}
	}
}

static inline void stress_kill(struct stress_crew *crew)
{
	for (uint32_t i = 0; crew->forked && i < crew->count; i++)
		if (crew->workers[i].pid > 0)
			kill(crew->workers[i].pid, SIGKILL);
}

/* Wait for all; one that failed ends the program. */
static inline void stress_join(struct stress_crew *crew)
{
	for (uint32_t i = 0; !crew->forked && i < crew->count; i++)
		pthread_join(crew->workers[i].thread, NULL);
	for (uint32_t left = crew->forked ? crew->count : 0; left > 0; left--) {
		int status = 0;
		pid_t pid = wait(&status);
		for (uint32_t i = 0; i < crew->count; i++)
			if (crew->workers[i].pid == pid)
				crew->workers[i].pid = 0;
		if (pid < 0 || status != 0) {
			stress_kill(crew);
			stress_fail("a worker process ended with status %#x", status);
		}
	}
}

#endif
