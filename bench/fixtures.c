/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fixtures.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/clock.h"
#include "bench/items.h"
#include "bench/report.h"

enum { WORDS = 20000, STATIONS = 413, BUFFER_BYTES = 1 << 20 };

uint64_t fixture_bytes(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static void read_through(const char *path)
{
	static char buffer[BUFFER_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	BENCH_CHECK(fd >= 0);
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	close(fd);
}

/* Make a file unless there is one. A half-made one never has the name. */
static const char *make(const char *what, uint64_t amount, void (*write)(FILE *, uint64_t))
{
	char *path = NULL, *half = NULL;
	BENCH_CHECK(asprintf(&path, "%s/waxbench-%s-%llu", bench.scratch, what,
				    (unsigned long long)amount) > 0);
	if (fixture_bytes(path) == 0) {
		BENCH_CHECK(asprintf(&half, "%s.%d", path, (int)getpid()) > 0);
		FILE *file = fopen(half, "w");
		if (!file)
			bench_die("cannot write '%s': %s", half, strerror(errno));
		setvbuf(file, NULL, _IOFBF, BUFFER_BYTES);
		write(file, amount);
		if (fclose(file) != 0 || rename(half, path) < 0)
			bench_die("cannot write '%s': %s", half, strerror(errno));
		free(half);
	}
	read_through(path);
	return path;
}

/* ---- Text: words of 2 to 12 letters, few of them often, in lines of about 70 bytes */

static void make_words(char words[WORDS][16])
{
	uint64_t random = 1;
	for (uint32_t i = 0; i < WORDS; i++) {
		uint32_t letters = 2 + (uint32_t)(items_random(&random) % 11);
		for (uint32_t j = 0; j < letters; j++)
			words[i][j] = (char)('a' + items_random(&random) % 26);
		words[i][letters] = '\0';
	}
}

/* Like Zipf's law: each doubling of the rank is as likely as the next. */
static uint32_t draw_word(uint64_t *random)
{
	uint64_t bits = items_random(random);
	uint32_t range = 2u << ((bits >> 40) % 14);
	return (uint32_t)(bits & 0xffffff) % (range < WORDS ? range : WORDS);
}

static void write_text(FILE *file, uint64_t bytes)
{
	static char words[WORDS][16];
	uint64_t random = 2, column = 0;
	make_words(words);
	for (uint64_t written = 0; written < bytes;) {
		const char *word = words[draw_word(&random)];
		size_t length = strlen(word);
		fwrite(word, 1, length, file);
		column += length + 1;
		putc(column > 64 ? '\n' : ' ', file);
		column = column > 64 ? 0 : column;
		written += length + 1;
	}
	putc('\n', file);
}

const char *fixture_text(uint64_t bytes)
{
	return make("text", bytes, write_text);
}

/* ---- Rows of weather stations */

static void write_brc(FILE *file, uint64_t rows)
{
	char names[STATIONS][32];
	uint64_t random = 3;
	for (uint32_t i = 0; i < STATIONS; i++) {
		uint32_t letters = 3 + (uint32_t)(items_random(&random) % 16);
		for (uint32_t j = 0; j < letters; j++)
			names[i][j] = (char)((j ? 'a' : 'A') + items_random(&random) % 26);
		names[i][letters] = '\0';
	}
	for (uint64_t i = 0; i < rows; i++) {
		uint64_t bits = items_random(&random);
		int tenths = (int)((bits >> 32) % 1999) - 999;
		unsigned size = (unsigned)(tenths < 0 ? -tenths : tenths);
		fprintf(file, "%s;%s%u.%u\n", names[bits % STATIONS], tenths < 0 ? "-" : "",
				size / 10, size % 10);
	}
}

const char *fixture_brc(uint64_t rows)
{
	return make("brc", rows, write_brc);
}

/* ---- Programs */

const char *fixture_built(const char *name, const char *what)
{
	char *path = NULL;
	BENCH_CHECK(asprintf(&path, "%s/%s", bench.build, name) > 0);
	if (access(path, R_OK) == 0)
		return path;
	report_skip(what, "there is no '%s' (--build names the folder)", path);
	free(path);
	return NULL;
}

double fixture_spawn(const char *const *argv, uint64_t *ret_rss_kib, uint64_t *ret_preempted)
{
	struct rusage usage;
	int status;
	fflush(NULL);
	uint64_t from = clock_ns();
	pid_t pid = fork();
	BENCH_CHECK(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, STDOUT_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	double took = (double)(clock_ns() - from);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		bench_die("'%s %s ...' failed", argv[0], argv[1] ? argv[1] : "");
	if (ret_rss_kib)
		*ret_rss_kib = (uint64_t)usage.ru_maxrss;
	if (ret_preempted)
		*ret_preempted = (uint64_t)usage.ru_nivcsw;
	return took;
}
