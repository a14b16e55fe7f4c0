/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHM_SEGMENT_H
#define SHM_SEGMENT_H

#include <stdint.h>

#include <wax/err.h>

#include "shm/layout.h"

/** What a segment is to hold. */
struct wax_segment_plan {
	uint32_t worker_count;   /* [1, WAX_WORKERS_MAX] */
	uint32_t edge_count;     /* [0, WAX_LANES_MAX] */
	uint32_t slab_bytes;     /* a power of two in [WAX_SLAB_BYTES_MIN, WAX_SLAB_BYTES_MAX] */
	uint32_t slabs_per_lane; /* at least 2 */
	uint32_t inline_credits;
};

/**
 * Choose slab size and count so that the exchange fits in a budget.
 *
 * Memory is edges * workers^2 * slabs_per_lane * slab_bytes, and the rings. Slabs of 64 KiB are
 * best up to 16 workers; 16 KiB are within 10 %; below that each halving costs more. Two slabs a
 * lane are the least that keep both sides at work.
 *
 * @param budget_bytes 0: the default, 8 MiB a worker and at most an eighth of the memory
 * @param slab_bytes   0: chosen; else a power of two
 * @param plan         worker_count and edge_count are read, the others written
 * @param ret_bytes    what the segment will take
 * @return 0; -ENOMEM with a sentence that names the least budget
 */
int wax_segment_fit(uint64_t budget_bytes, uint64_t slab_bytes, struct wax_segment_plan *plan,
		uint64_t *ret_bytes, struct wax_err *err);

/** A mapped segment; the same address in all processes, since they are forked after it is made. */
struct wax_segment {
	struct wax_segment_header *header; /* where it is mapped; any worker can write over it */
	struct wax_segment_header layout;  /* so addresses come from this copy */
	uint64_t bytes;
};

/**
 * Make and map a segment: a sealed memfd without a name, which goes with its last process. Pages
 * are taken as they are used.
 *
 * @param segment written; release with wax_segment_free
 * @return 0; -ENOMEM, -EMFILE, -EINVAL with a sentence
 */
int wax_segment_make(const struct wax_segment_plan *plan, struct wax_segment *segment,
		struct wax_err *err);
void wax_segment_free(struct wax_segment *segment);

/** Is the header of a segment of this size sound? @return 0 or -EBADMSG with a sentence */
int wax_segment_check(const struct wax_segment_header *header, uint64_t bytes,
		struct wax_err *err);

static inline struct wax_bell *wax_segment_bell(const struct wax_segment *segment, uint32_t worker)
{
	return (struct wax_bell *)((char *)segment->header + segment->layout.bells_offset) + worker;
}

/** Where a worker says how far it is with what it sends on an edge; see shm/mark.h. */
static inline wax_mark *wax_segment_mark(
		const struct wax_segment *segment, uint32_t worker, uint32_t edge)
{
	const struct wax_segment_header *layout = &segment->layout;
	return (wax_mark *)((char *)segment->header + layout->marks_offset +
			       worker * layout->mark_bytes) +
			edge;
}

/** The ring from one worker to another; its slots. */
static inline struct wax_slot *wax_segment_ring(
		const struct wax_segment *segment, uint32_t from, uint32_t to)
{
	const struct wax_segment_header *layout = &segment->layout;
	uint64_t pair = (uint64_t)to * layout->worker_count + from;
	return (struct wax_slot *)((char *)segment->header + layout->rings_offset) +
			pair * layout->ring_slots;
}

/** The way home of what `from` sent to `to`. */
static inline wax_return_slot *wax_segment_returns(
		const struct wax_segment *segment, uint32_t from, uint32_t to)
{
	const struct wax_segment_header *layout = &segment->layout;
	uint64_t pair = (uint64_t)from * layout->worker_count + to;
	return (wax_return_slot *)((char *)segment->header + layout->returns_offset) +
			pair * layout->return_slots;
}

static inline uint32_t wax_segment_slab_count(const struct wax_segment_header *layout)
{
	return layout->edge_count * layout->worker_count * layout->slabs_per_lane;
}

static inline char *wax_segment_slab(
		const struct wax_segment *segment, uint32_t owner, uint32_t slab)
{
	const struct wax_segment_header *layout = &segment->layout;
	return (char *)segment->header + layout->arenas_offset + owner * layout->arena_bytes +
			(uint64_t)slab * layout->slab_bytes;
}

/** First slab of a lane in its sender's arena. */
static inline uint32_t wax_segment_lane_slab(
		const struct wax_segment_header *layout, uint32_t edge, uint32_t to)
{
	return (edge * layout->worker_count + to) * layout->slabs_per_lane;
}

#endif
