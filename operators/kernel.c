/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/kernel.h"

#include <string.h>

#include "runtime/port.h"

static const char *macro_name(uint32_t kind)
{
	switch (kind) {
	case WAX_KERNEL_MAP:
		return "WAX_MAP";
	case WAX_KERNEL_FILTER:
		return "WAX_FILTER";
	case WAX_KERNEL_KEY:
		return "WAX_KEY";
	case WAX_KERNEL_FOLD:
		return "WAX_FOLD";
	case WAX_KERNEL_STATEFUL_MAP:
		return "WAX_STATEFUL_MAP";
	default:
		return "an unknown macro";
	}
}

bool wax_kernel_takes(const struct wax_kernel *kernel, const struct wax_type *value)
{
	/* The address in the stream is as aligned as its type says. */
	return strcmp(kernel->in_name, value->name) == 0 && kernel->in_bytes == value->item_bytes &&
			kernel->in_align <= value->align;
}

bool wax_kernel_check(struct wax_flow *flow, struct wax_step *step, const struct wax_kernel *kernel,
		enum wax_kernel_kind kind, const struct wax_type *type)
{
	if (!kernel || kernel->size_bytes < sizeof(*kernel)) {
		wax_step_fail(flow, step, "its kernel is NULL, or was not made with %s",
				macro_name(kind));
		return false;
	}
	if (kernel->kind != (uint32_t)kind) {
		wax_step_fail(flow, step, "needs a kernel made with %s, gets one made with %s",
				macro_name(kind), macro_name(kernel->kind));
		return false;
	}
	if (!type)
		return false;
	if (!wax_kernel_takes(kernel, wax_type_value(type))) {
		const struct wax_type *value = wax_type_value(type);

		wax_step_fail(flow, step,
				"its kernel takes %s (%u bytes), the stream has %s (%u bytes%s)",
				kernel->in_name, kernel->in_bytes, value->name, value->item_bytes,
				value->item_bytes ? "" : ": any length");
		return false;
	}
	return true;
}

const struct wax_type *wax_kernel_type(
		struct wax_flow *flow, struct wax_step *step, const struct wax_kernel *kernel)
{
	const struct wax_type *type = wax_type_struct(
			kernel->out_name, kernel->out_bytes, kernel->out_align, NULL);

	if (!type)
		wax_step_fail(flow, step,
				"its kernel makes %s of %u bytes, but that name is the "
				"one of a type with another size, or it is too large",
				kernel->out_name, kernel->out_bytes);
	return type;
}

void wax_kernel_map(
		const struct wax_kernel *kernel, const struct wax_batch *batch, struct wax_out *out)
{
	const char *from = batch->values;
	uint32_t left = batch->count;

	while (left > 0) {
		uint32_t room = wax_out_room(out, left);

		kernel->map(from, (char *)out->values + (size_t)out->count * kernel->out_bytes,
				room);
		wax_out_advance(out, room);
		from += (size_t)room * kernel->in_bytes;
		left -= room;
	}
}
