/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/operators.h>

#include <errno.h>
#include <stdlib.h>

#include "connectors/pace.h"
#include "runtime/connector.h"
#include "runtime/port.h"
#include "runtime/step.h"

/*
 * The step that reads a source. Partition i of the source's list is read by worker i modulo the
 * number of workers; a source per worker has one part in each. Parts take turns, a batch each.
 */

struct input_params {
	struct wax_source *source;
	struct wax_parts parts;
};

enum part_state {
	PART_DUE,  /* has more, or was not asked yet */
	PART_IDLE, /* until it is woken or its time has come */
	PART_ENDED,
};

struct input_part {
	struct wax_env env;
	void *handle;
	struct wax_room position; /* at the end of the epoch that is being saved */
	struct wax_room last;     /* of one that has ended, until the epoch does */
	int64_t awake_at;
	enum part_state state;
};

struct input_data {
	struct input_part *parts;
	uint32_t part_count;
	uint32_t live;
	uint32_t next;
	struct wax_pace pace;
};

/* What one instance has read no other can go on with. */
static int check_instances(
		const struct wax_parts *parts, uint32_t worker_count, struct wax_err *err)
{
	/* An instance that stands at its beginning may have saved nothing. */
	uint32_t saved_count = parts->saved ? parts->saved->worker_count : worker_count;
	if (saved_count == worker_count)
		return 0;
	return wax_err_set(err, -ESTALE,
			"the saved run read it with %u workers, each a share of its own: go on "
			"with "
			"--procs %u, or begin anew with --from none",
			saved_count, saved_count);
}

static int input_prepare(struct wax_flow *flow, struct wax_step *step, uint32_t worker_count,
		struct wax_err *err)
{
	struct input_params *params = step->params;
	const struct wax_source *source = params->source;
	(void)flow;
	wax_parts_fini(&params->parts);
	wax_parts_init(&params->parts, worker_count, step->saved);
	int r = wax_pace_init(&(struct wax_pace){0}, source->rate, 0, 1, err);
	if (r < 0)
		return r;
	if (!source->ops.list)
		return check_instances(&params->parts, worker_count, err);
	r = source->ops.list(source->source, &params->parts, err);
	return r < 0 ? r : wax_parts_check_saved(&params->parts, err);
}

static const struct wax_parts *input_parts(const struct wax_step *step)
{
	const struct input_params *params = step->params;
	return params->source->ops.list ? &params->parts : NULL;
}

static void input_forget(struct wax_step *step)
{
	struct input_params *params = step->params;
	wax_source_free(params->source);
	wax_parts_fini(&params->parts);
}

static int open_part(
		struct wax_op *op, const char *name, struct wax_bytes saved, struct wax_err *err)
{
	struct input_data *data = op->data;
	const struct input_params *params = op->params;
	const struct wax_source *source = params->source;
	struct input_part *part = &data->parts[data->part_count];
	part->env = (struct wax_env){.op = op,
			.part = name,
			.instance = source->ops.list ? 0 : wax_op_worker_index(op)};
	part->awake_at = WAX_NEVER;
	int r = source->ops.open(source->source, &part->env, saved, &part->handle, err);
	if (r < 0)
		return r;
	data->part_count++;
	data->live++;
	return 0;
}

/* The rate is shared among the workers that have something to read. */
static void start_pace(struct wax_op *op)
{
	struct input_data *data = op->data;
	const struct input_params *params = op->params;
	uint32_t worker_count = wax_op_worker_count(op);
	if (params->source->ops.list && params->parts.count < worker_count)
		worker_count = params->parts.count;
	/* The rate was looked at by prepare. */
	if (wax_op_worker_index(op) < worker_count)
		wax_pace_init(&data->pace, params->source->rate, wax_op_worker_index(op),
				worker_count, NULL);
}

static int input_open(struct wax_op *op, struct wax_err *err)
{
	struct input_data *data = op->data;
	const struct input_params *params = op->params;
	uint32_t worker = wax_op_worker_index(op), worker_count = wax_op_worker_count(op);
	data->parts = calloc(params->parts.count + 1, sizeof(*data->parts));
	if (!data->parts)
		return wax_err_set(err, -ENOMEM, "no memory for its partitions");
	if (params->source->batch_size)
		wax_port_limit(&op->ports[0], params->source->batch_size);
	start_pace(op);

	if (!params->source->ops.list)
		return open_part(op, "", wax_parts_saved_instance(&params->parts, worker), err);
	for (uint32_t i = worker; i < params->parts.count; i += worker_count) {
		int r = open_part(op, params->parts.names[i], params->parts.positions[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Where the part is now, for whoever goes on. */
static int note_position(struct wax_op *op, struct input_part *part, struct wax_room *position)
{
	const struct wax_source_ops *ops = &((const struct input_params *)op->params)->source->ops;
	if (!wax_op_keeps(op) || !ops->position)
		return 0;
	return wax_position_set(position, ops->position(part->handle));
}

/* One that has ended stays where it ended. It may do so while the epoch before is still being saved. */
static int settle_position(struct wax_op *op, struct input_part *part)
{
	if (part->state != PART_ENDED)
		return note_position(op, part, &part->position);
	if (!part->last.data)
		return 0;
	wax_room_fini(&part->position);
	part->position = part->last;
	part->last = (struct wax_room){0};
	return 0;
}

static void close_part(struct wax_op *op, struct input_part *part)
{
	struct input_data *data = op->data;
	const struct input_params *params = op->params;
	if (part->state == PART_ENDED)
		return;
	part->state = PART_ENDED;
	data->live--;
	if (params->source->ops.close)
		params->source->ops.close(part->handle);
	wax_env_fini(&part->env);
}

static void input_close(struct wax_op *op)
{
	struct input_data *data = op->data;
	for (uint32_t i = 0; i < data->part_count; i++) {
		close_part(op, &data->parts[i]);
		wax_room_fini(&data->parts[i].position);
		wax_room_fini(&data->parts[i].last);
	}
	free(data->parts);
}

static int input_prepare_epoch(struct wax_op *op, uint64_t epoch)
{
	struct input_data *data = op->data;
	(void)epoch;
	for (uint32_t i = 0; i < data->part_count; i++) {
		if (settle_position(op, &data->parts[i]) < 0)
			return wax_err_set(wax_op_err(op), -ENOMEM, "no memory for a position");
	}
	return WAX_READY;
}

static int input_positions(struct wax_op *op, struct wax_positions *to)
{
	const struct input_data *data = op->data;
	int r = 0;
	for (uint32_t i = 0; i < data->part_count && r == 0; i++)
		r = wax_env_add_position(&data->parts[i].env, &data->parts[i].position, to);
	return r;
}

/* Is a part to be asked now? If not, see that it is when its time comes. */
static bool is_due(struct wax_op *op, const struct input_part *part)
{
	if (part->state == PART_ENDED)
		return false;
	if (part->state == PART_DUE || part->env.woken || part->awake_at <= wax_op_now(op))
		return true;
	wax_op_wake_by(op, part->awake_at);
	return false;
}

static int ask_part(struct wax_op *op, struct input_part *part, uint32_t most)
{
	const struct wax_source_ops *ops = &((const struct input_params *)op->params)->source->ops;
	part->env.woken = false;
	part->env.batch_size = most;
	int next = ops->next(part->handle, wax_op_out(op, 0), wax_op_err(op));
	switch (next) {
	case WAX_MORE:
		part->state = PART_DUE;
		return next;
	case WAX_IDLE:
		part->state = PART_IDLE;
		part->awake_at = ops->next_awake ? ops->next_awake(part->handle) : WAX_NEVER;
		wax_op_wake_by(op, part->awake_at);
		return next;
	case WAX_END:
		if (note_position(op, part, &part->last) < 0)
			return wax_err_set(wax_op_err(op), -ENOMEM, "no memory for a position");
		close_part(op, part);
		return next;
	default:
		if (next < 0)
			return next;
		return wax_err_set(wax_op_err(op), -EINVAL,
				"next of the source gave back %d, which means nothing", next);
	}
}

static int input_poll(struct wax_op *op)
{
	struct input_data *data = op->data;
	const struct input_params *params = op->params;
	uint32_t batch_size = params->source->batch_size ? params->source->batch_size : UINT32_MAX;
	uint64_t emitted = wax_op_emitted(op, 0);
	if (wax_op_stopping(op)) {
		for (uint32_t i = 0; i < data->part_count; i++)
			close_part(op, &data->parts[i]);
	}

	op->wake_at = WAX_NEVER;
	uint32_t most = (uint32_t)wax_pace_due(&data->pace, wax_op_now(op), batch_size);
	if (most == 0 && data->live > 0) {
		wax_op_wake_by(op, wax_pace_next(&data->pace));
		return WAX_IDLE;
	}
	bool more = false;
	for (uint32_t tried = 0; tried < data->part_count && data->live > 0; tried++) {
		struct input_part *part = &data->parts[data->next];
		if (++data->next == data->part_count)
			data->next = 0;
		if (!is_due(op, part))
			continue;
		int next = ask_part(op, part, most);
		if (next < 0)
			return next;
		more = next == WAX_MORE || wax_op_emitted(op, 0) > emitted;
		if (more)
			break; /* one batch a time: what is downstream comes first */
	}
	wax_pace_advance(&data->pace, wax_op_emitted(op, 0) - emitted);
	if (data->live == 0)
		return WAX_END;
	/* Those that were not asked in this round may be due, and one that has more is, though it
	 * emitted nothing. */
	return more ? WAX_MORE : WAX_IDLE;
}

static const struct wax_op_class input_class = {
		.kind = "input",
		.params_bytes = sizeof(struct input_params),
		.data_bytes = sizeof(struct input_data),
		.prepare = input_prepare,
		.parts = input_parts,
		.forget = input_forget,
		.open = input_open,
		.poll = input_poll,
		.prepare_epoch = input_prepare_epoch,
		.positions = input_positions,
		.close = input_close,
};

struct wax_stream wax_input(struct wax_flow *flow, const char *id, struct wax_source *source)
{
	struct wax_step *step = wax_step_add(flow, id, &input_class);
	struct input_params *params = step->params;
	params->source = source;
	if (!source)
		wax_step_fail(flow, step,
				"its source is NULL: wax_source_make was given no type, "
				"or there was no memory");
	else if (!source->ops.open || !source->ops.next)
		wax_step_fail(flow, step, "its source lacks open or next");
	if (source) {
		step->connector = source->ops.kind;
		step->label = source->label;
	}
	return wax_step_output(flow, step, source ? source->type : NULL, false);
}
