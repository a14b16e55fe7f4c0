/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_LOOP_BACKEND_H
#define RUNTIME_LOOP_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/err.h>

#include "runtime/loop.h"

/*
 * What a backend of the event loop is. For runtime/loop*.c only.
 *
 * The life of an operation: the front marks it busy and hands it to start. The backend keeps it in
 * its own lists until it has ended and gives it to wax_loop_ended; the front calls done at the end
 * of the reap or wait in which that happened. So no done is called while a backend is at work, and
 * an operation is in one list at any time, linked by completion->next.
 *
 * A watch never ends. It is linked in loop->watches instead, and wax_loop_hit says that it fired.
 */

/** completion->kind: one of these, and flags. */
enum wax_loop_kind {
	WAX_LOOP_READ = 1,
	WAX_LOOP_WRITE = 2,
	WAX_LOOP_POLL = 3,
	WAX_LOOP_WATCH = 4,
	WAX_LOOP_SYNC = 5, /* buffer: the write that it is linked behind, or NULL */

	WAX_LOOP_KIND = 0x07,
	WAX_LOOP_STREAM = 0x08,    /* a read or write at the file's own position */
	WAX_LOOP_POLLING = 0x10,   /* a stream that was not ready is being polled */
	WAX_LOOP_DEAD = 0x10,      /* a watch that failed: it is not armed again */
	WAX_LOOP_ARMED = 0x20,     /* a watch that the kernel has */
	WAX_LOOP_HIT = 0x40,       /* a watch that has fired, not yet told */
	WAX_LOOP_CANCELLED = 0x80, /* ends without being told */
};

/** First in, first out. Zeroed it is empty. */
struct wax_loop_queue {
	struct wax_completion *head;
	struct wax_completion *tail; /* of no meaning while head is NULL */
};

struct wax_loop_backend {
	const char *name;
	/* Take an operation; cannot fail: what goes wrong is its result. */
	void (*start)(struct wax_loop *loop, struct wax_completion *completion);
	/* The same of a write and a sync that is linked behind it: sync->buffer is write. */
	void (*start_linked)(struct wax_loop *loop, struct wax_completion *write,
			struct wax_completion *sync);
	/* A watch is new in loop->watches. */
	void (*watch)(struct wax_loop *loop, struct wax_completion *completion);
	/* End an operation or a watch that the backend has; returns when neither the kernel nor the
	 * backend will touch it or its buffer again. */
	void (*cancel)(struct wax_loop *loop, struct wax_completion *completion);
	/* Submit, and find what has ended. */
	void (*reap)(struct wax_loop *loop);
	/* The same; sleep when there is nothing. */
	void (*wait)(struct wax_loop *loop, int64_t timeout_ns);
	/* Cancel all operations that the backend has, clear their busy, and free what it holds.
	 * The front frees the loop, which is the first member of the backend's own struct. */
	void (*close)(struct wax_loop *loop);
};

struct wax_loop {
	const struct wax_loop_backend *backend;
	struct wax_loop_queue ended; /* done is to be called */
	struct wax_completion *watches;
	unsigned ended_count;
	unsigned hit_count; /* watches with WAX_LOOP_HIT */
	unsigned pending;   /* operations under way, the ended ones included */
};

int wax_loop_open_uring(unsigned entries, struct wax_loop **ret_loop, struct wax_err *err);
int wax_loop_open_posix(struct wax_loop **ret_loop, struct wax_err *err);

/** An operation has ended: it is in no list. */
void wax_loop_ended(struct wax_loop *loop, struct wax_completion *completion, int result);

/** A watch has fired; result as for done. */
void wax_loop_hit(struct wax_loop *loop, struct wax_completion *watch, int result);

/** Is done to be called for anything? */
static inline bool wax_loop_has_ended(const struct wax_loop *loop)
{
	return loop->ended.head || loop->hit_count;
}

void wax_loop_queue_push(struct wax_loop_queue *queue, struct wax_completion *completion);
/** NULL when empty. */
struct wax_completion *wax_loop_queue_pop(struct wax_loop_queue *queue);
/** Walks the queue. @return was it there? */
bool wax_loop_queue_remove(struct wax_loop_queue *queue, struct wax_completion *completion);

#endif
