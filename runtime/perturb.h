/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_PERTURB_H
#define RUNTIME_PERTURB_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/batch.h>
#include <wax/err.h>

/*
 * Ways in which a run may differ without being wrong, and which a flow must not notice: where batches
 * begin and end, which worker has which keys, which edges are exchanges, whether state has just been
 * made anew from a snapshot. For --sanitize: a flow that is run otherwise has none, and pays a load
 * and a branch for each batch.
 *
 * Everything is drawn from the seed, by worker.
 */
struct wax_perturb {
	uint64_t seed;
	bool splits;   /* cut the batches that a step is given */
	bool single;   /* into single items */
	bool routing;  /* deal the groups of keys, and what is dealt in turn, at random */
	bool exchange; /* cut edges where none is needed */
	bool rehearse; /* make state anew from its snapshot, between batches */
	bool lends;  /* give a step copies that are overwritten when it returns, and see whether it
			* wrote to them */
	bool limits; /* fail a call that emits too much or waits too long */
};

/** What a call may do under `limits`. */
#define WAX_PERTURB_ITEMS_MAX UINT64_C(10000000)
#define WAX_PERTURB_BYTES_MAX (UINT64_C(1) << 30)
#define WAX_PERTURB_WAIT_NS_MAX (INT64_C(20) * 1000 * 1000)

/** What memory that was lent holds afterwards. */
enum { WAX_PERTURB_POISON = 0xdb };

/** A pure random number, of seed and place. */
static inline uint64_t wax_perturb_hash(uint64_t seed, uint64_t place)
{
	uint64_t x = seed + (place + 1) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/** Which worker has a group of keys, of 4096. */
static inline uint32_t wax_perturb_route(
		const struct wax_perturb *perturb, uint32_t group, uint32_t worker_count)
{
	return (uint32_t)(wax_perturb_hash(perturb->seed, group) % worker_count);
}

struct wax_op;
struct wax_worker;
/** The perturbations at work in one worker. */
struct wax_perturber;

/** @param perturb borrows until wax_perturber_free
 *  @return gives; NULL: out of memory */
struct wax_perturber *wax_perturber_make(
		const struct wax_perturb *perturb, const struct wax_worker *worker);
void wax_perturber_free(struct wax_perturber *perturber);

/**
 * Is what a step is called for to go through wax_perturber_push or wax_perturber_call? Once: when those
 * call wax_op_push or wax_op_call in their turn, it is not.
 */
bool wax_perturber_wants(struct wax_perturber *perturber);

/** wax_op_push in pieces, each of them perturbed. */
int wax_perturber_push(struct wax_perturber *perturber, struct wax_op *op,
		const struct wax_batch *batch, uint32_t input);

/** wax_op_call, of one that is given no items: a source that is asked for some, the end of the input.
 *  Under `limits` it must not wait. */
int wax_perturber_call(
		struct wax_perturber *perturber, struct wax_op *op, int (*call)(struct wax_op *op));

/** From since_ns, of the monotonic clock, until now the step that is called did nothing of its own:
 *  what was waited meanwhile is not its fault. */
void wax_perturber_excuse(struct wax_perturber *perturber, uint64_t since_ns);

/** A step emitted a batch. @return 0; negative: it is too much, and the worker has failed */
int wax_perturber_emitted(
		struct wax_perturber *perturber, struct wax_op *op, const struct wax_batch *batch);

#endif
