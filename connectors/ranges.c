/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run that goes on:
 *
 *     saved         |####......|####......|##########|          # was read
 *     left               [a    )    [b    )          [c   )     c: the interval has grown
 *     cut for two        [0    )    [0 )[1)          [1   )
 *
 * Cutting loses nothing and doubles nothing, because the reader of a range takes the lines that begin
 * in it, wherever it was cut. Two things are not seen in what is left, and must outlive a run in which
 * nothing is: how far the interval reached, which is the greatest end; and whether the line that ended
 * there was read. An empty range at the end says both.
 */
#include "connectors/ranges.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A cut so near to where a range ends anyway is made there, in shares of a partition: else each run
 * that goes on would leave slivers, and these add up. */
enum { NEAR = 16 };

/* What is to be read, by all partitions together. */
struct left {
	struct wax_range *ranges; /* in order, apart, and none is empty */
	uint32_t count;
	uint64_t total;
	uint64_t size;       /* of the interval, as it is now */
	uint64_t covered;    /* of the interval, as it was */
	uint64_t line;       /* so far lines were read, by the partition that has come farthest */
	bool covered_begins; /* the line that ended there was read: what is appended is another */
};

static bool is_damaged(const struct wax_range *range)
{
	return range->begins > 1 || range->next > INT64_MAX || range->end > INT64_MAX;
}

static int fail_damaged(struct wax_err *err)
{
	return wax_err_set(err, -EBADMSG,
			"the saved position is damaged: begin anew with --from none");
}

static uint32_t range_count(struct wax_bytes position)
{
	return (uint32_t)(position.bytes / sizeof(struct wax_range));
}

static bool is_position(struct wax_bytes position)
{
	return position.data && position.bytes > 0 &&
			position.bytes % sizeof(struct wax_range) == 0 &&
			position.bytes / sizeof(struct wax_range) <= UINT32_MAX / 2;
}

/* ---- In the launcher */

static int check_name(const char *saved, const char *name, struct wax_err *err)
{
	size_t length = strlen(name);
	if (strncmp(saved, name, length) == 0 && saved[length] == ':')
		return 0;
	return wax_err_set(err, -ESTALE,
			"the saved run read '%s', which is no part of '%s': read what it read, or "
			"begin anew with --from none",
			saved, name);
}

/* All ranges that were saved, and room for one more. */
static int gather(struct left *left, struct wax_parts *parts, const char *name, struct wax_err *err)
{
	uint32_t saved_count = wax_parts_saved_count(parts);
	size_t count = 0;
	for (uint32_t i = 0; i < saved_count; i++) {
		int r = check_name(wax_parts_saved_name(parts, i), name, err);
		if (r < 0)
			return r;
		struct wax_bytes position = wax_parts_saved_position(parts, i);
		if (!is_position(position))
			return fail_damaged(err);
		count += range_count(position);
	}
	left->ranges = calloc(count + 1, sizeof(*left->ranges));
	if (!left->ranges)
		return wax_err_set(err, -ENOMEM, "no memory for %zu ranges", count);
	for (uint32_t i = 0; i < saved_count; i++) {
		struct wax_bytes position = wax_parts_saved_position(parts, i);
		memcpy(left->ranges + left->count, position.data, position.bytes);
		left->count += range_count(position);
	}
	return 0;
}

/* What was read goes, and what it says of the whole stays. */
static int keep_unread(struct left *left, struct wax_err *err)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < left->count; i++) {
		struct wax_range range = left->ranges[i];
		if (is_damaged(&range))
			return fail_damaged(err);
		if (range.end > left->covered)
			left->covered = range.end;
		if (range.begins && range.next > left->line)
			left->line = range.next;
		if (range.next < range.end)
			left->ranges[kept++] = range;
	}
	left->count = kept;
	left->covered_begins = left->line >= left->covered;
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	uint64_t next_a = ((const struct wax_range *)a)->next;
	uint64_t next_b = ((const struct wax_range *)b)->next;
	return (next_a > next_b) - (next_a < next_b);
}

/* In order; what was only cut apart, and not read since, is made whole. */
static int join(struct left *left, struct wax_err *err)
{
	uint32_t last = 0;
	qsort(left->ranges, left->count, sizeof(*left->ranges), compare_ranges);
	for (uint32_t i = 1; i < left->count; i++) {
		struct wax_range range = left->ranges[i];
		if (range.next < left->ranges[last].end)
			return fail_damaged(err);
		if (range.next == left->ranges[last].end && !range.begins)
			left->ranges[last].end = range.end;
		else
			left->ranges[++last] = range;
	}
	left->count = left->count > 0 ? last + 1 : 0;
	for (uint32_t i = 0; i < left->count; i++)
		left->total += left->ranges[i].end - left->ranges[i].next;
	return 0;
}

static int find_left(struct left *left, struct wax_parts *parts, const char *name, const char *unit,
		struct wax_err *err)
{
	int r = gather(left, parts, name, err);
	if (r == 0)
		r = keep_unread(left, err);
	if (r < 0)
		return r;
	if (left->size < left->covered)
		return wax_err_set(err, -ESTALE,
				"'%s' has %" PRIu64 " %s, and the saved run had %" PRIu64
				": it was replaced or cut short; bring it back, or begin anew with "
				"--from none",
				name, left->size, unit, left->covered);
	if (left->size > left->covered)
		left->ranges[left->count++] =
				(struct wax_range){left->covered, left->size, left->covered_begins};
	return join(left, err);
}

/* Where partition `index` begins, counted in what is left; that behind the last begins at its end. */
static uint64_t cut_at(const struct left *left, uint32_t index, uint32_t part_count)
{
	uint64_t at = (uint64_t)((unsigned __int128)left->total * index / part_count);
	uint64_t near = index < part_count ? left->total / part_count / NEAR : 0;
	uint64_t border = 0;
	for (uint32_t i = 0; i < left->count && border <= at + near; i++) {
		if (border + near >= at)
			return border;
		border += left->ranges[i].end - left->ranges[i].next;
	}
	return at;
}

/* Those of what is left from `from` to `to`. @return how many; at most one more than there are */
static uint32_t cut_out(const struct left *left, uint64_t from, uint64_t to, bool last,
		struct wax_range *ret_ranges)
{
	uint64_t border = 0, end = 0;
	uint32_t count = 0;
	for (uint32_t i = 0; i < left->count && border < to; i++) {
		struct wax_range range = left->ranges[i];
		uint64_t first = from > border ? from - border : 0;
		border += range.end - range.next;
		if (border > to)
			range.end -= border - to;
		if (first >= range.end - range.next)
			continue;
		range.begins = first == 0 && range.begins;
		range.next += first;
		end = range.end;
		ret_ranges[count++] = range;
	}
	bool begins = left->size == left->covered && left->covered_begins;
	if (count == 0 || (last && (end < left->size || begins)))
		ret_ranges[count++] = (struct wax_range){left->size, left->size, begins};
	return count;
}

static int add_part(struct wax_parts *parts, const char *name, uint32_t index, uint32_t part_count,
		struct wax_bytes position, struct wax_err *err)
{
	char *part;
	if (asprintf(&part, "%s:%" PRIu32 "/%" PRIu32, name, index, part_count) < 0)
		return wax_err_set(err, -ENOMEM, "no memory for the partitions of '%s'", name);
	int r = wax_parts_add_at(parts, part, position);
	free(part);
	return r < 0 ? wax_err_set(err, r, "cannot split '%s': %s", name, strerror(-r)) : 0;
}

int wax_ranges_list(struct wax_parts *parts, const char *name, const char *unit, uint64_t size,
		uint32_t part_count, struct wax_err *err)
{
	struct left left = {.size = size};
	struct wax_range *ranges = NULL;
	int r = find_left(&left, parts, name, unit, err);
	if (r == 0) {
		ranges = calloc(left.count + 1, sizeof(*ranges));
		r = ranges ? 0 : wax_err_set(err, -ENOMEM, "no memory to split '%s'", name);
	}
	for (uint32_t i = 0; i < part_count && r == 0; i++) {
		uint32_t count = cut_out(&left, cut_at(&left, i, part_count),
				cut_at(&left, i + 1, part_count), i + 1 == part_count, ranges);
		r = add_part(parts, name, i, part_count,
				(struct wax_bytes){ranges, count * sizeof(*ranges)}, err);
	}
	free(ranges);
	free(left.ranges);
	return r;
}

/* ---- In the worker */

/* Go to the next range when this one was read. */
static bool move_on(struct wax_ranges *ranges)
{
	bool moved = false;
	while (ranges->count > 1 && ranges->ranges[0].next >= ranges->ranges[0].end) {
		struct wax_range *before = ranges->ranges++;
		ranges->count--;
		moved = true;
		/* A line may go on behind its range, into this one. */
		if (before->begins && before->next >= ranges->ranges[0].next)
			ranges->ranges[0] =
					(struct wax_range){before->next, ranges->ranges[0].end, 1};
	}
	return moved || ranges->ranges[0].next >= ranges->ranges[0].end;
}

int wax_ranges_init(struct wax_ranges *ret_ranges, struct wax_bytes position, struct wax_err *err)
{
	if (!is_position(position))
		return fail_damaged(err);
	struct wax_range *memory = malloc(position.bytes);
	if (!memory)
		return wax_err_set(err, -ENOMEM, "no memory for its position");
	memcpy(memory, position.data, position.bytes);
	*ret_ranges = (struct wax_ranges){memory, range_count(position), memory};
	move_on(ret_ranges);
	return 0;
}

void wax_ranges_fini(struct wax_ranges *ranges)
{
	free(ranges->memory);
	*ranges = (struct wax_ranges){0};
}

const struct wax_range *wax_ranges_now(const struct wax_ranges *ranges)
{
	return ranges->ranges[0].next < ranges->ranges[0].end ? &ranges->ranges[0] : NULL;
}

bool wax_ranges_advance(struct wax_ranges *ranges, uint64_t next, bool begins)
{
	ranges->ranges[0].next = next;
	ranges->ranges[0].begins = begins;
	return move_on(ranges);
}

struct wax_bytes wax_ranges_position(const struct wax_ranges *ranges)
{
	return (struct wax_bytes){ranges->ranges, ranges->count * sizeof(*ranges->ranges)};
}
