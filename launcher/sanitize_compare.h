/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_SANITIZE_COMPARE_H
#define LAUNCHER_SANITIZE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/capture.h"

/* What reached the outputs of a flow in two runs. Pure. */

enum { WAX_DIFFERENCE_SHOWN = 3 };

/** A difference in one step. Items are lent from the two views. */
struct wax_difference {
	bool found;
	uint32_t step;
	bool order;           /* the items are the same, those of a key in another order */
	size_t item_count;    /* of the step, in the plain run */
	size_t missing_count; /* in the plain run only */
	size_t extra_count;   /* in the other only */
	const struct wax_captured
			*missing[WAX_DIFFERENCE_SHOWN]; /* the first; NULL behind the last */
	const struct wax_captured *extra[WAX_DIFFERENCE_SHOWN];
};

/**
 * Find the first step to which other items came, or the same in other numbers. Order does not count.
 *
 * @param plain and other: borrowed as long as the difference is used; they stay as they are
 * @return 0 or -ENOMEM
 */
int wax_compare_items(const struct wax_capture_view *plain, const struct wax_capture_view *other,
		struct wax_difference *ret_difference);

/** Where the items of a step are the same: were those of each key in the same order? */
int wax_compare_order(const struct wax_capture_view *plain, const struct wax_capture_view *other,
		uint32_t step, struct wax_difference *ret_difference);

/** An item of a key of which the step was given items in more than one worker; NULL: none. */
const struct wax_captured *wax_find_scattered_key(
		const struct wax_capture_view *view, uint32_t step);

#endif
