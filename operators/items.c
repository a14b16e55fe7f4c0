/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/items.h"

#include <errno.h>
#include <inttypes.h>

int wax_items_fail(struct wax_op *op, const struct wax_port *port, const struct wax_batch *batch,
		uint32_t index, int r, uint64_t emitted, enum wax_items_rule rule)
{
	bool too_many = !wax_items_allows(rule, emitted);

	/* A column that got more items than it has room for fails without a sentence. */
	if (port->failed && too_many && !port->err->code)
		return wax_op_fail(op, batch, index, -EINVAL,
				"emitted at least %" PRIu64 " items, must be %s 1", emitted,
				rule == WAX_ITEMS_ONE ? "exactly" : "at most");
	if (r < 0)
		return wax_op_fail(op, batch, index, r, NULL);
	if (port->failed)
		return wax_op_fail(op, batch, index, port->err->code ? port->err->code : -ECANCELED,
				NULL);
	return wax_op_fail(op, batch, index, -EINVAL, "emitted %" PRIu64 " items, must be %s 1",
			emitted, rule == WAX_ITEMS_ONE ? "exactly" : "at most");
}
