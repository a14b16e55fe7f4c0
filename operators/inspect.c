/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/op.h"
#include "runtime/port.h"
#include "runtime/step.h"

typedef int (*inspect_fn)(const struct wax_place *place, const struct wax_item *item, void *ctx);

struct params {
	inspect_fn fn;
	void *ctx;
	const struct wax_type *type;
};

/* A line that is being written. */
struct line {
	char *text;
	size_t bytes;
	size_t capacity;
};

static int reserve(struct line *line, size_t bytes)
{
	size_t wanted = line->bytes + bytes;

	if (wanted <= line->capacity)
		return 0;

	char *text = realloc(line->text, 2 * wanted);

	if (!text)
		return -ENOMEM;
	line->text = text;
	line->capacity = 2 * wanted;
	return 0;
}

static int add_hex(struct line *line, struct wax_bytes item)
{
	const unsigned char *from = item.data;

	if (reserve(line, 2 * item.bytes + 1) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < item.bytes; i++)
		line->bytes += (size_t)sprintf(line->text + line->bytes, "%02x", from[i]);
	return 0;
}

/* As the type prints it, and what stands behind it. */
static int add_item(struct line *line, const struct wax_type *type, struct wax_bytes item, char end)
{
	int r = 0;

	if (!type->print) {
		r = add_hex(line, item);
	} else {
		int length = type->print(NULL, 0, item.data, item.bytes);

		if (length < 0)
			return length;
		r = reserve(line, (size_t)length + 1);
		if (r == 0)
			line->bytes += (size_t)type->print(line->text + line->bytes,
					(size_t)length + 1, item.data, item.bytes);
	}
	if (r == 0)
		r = reserve(line, 1);
	if (r == 0)
		line->text[line->bytes++] = end;
	return r;
}

/* Standard error is not buffered: one call is one line, which other workers do not cut. */
static int print_item(struct line *line, const struct params *params, const struct wax_place *place,
		const struct wax_item *item)
{
	int length = snprintf(NULL, 0, "%s W%" PRIu32 " @%" PRIu64 ": ", place->step, place->worker,
			place->epoch);
	int r;

	line->bytes = 0;
	r = reserve(line, (size_t)length + 1);
	if (r < 0)
		return r;
	line->bytes = (size_t)sprintf(line->text, "%s W%" PRIu32 " @%" PRIu64 ": ", place->step,
			place->worker, place->epoch);
	if (params->type->key)
		r = add_item(line, params->type->key, item->key, '\t');
	if (r == 0)
		r = add_item(line, wax_type_value(params->type), item->value, '\n');
	if (r == 0)
		fwrite(line->text, 1, line->bytes, stderr);
	return r;
}

static int lend_some(struct wax_op *op, const struct wax_batch *batch, uint32_t from, uint32_t to)
{
	struct wax_batch some = wax_batch_slice(batch, from, to - from);

	return wax_op_lend(op, 0, &some);
}

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct params *params = op->params;
	const struct wax_batch in = *batch;
	const struct wax_place place = {
			.step = op->step->id,
			.epoch = wax_op_epoch(op),
			.worker = wax_op_worker_index(op),
			.worker_count = wax_op_worker_count(op),
	};

	uint32_t passed = 0;

	(void)input;
	if (wax_op_capture(op)) {
		int r = wax_op_capture_batch(op, batch);

		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < in.count; i++) {
		struct wax_item item = wax_batch_item(&in, i);
		int r = params->fn ? params->fn(&place, &item, params->ctx)
				: wax_op_capture(op)
				? 0
				: print_item(op->data, params, &place, &item);

		if (r >= 0)
			continue;
		/* It is dropped: hand on those in front of it. */
		r = wax_op_refuse(op, NULL, batch, &i, 1, r);
		if (r == 0)
			r = lend_some(op, batch, passed, i);
		if (r < 0)
			return r;
		passed = i + 1;
	}
	return lend_some(op, batch, passed, in.count);
}

static void close(struct wax_op *op)
{
	struct line *line = op->data;

	free(line->text);
}

static const struct wax_op_class inspect_class = {
		.kind = "inspect",
		.params_bytes = sizeof(struct params),
		.data_bytes = sizeof(struct line),
		.counts_as_output = true,
		.push = push,
		.close = close,
};

struct wax_stream wax_inspect(struct wax_stream up, const char *id,
		int (*fn)(const struct wax_place *place, const struct wax_item *item, void *ctx),
		void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &inspect_class);
	struct params *params = step->params;
	const struct wax_type *type = wax_step_input(up.flow, step, up);

	*params = (struct params){fn, ctx, type};
	return wax_step_output(up.flow, step, type, wax_stream_by_key(up));
}
