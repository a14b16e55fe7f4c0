/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each of the two blocks is memory for one read, with room in front:
 *
 *     | head-room ...... tail | what was read .................. |
 *                        ^line                            ^filled
 *
 * 1. Both blocks are being read, in the order of the file. The first arrives.
 * 2. It is scanned, and its lines are lent, a batch a call.
 * 3. No newline is left: what remains, the tail, is copied in front of the other block, where it
 *    continues. So the lines of a block always lie in one heap. The first block is read again.
 * 4. When the other block has arrived, it is the one that is scanned.
 *
 * A tail that is longer than the head-room goes to `longline` instead, which grows until a block
 * has the end of the line; that line is a batch of its own.
 *
 * A line belongs to the range in which its first byte lies. So a reader that begins in the middle
 * of a file looks at the byte before, and skips to the first newline; and it reads on behind its
 * end as far as its last line goes.
 *
 * A stream has one read under way at a time, because two would not be ordered.
 */
#include "connectors/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/scan.h"
#include "runtime/assert.h"
#include "runtime/connector.h"
#include "runtime/loop.h"
#include "runtime/port.h"

enum { PAGE_BYTES = 4096, HEAD_ROOM_MAX = 64 * 1024, LONGLINE_BYTES_MAX = INT32_MAX };

/* How far behind the end of the range is read at once: most last lines end there. */
enum { BEHIND_BYTES = 4096 };

enum block_state {
	BLOCK_FREE = 0,
	BLOCK_READING,
	BLOCK_READY, /* or failed */
};

struct block {
	struct wax_completion completion; /* first */
	struct wax_lines *lines;
	enum block_state state;
	int failure; /* negative errno */
	char *memory;
	uint64_t offset; /* of the read, in the file */
	uint32_t wanted;
	uint32_t filled;
	uint32_t tail_bytes; /* in front of what is read */
};

struct wax_lines {
	struct wax_lines_options options;
	struct block blocks[2];
	uint32_t head_room;
	uint64_t read_offset; /* of the next read */
	bool at_eof;          /* of a stream */

	/* The block whose turn it is, and once it has arrived what of it was scanned. */
	struct block *current;
	bool scanning;
	struct wax_scan scan;
	int64_t heap_offset; /* where in the file the heap would begin; below 0 at the beginning */

	bool waiting;  /* wake is to be called when the current block arrives */
	bool skipping; /* to the first line of the range */
	bool ended;
	uint64_t offset; /* wax_lines_offset */

	char *longline;
	uint32_t longline_bytes; /* 0: there is none */
	uint32_t longline_capacity;
	bool longline_lent;

	uint32_t most; /* lines to give at once */
	struct wax_span spans[WAX_PORT_ITEMS_MAX];
};

static struct block *other_block(struct wax_lines *lines, const struct block *block)
{
	return block == &lines->blocks[0] ? &lines->blocks[1] : &lines->blocks[0];
}

static char *block_data(const struct block *block)
{
	return block->memory + block->lines->head_room;
}

/* Buffer and completion are borrowed until block_done. */
static void block_read(struct block *block)
{
	struct wax_lines *lines = block->lines;
	int64_t offset = lines->options.stream ? -1 : (int64_t)(block->offset + block->filled);

	block->state = BLOCK_READING;
	wax_loop_read(lines->options.loop, &block->completion, lines->options.fd,
			block_data(block) + block->filled, block->wanted - block->filled, offset);
}

static void block_done(struct wax_completion *completion, int result)
{
	struct block *block = (struct block *)completion;
	struct wax_lines *lines = block->lines;

	if (result > 0)
		block->filled += (uint32_t)result;

	if (result == -EINTR ||
			(result > 0 && !lines->options.stream && block->filled < block->wanted)) {
		block_read(block);
		return;
	}
	if (result < 0)
		block->failure = result;
	else if (result == 0 && lines->options.stream)
		lines->at_eof = true;
	else if (result == 0)
		block->failure = -ESTALE;
	block->state = BLOCK_READY;
	if (lines->waiting && block == lines->current) {
		lines->waiting = false;
		lines->options.wake(lines->options.context);
	}
}

/* Is there something to read into a free block? beyond_end: the last line goes on there. */
static bool has_more(const struct wax_lines *lines, bool beyond_end)
{
	if (lines->options.stream)
		return !lines->at_eof;
	return lines->read_offset < lines->options.size &&
			(beyond_end || lines->read_offset < lines->options.end);
}

static void block_start(struct block *block, bool beyond_end)
{
	struct wax_lines *lines = block->lines;
	uint64_t limit = lines->options.size;
	uint64_t bytes = lines->options.buffer_bytes;

	if (block->state != BLOCK_FREE || !has_more(lines, beyond_end))
		return;
	if (lines->options.stream) {
		/* In order: the other one first. */
		if (other_block(lines, block)->state == BLOCK_READING)
			return;
	} else {
		if (!beyond_end && limit - lines->options.end > BEHIND_BYTES)
			limit = lines->options.end + BEHIND_BYTES;
		/* From the second on reads begin at a page. */
		if (bytes > PAGE_BYTES)
			bytes -= lines->read_offset % PAGE_BYTES;
		if (bytes > limit - lines->read_offset)
			bytes = limit - lines->read_offset;
	}
	block->offset = lines->read_offset;
	block->wanted = (uint32_t)bytes;
	block->filled = 0;
	block->failure = 0;
	if (!lines->options.stream)
		lines->read_offset += bytes;
	block_read(block);
}

/* The block whose turn it is comes first. */
static void start_reads(struct wax_lines *lines, bool beyond_end)
{
	block_start(lines->current, beyond_end);
	block_start(other_block(lines, lines->current), false);
}

static int fail_read(const struct wax_lines *lines, const struct block *block, struct wax_err *err)
{
	const char *name = lines->options.name;
	unsigned long long at = block->offset + block->filled;

	if (block->failure == -ESTALE)
		return wax_err_set(err, -ESTALE,
				"%s became shorter while it was read: it ends at byte %llu, and "
				"had %llu bytes at the start",
				name, at, (unsigned long long)lines->options.size);
	errno = -block->failure;
	return wax_err_set(err, block->failure, "cannot read %s at byte %llu: %m", name, at);
}

static uint64_t offset_of(const struct wax_lines *lines, uint32_t at)
{
	return (uint64_t)(lines->heap_offset + at);
}

/* Where in the heap the range ends; UINT32_MAX: not in this block. */
static uint32_t range_end(const struct wax_lines *lines)
{
	int64_t at;

	if (lines->options.stream)
		return UINT32_MAX;
	at = (int64_t)lines->options.end - lines->heap_offset;
	if (at < 0)
		return 0;
	return at < UINT32_MAX ? (uint32_t)at : UINT32_MAX;
}

static uint32_t block_end(const struct wax_lines *lines)
{
	return lines->head_room + lines->current->filled;
}

/* The block has arrived, with the tail of the one before in front of it. */
static void begin_scan(struct wax_lines *lines)
{
	struct block *block = lines->current;

	if (lines->options.stream) {
		block->offset = lines->read_offset;
		lines->read_offset += block->filled;
	}
	lines->scan.heap = block->memory;
	lines->scan.at = lines->head_room;
	lines->scan.line = lines->head_room - block->tail_bytes;
	lines->heap_offset = (int64_t)block->offset - lines->head_room;
	lines->scanning = true;
}

/* The block was scanned to its end, and its tail is elsewhere. */
static void end_scan(struct wax_lines *lines)
{
	struct block *block = lines->current;

	block->state = BLOCK_FREE;
	block->tail_bytes = 0;
	lines->current = other_block(lines, block);
	lines->scanning = false;
}

static int longline_append(
		struct wax_lines *lines, const char *text, uint32_t bytes, struct wax_err *err)
{
	uint64_t total = (uint64_t)lines->longline_bytes + bytes;
	uint64_t capacity = lines->longline_capacity ? lines->longline_capacity : 2 * PAGE_BYTES;
	char *longline;

	if (total > LONGLINE_BYTES_MAX)
		return wax_err_set(err, -E2BIG,
				"the line at byte %llu of %s is longer than 2 GiB: is this a text?",
				(unsigned long long)lines->offset, lines->options.name);

	while (capacity < total)
		capacity *= 2;
	if (capacity > lines->longline_capacity) {
		longline = realloc(lines->longline, capacity);
		if (!longline)
			return wax_err_set(err, -ENOMEM,
					"no memory for the line at byte %llu of %s: %llu bytes and "
					"no end",
					(unsigned long long)lines->offset, lines->options.name,
					(unsigned long long)total);
		lines->longline = longline;
		lines->longline_capacity = (uint32_t)capacity;
	}
	memcpy(lines->longline + lines->longline_bytes, text, bytes);
	lines->longline_bytes = (uint32_t)total;
	return 0;
}

static void longline_free(struct wax_lines *lines)
{
	free(lines->longline);
	lines->longline = NULL;
	lines->longline_bytes = 0;
	lines->longline_capacity = 0;
	lines->longline_lent = false;
}

/* What has no newline yet moves in front of the next block. */
static int move_tail(struct wax_lines *lines, struct wax_err *err)
{
	struct block *next = other_block(lines, lines->current);
	const char *tail = lines->scan.heap + lines->scan.line;
	uint32_t bytes = block_end(lines) - lines->scan.line;
	int rc = 0;

	if (lines->longline_bytes > 0 || bytes > lines->head_room) {
		rc = longline_append(lines, tail, bytes, err);
	} else {
		memcpy(block_data(next) - bytes, tail, bytes);
		next->tail_bytes = bytes;
	}
	return rc;
}

static void lend(struct wax_lines *lines, const char *heap, size_t heap_bytes, uint32_t count,
		struct wax_batch *ret_batch)
{
	*ret_batch = (struct wax_batch){
			.count = count,
			.values = lines->spans,
			.value_heap = heap,
			.value_heap_bytes = heap_bytes,
	};
}

static int lend_longline(struct wax_lines *lines, struct wax_batch *ret_batch)
{
	uint32_t bytes = lines->longline_bytes;

	lines->spans[0] = (struct wax_span){.at = 0, .bytes = bytes};
	lend(lines, lines->longline, bytes, 1, ret_batch);
	lines->longline_lent = true;
	return WAX_MORE;
}

/* Find the end of the long line in this block. @return WAX_MORE, or WAX_IDLE: it is not here */
static int continue_longline(
		struct wax_lines *lines, struct wax_batch *ret_batch, struct wax_err *err)
{
	const char *text = lines->scan.heap + lines->scan.line;
	uint32_t bytes = block_end(lines) - lines->scan.line;
	const char *newline = memchr(text, '\n', bytes);
	int rc;

	if (!newline)
		return WAX_IDLE;
	rc = longline_append(lines, text, (uint32_t)(newline - text), err);
	if (rc < 0)
		return rc;
	if (lines->longline[lines->longline_bytes - 1] == '\r')
		lines->longline_bytes--;
	lines->scan.line = (uint32_t)(newline + 1 - lines->scan.heap);
	lines->scan.at = lines->scan.line;
	lines->offset = offset_of(lines, lines->scan.line);
	return lend_longline(lines, ret_batch);
}

/* @return does a line of the range begin in this block or a later one? */
static bool skip_to_line(struct wax_lines *lines)
{
	const char *text = lines->scan.heap + lines->scan.at;
	uint32_t inside = range_end(lines);
	uint32_t end = block_end(lines) < inside ? block_end(lines) : inside;
	const char *newline = memchr(text, '\n', end - lines->scan.at);

	if (newline) {
		end = (uint32_t)(newline + 1 - lines->scan.heap);
		lines->skipping = false;
	}
	lines->scan.line = end;
	lines->scan.at = end;
	lines->offset = offset_of(lines, end);
	return end < inside;
}

/* @return how many lines were found */
static uint32_t scan_block(struct wax_lines *lines)
{
	uint32_t end = block_end(lines);
	uint32_t inside = range_end(lines);
	uint32_t count = 0;

	lines->scan.end = end < inside ? end : inside;
	if (lines->scan.at < lines->scan.end)
		count = wax_scan_lines(&lines->scan, lines->spans, lines->most);
	/* The line that goes on behind the range, but none that begins there. */
	if (count == 0 && lines->scan.line < inside && lines->scan.at < end) {
		lines->scan.end = end;
		count = wax_scan_lines(&lines->scan, lines->spans, 1);
	}
	return count;
}

/* @return WAX_MORE, WAX_END, or WAX_IDLE: the next block is needed */
static int next_in_block(struct wax_lines *lines, struct wax_batch *ret_batch, struct wax_err *err)
{
	uint32_t count;

	if (lines->skipping && !skip_to_line(lines))
		return WAX_END;
	if (lines->longline_bytes > 0)
		return continue_longline(lines, ret_batch, err);

	count = scan_block(lines);
	if (count > 0) {
		lines->offset = offset_of(lines, lines->scan.line);
		lend(lines, lines->scan.heap, block_end(lines), count, ret_batch);
		return WAX_MORE;
	}
	return lines->scan.line >= range_end(lines) ? WAX_END : WAX_IDLE;
}

/* Nothing is left to be read: the tail is a line without a newline. */
static int last_line(struct wax_lines *lines, struct wax_batch *ret_batch)
{
	uint32_t bytes = lines->current->tail_bytes;
	uint32_t at = lines->head_room - bytes;

	lines->ended = true;
	if (lines->longline_bytes > 0) {
		lines->offset += lines->longline_bytes;
		return lend_longline(lines, ret_batch);
	}
	if (bytes == 0)
		return WAX_END;
	lines->offset += bytes;
	lines->spans[0] = (struct wax_span){.at = at, .bytes = bytes};
	lend(lines, lines->current->memory, lines->head_room, 1, ret_batch);
	return WAX_MORE;
}

int wax_lines_next(struct wax_lines *lines, struct wax_batch *ret_batch, struct wax_err *err)
{
	if (lines->longline_lent)
		longline_free(lines);

	while (!lines->ended) {
		struct block *block = lines->current;
		/* The line that is unfinished began inside the range. */
		bool unfinished = block->tail_bytes > 0 || lines->longline_bytes > 0;
		int rc;

		if (!lines->scanning) {
			start_reads(lines, unfinished);
			lines->waiting = block->state == BLOCK_READING;
			if (lines->waiting)
				return WAX_IDLE;
			if (block->state == BLOCK_FREE)
				return last_line(lines, ret_batch);
			if (block->failure < 0)
				return fail_read(lines, block, err);
			begin_scan(lines);
		}

		rc = next_in_block(lines, ret_batch, err);
		if (rc == WAX_MORE || rc < 0)
			return rc;
		if (rc == WAX_END)
			break;
		rc = move_tail(lines, err);
		if (rc < 0)
			return rc;
		end_scan(lines);
	}
	lines->ended = true;
	return WAX_END;
}

uint64_t wax_lines_offset(const struct wax_lines *lines)
{
	return lines->offset;
}

bool wax_lines_begins(const struct wax_lines *lines)
{
	return !lines->skipping;
}

int wax_lines_emit(struct wax_lines *lines, struct wax_env *env, struct wax_out *out,
		struct wax_err *err)
{
	struct wax_batch batch;
	uint32_t most = wax_env_batch_size(env);
	lines->most = most < WAX_PORT_ITEMS_MAX ? most : WAX_PORT_ITEMS_MAX;
	int rc = wax_lines_next(lines, &batch, err);

	if (rc != WAX_MORE)
		return rc;
	wax_env_at(env, lines->offset);
	rc = wax_source_lend(out, &batch);
	return rc < 0 ? rc : WAX_MORE;
}

static void begin_range(struct wax_lines *lines)
{
	const struct wax_lines_options *options = &lines->options;

	lines->offset = options->begin;
	lines->read_offset = options->begin;
	if (options->stream)
		return;
	lines->ended = options->begin >= options->end;
	if (options->begin > 0 && !options->resumes) {
		lines->skipping = true;
		lines->read_offset--;
	}
}

int wax_lines_make(const struct wax_lines_options *options, struct wax_lines **ret_lines,
		struct wax_err *err)
{
	struct wax_lines *lines = calloc(1, sizeof(*lines));
	uint32_t bytes = options->buffer_bytes ? options->buffer_bytes : WAX_LINES_BUFFER_BYTES;

	WAX_ASSERT(options->stream || options->end <= options->size);
	if (!lines)
		return wax_err_set(err, -ENOMEM, "no memory to read %s", options->name);

	lines->options = *options;
	lines->most = WAX_PORT_ITEMS_MAX;
	lines->options.buffer_bytes = bytes;
	lines->head_room = bytes < HEAD_ROOM_MAX ? bytes : HEAD_ROOM_MAX;
	lines->current = &lines->blocks[0];
	begin_range(lines);
	for (int i = 0; i < 2; i++) {
		struct block *block = &lines->blocks[i];

		block->lines = lines;
		block->completion.done = block_done;
		if (posix_memalign((void **)&block->memory, PAGE_BYTES, lines->head_room + bytes)) {
			wax_lines_free(lines);
			return wax_err_set(err, -ENOMEM, "no memory to read %s", options->name);
		}
	}
	*ret_lines = lines;
	return 0;
}

void wax_lines_free(struct wax_lines *lines)
{
	if (!lines)
		return;
	for (int i = 0; i < 2; i++) {
		if (lines->blocks[i].completion.busy)
			wax_loop_cancel(lines->options.loop, &lines->blocks[i].completion);
		free(lines->blocks[i].memory);
	}
	free(lines->longline);
	free(lines);
}
