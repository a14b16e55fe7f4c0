/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/log_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/assert.h"
#include "runtime/hash.h"

/*
 * Segments are walked in order, frame by frame, each being held against the one before. Where that
 * ends at zeros behind an END, the log is in order. Elsewhere something is broken, and the question
 * is what: a run that ended in the middle of an epoch leaves nothing of a later one. So the rest is
 * searched for frames of later epochs. With them it is damage, without them a torn tail, of which
 * nothing is used.
 */

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the log is read as it lies on disk");

struct walk {
	struct wax_log_scan *scan;
	struct wax_err *err; /* of who asked */
	struct wax_err why;  /* it cannot go on */
	uint32_t segment;
	uint64_t offset;
	uint64_t chain;
	uint64_t epoch;       /* the last that was met; 0: none */
	uint32_t first_frame; /* of it */
	bool in_epoch;        /* its END has not come */
	bool behind_end;      /* in this segment */
	uint32_t frame_room;
	uint32_t epoch_room;
};

/* ---- A frame by itself */

static uint64_t padded(uint64_t bytes, uint64_t align)
{
	return (bytes + align - 1) & ~(align - 1);
}

/* Of a frame whose head was checked: it ends within its file. */
static uint64_t frame_bytes(const struct wax_log_head *head)
{
	return sizeof(*head) + padded(head->payload_bytes, WAX_LOG_FRAME_ALIGN);
}

static int say(const struct wax_log_scan *scan, uint32_t segment, uint64_t offset, int code,
		const char *what, struct wax_err *err)
{
	return wax_err_set(err, code, "frame at byte %llu of '%s/%s': %s",
			(unsigned long long)offset, scan->path, scan->segments[segment].name, what);
}

/* Records of a fixed size fill the payload; others take at least their lengths. */
static bool records_fit(const struct wax_log_head *head)
{
	bool values = head->kind == WAX_LOG_STATE;
	bool any_value = values && head->value_bytes == WAX_LOG_ANY_BYTES;
	uint64_t each = head->key_bytes > 0 ? head->key_bytes : sizeof(uint32_t);
	uint64_t least;

	if (values)
		each += any_value ? sizeof(uint32_t) : head->value_bytes;
	if (__builtin_mul_overflow(each, (uint64_t)head->count, &least))
		return false;
	return head->key_bytes == 0 || any_value ? head->payload_bytes >= least
						 : head->payload_bytes == least;
}

/* What is wrong, or NULL. */
static const char *check_sizes(const struct wax_log_head *head)
{
	static const char wrong[] = "its size is not that of its kind";

	switch (head->kind) {
	case WAX_LOG_OPEN:
		return head->payload_bytes == sizeof(struct wax_log_open) ? NULL : wrong;
	case WAX_LOG_STATE:
	case WAX_LOG_GONE:
		return records_fit(head) ? NULL : "its records do not fit into it";
	case WAX_LOG_CLEAR:
		return head->payload_bytes == 0 ? NULL : wrong;
	case WAX_LOG_END:
		return head->payload_bytes >= sizeof(struct wax_log_end) ? NULL : wrong;
	case WAX_LOG_PAD:
		return NULL;
	default:
		return "its kind is not known";
	}
}

/* Is there a frame? As far as its head tells, and without those around it. */
static int check_head(const struct wax_log_scan *scan, uint32_t index, uint64_t offset,
		struct wax_log_head *ret_head, struct wax_err *why)
{
	const struct wax_log_segment *segment = &scan->segments[index];
	struct wax_log_head head = {0};

	if (segment->bytes - offset < sizeof(head))
		return say(scan, index, offset, -EBADMSG, "the file ends in its head", why);
	memcpy(&head, segment->mapped + offset, sizeof(head));
	if (head.magic != WAX_LOG_MAGIC)
		return say(scan, index, offset, -EBADMSG, "there is none", why);
	if (head.head_hash != XXH3_64bits(&head, offsetof(struct wax_log_head, head_hash)))
		return say(scan, index, offset, -EBADMSG, "its head is damaged", why);
	if (head.version != WAX_LOG_VERSION)
		return wax_err_set(why, -EPROTO,
				"'%s/%s' is of version %u, and this program reads version %u: use "
				"the one that wrote it, or begin anew with --from none",
				scan->path, segment->name, head.version, WAX_LOG_VERSION);

	uint64_t room = segment->bytes - offset - sizeof(head);
	if (head.payload_bytes > room || padded(head.payload_bytes, WAX_LOG_FRAME_ALIGN) > room)
		return say(scan, index, offset, -EBADMSG, "the file ends in it", why);

	const char *wrong = check_sizes(&head);
	if (wrong)
		return say(scan, index, offset, -EBADMSG, wrong, why);
	*ret_head = head;
	return 0;
}

static void will_need(const struct wax_log_frame *frame)
{
	uintptr_t begin = (uintptr_t)frame->payload & ~(uintptr_t)(WAX_LOG_EPOCH_ALIGN - 1);

	/* What it cannot do for us takes a little longer. */
	(void)madvise((void *)begin, (uintptr_t)frame->payload + frame->head.payload_bytes - begin,
			MADV_WILLNEED);
}

static bool is_whole(const struct wax_log_frame *frame)
{
	return XXH3_64bits(frame->payload, frame->head.payload_bytes) == frame->head.payload_hash;
}

int wax_log_check_frame(const struct wax_log_scan *scan, const struct wax_log_frame *frame,
		struct wax_err *err)
{
	/* Whoever reads all of them goes backwards, with more to do than to read. */
	if (frame > scan->frames)
		will_need(frame - 1);
	if (is_whole(frame))
		return 0;
	return say(scan, frame->segment, frame->offset, -EBADMSG,
			"what is in it is damaged: restore the directory from a copy, or begin "
			"anew with --from none",
			err);
}

/* ---- Frames in their order */

static int grow(void **array, uint32_t *room, uint32_t count, size_t each, struct wax_err *err)
{
	if (count < *room)
		return 0;
	uint32_t wanted = *room > 0 ? 2 * *room : 64;
	void *grown = reallocarray(*array, wanted, each);
	if (!grown)
		return wax_err_set(err, -ENOMEM, "no memory for what is in a log");
	*array = grown;
	*room = wanted;
	return 0;
}

static int add_frame(struct walk *walk, const struct wax_log_frame *frame)
{
	struct wax_log_scan *scan = walk->scan;
	void *frames = scan->frames;
	int r = grow(&frames, &walk->frame_room, scan->frame_count, sizeof(*frame), walk->err);
	scan->frames = frames;
	if (r < 0)
		return r;
	scan->frames[scan->frame_count++] = *frame;
	return 0;
}

static int add_epoch(struct walk *walk, uint64_t base)
{
	struct wax_log_scan *scan = walk->scan;
	void *epochs = scan->epochs;
	int r = grow(&epochs, &walk->epoch_room, scan->epoch_count, sizeof(*scan->epochs),
			walk->err);
	scan->epochs = epochs;
	if (r < 0)
		return r;
	scan->epochs[scan->epoch_count++] = (struct wax_log_epoch){
			.epoch = walk->epoch,
			.base = base,
			.first_frame = walk->first_frame,
			.end_frame = scan->frame_count - 1,
	};
	return 0;
}

static int walk_broken(struct walk *walk, const char *what)
{
	return say(walk->scan, walk->segment, walk->offset, -EBADMSG, what, &walk->why);
}

static int check_order(struct walk *walk, const struct wax_log_head *head)
{
	if ((head->kind == WAX_LOG_OPEN) != (walk->offset == 0))
		return walk_broken(walk, "it is not where a segment begins");
	if (head->kind == WAX_LOG_OPEN || head->kind == WAX_LOG_PAD)
		return 0;
	if (walk->in_epoch && head->epoch != walk->epoch)
		return walk_broken(walk, "the epoch before it has no end");
	if (!walk->in_epoch && head->epoch <= walk->epoch)
		return walk_broken(walk, "its epoch had ended before");
	if (!walk->in_epoch && walk->behind_end && walk->offset % WAX_LOG_EPOCH_ALIGN != 0)
		return walk_broken(walk, "an epoch does not begin there");
	return 0;
}

/* Segments that somebody has copied from elsewhere are in order by themselves. */
static int check_open(struct walk *walk, const struct wax_log_frame *frame)
{
	struct wax_log_scan *scan = walk->scan;
	const struct wax_log_segment *segment = &scan->segments[walk->segment];
	struct wax_log_open open;

	if (!is_whole(frame))
		return walk_broken(walk, "what is in it is damaged");
	memcpy(&open, frame->payload, sizeof(open));
	if (scan->generation == 0) {
		scan->generation = open.generation;
		scan->run = open.run;
		scan->worker_count = open.worker_count;
	}
	if (open.generation == scan->generation && open.run == scan->run &&
			open.worker_count == scan->worker_count && open.worker == scan->worker &&
			open.segment == segment->number)
		return 0;
	return wax_err_set(walk->err, -EPROTO,
			"'%s/%s' does not belong there: another run or worker has written it. Put "
			"back the file of that name, or begin anew with --from none",
			scan->path, segment->name);
}

static int take_end(struct walk *walk, const struct wax_log_frame *frame)
{
	struct wax_log_end end;

	if (!is_whole(frame))
		return walk_broken(walk, "what is in it is damaged");
	wax_log_read_end(frame, &end);
	if (end.base > walk->epoch)
		return walk_broken(walk, "it needs an epoch that comes later");
	walk->in_epoch = false;
	walk->behind_end = true;
	return add_epoch(walk, end.base);
}

static int take_frame(struct walk *walk, const struct wax_log_frame *frame)
{
	int r = add_frame(walk, frame);
	if (r < 0)
		return r;
	if (frame->head.kind == WAX_LOG_OPEN)
		return check_open(walk, frame);
	if (frame->head.kind == WAX_LOG_PAD)
		return 0;
	if (!walk->in_epoch) {
		walk->in_epoch = true;
		walk->epoch = frame->head.epoch;
		walk->first_frame = walk->scan->frame_count - 1;
	}
	return frame->head.kind == WAX_LOG_END ? take_end(walk, frame) : 0;
}

static uint64_t chain_hash(uint64_t before, uint64_t payload_hash)
{
	uint64_t both[] = {before, payload_hash};
	return XXH3_64bits(both, sizeof(both));
}

static int walk_frame(struct walk *walk)
{
	struct wax_log_scan *scan = walk->scan;
	struct wax_log_frame frame = {.segment = walk->segment, .offset = walk->offset};
	int r = check_head(scan, walk->segment, walk->offset, &frame.head, &walk->why);
	if (r < 0)
		return r == -EPROTO ? wax_err_set(walk->err, r, "%s", walk->why.text) : r;
	if (frame.head.chain_hash != chain_hash(walk->chain, frame.head.payload_hash))
		return walk_broken(walk, "it does not belong behind the one before it");
	r = check_order(walk, &frame.head);
	if (r < 0)
		return r;
	frame.payload = scan->segments[walk->segment].mapped + walk->offset + sizeof(frame.head);
	r = take_frame(walk, &frame);
	if (r < 0)
		return r;
	walk->chain = frame.head.chain_hash;
	walk->offset += frame_bytes(&frame.head);
	/* The room behind an END belongs to what is whole. */
	if (!walk->in_epoch && walk->behind_end) {
		scan->torn_segment = walk->segment;
		scan->torn_offset = walk->offset;
	}
	return 0;
}

/* @return 0: to its end; -EBADMSG: broken, see why; what else has failed */
static int walk_segment(struct walk *walk)
{
	const struct wax_log_segment *segment = &walk->scan->segments[walk->segment];

	walk->offset = 0;
	walk->chain = 0;
	walk->behind_end = false;
	while (walk->offset < segment->data_bytes) {
		int r = walk_frame(walk);
		if (r < 0)
			return r;
	}
	if (walk->offset == 0)
		return walk_broken(walk, "there is none, the segment is empty");
	if (walk->in_epoch)
		return walk_broken(walk, "there is none, and the epoch has no end");
	return 0;
}

/* ---- Behind a broken place */

static void note_epoch(struct wax_log_scan *scan, const struct wax_log_head *head)
{
	if (head->kind != WAX_LOG_OPEN && head->kind != WAX_LOG_PAD &&
			head->epoch > scan->torn_epoch)
		scan->torn_epoch = head->epoch;
}

/* An epoch begins at a multiple of WAX_LOG_EPOCH_ALIGN, however broken the one before it. */
static void search(struct wax_log_scan *scan, uint32_t index, uint64_t offset)
{
	struct wax_log_head head = {0};

	while (offset < scan->segments[index].data_bytes) {
		if (check_head(scan, index, offset, &head, NULL) < 0) {
			offset = padded(offset + 1, WAX_LOG_EPOCH_ALIGN);
			continue;
		}
		note_epoch(scan, &head);
		offset += frame_bytes(&head);
	}
}

static int look_behind(struct walk *walk)
{
	struct wax_log_scan *scan = walk->scan;
	/* The epoch that is broken; without any before it, it could be each. The room behind an END
	 * is written with it. */
	uint64_t torn = UINT64_MAX;
	if (walk->in_epoch || (walk->behind_end && walk->offset % WAX_LOG_EPOCH_ALIGN != 0))
		torn = walk->epoch;
	else if (scan->epoch_count > 0)
		torn = walk->epoch + 1;

	scan->torn_epoch = walk->in_epoch ? walk->epoch : 0;
	for (uint32_t i = walk->segment; i < scan->segment_count; i++)
		search(scan, i, i == walk->segment ? walk->offset : 0);
	if (scan->torn_epoch <= torn)
		return 0;
	return wax_err_set(walk->err, -EBADMSG,
			"%s. Epoch %llu was saved behind it, so this is not how a run ends, it is "
			"damage: restore the directory from a copy, or begin anew with --from none",
			walk->why.text, (unsigned long long)scan->torn_epoch);
}

static void count_torn(struct wax_log_scan *scan)
{
	uint64_t from = scan->torn_offset;

	scan->torn_bytes = 0;
	for (uint32_t i = scan->torn_segment; i < scan->segment_count; i++, from = 0) {
		if (scan->segments[i].data_bytes > from)
			scan->torn_bytes += scan->segments[i].data_bytes - from;
	}
}

static int walk_segments(struct walk *walk)
{
	struct wax_log_scan *scan = walk->scan;
	int r = 0;

	while (walk->segment < scan->segment_count) {
		r = walk_segment(walk);
		if (r < 0)
			break;
		walk->segment++;
	}
	if (r == -EBADMSG)
		r = look_behind(walk);
	if (r < 0)
		return r;
	count_torn(scan);
	if (scan->torn_bytes > 0 && walk->why.code == 0)
		say(scan, scan->torn_segment, scan->torn_offset, -EBADMSG,
				"no epoch ends behind it", &walk->why);
	if (scan->torn_bytes > 0)
		scan->torn = walk->why;
	scan->frame_count = scan->epoch_count > 0
			? scan->epochs[scan->epoch_count - 1].end_frame + 1
			: 0;
	return 0;
}

/* ---- Segments */

/* The number of a segment of a worker; 0: the name is of something else. */
static uint64_t segment_number(const char *name, uint32_t worker)
{
	char front[WAX_LOG_NAME_BYTES], again[WAX_LOG_NAME_BYTES];
	size_t length = (size_t)snprintf(front, sizeof(front), "worker-%05u.", worker);
	if (strncmp(name, front, length) != 0)
		return 0;
	unsigned long long number = strtoull(name + length, NULL, 10);
	/* Only one way to write it. */
	snprintf(again, sizeof(again), "%06llu", number);
	return strcmp(name + length, again) == 0 ? number : 0;
}

static int compare_segments(const void *left, const void *right)
{
	const struct wax_log_segment *a = left, *b = right;
	return (a->number > b->number) - (a->number < b->number);
}

/* What lies before a gap was about to be removed: segments go in any order, and only such as no
 * epoch needs any more. Whoever needs them nevertheless does not find the epoch. */
static void skip_gaps(struct wax_log_scan *scan)
{
	uint32_t first = scan->segment_count;
	while (first > 1 &&
			scan->segments[first - 2].number + 1 == scan->segments[first - 1].number)
		first--;
	if (first <= 1)
		return;
	first--;
	scan->segment_count -= first;
	memmove(scan->segments, scan->segments + first,
			scan->segment_count * sizeof(*scan->segments));
}

static int list_segments(struct wax_log_scan *scan, int dir, struct wax_err *err)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	if (!entries) {
		int r = wax_err_set(err, -errno, "look into '%s': %m", scan->path);
		if (fd >= 0)
			close(fd);
		return r;
	}
	int r = 0;
	uint32_t room = 0;
	for (struct dirent *entry; r == 0 && (entry = readdir(entries));) {
		uint64_t number = segment_number(entry->d_name, scan->worker);
		if (number == 0)
			continue;
		void *segments = scan->segments;
		r = grow(&segments, &room, scan->segment_count, sizeof(*scan->segments), err);
		scan->segments = segments;
		if (r < 0)
			continue;
		struct wax_log_segment *segment = &scan->segments[scan->segment_count++];
		*segment = (struct wax_log_segment){.number = number};
		snprintf(segment->name, sizeof(segment->name), "%.*s", WAX_LOG_NAME_BYTES - 1,
				entry->d_name);
	}
	closedir(entries);
	if (scan->segment_count > 0)
		qsort(scan->segments, scan->segment_count, sizeof(*scan->segments),
				compare_segments);
	skip_gaps(scan);
	return r;
}

static bool are_zeros(const char *data)
{
	uint64_t words[8], any = 0;
	memcpy(words, data, sizeof(words));
	for (int i = 0; i < 8; i++)
		any |= words[i];
	return any == 0;
}

/* Room is made for a segment before it is written: zeros. */
static uint64_t find_data_end(const struct wax_log_segment *segment)
{
	uint64_t end = segment->bytes;
	while (end >= 64 && are_zeros(segment->mapped + end - 64))
		end -= 64;
	while (end > 0 && segment->mapped[end - 1] == 0)
		end--;
	return end;
}

static int map_segment(struct wax_log_segment *segment, int dir)
{
	struct stat status;
	int fd = openat(dir, segment->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		goto failed;
	segment->bytes = (uint64_t)status.st_size;
	if (segment->bytes > 0) {
		void *mapped = mmap(NULL, segment->bytes, PROT_READ, MAP_SHARED, fd, 0);
		if (mapped == MAP_FAILED)
			goto failed;
		segment->mapped = mapped;
		segment->data_bytes = find_data_end(segment);
	}
	close(fd);
	return 0;
failed:
	if (fd >= 0) {
		int code = errno;
		close(fd);
		errno = code;
	}
	return -errno;
}

static int map_segments(struct wax_log_scan *scan, int dir, struct wax_err *err)
{
	for (uint32_t i = 0; i < scan->segment_count; i++) {
		struct wax_log_segment *segment = &scan->segments[i];
		int r = map_segment(segment, dir);
		if (r < 0)
			return wax_err_set(err, r, "read '%s/%s': %m", scan->path, segment->name);
	}
	return 0;
}

int wax_log_scan(int dir, const char *path, uint32_t worker, struct wax_log_scan *ret_scan,
		struct wax_err *err)
{
	struct wax_log_scan scan = {.worker = worker, .path = strdup(path)};
	struct walk walk = {.scan = &scan, .err = err};
	int r = scan.path ? 0 : wax_err_set(err, -ENOMEM, "no memory for the name of a log");

	if (r == 0)
		r = list_segments(&scan, dir, err);
	if (r == 0)
		r = map_segments(&scan, dir, err);
	if (r == 0)
		r = walk_segments(&walk);
	if (r < 0) {
		wax_log_scan_free(&scan);
		return r;
	}
	*ret_scan = scan;
	return 0;
}

void wax_log_scan_free(struct wax_log_scan *scan)
{
	if (!scan)
		return;
	for (uint32_t i = 0; i < scan->segment_count; i++) {
		if (scan->segments[i].mapped)
			munmap((void *)scan->segments[i].mapped, scan->segments[i].bytes);
	}
	free(scan->segments);
	free(scan->frames);
	free(scan->epochs);
	free(scan->path);
	*scan = (struct wax_log_scan){0};
}

/* ---- Epochs */

const struct wax_log_epoch *wax_log_find_epoch(const struct wax_log_scan *scan, uint64_t epoch)
{
	uint32_t first = 0, last = scan->epoch_count;

	while (first < last) {
		uint32_t middle = first + (last - first) / 2;
		if (scan->epochs[middle].epoch < epoch)
			first = middle + 1;
		else
			last = middle;
	}
	return first < scan->epoch_count && scan->epochs[first].epoch == epoch
			? &scan->epochs[first]
			: NULL;
}

void wax_log_drop_epoch(struct wax_log_scan *scan)
{
	WAX_ASSERT(scan->epoch_count > 0);
	struct wax_log_epoch dropped = scan->epochs[--scan->epoch_count];
	const struct wax_log_frame *frame = &scan->frames[dropped.first_frame];

	scan->frame_count = scan->epoch_count > 0
			? scan->epochs[scan->epoch_count - 1].end_frame + 1
			: 0;
	scan->torn_segment = frame->segment;
	scan->torn_offset = frame->offset;
	scan->torn_epoch = dropped.epoch > scan->torn_epoch ? dropped.epoch : scan->torn_epoch;
	count_torn(scan);
	say(scan, frame->segment, frame->offset, -EBADMSG, "its epoch is not whole", &scan->torn);
}

/* ---- What is in a frame */

int wax_log_records(const struct wax_log_frame *frame, struct wax_log_records *ret_records)
{
	const struct wax_log_head *head = &frame->head;

	if (head->kind != WAX_LOG_STATE && head->kind != WAX_LOG_GONE)
		return -EBADMSG;
	*ret_records = (struct wax_log_records){
			.at = frame->payload,
			.end = frame->payload + head->payload_bytes,
			.left = head->count,
			.key_bytes = head->key_bytes,
			.value_bytes = head->kind == WAX_LOG_STATE ? head->value_bytes : 0,
	};
	return 0;
}

static bool take_number(const char **at, const char *end, uint32_t *ret_number)
{
	if ((size_t)(end - *at) < sizeof(*ret_number))
		return false;
	memcpy(ret_number, *at, sizeof(*ret_number));
	*at += sizeof(*ret_number);
	return true;
}

static bool take_bytes(
		const char **at, const char *end, uint32_t bytes, struct wax_bytes *ret_bytes)
{
	if ((size_t)(end - *at) < bytes)
		return false;
	*ret_bytes = (struct wax_bytes){*at, bytes};
	*at += bytes;
	return true;
}

int wax_log_next_record(struct wax_log_records *records, struct wax_bytes *ret_key,
		struct wax_bytes *ret_value)
{
	uint32_t key_bytes = records->key_bytes, value_bytes = records->value_bytes;
	const char *at = records->at;
	struct wax_bytes key;

	if (records->left == 0)
		return at == records->end ? 0 : -EBADMSG;
	if (key_bytes == 0 && !take_number(&at, records->end, &key_bytes))
		return -EBADMSG;
	if (value_bytes == WAX_LOG_ANY_BYTES && !take_number(&at, records->end, &value_bytes))
		return -EBADMSG;
	if (!take_bytes(&at, records->end, key_bytes, &key) ||
			!take_bytes(&at, records->end, value_bytes, ret_value))
		return -EBADMSG;
	*ret_key = key;
	records->at = at;
	records->left--;
	return 1;
}

int wax_log_read_end(const struct wax_log_frame *frame, struct wax_log_end *ret_end)
{
	if (frame->head.kind != WAX_LOG_END || frame->head.payload_bytes < sizeof(*ret_end))
		return -EBADMSG;
	memcpy(ret_end, frame->payload, sizeof(*ret_end));
	return 0;
}

int wax_log_positions(const struct wax_log_frame *frame, struct wax_log_positions *ret_positions)
{
	struct wax_log_end end;
	int r = wax_log_read_end(frame, &end);
	if (r < 0)
		return r;
	*ret_positions = (struct wax_log_positions){
			.at = frame->payload + sizeof(end),
			.end = frame->payload + frame->head.payload_bytes,
			.left = end.positions,
	};
	return 0;
}

int wax_log_next_position(struct wax_log_positions *positions,
		struct wax_log_position *ret_position, struct wax_bytes *ret_name,
		struct wax_bytes *ret_bytes)
{
	struct wax_log_position position;
	struct wax_bytes name;
	const char *at = positions->at;

	if (positions->left == 0)
		return at == positions->end ? 0 : -EBADMSG;
	if ((size_t)(positions->end - at) < sizeof(position))
		return -EBADMSG;
	memcpy(&position, at, sizeof(position));
	at += sizeof(position);
	if (!take_bytes(&at, positions->end, position.name_bytes, &name) ||
			!take_bytes(&at, positions->end, position.position_bytes, ret_bytes))
		return -EBADMSG;
	*ret_position = position;
	*ret_name = name;
	positions->at = at;
	positions->left--;
	return 1;
}
