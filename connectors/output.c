/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include <errno.h>
#include <stdlib.h>

#include "connectors/format.h"
#include "runtime/connector.h"
#include "runtime/flow.h"
#include "runtime/hash.h"
#include "runtime/port.h"
#include "runtime/snapshot.h"
#include "runtime/step.h"

/*
 * The step that writes to a sink. A sink with partitions gets its items through an exchange to the
 * workers that have the partitions; one without has an instance in each worker. Items are turned
 * into text by an inner step in front of the exchange, where they arise.
 */

struct output_params {
	struct wax_sink *sink;
	struct wax_parts parts;
	struct wax_step *format_step; /* NULL: none */
};

struct format_params {
	const char *text;
	const struct wax_type *up;
	struct wax_format *format;
};

/* One partition that is open here. */
struct output_part {
	struct wax_env env;
	void *handle;
	struct wax_port port;     /* gathers its items where a worker has several */
	struct wax_room position; /* to be saved */
	bool has_port;
	bool open;
	bool noted; /* position is that of the epoch that is being prepared */
	bool prepared;
	bool committed; /* knows of the epoch that steps are being told of */
};

struct output_data {
	struct output_part *parts;
	uint32_t part_count;
	bool dirty;     /* something was written since the last flush */
	bool preparing; /* an epoch, and has not given WAX_READY yet */
	bool committing;
};

/* ---- Text */

static int format_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	const struct format_params *params = op->params;
	(void)input;
	if (wax_format_is_value(params->format)) {
		struct wax_batch values = *batch;
		values.keyed = op->ports[0].keyed;
		return wax_op_lend(op, 0, &values);
	}
	return wax_format_batch(params->format, wax_op_out(op, 0), batch);
}

static void format_forget(struct wax_step *step)
{
	struct format_params *params = step->params;
	wax_format_free(params->format);
}

static const struct wax_op_class format_class = {
		.kind = "format",
		.params_bytes = sizeof(struct format_params),
		.forget = format_forget,
		.push = format_push,
};

static int compile_format(struct format_params *params, bool keep_key, struct wax_err *err)
{
	wax_format_free(params->format);
	params->format = NULL;
	return wax_format_make(params->text, params->up, keep_key, &params->format, err);
}

/* Add the inner step. The key stays until it is known that there is but one partition. */
static struct wax_stream add_format(struct wax_flow *flow, struct wax_step *owner,
		struct wax_stream up, const struct wax_sink *sink, struct wax_step **ret_step)
{
	struct wax_step *step = wax_step_add_inner(flow, owner, "format", &format_class);
	struct format_params *params = step->params;
	params->text = sink->format;
	params->up = wax_step_input(flow, step, up);
	*ret_step = step;
	if (step->failed)
		return wax_step_output(flow, step, WAX_TEXT, false);

	bool keep_key = params->up->key && sink->ops.list;
	struct wax_err err = {0};
	if (compile_format(params, keep_key, &err) < 0)
		wax_step_fail(flow, step, "%s", err.text);
	return wax_step_output(flow, step,
			keep_key ? wax_type_keyed(params->up->key, WAX_TEXT) : WAX_TEXT, false);
}

/* ---- Before the fork */

static int output_prepare(struct wax_flow *flow, struct wax_step *step, uint32_t worker_count,
		struct wax_err *err)
{
	struct output_params *params = step->params;
	const struct wax_sink *sink = params->sink;
	wax_parts_fini(&params->parts);
	wax_parts_init(&params->parts, worker_count, step->saved);
	/* Nothing is opened, so nothing needs to be in one place. */
	if (!sink->ops.list || flow->capture)
		return 0;
	int r = sink->ops.list(sink->sink, &params->parts, err);
	if (r == 0)
		r = wax_parts_check_saved(&params->parts, err);
	if (r < 0)
		return r;
	step->route = WAX_ROUTE_PART;
	step->part_count = params->parts.count;
	step->part_choice = (struct wax_part_choice){sink->ops.part, sink->sink};

	struct wax_stream_info *up = wax_flow_stream(flow, step->inputs[0]);
	if (params->parts.count == 0)
		return wax_err_set(err, -EINVAL, "the sink lists no partition");
	if (params->parts.count > 1 && !up->type->key)
		return wax_err_set(err, -EINVAL,
				"the sink has %u partitions, among which items are dealt by their "
				"key, and the stream has no key: put key_on before it",
				params->parts.count);
	if (params->parts.count == 1 && params->format_step && up->type->key) {
		/* Nobody will look at the key: it need not travel. */
		up->type = WAX_TEXT;
		return compile_format(params->format_step->params, false, err);
	}
	return 0;
}

static const struct wax_parts *output_parts(const struct wax_step *step)
{
	const struct output_params *params = step->params;
	return params->sink->ops.list ? &params->parts : NULL;
}

static void output_forget(struct wax_step *step)
{
	struct output_params *params = step->params;
	wax_sink_free(params->sink);
	wax_parts_fini(&params->parts);
}

/* ---- In the worker */

/* What a partition answered to write or flush; `busy` is where WAX_BUSY is remembered. */
static int check_answer(struct wax_op *op, int answer, const char *call)
{
	if (answer == WAX_READY || answer == WAX_BUSY || answer < 0)
		return answer;
	return wax_err_set(wax_op_err(op), -EINVAL,
			"%s of the sink gave back %d, which means nothing", call, answer);
}

static int write_part(struct wax_op *op, struct output_part *part, const struct wax_batch *batch)
{
	const struct wax_sink_ops *ops = &((const struct output_params *)op->params)->sink->ops;
	struct output_data *data = op->data;
	data->dirty = true;
	int r = check_answer(op, ops->write(part->handle, batch, wax_op_err(op)), "write");
	if (r == WAX_BUSY)
		op->busy = true;
	return r < 0 ? r : 0;
}

static int take_for_part(struct wax_port *port, const struct wax_batch *batch)
{
	struct output_part *part = port->taker;
	return write_part(part->env.op, part, batch);
}

/* What is told from others of its kind by a name, or by the number of the worker. */
struct identity {
	const char *name;
	uint32_t instance;
};

static int open_part(struct wax_op *op, struct identity identity, struct wax_bytes saved,
		struct wax_err *err)
{
	struct output_data *data = op->data;
	const struct output_params *params = op->params;
	const struct wax_sink *sink = params->sink;
	struct output_part *part = &data->parts[data->part_count++];
	part->env = (struct wax_env){
			.op = op, .part = identity.name, .instance = identity.instance};
	if (params->parts.count > 1) {
		const struct wax_type *type = wax_op_input_type(op, 0);
		int r = wax_port_init(&part->port, type, take_for_part, part, wax_op_err(op));
		if (r < 0)
			return wax_err_set(err, r, "no memory for partition '%s'", identity.name);
		part->has_port = true;
	}
	int r = sink->ops.open(sink->sink, &part->env, saved, &part->handle, err);
	part->open = r >= 0;
	return r;
}

static int close_part(struct wax_op *op, struct output_part *part, int ok)
{
	const struct wax_sink_ops *ops = &((const struct output_params *)op->params)->sink->ops;
	if (!part->open)
		return 0;
	part->open = false;
	int r = ops->close ? ops->close(part->handle, ok, wax_op_err(op)) : 0;
	wax_env_fini(&part->env);
	return r;
}

/* An instance that an earlier run with more workers had, and that this worker looks after. */
static bool is_left_over(const struct wax_op *op, const struct wax_saved_part *part)
{
	const struct output_params *params = op->params;
	uint32_t worker_count = wax_op_worker_count(op);
	return !params->sink->ops.list && part->instance >= worker_count &&
			part->instance % worker_count == wax_op_worker_index(op);
}

/* They are opened to be brought to what was saved of them, and closed. */
static int open_left_over(struct wax_op *op, struct wax_err *err)
{
	struct output_data *data = op->data;
	const struct output_params *params = op->params;
	const struct wax_saved_parts *saved = params->parts.saved;
	int r = 0;
	for (uint32_t i = 0; saved && i < saved->count && r >= 0; i++) {
		const struct wax_saved_part *part = &saved->parts[i];
		if (!is_left_over(op, part))
			continue;
		r = open_part(op, (struct identity){"", part->instance}, part->position, err);
		if (r >= 0)
			r = close_part(op, &data->parts[data->part_count - 1], 1);
		data->part_count--;
	}
	return r;
}

static int open_own_instance(struct wax_op *op, struct wax_err *err)
{
	const struct output_params *params = op->params;
	uint32_t worker = wax_op_worker_index(op);
	int r = open_left_over(op, err);
	return r < 0 ? r
		     : open_part(op, (struct identity){"", worker},
				       wax_parts_saved_instance(&params->parts, worker), err);
}

static int output_open(struct wax_op *op, struct wax_err *err)
{
	struct output_data *data = op->data;
	const struct output_params *params = op->params;
	uint32_t worker = wax_op_worker_index(op), worker_count = wax_op_worker_count(op);
	/* And one more: without a list the own instance, or one that is left over. */
	data->parts = calloc(params->parts.count + 1, sizeof(*data->parts));
	if (!data->parts)
		return wax_err_set(err, -ENOMEM, "no memory for its partitions");

	if (wax_op_capture(op))
		return 0;
	if (!params->sink->ops.list)
		return open_own_instance(op, err);
	/* Partition p is worker p modulo the number of workers'; here it has index p / that. */
	for (uint32_t i = worker; i < params->parts.count; i += worker_count) {
		int r = open_part(op, (struct identity){params->parts.names[i], 0},
				params->parts.positions[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static uint64_t part_of(const struct output_params *params, struct wax_bytes key)
{
	const struct wax_sink *sink = params->sink;
	uint32_t count = params->parts.count;
	return (sink->ops.part ? sink->ops.part(sink->sink, key, count)
			       : wax_hash(key.data, key.bytes)) %
			count;
}

static int deal_to_parts(struct wax_op *op, const struct wax_batch *batch)
{
	struct output_data *data = op->data;
	const struct output_params *params = op->params;
	for (uint32_t i = 0; i < data->part_count; i++)
		wax_port_read(&data->parts[i].port, batch);
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes key = wax_batch_key(batch, i), value = wax_batch_value(batch, i);
		uint64_t index = part_of(params, key);
		struct output_part *part = &data->parts[index / wax_op_worker_count(op)];
		int r = wax_emit_kv(&part->port.out, key.data, key.bytes, value.data, value.bytes);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < data->part_count; i++) {
		int r = wax_port_flush(&data->parts[i].port);
		wax_port_read(&data->parts[i].port, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

static int output_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	struct output_data *data = op->data;
	const struct output_params *params = op->params;
	(void)input;
	if (wax_op_capture(op))
		return wax_op_capture_batch(op, batch);
	if (params->parts.count > 1)
		return deal_to_parts(op, batch);
	return write_part(op, &data->parts[0], batch);
}

static int output_flush(struct wax_op *op)
{
	struct output_data *data = op->data;
	const struct wax_sink_ops *ops = &((const struct output_params *)op->params)->sink->ops;
	if ((!data->dirty && !op->flushing) || !ops->flush)
		return WAX_READY;
	data->dirty = false;
	op->flushing = false;
	for (uint32_t i = 0; i < data->part_count; i++) {
		int r = check_answer(
				op, ops->flush(data->parts[i].handle, wax_op_err(op)), "flush");
		if (r < 0)
			return r;
		op->flushing |= r == WAX_BUSY;
	}
	return op->flushing ? WAX_BUSY : WAX_READY;
}

static int output_epoch_end(struct wax_op *op, uint64_t epoch)
{
	(void)epoch;
	/* Where state is kept it is prepared instead. */
	int r = wax_op_keeps(op) ? 0 : output_flush(op);
	return r < 0 ? r : 0;
}

/* ---- Epochs that are committed */

static int note_position(struct wax_op *op, struct output_part *part)
{
	const struct wax_sink_ops *ops = &((const struct output_params *)op->params)->sink->ops;
	part->noted = true;
	if (ops->position && wax_position_set(&part->position, ops->position(part->handle)) < 0)
		return wax_err_set(wax_op_err(op), -ENOMEM, "no memory for a position");
	return 0;
}

/* Without prepare of its own it is flushed, and written to no more before that is done. */
static int prepare_part(struct wax_op *op, struct output_part *part, uint64_t epoch)
{
	const struct wax_sink_ops *ops = &((const struct output_params *)op->params)->sink->ops;
	int answer = ops->prepare    ? ops->prepare(part->handle, epoch, wax_op_err(op))
			: ops->flush ? ops->flush(part->handle, wax_op_err(op))
				     : WAX_READY;
	if (answer != WAX_PENDING || !ops->prepare)
		answer = check_answer(op, answer, ops->prepare ? "prepare" : "flush");
	if (answer < 0)
		return answer;
	part->prepared = answer == WAX_READY;
	if (answer != WAX_BUSY && !part->noted && note_position(op, part) < 0)
		return -ENOMEM;
	return answer;
}

static int output_prepare_epoch(struct wax_op *op, uint64_t epoch)
{
	struct output_data *data = op->data;
	int answer = WAX_READY;
	for (uint32_t i = 0; !data->preparing && i < data->part_count; i++)
		data->parts[i].noted = data->parts[i].prepared = false;
	data->preparing = true;
	for (uint32_t i = 0; i < data->part_count; i++) {
		struct output_part *part = &data->parts[i];
		if (part->prepared)
			continue;
		int r = prepare_part(op, part, epoch);
		if (r < 0)
			return r;
		/* One that must not be written to keeps all from it. */
		answer = r == WAX_BUSY || answer == WAX_READY ? r : answer;
	}
	data->preparing = answer != WAX_READY;
	return answer;
}

/* Those that are left over stand where they stood: a later run may have as many workers again. */
static int output_positions(struct wax_op *op, struct wax_positions *to)
{
	const struct output_data *data = op->data;
	const struct output_params *params = op->params;
	const struct wax_saved_parts *saved = params->parts.saved;
	int r = 0;
	for (uint32_t i = 0; i < data->part_count && r == 0; i++)
		r = wax_env_add_position(&data->parts[i].env, &data->parts[i].position, to);
	for (uint32_t i = 0; saved && i < saved->count && r == 0; i++) {
		const struct wax_saved_part *part = &saved->parts[i];
		if (is_left_over(op, part))
			r = wax_positions_add(to,
					&(struct wax_frames_position){
							.step = op->index,
							.instance = part->instance,
							.name = part->name,
							.position = part->position,
					});
	}
	return r;
}

static int output_commit_epoch(struct wax_op *op, uint64_t epoch)
{
	struct output_data *data = op->data;
	const struct wax_sink_ops *ops = &((const struct output_params *)op->params)->sink->ops;
	for (uint32_t i = 0; !data->committing && i < data->part_count; i++)
		data->parts[i].committed = !ops->commit;
	data->committing = false;
	for (uint32_t i = 0; i < data->part_count; i++) {
		struct output_part *part = &data->parts[i];
		if (part->committed)
			continue;
		int r = check_answer(
				op, ops->commit(part->handle, epoch, wax_op_err(op)), "commit");
		if (r < 0)
			return r;
		part->committed = r == WAX_READY;
		data->committing |= !part->committed;
	}
	return data->committing ? WAX_BUSY : WAX_READY;
}

/* Where state is kept the end of the input is not the end: the last epoch is prepared and committed
 * after it. */
static int output_end(struct wax_op *op)
{
	struct output_data *data = op->data;
	int r = output_flush(op);
	if (r == WAX_BUSY)
		op->busy = true; /* until it is woken, which calls this again */
	if (r != WAX_READY || wax_op_keeps(op))
		return r;
	for (uint32_t i = 0; i < data->part_count; i++) {
		r = close_part(op, &data->parts[i], 1);
		if (r < 0)
			return r;
	}
	return 0;
}

static void output_close(struct wax_op *op)
{
	struct output_data *data = op->data;
	for (uint32_t i = 0; i < data->part_count; i++) {
		close_part(op, &data->parts[i], wax_op_keeps(op) && !wax_op_run_failed(op));
		wax_room_fini(&data->parts[i].position);
		if (data->parts[i].has_port)
			wax_port_fini(&data->parts[i].port);
	}
	free(data->parts);
}

static const struct wax_op_class output_class = {
		.kind = "output",
		.params_bytes = sizeof(struct output_params),
		.data_bytes = sizeof(struct output_data),
		.counts_as_output = true,
		.prepare = output_prepare,
		.parts = output_parts,
		.forget = output_forget,
		.open = output_open,
		.push = output_push,
		.flush = output_flush,
		.epoch_end = output_epoch_end,
		.prepare_epoch = output_prepare_epoch,
		.positions = output_positions,
		.commit_epoch = output_commit_epoch,
		.end = output_end,
		.close = output_close,
};

void wax_output(struct wax_stream up, const char *id, struct wax_sink *sink)
{
	struct wax_flow *flow = up.flow;
	struct wax_step *step = wax_step_add(flow, id, &output_class);
	struct output_params *params = step->params;
	params->sink = sink;
	if (!sink || !sink->ops.open || !sink->ops.write) {
		wax_step_fail(flow, step,
				sink ? "its sink lacks open or write"
				     : "its sink is NULL: there was no memory");
		return;
	}
	step->connector = sink->ops.kind;
	step->label = sink->label;
	if (sink->formats && !step->failed)
		up = add_format(flow, step, up, sink, &params->format_step);
	const struct wax_type *type = wax_step_input(flow, step, up);
	if (type && sink->type && !wax_type_same(wax_type_value(type), sink->type))
		wax_step_fail(flow, step, "the sink takes %s, the stream has %s", sink->type->name,
				wax_type_value(type)->name);
}
