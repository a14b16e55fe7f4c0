/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_LOG_FORMAT_H
#define RUNTIME_LOG_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The log of a worker as it lies on disk, version 1. All numbers are little-endian.
 *
 * A log is a row of segments, files "worker-00000.000001", each a row of frames without gaps. A
 * frame is a head of 64 bytes and a payload, padded with zeros to a multiple of 64. The first frame
 * of a segment is OPEN. Frames of epoch e lie behind those of e - 1 and end with END; the frame
 * behind an END begins at a multiple of 4096 (PAD frames fill the room).
 *
 * Of an epoch come first GONE and CLEAR of a step, then its STATE frames. A key is in at most one
 * STATE record of an epoch, so that frames can be applied backwards: the newest record of a key is
 * the first that is met.
 *
 * What makes an epoch whole is its END. What lies behind the last END that is whole is a torn tail:
 * a run that ended in the middle of an epoch.
 */

#define WAX_LOG_MAGIC UINT32_C(0x4c786177) /* "waxL" */

enum {
	WAX_LOG_VERSION = 1,
	WAX_LOG_FRAME_ALIGN = 64,
	WAX_LOG_EPOCH_ALIGN = 4096,
	WAX_LOG_NAME_BYTES = 64,
};

enum wax_log_kind {
	WAX_LOG_OPEN = 1,  /* payload: struct wax_log_open */
	WAX_LOG_STATE = 2, /* payload: records, a key and its state each */
	WAX_LOG_GONE = 3,  /* payload: records, a key each: it is no more */
	WAX_LOG_CLEAR = 4, /* no payload: all keys of the step that were saved before are no more */
	WAX_LOG_END = 5,   /* payload: struct wax_log_end, then positions */
	WAX_LOG_PAD = 6,   /* payload: zeros */
};

/*
 * A record is: u32 length of the key, where head.key_bytes is 0; u32 length of the value, where the
 * kind is STATE and head.value_bytes is WAX_LOG_ANY_BYTES; key; value. Without padding.
 */
#define WAX_LOG_ANY_BYTES UINT32_C(0xffffffff)

struct wax_log_head {
	uint32_t magic;
	uint16_t kind; /* enum wax_log_kind */
	uint16_t version;
	uint64_t payload_bytes; /* without padding */
	uint64_t epoch;
	uint32_t step;         /* index in the manifest; 0 where the kind has none */
	uint32_t count;        /* records */
	uint32_t key_bytes;    /* of each key; 0: any length */
	uint32_t value_bytes;  /* of each value; WAX_LOG_ANY_BYTES: any length */
	uint64_t payload_hash; /* XXH3 of the payload without padding */
	uint64_t chain_hash;   /* XXH3 of: the chain_hash before (0 in a segment's first frame), the
				* payload_hash of this */
	uint64_t head_hash;    /* XXH3 of the 56 bytes before it */
};

static_assert(sizeof(struct wax_log_head) == 64, "log format 1");
static_assert(offsetof(struct wax_log_head, head_hash) == 56, "log format 1");

struct wax_log_open {
	uint64_t generation;
	uint64_t segment; /* from 1 on */
	uint32_t worker;
	uint32_t worker_count;
	uint64_t run; /* a random number: segments of another run are foreign */
};

static_assert(sizeof(struct wax_log_open) == 32, "log format 1");

struct wax_log_end {
	uint64_t base; /* to restore this epoch, epochs from this one on are needed; 0: and what
			      * the generation began from as well */
	uint64_t live_bytes; /* of all keys and states at its end */
	uint64_t live_keys;
	uint32_t flags;     /* enum wax_log_end_flag */
	uint32_t positions; /* how many follow */
};

static_assert(sizeof(struct wax_log_end) == 32, "log format 1");

enum wax_log_end_flag {
	WAX_LOG_FINISHED = 1, /* the input had ended: the last epoch of a run */
};

/** In front of the name and the bytes of a position, which follow one another without padding. */
struct wax_log_position {
	uint32_t step;
	uint32_t instance; /* of a source or sink per worker: which worker had it; else 0 */
	uint32_t name_bytes;
	uint32_t position_bytes;
};

static_assert(sizeof(struct wax_log_position) == 16, "log format 1");

#endif
