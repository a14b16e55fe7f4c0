/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHM_LAYOUT_H
#define SHM_LAYOUT_H

#include <assert.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/atomic.h"

/*
 * The shared segment, as a file format: fixed-width fields, offsets and indexes, no pointers.
 * Changing anything here means a new WAX_LAYOUT_VERSION and a line in docs/shm-format.md.
 *
 *     header | bells, marks: one a worker | rings, one an ordered pair | returns, likewise | arenas
 *
 * Words that different processes write are two cache lines apart: the prefetcher fetches pairs.
 */
enum {
	WAX_LAYOUT_VERSION = 2,
	WAX_LINE = 64,
	WAX_APART = 128,
	WAX_WORKERS_MAX = 1024,
	WAX_LANES_MAX = 1024, /* exchange edges of a flow */
	WAX_INLINE_BYTES = 24,
	WAX_SLAB_BYTES_MIN = 512,
	WAX_SLAB_BYTES_MAX = 1 << 20,
};

#define WAX_SEGMENT_MAGIC UINT64_C(0x3130676573786177) /* "waxseg01" */

/** Written by the launcher before the fork, read by all. */
struct wax_segment_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_bytes;
	uint64_t bytes;         /* of the whole segment */
	uint64_t creator_start; /* ticks since boot when the launcher started: tells reused pids */
	uint32_t creator_pid;
	uint32_t worker_count;
	uint32_t edge_count;     /* exchange edges */
	uint32_t slabs_per_lane; /* a lane is one edge to one worker */
	uint32_t slab_bytes;     /* a power of two */
	uint32_t ring_slots;     /* a power of two: all credits of a pair */
	uint32_t return_slots;   /* a power of two: all credits of a pair */
	uint32_t inline_credits; /* messages without a slab that a lane may have under way */
	uint64_t bells_offset;
	uint64_t marks_offset;
	uint64_t mark_bytes; /* of one worker: a word for each edge, apart from the others' */
	uint64_t rings_offset;
	uint64_t returns_offset;
	uint64_t arenas_offset;
	uint64_t arena_bytes; /* of one worker */
};

static_assert(sizeof(struct wax_segment_header) == 120, "segment layout v2");
static_assert(offsetof(struct wax_segment_header, bells_offset) == 64, "segment layout v2");

/** What wakes a worker. Each line says who writes it. */
struct wax_bell {
	/* What for the sleeping worker is to be rung, bits of enum wax_bell_for; 0: it is awake. The
	 * worker sets it before it sleeps, whoever rings clears it. */
	alignas(WAX_APART) _Atomic uint32_t asleep;
	uint32_t reserved;
	/* When it was last rung, ns of CLOCK_MONOTONIC: the sleeper learns how long waking takes. */
	_Atomic uint64_t rung_ns;
	/* Senders set their bit, once, before their first message: rings of others are not polled
	 * and cost no page. */
	alignas(WAX_APART) _Atomic uint64_t senders[WAX_WORKERS_MAX / 64];
};

static_assert(sizeof(struct wax_bell) == 256, "segment layout v2");
static_assert(offsetof(struct wax_bell, senders) == WAX_APART, "segment layout v2");

/** What a slot of a ring says. */
enum wax_slot_kind {
	WAX_SLOT_SLAB = 1,   /* a batch, in a slab of the sender */
	WAX_SLOT_INLINE = 2, /* a batch, in the slot itself */
	WAX_SLOT_PIECE = 3,  /* a part of a batch that is larger than a slab; more follow */
	WAX_SLOT_LAST = 4,   /* its last part */
};

/**
 * One message of a ring. The sender writes it, seq last; the receiver reads it. seq is one more
 * than the number of messages sent before, so a slot that was not yet written in this lap holds
 * another number.
 */
struct wax_slot {
	_Atomic uint32_t seq;
	uint8_t kind; /* enum wax_slot_kind */
	uint8_t reserved;
	uint16_t edge;
	uint32_t slab;     /* SLAB, PIECE, LAST: index in the sender's arena */
	uint32_t bytes;    /* SLAB, PIECE, LAST: bytes used in the slab */
	uint32_t count;    /* items of the batch */
	uint32_t capacity; /* items that its columns have room for: fixes where they lie */
	uint64_t heap_bytes; /* of the batch */
	uint64_t epoch; /* the last that its sender has ended on this edge: it lies behind that */
	uint8_t payload[WAX_INLINE_BYTES]; /* INLINE */
};

static_assert(sizeof(struct wax_slot) == WAX_LINE, "segment layout v2");
static_assert(offsetof(struct wax_slot, payload) == 40, "segment layout v2");

/**
 * How far a worker is with what it sends on an edge: twice the number of epochs that it has ended,
 * and one more when its input has ended. It writes this behind all messages of the epoch.
 */
typedef _Atomic uint64_t wax_mark;

/** A credit on its way home: the number of the message, as in a slot, above what comes home. */
typedef _Atomic uint64_t wax_return_slot;

/** In a return: no slab, but the credit of an inline message of this edge. */
#define WAX_RETURN_INLINE UINT32_C(0x80000000)

#endif
