/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include "operators/element.h"
#include "operators/items.h"
#include "runtime/op.h"
#include "runtime/port.h"
#include "runtime/step.h"

/* An item is an array of elements of a fixed size, or elements of any length one behind the other
 * (operators/element.h). Elements of any length are spans into the item: nothing is copied. */
struct params {
	const struct wax_type *type; /* of an element */
};

/* A value that is an array: a column is filled run by run, unless each element needs its key. */
static void emit_array(struct wax_port *port, uint32_t element_bytes, struct wax_bytes value)
{
	const char *at = value.data;
	size_t left = value.bytes / element_bytes;

	for (; port->keyed && left > 0 && !port->failed; left--, at += element_bytes)
		wax_emit(&port->out, at, element_bytes);
	while (left > 0 && !port->failed) {
		uint32_t room = wax_out_room(&port->out, left < UINT32_MAX ? (uint32_t)left : 1);

		memcpy((char *)port->out.values + (size_t)port->out.count * element_bytes, at,
				(size_t)room * element_bytes);
		wax_out_advance(&port->out, room);
		at += (size_t)room * element_bytes;
		left -= room;
	}
}

static int push_arrays(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct wax_type *type = ((const struct params *)op->params)->type;
	struct wax_port *port = &op->ports[0];
	const struct wax_batch in = *batch;
	int r = 0;

	(void)input;
	for (uint32_t i = 0; i < in.count && r == 0 && !port->failed; i++) {
		struct wax_item item = wax_batch_item(&in, i);

		if (wax_unlikely(item.value.bytes % type->item_bytes != 0)) {
			r = wax_fail(NULL, "%zu bytes are no array of %s: that has %u each",
					item.value.bytes, type->name, type->item_bytes);
			r = wax_op_refuse(op, NULL, batch, &i, 1, r);
			continue;
		}
		if (in.keyed)
			wax_port_fix_key(port, item.key);
		emit_array(port, type->item_bytes, item.value);
	}
	wax_port_unfix_key(port);
	return r;
}

/* Emit what an item holds. @return 0; negative after wax_fail */
static int emit_elements(struct wax_port *port, struct wax_bytes rest)
{
	struct wax_bytes element = {NULL, 0};
	enum wax_element found;
	size_t index;

	for (index = 0; (found = wax_element_next(&rest, &element)) == WAX_ELEMENT_FOUND; index++)
		wax_emit(&port->out, element.data, element.bytes);
	if (wax_unlikely(found == WAX_ELEMENT_CUT))
		return wax_fail(NULL,
				"ends within the length of element %zu: write each with "
				"wax_element_put",
				index);
	if (wax_unlikely(found == WAX_ELEMENT_TOO_LONG))
		return wax_fail(NULL,
				"element %zu should have %zu bytes, and %zu are left: write each "
				"with wax_element_put",
				index, element.bytes, rest.bytes);
	return 0;
}

static int push_elements(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	struct wax_port *port = &op->ports[0];
	const struct wax_batch in = *batch;
	const bool guarded = wax_op_drops(op);
	int r = 0;

	(void)input;
	for (uint32_t i = 0; i < in.count && r == 0 && !port->failed; i++) {
		struct wax_item item = wax_batch_item(&in, i);

		if (in.keyed)
			wax_port_fix_key(port, item.key);
		if (guarded)
			wax_port_guard(port);
		r = emit_elements(port, item.value);
		if (wax_unlikely(r < 0))
			r = wax_op_refuse(op, port, batch, &i, 1, r);
	}
	wax_port_unguard(port);
	wax_port_unfix_key(port);
	return r;
}

static const struct wax_op_class arrays_class = {
		.kind = "flatten",
		.params_bytes = sizeof(struct params),
		.push = push_arrays,
};

static const struct wax_op_class elements_class = {
		.kind = "flatten",
		.params_bytes = sizeof(struct params),
		.push = push_elements,
};

/* Can an item of this type hold elements of that? */
static void check(struct wax_flow *flow, struct wax_step *step, const struct wax_type *value,
		const struct wax_type *type)
{
	if (value->item_bytes == 0)
		return;
	if (type->item_bytes == 0)
		wax_step_fail(flow, step,
				"makes %s, of any length, of %s, which has a fixed size: it needs "
				"items of any length",
				type->name, value->name);
	else if (value->item_bytes % type->item_bytes != 0)
		wax_step_fail(flow, step, "%s (%u bytes) is no array of %s (%u bytes)", value->name,
				value->item_bytes, type->name, type->item_bytes);
}

struct wax_stream wax_flatten(struct wax_stream up, const char *id, const struct wax_type *type)
{
	bool arrays = type && type->item_bytes > 0;
	struct wax_step *step = wax_step_add(up.flow, id, arrays ? &arrays_class : &elements_class);
	struct params *params = step->params;
	const struct wax_type *up_type = wax_step_input(up.flow, step, up);

	params->type = type;
	if (up_type && type && !type->key)
		check(up.flow, step, wax_type_value(up_type), type);
	if (up_type && !up_type->key && type && !type->key)
		return wax_step_output(up.flow, step, type, false);
	return wax_items_output(up, step, up_type, type);
}
