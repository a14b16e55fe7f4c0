/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_CAPTURE_H
#define RUNTIME_CAPTURE_H

#include <stdint.h>

#include <wax/batch.h>
#include <wax/err.h>

/*
 * Items that workers hand to the process that started them: a file in memory, open in all of them,
 * to which each appends. What one call adds stays together.
 */
struct wax_capture {
	int fd;               /* -1: closed */
	uint64_t bytes_limit; /* of all items; 0: none */
};

/** @return 0, or negative with a sentence */
int wax_capture_open(struct wax_capture *capture, struct wax_err *err);
void wax_capture_close(struct wax_capture *capture);
/** Forget what was added. */
void wax_capture_clear(struct wax_capture *capture);

/**
 * Add the items of a batch.
 *
 * @param step   a number that is given back with each
 * @param worker likewise
 * @return 0; -ENOMEM, -ENOSPC, -EFBIG over the limit, with a sentence
 */
int wax_capture_add(const struct wax_capture *capture, uint32_t step, uint32_t worker,
		const struct wax_batch *batch, struct wax_err *err);

struct wax_captured {
	uint32_t step;
	uint32_t worker;
	struct wax_bytes key; /* data NULL: not keyed */
	struct wax_bytes value;
};

/** What was added, in that order. */
struct wax_capture_view {
	struct wax_captured *items;
	size_t count;
	void *memory;
	size_t memory_bytes;
};

/** @param ret_view gives; release with wax_capture_view_fini. What is added later is not in it
 *  @return 0, or negative with a sentence */
int wax_capture_view_init(const struct wax_capture *capture, struct wax_capture_view *ret_view,
		struct wax_err *err);
/** One that is zero is empty. */
void wax_capture_view_fini(struct wax_capture_view *view);

#endif
