/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/items.h"

#include <errno.h>
#include <inttypes.h>

int wax_items_fail(struct wax_op *op, const struct wax_port *port, const struct wax_batch *batch,
		uint32_t index, int r, uint64_t emitted, enum wax_items_rule rule)
{
	if (r < 0)
		return wax_op_fail(op, batch, index, r, NULL);
	if (port->failed && (port->err->code || wax_items_allows(rule, emitted)))
		return wax_op_fail(op, batch, index, port->err->code ? port->err->code : -ECANCELED,
				NULL);
	return wax_op_fail(op, batch, index, -EINVAL, "emitted %" PRIu64 " items, must be %s 1",
			emitted, rule == WAX_ITEMS_ONE ? "exactly" : "at most");
}
