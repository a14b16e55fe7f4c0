/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "connectors/lines.h"
#include "runtime/port.h"
#include "tests/support/loops.h"
#include "tests/support/random.h"

enum { TEXT_BYTES_MAX = 64 * 1024 };

/* Lines one after the other, each with '\n': what came out, and what should have. */
struct found {
	char *text;
	size_t bytes;
	size_t capacity;
	uint32_t count;
};

struct reader {
	struct wax_loop *loop;
	struct wax_lines *lines;
	struct wax_lines_options options;
	struct wax_err err;
	unsigned woken;
};

static void found_add(struct found *found, const char *text, size_t bytes)
{
	if (found->bytes + bytes + 1 > found->capacity) {
		found->capacity = 2 * (found->bytes + bytes + 1);
		found->text = realloc(found->text, found->capacity);
		cr_assert(found->text);
	}
	memcpy(found->text + found->bytes, text, bytes);
	found->bytes += bytes;
	found->text[found->bytes++] = '\n';
	found->count++;
}

/* What is right: the lines that begin in [begin, end). */
static void model(struct found *found, const char *text, size_t bytes, size_t begin, size_t end)
{
	size_t line = 0;

	while (line < bytes) {
		const char *newline = memchr(text + line, '\n', bytes - line);
		size_t line_end = newline ? (size_t)(newline - text) : bytes;
		size_t next = newline ? line_end + 1 : bytes;

		if (newline && line_end > line && text[line_end - 1] == '\r')
			line_end--;
		if (line >= begin && line < end)
			found_add(found, text + line, line_end - line);
		line = next;
	}
}

static void expect_same(struct found *found, struct found *right, const char *what)
{
	cr_assert_eq(found->count, right->count, "%s: %u of %u lines", what, found->count,
			right->count);
	cr_assert_eq(found->bytes, right->bytes, "%s", what);
	cr_assert(found->bytes == 0 || memcmp(found->text, right->text, found->bytes) == 0, "%s",
			what);
	free(found->text);
	free(right->text);
	*found = (struct found){0};
	*right = (struct found){0};
}

static void note_wake(void *context)
{
	((struct reader *)context)->woken++;
}

static void reader_open(struct reader *reader)
{
	reader->options.loop = reader->loop;
	reader->options.name = "'text'";
	reader->options.wake = note_wake;
	reader->options.context = reader;
	cr_assert_eq(wax_lines_make(&reader->options, &reader->lines, &reader->err), 0);
}

/* Add a batch to found; what it spans must lie in its heap. */
static void take(struct found *found, const struct wax_batch *batch)
{
	cr_assert(batch->count > 0);
	cr_assert(batch->count <= WAX_PORT_ITEMS_MAX);
	for (uint32_t i = 0; i < batch->count; i++) {
		const struct wax_span *span = WAX_VALUES(batch, struct wax_span) + i;

		cr_assert((size_t)span->at + span->bytes <= batch->value_heap_bytes);
		found_add(found, batch->value_heap + span->at, span->bytes);
	}
}

/* One batch, after as many waits as it takes. @return WAX_MORE, WAX_END or a failure */
static int next(struct reader *reader, struct found *found)
{
	struct wax_batch batch;

	for (;;) {
		unsigned woken = reader->woken;
		int rc = wax_lines_next(reader->lines, &batch, &reader->err);

		if (rc == WAX_MORE)
			take(found, &batch);
		if (rc != WAX_IDLE)
			return rc;
		for (int i = 0; i < 1000 && reader->woken == woken; i++)
			wax_loop_wait(reader->loop, 10000000);
		cr_assert_neq(reader->woken, woken, "what is idle is woken");
	}
}

/* One call, which may find the first line of the range nowhere yet. */
static int call(struct reader *reader, struct found *found)
{
	struct wax_batch batch;
	unsigned woken = reader->woken;
	int rc = wax_lines_next(reader->lines, &batch, &reader->err);

	if (rc == WAX_MORE)
		take(found, &batch);
	while (rc == WAX_IDLE && reader->woken == woken)
		wax_loop_wait(reader->loop, WAX_NEVER);
	return rc;
}

static int read_all(struct reader *reader, struct found *found)
{
	int rc;

	reader_open(reader);
	do
		rc = next(reader, found);
	while (rc == WAX_MORE);
	if (rc == WAX_END)
		cr_assert_eq(next(reader, found), WAX_END, "the end stays the end");
	wax_lines_free(reader->lines);
	return rc;
}

static int file_of(const char *text, size_t bytes)
{
	int fd = memfd_create("lines", MFD_CLOEXEC);

	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, bytes), (ssize_t)bytes);
	return fd;
}

/* Lines of mixed lengths, some much longer than the buffers; blank ones; both kinds of ends; with
 * and without an end of the last. */
static size_t random_text(char *text, uint64_t *random)
{
	size_t bytes_max = next_random(random) % (next_random(random) % 4 ? 500 : TEXT_BYTES_MAX);
	uint64_t length_max = 1 + next_random(random) % (next_random(random) % 8 ? 60 : 20000);
	size_t bytes = 0;

	while (bytes < bytes_max) {
		size_t length = next_random(random) % length_max;

		while (length-- > 0 && bytes < bytes_max)
			text[bytes++] = (char)('a' + next_random(random) % 26);
		if (next_random(random) % 3 == 0 && bytes < bytes_max)
			text[bytes++] = '\r';
		if (next_random(random) % 20 && bytes < bytes_max)
			text[bytes++] = '\n';
	}
	return bytes;
}

static uint32_t random_buffer_bytes(uint64_t *random)
{
	static const uint32_t sizes[] = {1, 2, 3, 7, 16, 64, 100, 1000, 4096, 5000, 8192, 0};

	return sizes[next_random(random) % (sizeof(sizes) / sizeof(sizes[0]))];
}

BOTH(lines, ranges_hold_each_line_once)
{
	struct reader reader = {.loop = loop};
	char *text = malloc(TEXT_BYTES_MAX);
	uint64_t random = 1;
	char what[100];

	for (unsigned round = 0; round < 150; round++) {
		size_t bytes = random_text(text, &random);
		int fd = file_of(text, bytes);
		uint32_t buffer_bytes = random_buffer_bytes(&random);
		struct found all = {0};
		struct found right_all = {0};

		/* A read for a byte or two takes its time. */
		if (buffer_bytes > 0 && bytes / buffer_bytes > 2000)
			buffer_bytes = 4096;
		reader.options = (struct wax_lines_options){
				.fd = fd, .size = bytes, .buffer_bytes = buffer_bytes};
		for (uint64_t count = 1; count <= 9; count++) {
			for (uint64_t i = 0; i < count; i++) {
				struct found found = {0};
				struct found right = {0};

				reader.options.begin = bytes * i / count;
				reader.options.end = bytes * (i + 1) / count;
				snprintf(what, sizeof(what),
						"round %u, %zu bytes by %u, range %u of %u", round,
						bytes, buffer_bytes, (unsigned)i, (unsigned)count);
				cr_assert_eq(read_all(&reader, &found), WAX_END, "%s", what);
				model(&right, text, bytes, reader.options.begin,
						reader.options.end);
				all.count += found.count;
				expect_same(&found, &right, what);
			}
			model(&right_all, text, bytes, 0, bytes);
			cr_assert_eq(all.count, right_all.count, "%s", what);
			free(right_all.text);
			all.count = 0;
			right_all = (struct found){0};
		}
		close(fd);
	}
	wax_loop_close(reader.loop);
	free(text);
}

BOTH(lines, streams_of_any_pieces)
{
	struct reader reader = {.loop = loop};
	char *text = malloc(TEXT_BYTES_MAX);
	uint64_t random = 2;

	for (unsigned round = 0; round < 200; round++) {
		size_t bytes = random_text(text, &random);
		uint64_t piece_max = 1 + next_random(&random) % (round % 2 ? 30 : 5000);
		size_t written = 0;
		struct found found = {0};
		struct found right = {0};
		struct wax_batch batch;
		int fds[2];
		int rc = WAX_IDLE;

		cr_assert_eq(pipe(fds), 0);
		/* Room for all of it, so that no write here blocks. */
		cr_assert(fcntl(fds[1], F_SETPIPE_SZ, 16 * TEXT_BYTES_MAX) > 0);
		reader.options = (struct wax_lines_options){.fd = fds[0],
				.stream = true,
				.buffer_bytes = random_buffer_bytes(&random)};
		reader_open(&reader);
		while (rc != WAX_END) {
			rc = wax_lines_next(reader.lines, &batch, &reader.err);
			cr_assert(rc >= 0);
			if (rc == WAX_MORE)
				take(&found, &batch);
			if (rc != WAX_IDLE)
				continue;
			if (written < bytes) {
				size_t piece = 1 + next_random(&random) % piece_max;

				if (piece > bytes - written)
					piece = bytes - written;
				cr_assert_eq(write(fds[1], text + written, piece), (ssize_t)piece);
				written += piece;
			} else if (fds[1] >= 0) {
				close(fds[1]);
				fds[1] = -1;
			}
			reader.woken = 0;
			while (reader.woken == 0)
				cr_assert(wax_loop_wait(reader.loop, 1000000000) < 2);
		}
		cr_assert_eq(wax_lines_offset(reader.lines), bytes);
		wax_lines_free(reader.lines);
		model(&right, text, bytes, 0, bytes);
		expect_same(&found, &right, "stream");
		close(fds[0]);
	}
	wax_loop_close(reader.loop);
	free(text);
}

/* Stop after a random number of calls, go on at the offset, until the end. */
Test(lines, reader_that_resumes_goes_on_behind_the_last_line)
{
	struct reader reader = {.loop = open_loop(WAX_IO_AUTO)};
	char *text = malloc(TEXT_BYTES_MAX);
	uint64_t random = 3;

	for (unsigned round = 0; round < 100; round++) {
		size_t bytes = random_text(text, &random);
		int fd = file_of(text, bytes);
		struct found found = {0};
		struct found right = {0};
		uint64_t calls_max = 2;
		int rc = WAX_MORE;

		reader.options = (struct wax_lines_options){.fd = fd,
				.size = bytes,
				.begin = bytes / 3,
				.end = bytes - bytes / 4,
				.buffer_bytes = 64 + round};
		while (rc != WAX_END) {
			/* More each time: a long line must end some time. */
			uint64_t calls = 1 + next_random(&random) % calls_max++;

			reader_open(&reader);
			for (rc = WAX_MORE; calls > 0 && rc != WAX_END; calls--)
				rc = call(&reader, &found);
			cr_assert_geq(wax_lines_offset(reader.lines), reader.options.begin);
			reader.options.begin = wax_lines_offset(reader.lines);
			reader.options.resumes = wax_lines_begins(reader.lines);
			wax_lines_free(reader.lines);
		}
		cr_assert_eq(rc, WAX_END);
		model(&right, text, bytes, bytes / 3, bytes - bytes / 4);
		expect_same(&found, &right, "resumed");
		close(fd);
	}
	wax_loop_close(reader.loop);
	free(text);
}

static void expect_lines(const char *text, const char *right)
{
	struct reader reader = {.loop = open_loop(WAX_IO_AUTO)};
	struct found found = {0};

	reader.options = (struct wax_lines_options){.fd = file_of(text, strlen(text)),
			.size = strlen(text),
			.end = strlen(text)};
	cr_assert_eq(read_all(&reader, &found), WAX_END);
	found_add(&found, "", 0);
	found.text[found.bytes - 1] = '\0';
	cr_assert_str_eq(found.text, right);
	free(found.text);
	close(reader.options.fd);
	wax_loop_close(reader.loop);
}

Test(lines, small_texts_are_read_as_expected)
{
	expect_lines("", "");
	expect_lines("\n", "\n");
	expect_lines("a", "a\n");
	expect_lines("a\nb", "a\nb\n");
	expect_lines("a\r\n\r\n\nb\r\n", "a\n\n\nb\n");
	expect_lines("a\rb\r", "a\rb\r\n");
}

Test(lines, a_batch_has_at_most_the_lines_of_a_port)
{
	enum { BYTES = 20000 };
	struct reader reader = {.loop = open_loop(WAX_IO_AUTO)};
	char *text = malloc(BYTES);
	struct found found = {0};
	unsigned batches = 0;

	memset(text, '\n', BYTES);
	reader.options = (struct wax_lines_options){
			.fd = file_of(text, BYTES), .size = BYTES, .end = BYTES};
	reader_open(&reader);
	while (next(&reader, &found) == WAX_MORE) {
		batches++;
		cr_assert_eq(wax_lines_offset(reader.lines), found.count);
	}
	cr_assert_eq(found.count, BYTES);
	cr_assert_eq(batches, (BYTES + WAX_PORT_ITEMS_MAX - 1) / WAX_PORT_ITEMS_MAX);
	wax_lines_free(reader.lines);
	wax_loop_close(reader.loop);
	free(found.text);
	free(text);
}

Test(lines, a_line_of_many_megabytes_comes_whole)
{
	enum { BYTES = 40 * 1024 * 1024 };
	struct reader reader = {.loop = open_loop(WAX_IO_AUTO)};
	char *text = malloc(BYTES);
	struct found found = {0};
	struct found right = {0};

	memset(text, 'x', BYTES);
	text[5] = '\n';
	text[BYTES - 10] = '\n';
	text[BYTES - 11] = '\r';
	model(&right, text, BYTES, 0, BYTES);
	reader.options = (struct wax_lines_options){
			.fd = file_of(text, BYTES), .size = BYTES, .end = BYTES / 2};
	/* The second half has only the last line: its first byte is there. */
	cr_assert_eq(read_all(&reader, &found), WAX_END);
	cr_assert_eq(found.count, 2);
	reader.options.begin = BYTES / 2;
	reader.options.end = BYTES;
	cr_assert_eq(read_all(&reader, &found), WAX_END);
	expect_same(&found, &right, "long");
	close(reader.options.fd);
	wax_loop_close(reader.loop);
	free(text);
}

Test(lines, a_file_that_shrinks_fails_and_says_where)
{
	enum { BYTES = 100000 };
	struct reader reader = {.loop = open_loop(WAX_IO_AUTO)};
	char *text = malloc(BYTES);
	struct found found = {0};
	int rc;

	memset(text, '\n', BYTES);
	reader.options = (struct wax_lines_options){.fd = file_of(text, BYTES),
			.size = BYTES,
			.end = BYTES,
			.buffer_bytes = 8192};
	reader_open(&reader);
	cr_assert_eq(next(&reader, &found), WAX_MORE);
	cr_assert_eq(ftruncate(reader.options.fd, 50000), 0);
	do
		rc = next(&reader, &found);
	while (rc == WAX_MORE);
	cr_assert_eq(rc, -ESTALE);
	cr_assert(strstr(reader.err.text, "'text' became shorter"), "%s", reader.err.text);
	cr_assert(strstr(reader.err.text, "byte 50000,"), "%s", reader.err.text);
	wax_lines_free(reader.lines);
	wax_loop_close(reader.loop);
	free(found.text);
	free(text);
}

Test(lines, a_read_that_fails_says_why)
{
	struct reader reader = {.loop = open_loop(WAX_IO_AUTO)};
	struct found found = {0};

	reader.options = (struct wax_lines_options){
			.fd = open("/", O_RDONLY | O_DIRECTORY), .size = 10, .end = 10};
	cr_assert_eq(read_all(&reader, &found), -EISDIR);
	cr_assert_str_eq(reader.err.text, "cannot read 'text' at byte 0: Is a directory");
	wax_loop_close(reader.loop);
}

Test(lines, freed_in_the_middle_nothing_is_read_any_more)
{
	struct reader reader = {.loop = open_loop(WAX_IO_AUTO)};
	struct wax_batch batch;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	reader.options = (struct wax_lines_options){.fd = fds[0], .stream = true};
	reader_open(&reader);
	cr_assert_eq(wax_lines_next(reader.lines, &batch, NULL), WAX_IDLE);
	wax_loop_reap(reader.loop);
	wax_lines_free(reader.lines);
	cr_assert_eq(wax_loop_pending(reader.loop), 0);
	cr_assert_eq(write(fds[1], "a\n", 2), 2);
	wax_loop_wait(reader.loop, 1000000);
	wax_loop_close(reader.loop);
	cr_assert_eq(reader.woken, 0);
}
