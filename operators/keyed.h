/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_KEYED_H
#define OPERATORS_KEYED_H

#include <stddef.h>
#include <stdint.h>

#include <wax/stateful.h>

#include "runtime/step.h"

/* What the steps with a state for each key have in common. */

struct wax_keyed {
	struct wax_bytes key;
	struct wax_out *out;
	int64_t now;
	uint32_t input; /* by which the item came that is served */
};

/** Report a state that is too large. */
void wax_keyed_check_state(struct wax_flow *flow, struct wax_step *step, size_t state_bytes);

/**
 * Route the step by key, and give it an output: the keys of its input and values of a type.
 *
 * @param up_type of its input; NULL: the step has failed
 * @param type    of the values; must not be keyed itself, which is reported
 */
struct wax_stream wax_keyed_output(struct wax_stream up, struct wax_step *step,
		const struct wax_type *up_type, const struct wax_type *type);

#endif
