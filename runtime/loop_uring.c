/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop on io_uring.
 *
 * An operation waits in `waiting` until the next reap or wait, which turns as many as fit into SQEs
 * and enters the kernel once; then it is in `in_flight` until its CQE arrives. The SQE names the
 * completion by its address, so the completion and its buffer stay where they are until then.
 *
 * Nothing is done in the kernel while there is nothing to do: with TASKRUN_FLAG it says in the
 * shared flags word when it has completions to deliver, and reap looks only there.
 *
 * A sync that is linked behind a write stands right behind it in `waiting`, and both SQEs are put into
 * the queue at once. The kernel cancels it when the write fails or is short. A link holds only among
 * what one call submits: when the kernel stops between the two (it has no memory for now), the sync
 * is taken out of the queue again and waits in `behind` until the write has ended.
 *
 * What goes wrong: a stream that somebody made non-blocking gives -EAGAIN, and is then polled
 * before it is tried again. A multishot poll may end by itself, and is then armed anew. More
 * completions than CQEs: the kernel keeps the rest and says so in the flags word.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <liburing.h>

#include "runtime/assert.h"
#include "runtime/loop_backend.h"

struct uring {
	struct wax_loop loop;
	struct io_uring ring;
	struct wax_loop_queue waiting;
	struct wax_loop_queue behind;     /* syncs whose link was broken */
	struct wax_completion *in_flight; /* doubly linked, see link_back; without watches */
	unsigned unarmed;                 /* watches that wait for an SQE */
	bool has_work;                    /* something may be there to submit */
};

/* Threads of the kernel for what it cannot do without blocking; the workers have the cores. */
enum { KERNEL_THREADS_MAX = 2 };

/* One round of reap delivers at most about this many batches of the kernel's deferred work. */
enum { ENTERS_PER_REAP = 8 };

static struct uring *uring_of(struct wax_loop *loop)
{
	return (struct uring *)loop;
}

/*
 * While an operation is in flight its offset is in the kernel already, and the field links back.
 * Only streams are tried again, and those have no offset.
 */
static struct wax_completion *link_back(const struct wax_completion *completion)
{
	return (struct wax_completion *)(uintptr_t)completion->offset;
}

static void set_link_back(struct wax_completion *completion, struct wax_completion *back)
{
	completion->offset = (uintptr_t)back;
}

static void put_in_flight(struct uring *uring, struct wax_completion *completion)
{
	completion->next = uring->in_flight;
	set_link_back(completion, NULL);
	if (completion->next)
		set_link_back(completion->next, completion);
	uring->in_flight = completion;
}

static void take_from_flight(struct uring *uring, struct wax_completion *completion)
{
	struct wax_completion *back = link_back(completion);

	if (back)
		back->next = completion->next;
	else
		uring->in_flight = completion->next;
	if (completion->next)
		set_link_back(completion->next, back);
}

static short stream_events(const struct wax_completion *completion)
{
	return (completion->kind & WAX_LOOP_KIND) == WAX_LOOP_READ ? POLLIN : POLLOUT;
}

/* The completion and its buffer are borrowed until the CQE. */
static void prepare(struct io_uring_sqe *sqe, struct wax_completion *completion)
{
	uint64_t offset = completion->kind & WAX_LOOP_STREAM ? (uint64_t)-1 : completion->offset;

	switch (completion->kind & WAX_LOOP_KIND) {
	case WAX_LOOP_READ:
	case WAX_LOOP_WRITE:
		if (completion->kind & WAX_LOOP_POLLING)
			io_uring_prep_poll_add(
					sqe, completion->fd, (unsigned)stream_events(completion));
		else if ((completion->kind & WAX_LOOP_KIND) == WAX_LOOP_READ)
			io_uring_prep_read(sqe, completion->fd, completion->buffer,
					completion->bytes, offset);
		else
			io_uring_prep_write(sqe, completion->fd, completion->buffer,
					completion->bytes, offset);
		break;
	case WAX_LOOP_POLL:
		io_uring_prep_poll_add(
				sqe, completion->fd, (unsigned)(unsigned short)completion->events);
		break;
	case WAX_LOOP_WATCH:
		io_uring_prep_poll_multishot(sqe, completion->fd, POLLIN);
		break;
	case WAX_LOOP_SYNC:
		io_uring_prep_fsync(sqe, completion->fd, IORING_FSYNC_DATASYNC);
		break;
	default:
		WAX_ASSERT(false);
	}
	io_uring_sqe_set_data(sqe, completion);
}

static void prepare_watches(struct uring *uring)
{
	for (struct wax_completion *at = uring->loop.watches; at && uring->unarmed; at = at->next) {
		struct io_uring_sqe *sqe;

		if (at->kind & (WAX_LOOP_ARMED | WAX_LOOP_DEAD))
			continue;
		sqe = io_uring_get_sqe(&uring->ring);
		if (!sqe)
			return;
		prepare(sqe, at);
		at->kind |= WAX_LOOP_ARMED;
		uring->unarmed--;
	}
}

/* One that waits: does a sync stand behind it that is linked to it? */
static bool has_sync(const struct wax_completion *completion)
{
	const struct wax_completion *next = completion->next;

	return next && (next->kind & WAX_LOOP_KIND) == WAX_LOOP_SYNC && next->buffer == completion;
}

/* There is room. */
static void prepare_next(struct uring *uring, unsigned flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
	struct wax_completion *completion = wax_loop_queue_pop(&uring->waiting);

	prepare(sqe, completion);
	sqe->flags |= (uint8_t)flags;
	put_in_flight(uring, completion);
}

/* @return does something still wait, because the queue is full? */
static bool prepare_waiting(struct uring *uring)
{
	if (uring->unarmed)
		prepare_watches(uring);

	while (uring->waiting.head) {
		bool linked = has_sync(uring->waiting.head);

		if (io_uring_sq_space_left(&uring->ring) < 1u + linked)
			return true;
		prepare_next(uring, linked ? IOSQE_IO_LINK : 0);
		if (linked)
			prepare_next(uring, 0);
	}
	return uring->unarmed > 0;
}

/* Called after each submission, before anything is collected: the write has ended for nobody yet.
 * An SQE that the kernel has not taken is ours. */
static void mend_link(struct uring *uring)
{
	const struct io_uring_sq *sq = &uring->ring.sq;
	struct io_uring_sqe *sqe = &sq->sqes[*sq->khead & sq->ring_mask];
	struct wax_completion *sync;

	if (io_uring_sq_ready(&uring->ring) == 0 || sqe->opcode != IORING_OP_FSYNC)
		return;
	sync = (struct wax_completion *)(uintptr_t)sqe->user_data;
	if (!sync->buffer)
		return;
	take_from_flight(uring, sync);
	wax_loop_queue_push(&uring->behind, sync);
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data(sqe, NULL);
}

/* A write has ended: its sync may be in `behind`. */
static void write_ended(struct uring *uring, const struct wax_completion *write, bool whole)
{
	struct wax_completion *sync = uring->behind.head;

	while (sync && sync->buffer != write)
		sync = sync->next;
	if (!sync)
		return;

	wax_loop_queue_remove(&uring->behind, sync);
	sync->buffer = NULL;
	if (sync->kind & WAX_LOOP_CANCELLED) {
		sync->kind &= (uint8_t)~WAX_LOOP_CANCELLED;
	} else if (whole) {
		wax_loop_queue_push(&uring->waiting, sync);
		uring->has_work = true;
	} else {
		wax_loop_ended(&uring->loop, sync, -ECANCELED);
	}
}

static void watch_completed(
		struct uring *uring, struct wax_completion *watch, const struct io_uring_cqe *cqe)
{
	bool cancelled = watch->kind & WAX_LOOP_CANCELLED;

	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		watch->kind &= (uint8_t) ~(WAX_LOOP_ARMED | WAX_LOOP_CANCELLED);
		if (!cancelled && cqe->res >= 0) {
			uring->unarmed++;
			uring->has_work = true;
		} else {
			watch->kind |= WAX_LOOP_DEAD; /* it would only fail again */
		}
	}
	if (!cancelled)
		wax_loop_hit(&uring->loop, watch, cqe->res);
}

/* Put a stream back that has to be tried again. @return was it one? */
static bool retried(struct uring *uring, struct wax_completion *completion, int result)
{
	if (!(completion->kind & WAX_LOOP_STREAM))
		return false;

	if (completion->kind & WAX_LOOP_POLLING && result >= 0)
		completion->kind &= (uint8_t)~WAX_LOOP_POLLING;
	else if (result == -EAGAIN)
		completion->kind |= WAX_LOOP_POLLING;
	else if (result != -EINTR)
		return false;
	wax_loop_queue_push(&uring->waiting, completion);
	uring->has_work = true;
	return true;
}

static void completed(struct uring *uring, const struct io_uring_cqe *cqe)
{
	struct wax_completion *completion = io_uring_cqe_get_data(cqe);
	bool whole;

	/* The answer to a cancellation, or nothing where a sync was. */
	if (!completion)
		return;

	if ((completion->kind & WAX_LOOP_KIND) == WAX_LOOP_WATCH) {
		watch_completed(uring, completion, cqe);
		return;
	}

	take_from_flight(uring, completion);
	whole = cqe->res >= 0 && (uint32_t)cqe->res == completion->bytes;
	if (completion->kind & WAX_LOOP_CANCELLED)
		completion->kind &= (uint8_t)~WAX_LOOP_CANCELLED;
	else if (!retried(uring, completion, cqe->res))
		wax_loop_ended(&uring->loop, completion, cqe->res);
	if (wax_unlikely(uring->behind.head != NULL))
		write_ended(uring, completion, whole);
}

static void collect(struct uring *uring)
{
	struct io_uring_cqe *cqe;
	unsigned head;
	unsigned count = 0;

	io_uring_for_each_cqe(&uring->ring, head, cqe)
	{
		completed(uring, cqe);
		count++;
	}
	io_uring_cq_advance(&uring->ring, count);
}

/* Does the kernel want to be entered to deliver completions? The flag is a hint that stays set
 * until then, so no order is needed. */
static unsigned kernel_has_more(const struct uring *uring)
{
	return IO_URING_READ_ONCE(*uring->ring.sq.kflags) &
			(IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

/* The kernel stops submitting at an operation that it refuses: the others are in the SQ still. */
static void look_for_work(struct uring *uring)
{
	uring->has_work = uring->waiting.head || uring->unarmed || io_uring_sq_ready(&uring->ring);
}

/* Submit all and collect what has completed. What the kernel refuses for now (no memory, too many
 * completions not collected) stays in the queue for the next time. */
static void enter(struct uring *uring)
{
	bool more;

	do {
		more = prepare_waiting(uring);
		int rc = io_uring_submit_and_get_events(&uring->ring);

		mend_link(uring);
		collect(uring);
		if (rc < 0)
			break;
	} while (more);
	look_for_work(uring);
}

static __attribute__((noinline)) void enter_and_collect(struct uring *uring)
{
	int rounds = ENTERS_PER_REAP;

	do
		enter(uring);
	while (kernel_has_more(uring) && --rounds > 0);
}

static void uring_reap(struct wax_loop *loop)
{
	struct uring *uring = uring_of(loop);

	/* The common case: nothing to submit, nothing to be delivered. */
	if (wax_unlikely(uring->has_work | kernel_has_more(uring) |
			    io_uring_cq_ready(&uring->ring)))
		enter_and_collect(uring);
}

static void uring_wait(struct wax_loop *loop, int64_t timeout_ns)
{
	struct uring *uring = uring_of(loop);
	struct io_uring_cqe *cqe;
	struct __kernel_timespec timeout = {
			.tv_sec = timeout_ns / 1000000000,
			.tv_nsec = timeout_ns % 1000000000,
	};

	if (timeout_ns == 0 || wax_loop_has_ended(loop)) {
		uring_reap(loop);
		return;
	}
	while (prepare_waiting(uring)) {
		int rc = io_uring_submit(&uring->ring);

		mend_link(uring);
		if (rc < 0)
			break;
	}

	/* The timeout is an argument of the call, not an operation (see open): it may lie here. The
	 * call gives back -ETIME and -EINTR too; the caller looks at the clock and at its signals. */
	if (timeout_ns == WAX_NEVER)
		io_uring_submit_and_wait(&uring->ring, 1);
	else
		io_uring_submit_and_wait_timeout(&uring->ring, &cqe, 1, &timeout, NULL);
	mend_link(uring);
	collect(uring);
	look_for_work(uring);
	if (kernel_has_more(uring))
		enter_and_collect(uring);
}

static void uring_start(struct wax_loop *loop, struct wax_completion *completion)
{
	struct uring *uring = uring_of(loop);

	wax_loop_queue_push(&uring->waiting, completion);
	uring->has_work = true;
}

static void uring_start_linked(
		struct wax_loop *loop, struct wax_completion *write, struct wax_completion *sync)
{
	uring_start(loop, write);
	uring_start(loop, sync);
}

static void uring_watch(struct wax_loop *loop, struct wax_completion *completion)
{
	struct uring *uring = uring_of(loop);

	(void)completion;
	uring->unarmed++;
	uring->has_work = true;
}

static struct io_uring_sqe *get_sqe(struct uring *uring)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&uring->ring))) {
		io_uring_submit(&uring->ring);
		mend_link(uring);
		collect(uring);
	}
	return sqe;
}

/* One that waits. @return was it there? */
static bool cancel_waiting(struct uring *uring, struct wax_completion *completion)
{
	struct wax_completion *sync;

	if (!wax_loop_queue_remove(&uring->waiting, completion))
		return false;
	if (has_sync(completion)) {
		sync = completion->next;
		wax_loop_queue_remove(&uring->waiting, sync);
		wax_loop_ended(&uring->loop, sync, -ECANCELED);
	}
	return true;
}

static void uring_cancel(struct wax_loop *loop, struct wax_completion *completion)
{
	struct uring *uring = uring_of(loop);
	struct io_uring_sqe *sqe;

	if ((completion->kind & WAX_LOOP_KIND) == WAX_LOOP_WATCH) {
		if (!(completion->kind & WAX_LOOP_ARMED)) {
			uring->unarmed -= !(completion->kind & WAX_LOOP_DEAD);
			return;
		}
	} else if (cancel_waiting(uring, completion) ||
			wax_loop_queue_remove(&uring->behind, completion)) {
		return;
	}

	/* It may end by itself meanwhile, then nothing is found to cancel. */
	completion->kind |= WAX_LOOP_CANCELLED;
	sqe = get_sqe(uring);
	io_uring_prep_cancel(sqe, completion, 0);
	io_uring_sqe_set_data(sqe, NULL);
	while (completion->kind & WAX_LOOP_CANCELLED) {
		io_uring_submit_and_wait(&uring->ring, 1);
		mend_link(uring);
		collect(uring);
	}
}

static void uring_close(struct wax_loop *loop)
{
	struct uring *uring = uring_of(loop);
	struct wax_completion *completion;

	while ((completion = wax_loop_queue_pop(&uring->waiting)))
		completion->busy = 0;
	while ((completion = uring->in_flight)) {
		uring_cancel(loop, completion);
		completion->busy = 0;
		/* A stream to be tried again came back. */
		while ((completion = wax_loop_queue_pop(&uring->waiting)))
			completion->busy = 0;
	}
	io_uring_queue_exit(&uring->ring);
}

static const struct wax_loop_backend backend = {
		.name = "io_uring",
		.start = uring_start,
		.start_linked = uring_start_linked,
		.watch = uring_watch,
		.cancel = uring_cancel,
		.reap = uring_reap,
		.wait = uring_wait,
		.close = uring_close,
};

/* The best that this kernel knows: 6.1, 5.19, older. */
static int init_ring(struct io_uring *ring, unsigned entries)
{
	static const unsigned flags[] = {
			IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
					IORING_SETUP_TASKRUN_FLAG,
			IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
			0,
	};
	int rc = -EINVAL;

	for (size_t i = 0; rc == -EINVAL && i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct io_uring_params params = {.flags = flags[i]};

		rc = io_uring_queue_init_params(entries, ring, &params);
	}
	return rc;
}

static int explain(int rc, struct wax_err *err)
{
	errno = -rc;
	switch (rc) {
	case -EPERM:
	case -EACCES:
		return wax_err_set(err, -EPERM,
				"io_uring is forbidden here: allow it (sysctl "
				"kernel.io_uring_disabled=0, the container's seccomp profile) or "
				"use --io=posix");
	case -ENOSYS:
		return wax_err_set(err, rc,
				"io_uring is missing from this kernel or hidden by a seccomp "
				"profile: use --io=posix");
	case -ENOMEM:
		return wax_err_set(err, rc,
				"no memory for io_uring: raise the limit of locked memory (ulimit "
				"-l) or use --io=posix");
	default:
		return wax_err_set(err, rc, "cannot set up io_uring: %m: use --io=posix");
	}
}

int wax_loop_open_uring(unsigned entries, struct wax_loop **ret_loop, struct wax_err *err)
{
	struct uring *uring = calloc(1, sizeof(*uring));
	unsigned threads[2] = {KERNEL_THREADS_MAX, KERNEL_THREADS_MAX};

	if (!uring)
		return wax_err_set(err, -ENOMEM, "out of memory");

	int rc = init_ring(&uring->ring, entries);

	if (rc < 0) {
		free(uring);
		return explain(rc, err);
	}

	/* As old as multishot polls. Timeouts as an argument are older. */
	if (!(uring->ring.features & IORING_FEAT_RSRC_TAGS) ||
			!(uring->ring.features & IORING_FEAT_EXT_ARG)) {
		io_uring_queue_exit(&uring->ring);
		free(uring);
		return wax_err_set(err, -ENOSYS,
				"io_uring of this kernel is too old, 5.13 is needed: use "
				"--io=posix");
	}

	/* Both only make it faster. */
	io_uring_register_ring_fd(&uring->ring);
	io_uring_register_iowq_max_workers(&uring->ring, threads);

	uring->loop.backend = &backend;
	*ret_loop = &uring->loop;
	return 0;
}
