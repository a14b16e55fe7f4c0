/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_STORE_WALK_H
#define RUNTIME_STORE_WALK_H

#include <stdint.h>

#include <wax/err.h>

#include "runtime/groups.h"
#include "runtime/store.h"

/*
 * The frames that make up the state of an epoch, the newest first, so that of each key the first
 * record that is met counts. Whether it is a state or says that the key is no more, it hides the
 * older ones, which whoever walks has to remember; what a CLEAR and the base of a log hide is left
 * out here, by key groups.
 */

#define WAX_STORE_NO_STEP UINT32_MAX

/** A frame that counts. All of it is lent during the call. */
struct wax_store_frame {
	uint32_t step; /* as the walk calls it */
	const struct wax_log_scan *scan;
	const struct wax_log_frame *frame; /* STATE or GONE, its payload checked */
	const struct wax_groups *wanted;   /* of keys of other groups the records do not count */
};

struct wax_store_walk {
	const struct wax_resume *resume;
	struct wax_groups own; /* the keys that are wanted: logs without any are not read */
	uint32_t step_count;   /* steps of the walk are numbered below it */

	/** Which step of the walk is one of a generation? @param index as its manifest calls it
	 *  @return WAX_STORE_NO_STEP: none, its frames are passed over without a look */
	uint32_t (*step_of)(void *context, uint32_t generation, uint32_t index);
	/** @return 0: go on; 1: that is enough; negative errno with a sentence */
	int (*take)(void *context, const struct wax_store_frame *frame, struct wax_err *err);
	void *context;
};

/** @return 0; 1 when take said so; -EBADMSG, -ENOMEM, or what take has failed with, with a sentence */
int wax_store_walk(const struct wax_store_walk *walk, struct wax_err *err);

#endif
