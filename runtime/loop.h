/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_LOOP_H
#define RUNTIME_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <wax/err.h>

/*
 * The event loop of one process: all of its waiting and all of its I/O. One thread uses it. Two
 * backends do the same: io_uring, and poll(2) with plain reads and writes where io_uring is
 * forbidden (containers, kernel.io_uring_disabled) or not wanted.
 */
struct wax_loop;

enum wax_io {
	WAX_IO_AUTO = 0, /* io_uring, else posix */
	WAX_IO_URING = 1,
	WAX_IO_POSIX = 2,
};

/**
 * One operation under way; embed it in what it serves. Borrowed, with the buffer, from the call
 * that starts the operation until done is called. done may start operations, on this completion
 * too. It is called from wax_loop_reap and wax_loop_wait only, never from the call that starts.
 */
struct wax_completion {
	/* result: bytes, poll events, 0 of a sync, or a negative errno */
	void (*done)(struct wax_completion *completion, int result);
	/* The loop's own while the operation is under way. */
	struct wax_completion *next;
	void *buffer;
	uint64_t offset;
	uint32_t bytes;
	int fd;
	short events;
	uint8_t kind;
	uint8_t busy; /* 1 while under way */
};

/**
 * @param entries  operations submitted at once, a power of two from 2 on; more wait in a queue
 * @param ret_loop gives; release with wax_loop_close
 * @return 0; -ENOMEM, -EPERM, -ENOSYS with a sentence that says what to do
 */
int wax_loop_open(
		enum wax_io io, unsigned entries, struct wax_loop **ret_loop, struct wax_err *err);
/** Close; operations under way are cancelled and their done is not called. NULL is allowed. */
void wax_loop_close(struct wax_loop *loop);
/** "io_uring" or "posix". */
const char *wax_loop_backend(const struct wax_loop *loop);

/** Read or write at an offset; -1: at the file's own position (pipes, terminals). Results may be
 *  short, as read(2) and write(2); these calls cannot fail. */
void wax_loop_read(struct wax_loop *loop, struct wax_completion *completion, int fd, void *buffer,
		uint32_t bytes, int64_t offset);
void wax_loop_write(struct wax_loop *loop, struct wax_completion *completion, int fd,
		const void *buffer, uint32_t bytes, int64_t offset);
/** Make durable what was written to fd (fdatasync): 0 or a negative errno. Writes under way may or may
 *  not be among it. */
void wax_loop_sync(struct wax_loop *loop, struct wax_completion *completion, int fd);
/** Write at an offset (not -1), and sync when, and only when, all of it is written: the result of
 *  sync is -ECANCELED where the write failed, was short, or was cancelled. Other writes under way
 *  may or may not be among what is made durable. */
void wax_loop_write_sync(struct wax_loop *loop, struct wax_completion *write, int fd,
		const void *buffer, uint32_t bytes, int64_t offset, struct wax_completion *sync);
/** Wait once until fd is ready: POLLIN, POLLOUT. */
void wax_loop_poll(struct wax_loop *loop, struct wax_completion *completion, int fd, short events);
/** Call done each time fd becomes readable, until the loop is closed; for eventfds, whose counter
 *  the loop resets. */
void wax_loop_watch(struct wax_loop *loop, struct wax_completion *completion, int fd);

/**
 * End an operation, or a watch, and return when the kernel will not touch its buffer again; done
 * is not called. Sleeps while the kernel finishes what it cannot interrupt (a transfer from or to
 * a disk). For closing in the middle of things; one that is not under way is left alone.
 */
void wax_loop_cancel(struct wax_loop *loop, struct wax_completion *completion);

/** Submit what was started and call done for what has completed; never waits. A look at memory
 *  (about 1 ns) when there is nothing to do.
 *  @return how many completed */
unsigned wax_loop_reap(struct wax_loop *loop);

/**
 * Submit, then sleep until something completes or the time is over; call done for all of it.
 *
 * @param timeout_ns 0: do not sleep; WAX_NEVER: no limit
 * @return how many completed; 0 may come early (a signal, a transfer that was tried again)
 */
unsigned wax_loop_wait(struct wax_loop *loop, int64_t timeout_ns);

/** Operations under way, watches not counted. */
unsigned wax_loop_pending(const struct wax_loop *loop);

#endif
