/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_KERNEL_H
#define OPERATORS_KERNEL_H

#include <stdbool.h>

#include <wax/kernel.h>

#include "runtime/op.h"
#include "runtime/step.h"

/**
 * Is this a kernel of the kind that the step needs, for values of this type? Reports it otherwise.
 *
 * @param type of the stream; NULL: the step has failed already
 */
bool wax_kernel_check(struct wax_flow *flow, struct wax_step *step, const struct wax_kernel *kernel,
		enum wax_kernel_kind kind, const struct wax_type *type);

/** Does it take values of this type? */
bool wax_kernel_takes(const struct wax_kernel *kernel, const struct wax_type *value);

/** Type of what it makes; NULL when the name is known with another size. Reports that. */
const struct wax_type *wax_kernel_type(
		struct wax_flow *flow, struct wax_step *step, const struct wax_kernel *kernel);

/** Run a kernel of WAX_MAP or WAX_KEY over the values of a batch into the value column of out. */
void wax_kernel_map(const struct wax_kernel *kernel, const struct wax_batch *batch,
		struct wax_out *out);

#endif
