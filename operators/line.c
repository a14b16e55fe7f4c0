/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/room.h"
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

int wax_line_print_item(struct wax_op *op, const struct wax_place *place,
		const struct wax_type *type, const struct wax_item *item)
{
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
