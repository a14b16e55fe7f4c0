/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "operators/items.h"
#include "runtime/step.h"

/* Room for so many bytes behind those that are there. */
static int reserve(struct wax_room *line, size_t bytes)
{
	return wax_room_reserve(line, line->bytes + bytes);
}

/* As the type prints it, and what stands behind it. */
static int add_item(
		struct wax_room *line, const struct wax_type *type, struct wax_bytes item, char end)
{
	int length = wax_type_print(type, NULL, 0, item.data, item.bytes), r;

	if (length < 0)
		return length;
	r = reserve(line, (size_t)length + 1);
	if (r == 0)
		line->bytes += (size_t)wax_type_print(type, line->data + line->bytes,
				(size_t)length + 1, item.data, item.bytes);
	if (r == 0)
		r = reserve(line, 1);
	if (r == 0)
		line->data[line->bytes++] = end;
	return r;
}

/* Where it is, at the beginning of a line. */
static int begin(struct wax_room *line, const struct wax_place *place)
{
	int length = snprintf(NULL, 0, "%s W%" PRIu32 " @%" PRIu64 ": ", place->step, place->worker,
			place->epoch);
	int r;

	line->bytes = 0;
	r = reserve(line, (size_t)length + 1);
	if (r < 0)
		return r;
	line->bytes = (size_t)sprintf(line->data, "%s W%" PRIu32 " @%" PRIu64 ": ", place->step,
			place->worker, place->epoch);
	return 0;
}

/* Standard error is not buffered: one call is one line, which other workers do not cut. */
static void print(const struct wax_room *line)
{
	fwrite(line->data, 1, line->bytes, stderr);
}

static int print_item(struct wax_op *op, const struct wax_place *place, const struct wax_item *item)
{
	const struct wax_line_params *params = op->params;
	const struct wax_type *type = params->type;
	struct wax_room *line = op->data;

	if (wax_op_capture(op))
		return 0;

	int r = begin(line, place);

	if (r == 0 && type->key)
		r = add_item(line, type->key, item->key, '\t');
	if (r == 0)
		r = add_item(line, wax_type_value(type), item->value, '\n');
	if (r == 0)
		print(line);
	return r;
}

int wax_line_print_text(struct wax_op *op, const struct wax_place *place, const char *text)
{
	struct wax_room *line = op->data;
	struct wax_bytes bytes = {text, strlen(text)};

	if (wax_op_capture(op))
		return 0;

	int r = begin(line, place);

	if (r == 0)
		r = add_item(line, WAX_TEXT, bytes, '\n');
	if (r == 0)
		print(line);
	return r;
}

static int tell_item(struct wax_op *op, const struct wax_place *place, const struct wax_item *item)
{
	const struct wax_line_params *params = op->params;

	if (params->fn)
		return params->fn(place, item, params->ctx);
	if (params->moment_fn)
		return params->moment_fn(place, WAX_MOMENT_ITEM, item, params->ctx);
	return print_item(op, place, item);
}

int wax_line_op_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct wax_batch in = *batch;
	const struct wax_place place = wax_op_place(op);
	uint32_t first = 0;

	(void)input;
	if (wax_op_capture(op) && wax_op_capture_batch(op, batch) < 0)
		return -ECANCELED;
	for (uint32_t i = 0; i < in.count; i++) {
		struct wax_item item = wax_batch_item(&in, i);
		wax_op_called(op);
		int r = tell_item(op, &place, &item);

		if (r < 0)
			r = wax_items_leave_out(op, batch, &first, i, r);
		if (r < 0)
			return r;
	}
	return wax_items_lend_rest(op, batch, first);
}

void wax_line_op_close(struct wax_op *op)
{
	wax_room_fini(op->data);
}
