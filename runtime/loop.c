/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/loop.h"

#include <poll.h>
#include <stdlib.h>

#include "runtime/assert.h"
#include "runtime/loop_backend.h"

/* A completion that has ended keeps its result in a field that its operation needs no more. */
static void set_result(struct wax_completion *completion, int result)
{
	completion->bytes = (uint32_t)result;
}

static int get_result(const struct wax_completion *completion)
{
	return (int)completion->bytes;
}

void wax_loop_queue_push(struct wax_loop_queue *queue, struct wax_completion *completion)
{
	completion->next = NULL;
	if (queue->head)
		queue->tail->next = completion;
	else
		queue->head = completion;
	queue->tail = completion;
}

struct wax_completion *wax_loop_queue_pop(struct wax_loop_queue *queue)
{
	struct wax_completion *completion = queue->head;

	if (completion)
		queue->head = completion->next;
	return completion;
}

bool wax_loop_queue_remove(struct wax_loop_queue *queue, struct wax_completion *completion)
{
	struct wax_completion *before = NULL;

	for (struct wax_completion *at = queue->head; at; before = at, at = at->next) {
		if (at != completion)
			continue;
		if (before)
			before->next = at->next;
		else
			queue->head = at->next;
		if (queue->tail == at)
			queue->tail = before;
		return true;
	}
	return false;
}

void wax_loop_ended(struct wax_loop *loop, struct wax_completion *completion, int result)
{
	set_result(completion, result);
	wax_loop_queue_push(&loop->ended, completion);
	loop->ended_count++;
}

void wax_loop_hit(struct wax_loop *loop, struct wax_completion *watch, int result)
{
	set_result(watch, result);
	if (watch->kind & WAX_LOOP_HIT)
		return;
	watch->kind |= WAX_LOOP_HIT;
	loop->hit_count++;
}

int wax_loop_open(enum wax_io io, unsigned entries, struct wax_loop **ret_loop, struct wax_err *err)
{
	WAX_ASSERT(entries >= 2);
	WAX_ASSERT((entries & (entries - 1)) == 0);

	if (io == WAX_IO_POSIX)
		return wax_loop_open_posix(ret_loop, err);
	if (io == WAX_IO_URING)
		return wax_loop_open_uring(entries, ret_loop, err);

	/* Whatever keeps io_uring from working, files and pipes still can be read. */
	if (wax_loop_open_uring(entries, ret_loop, NULL) == 0)
		return 0;
	return wax_loop_open_posix(ret_loop, err);
}

void wax_loop_close(struct wax_loop *loop)
{
	if (!loop)
		return;

	while (loop->watches)
		wax_loop_cancel(loop, loop->watches);
	loop->backend->close(loop);
	for (struct wax_completion *at = loop->ended.head; at; at = at->next)
		at->busy = 0;
	free(loop);
}

const char *wax_loop_backend(const struct wax_loop *loop)
{
	return loop->backend->name;
}

static void set_up(struct wax_loop *loop, struct wax_completion *completion, unsigned kind, int fd)
{
	WAX_ASSERT(!completion->busy);
	WAX_ASSERT(completion->done);

	completion->kind = (uint8_t)kind;
	completion->fd = fd;
	completion->busy = 1;
	loop->pending++;
}

static void set_up_transfer(struct wax_loop *loop, struct wax_completion *completion, unsigned kind,
		int fd, void *buffer, uint32_t bytes, int64_t offset)
{
	/* More could not be told apart from a negative result. */
	WAX_ASSERT(bytes <= INT32_MAX);

	completion->buffer = buffer;
	completion->bytes = bytes;
	completion->offset = (uint64_t)offset;
	set_up(loop, completion, offset < 0 ? kind | WAX_LOOP_STREAM : kind, fd);
}

static void set_up_sync(struct wax_loop *loop, struct wax_completion *completion, int fd,
		struct wax_completion *write)
{
	completion->buffer = write;
	set_up(loop, completion, WAX_LOOP_SYNC, fd);
}

void wax_loop_read(struct wax_loop *loop, struct wax_completion *completion, int fd, void *buffer,
		uint32_t bytes, int64_t offset)
{
	set_up_transfer(loop, completion, WAX_LOOP_READ, fd, buffer, bytes, offset);
	loop->backend->start(loop, completion);
}

void wax_loop_write(struct wax_loop *loop, struct wax_completion *completion, int fd,
		const void *buffer, uint32_t bytes, int64_t offset)
{
	set_up_transfer(loop, completion, WAX_LOOP_WRITE, fd, (void *)buffer, bytes, offset);
	loop->backend->start(loop, completion);
}

void wax_loop_sync(struct wax_loop *loop, struct wax_completion *completion, int fd)
{
	set_up_sync(loop, completion, fd, NULL);
	loop->backend->start(loop, completion);
}

void wax_loop_write_sync(struct wax_loop *loop, struct wax_completion *write, int fd,
		const void *buffer, uint32_t bytes, int64_t offset, struct wax_completion *sync)
{
	WAX_ASSERT(offset >= 0);

	set_up_transfer(loop, write, WAX_LOOP_WRITE, fd, (void *)buffer, bytes, offset);
	set_up_sync(loop, sync, fd, write);
	loop->backend->start_linked(loop, write, sync);
}

void wax_loop_poll(struct wax_loop *loop, struct wax_completion *completion, int fd, short events)
{
	completion->events = events;
	set_up(loop, completion, WAX_LOOP_POLL, fd);
	loop->backend->start(loop, completion);
}

void wax_loop_watch(struct wax_loop *loop, struct wax_completion *completion, int fd)
{
	WAX_ASSERT(!completion->busy);
	WAX_ASSERT(completion->done);

	completion->kind = WAX_LOOP_WATCH;
	completion->events = POLLIN;
	completion->fd = fd;
	completion->busy = 1;
	completion->next = loop->watches;
	loop->watches = completion;
	loop->backend->watch(loop, completion);
}

static void forget_watch(struct wax_loop *loop, struct wax_completion *watch)
{
	struct wax_completion **at = &loop->watches;

	while (*at != watch)
		at = &(*at)->next;
	*at = watch->next;
	if (watch->kind & WAX_LOOP_HIT)
		loop->hit_count--;
}

void wax_loop_cancel(struct wax_loop *loop, struct wax_completion *completion)
{
	if (!completion->busy)
		return;

	if ((completion->kind & WAX_LOOP_KIND) == WAX_LOOP_WATCH) {
		loop->backend->cancel(loop, completion);
		forget_watch(loop, completion);
	} else {
		if (wax_loop_queue_remove(&loop->ended, completion))
			loop->ended_count--;
		else
			loop->backend->cancel(loop, completion);
		loop->pending--;
	}
	completion->busy = 0;
}

static void tell_watch(struct wax_loop *loop, struct wax_completion *watch)
{
	watch->kind &= (uint8_t)~WAX_LOOP_HIT;
	loop->hit_count--;
	watch->done(watch, get_result(watch));
}

/* Begins anew after each: done may have cancelled any of them. There are few. */
static unsigned tell_watches(struct wax_loop *loop)
{
	unsigned told = 0;

	for (unsigned most = loop->hit_count; told < most && loop->hit_count; told++) {
		struct wax_completion *at = loop->watches;

		while (!(at->kind & WAX_LOOP_HIT))
			at = at->next;
		tell_watch(loop, at);
	}
	return told;
}

/* Only as many as had ended at the start: one that is started again and ends at once waits for the
 * next round, so that a round is bounded. */
static __attribute__((noinline)) unsigned tell(struct wax_loop *loop)
{
	unsigned most = loop->ended_count;
	unsigned told = tell_watches(loop);

	for (; most > 0 && loop->ended.head; most--) {
		struct wax_completion *completion = wax_loop_queue_pop(&loop->ended);

		loop->ended_count--;
		loop->pending--;
		completion->busy = 0;
		told++;
		completion->done(completion, get_result(completion));
	}
	return told;
}

unsigned wax_loop_reap(struct wax_loop *loop)
{
	loop->backend->reap(loop);
	return wax_unlikely(wax_loop_has_ended(loop)) ? tell(loop) : 0;
}

unsigned wax_loop_wait(struct wax_loop *loop, int64_t timeout_ns)
{
	loop->backend->wait(loop, timeout_ns > 0 ? timeout_ns : 0);
	return wax_loop_has_ended(loop) ? tell(loop) : 0;
}

unsigned wax_loop_pending(const struct wax_loop *loop)
{
	return loop->pending;
}
