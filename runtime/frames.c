/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block is filled frame by frame. The first record of a step or kind begins a frame, those that
 * follow are copied behind it, and only when it is closed is its payload hashed and its head
 * written. A record for which there is no room closes the frame and seals the block, with a PAD frame up
 * to the next multiple of 4096; so does an END. Sealed blocks wait in a row until they are taken,
 * and until they are given back.
 *
 * No frame crosses a block: what is larger has a block of its own, which is as large.
 *
 * When there is no memory for a block, the record is not in the frames, and all else is.
 */
#include "runtime/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/assert.h"
#include "runtime/copy.h"
#include "runtime/hash.h"

enum {
	/* Blocks that are kept to be filled again: as many as are usually on their way. */
	SPARE_MAX = 9,
	HEAD_BYTES = sizeof(struct wax_log_head),
};

/* Stands behind its data, and behind the room that wax_copy_short may write into. */
struct block {
	struct block *next;
	char *data;
	size_t capacity; /* a multiple of WAX_LOG_EPOCH_ALIGN */
	size_t bytes;    /* of whole frames, once it is sealed */
	uint64_t ends;
	bool opens;
};

struct wax_frames {
	/* The frame that is being made: which records belong into it, and where the next goes. */
	uint64_t open; /* see open_mark; 0: there is none */
	char *at;      /* in filling, also without a frame */
	char *end;     /* of filling */
	uint32_t count;
	struct wax_frames_step sizes;
	uint32_t step;
	uint32_t kind;
	struct wax_log_head *head;

	uint64_t epoch;
	uint64_t chain_hash;
	struct block *filling; /* or NULL */
	struct block *first;   /* sealed, the oldest */
	struct block *last;
	struct block *untaken; /* the oldest that is sealed and not taken, or NULL */
	size_t sealed_bytes;
	struct block *spare;
	uint32_t spare_count;
};

static size_t round_up(size_t bytes, size_t multiple)
{
	return (bytes + multiple - 1) & ~(multiple - 1);
}

static uint64_t open_mark(uint32_t kind, uint32_t step)
{
	return (uint64_t)kind << 32 | step;
}

static struct block *block_make(size_t capacity)
{
	size_t bytes = capacity +
			round_up(WAX_SHORT_BYTES + sizeof(struct block), WAX_LOG_EPOCH_ALIGN);
	char *data = aligned_alloc(WAX_LOG_EPOCH_ALIGN, bytes);
	struct block *block;

	if (!data)
		return NULL;
	block = (struct block *)(data + capacity + WAX_SHORT_BYTES);
	*block = (struct block){.data = data, .capacity = capacity};
	return block;
}

static void block_free(struct block *block)
{
	if (block)
		free(block->data);
}

static void blocks_free(struct block *block)
{
	while (block) {
		struct block *next = block->next;

		block_free(block);
		block = next;
	}
}

int wax_frames_make(struct wax_frames **ret_frames, struct wax_err *err)
{
	struct wax_frames *frames = calloc(1, sizeof(*frames));

	if (!frames)
		return wax_err_set(err, -ENOMEM, "no memory to write a recovery log");
	*ret_frames = frames;
	return 0;
}

void wax_frames_free(struct wax_frames *frames)
{
	if (!frames)
		return;
	block_free(frames->filling);
	blocks_free(frames->first);
	blocks_free(frames->spare);
	free(frames);
}

/* An empty block to be filled, with room for so much. @return 0 or -ENOMEM */
static int start_block(struct wax_frames *frames, size_t bytes)
{
	struct block *block = frames->spare;

	if (bytes > WAX_FRAMES_BLOCK_BYTES) {
		block = block_make(round_up(bytes, WAX_LOG_EPOCH_ALIGN));
	} else if (block) {
		frames->spare = block->next;
		frames->spare_count--;
	} else {
		block = block_make(WAX_FRAMES_BLOCK_BYTES);
	}
	if (!block)
		return -ENOMEM;

	block->ends = 0;
	block->opens = false;
	frames->filling = block;
	frames->at = block->data;
	frames->end = block->data + block->capacity;
	return 0;
}

/* There is room for a head. */
static void open_frame(struct wax_frames *frames, uint32_t kind, uint32_t step,
		struct wax_frames_step sizes)
{
	frames->head = (struct wax_log_head *)frames->at;
	frames->at += HEAD_BYTES;
	frames->open = open_mark(kind, step);
	frames->kind = kind;
	frames->step = step;
	frames->sizes = sizes;
	frames->count = 0;
}

static void close_frame(struct wax_frames *frames)
{
	char *payload = (char *)(frames->head + 1);
	size_t bytes = (size_t)(frames->at - payload);
	size_t padding = round_up(bytes, WAX_LOG_FRAME_ALIGN) - bytes;
	struct wax_log_head head = {
			.magic = WAX_LOG_MAGIC,
			.kind = (uint16_t)frames->kind,
			.version = WAX_LOG_VERSION,
			.payload_bytes = bytes,
			.epoch = frames->epoch,
			.step = frames->step,
			.count = frames->count,
			.key_bytes = frames->sizes.key_bytes,
			.value_bytes = frames->sizes.value_bytes,
			.payload_hash = XXH3_64bits(payload, bytes),
	};
	const uint64_t chain[2] = {frames->chain_hash, head.payload_hash};

	head.chain_hash = XXH3_64bits(chain, sizeof(chain));
	head.head_hash = XXH3_64bits(&head, offsetof(struct wax_log_head, head_hash));
	*frames->head = head;
	memset(frames->at, 0, padding);
	frames->at += padding;
	frames->chain_hash = head.chain_hash;
	frames->open = 0;
}

static void close_if_open(struct wax_frames *frames)
{
	if (frames->open)
		close_frame(frames);
}

/* Up to the next multiple of WAX_LOG_EPOCH_ALIGN: whole frames leave no room or that of a head. */
static void pad(struct wax_frames *frames)
{
	size_t used = (size_t)(frames->at - frames->filling->data);
	size_t rest = round_up(used, WAX_LOG_EPOCH_ALIGN) - used;

	if (rest == 0)
		return;
	open_frame(frames, WAX_LOG_PAD, 0, (struct wax_frames_step){0});
	memset(frames->at, 0, rest - HEAD_BYTES);
	frames->at += rest - HEAD_BYTES;
	close_frame(frames);
}

static void seal_block(struct wax_frames *frames)
{
	struct block *block = frames->filling;

	close_if_open(frames);
	pad(frames);
	block->bytes = (size_t)(frames->at - block->data);
	block->next = NULL;
	if (frames->first)
		frames->last->next = block;
	else
		frames->first = block;
	frames->last = block;
	if (!frames->untaken)
		frames->untaken = block;
	frames->sealed_bytes += block->bytes;
	frames->filling = NULL;
	frames->at = NULL;
	frames->end = NULL;
}

/* Begin a frame whose first record, or all of it, has so many bytes. @return 0 or -ENOMEM */
static int begin(struct wax_frames *frames, uint32_t kind, uint32_t step,
		struct wax_frames_step sizes, size_t bytes)
{
	size_t wanted = HEAD_BYTES + bytes;

	close_if_open(frames);
	if (frames->filling && wanted > (size_t)(frames->end - frames->at))
		seal_block(frames);
	if (!frames->filling && start_block(frames, wanted) < 0)
		return -ENOMEM;
	open_frame(frames, kind, step, sizes);
	return 0;
}

void wax_frames_epoch(struct wax_frames *frames, uint64_t epoch)
{
	close_if_open(frames);
	frames->epoch = epoch;
}

int wax_frames_open(struct wax_frames *frames, const struct wax_log_open *open)
{
	WAX_ASSERT(!frames->filling);

	if (begin(frames, WAX_LOG_OPEN, 0, (struct wax_frames_step){0}, sizeof(*open)) < 0)
		return -ENOMEM;
	frames->chain_hash = 0;
	memcpy(frames->at, open, sizeof(*open));
	frames->at += sizeof(*open);
	close_frame(frames);
	frames->filling->opens = true;
	return 0;
}

/* Room for a record, in its frame. */
static inline int reserve(struct wax_frames *frames, uint32_t kind, uint32_t step,
		struct wax_frames_step sizes, size_t bytes)
{
	if (wax_likely(frames->open == open_mark(kind, step) &&
			    bytes <= (size_t)(frames->end - frames->at)))
		return 0;
	return begin(frames, kind, step, sizes, bytes);
}

/* A record that is as large as a block goes at once. */
static inline void record_done(struct wax_frames *frames, char *at)
{
	frames->at = at;
	frames->count++;
	if (wax_unlikely(frames->filling->capacity > WAX_FRAMES_BLOCK_BYTES))
		seal_block(frames);
}

static inline char *put_length(char *at, struct wax_bytes bytes)
{
	uint32_t length = (uint32_t)bytes.bytes;

	WAX_ASSERT(bytes.bytes < WAX_LOG_ANY_BYTES);
	memcpy(at, &length, sizeof(length));
	return at + sizeof(length);
}

static inline char *put_any(char *at, struct wax_bytes bytes)
{
	if (bytes.bytes > 0)
		memcpy(at, bytes.data, bytes.bytes);
	return at + bytes.bytes;
}

static inline char *put_fixed(char *at, struct wax_bytes bytes, uint32_t size)
{
	WAX_ASSERT(bytes.bytes == size);
	if (size > 0)
		wax_copy_item(at, bytes.data, size);
	return at + size;
}

static inline char *put_key(char *at, struct wax_bytes key, uint32_t key_bytes)
{
	return key_bytes ? put_fixed(at, key, key_bytes) : put_any(at, key);
}

int wax_frames_state(struct wax_frames *frames, uint32_t step, struct wax_frames_step sizes,
		struct wax_bytes key, struct wax_bytes value)
{
	bool any_key = sizes.key_bytes == 0;
	bool any_value = sizes.value_bytes == WAX_LOG_ANY_BYTES;
	size_t lengths = sizeof(uint32_t) * ((size_t)any_key + any_value);
	char *at;

	if (reserve(frames, WAX_LOG_STATE, step, sizes, lengths + key.bytes + value.bytes) < 0)
		return -ENOMEM;
	at = frames->at;
	if (any_key)
		at = put_length(at, key);
	if (any_value)
		at = put_length(at, value);
	at = put_key(at, key, sizes.key_bytes);
	at = any_value ? put_any(at, value) : put_fixed(at, value, sizes.value_bytes);
	record_done(frames, at);
	return 0;
}

int wax_frames_gone(struct wax_frames *frames, uint32_t step, struct wax_frames_step sizes,
		struct wax_bytes key)
{
	bool any_key = sizes.key_bytes == 0;
	char *at;

	sizes.value_bytes = 0;
	if (reserve(frames, WAX_LOG_GONE, step, sizes, sizeof(uint32_t) * any_key + key.bytes) < 0)
		return -ENOMEM;
	at = frames->at;
	if (any_key)
		at = put_length(at, key);
	record_done(frames, put_key(at, key, sizes.key_bytes));
	return 0;
}

int wax_frames_clear(struct wax_frames *frames, uint32_t step)
{
	if (begin(frames, WAX_LOG_CLEAR, step, (struct wax_frames_step){0}, 0) < 0)
		return -ENOMEM;
	close_frame(frames);
	return 0;
}

static char *put_bytes(char *at, struct wax_bytes bytes)
{
	/* What is empty may have no address. */
	if (bytes.bytes > 0)
		memcpy(at, bytes.data, bytes.bytes);
	return at + bytes.bytes;
}

static char *put_position(char *at, const struct wax_frames_position *position)
{
	const struct wax_log_position head = {
			.step = position->step,
			.instance = position->instance,
			.name_bytes = (uint32_t)position->name.bytes,
			.position_bytes = (uint32_t)position->position.bytes,
	};

	WAX_ASSERT(position->name.bytes <= UINT32_MAX);
	WAX_ASSERT(position->position.bytes <= UINT32_MAX);
	memcpy(at, &head, sizeof(head));
	return put_bytes(put_bytes(at + sizeof(head), position->name), position->position);
}

int wax_frames_end(struct wax_frames *frames, const struct wax_log_end *end,
		const struct wax_frames_position *positions, uint32_t count)
{
	struct wax_log_end fixed = *end;
	size_t bytes = sizeof(fixed);

	fixed.positions = count;
	for (uint32_t i = 0; i < count; i++)
		bytes += sizeof(struct wax_log_position) + positions[i].name.bytes +
				positions[i].position.bytes;
	if (begin(frames, WAX_LOG_END, 0, (struct wax_frames_step){0}, bytes) < 0)
		return -ENOMEM;

	memcpy(frames->at, &fixed, sizeof(fixed));
	frames->at += sizeof(fixed);
	for (uint32_t i = 0; i < count; i++)
		frames->at = put_position(frames->at, &positions[i]);
	frames->filling->ends = frames->epoch;
	seal_block(frames);
	return 0;
}

bool wax_frames_take(struct wax_frames *frames, struct wax_frames_block *ret_block)
{
	struct block *block = frames->untaken;

	if (!block)
		return false;
	frames->untaken = block->next;
	*ret_block = (struct wax_frames_block){
			.data = block->data,
			.bytes = block->bytes,
			.ends = block->ends,
			.opens = block->opens,
	};
	return true;
}

void wax_frames_written(struct wax_frames *frames)
{
	struct block *block = frames->first;

	WAX_ASSERT(block);
	WAX_ASSERT(block != frames->untaken);
	frames->first = block->next;
	frames->sealed_bytes -= block->bytes;
	if (block->capacity == WAX_FRAMES_BLOCK_BYTES && frames->spare_count < SPARE_MAX) {
		block->next = frames->spare;
		frames->spare = block;
		frames->spare_count++;
	} else {
		block_free(block);
	}
}

size_t wax_frames_pending(const struct wax_frames *frames)
{
	size_t filled = frames->filling ? (size_t)(frames->at - frames->filling->data) : 0;

	return frames->sealed_bytes + filled;
}
