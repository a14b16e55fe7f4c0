/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_FRAMES_H
#define RUNTIME_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wax/batch.h>
#include <wax/err.h>

#include "runtime/log_format.h"

/*
 * Makes the frames of a log, in memory: records go in, blocks of whole frames come out, to be
 * written one behind the other. Knows nothing of files. One thread.
 *
 * Records of one step and kind that follow one another are gathered in one frame. Memory is that of
 * the blocks which were not given back; who saves little by little looks at wax_frames_pending
 * and waits, who cannot wait (a state that is about to change) goes on: there are more blocks then.
 */
struct wax_frames;

enum { WAX_FRAMES_BLOCK_BYTES = 1 << 20 };

/** Frames to be written, aligned to 4096 in memory. */
struct wax_frames_block {
	const char *data;
	size_t bytes; /* a multiple of 4096 */
};

/** What a step's records are; the same for its whole life. */
struct wax_frames_step {
	uint32_t key_bytes;   /* 0: any length */
	uint32_t value_bytes; /* WAX_LOG_ANY_BYTES: any length */
};

/** @param ret_frames gives; release with wax_frames_free @return 0 or -ENOMEM */
int wax_frames_make(struct wax_frames **ret_frames, struct wax_err *err);
void wax_frames_free(struct wax_frames *frames);

/** The frames that follow are of this epoch. */
void wax_frames_epoch(struct wax_frames *frames, uint64_t epoch);

/** Begin a segment: an OPEN frame. Nothing that is not in a block may be left: behind an END, or at
 *  the very beginning. @return 0 or -ENOMEM */
int wax_frames_open(struct wax_frames *frames, const struct wax_log_open *open);

/** Append a record. Bytes are copied. @return 0 or -ENOMEM */
int wax_frames_state(struct wax_frames *frames, uint32_t step, struct wax_frames_step sizes,
		struct wax_bytes key, struct wax_bytes value);
int wax_frames_gone(struct wax_frames *frames, uint32_t step, struct wax_frames_step sizes,
		struct wax_bytes key);
int wax_frames_clear(struct wax_frames *frames, uint32_t step);

/**
 * End the epoch, and pad to WAX_LOG_EPOCH_ALIGN, so that everything is in blocks.
 *
 * @param end       its field positions is filled in
 * @param positions count of them; names and bytes are copied
 */
struct wax_frames_position {
	uint32_t step;
	uint32_t instance;
	struct wax_bytes name;
	struct wax_bytes position;
};
int wax_frames_end(struct wax_frames *frames, const struct wax_log_end *end,
		const struct wax_frames_position *positions, uint32_t count);

/** The oldest block that is complete. Lends until it is given back with wax_frames_written; blocks
 *  are taken and given back in order, several may be under way. @return false: none */
bool wax_frames_take(struct wax_frames *frames, struct wax_frames_block *ret_block);
/** The oldest block that was taken is on its way no more. */
void wax_frames_written(struct wax_frames *frames);

/** Bytes in blocks that were not given back, and in frames that are being made. */
size_t wax_frames_pending(const struct wax_frames *frames);

#endif
