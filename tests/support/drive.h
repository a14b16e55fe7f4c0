/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_DRIVE_H
#define TESTS_SUPPORT_DRIVE_H

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wax/wax.h>

#include "runtime/flow.h"
#include "runtime/worker_private.h"
#include "tests/support/run_flow.h"

/*
 * One step of a flow, driven by hand: a test says which items come, what the time is, and when an
 * epoch and the input end. Nothing else runs, and the clock stands still between.
 *
 *     struct drive drive;
 *
 *     drive_open(&drive, build, "counts");
 *     drive_push(&drive, 0, "a1 b2");
 *     drive_clock(&drive, 10);
 *     drive_expect(&drive, "a:1\n");
 *     drive_close(&drive);
 *
 * The step's inputs have keys and values of text; the key of an item in a script is its first
 * letter. What it emits is printed as "key:value", a line each.
 */
struct drive {
	struct wax_flow *flow;
	struct wax_plan plan;
	struct wax_control control;
	struct wax_worker worker;
	struct wax_stage stage;
	uint32_t step_stage[64];
	struct wax_op op;
	struct wax_port port;
	char output[4096];
	size_t output_bytes;
};

#define DRIVE_START INT64_C(1700000000000000000)
#define DRIVE_SECOND INT64_C(1000000000)

static inline int drive_take(struct wax_port *port, const struct wax_batch *batch)
{
	struct drive *drive = port->taker;
	const struct wax_type *type =
			wax_flow_stream(drive->flow, drive->op.step->first_output)->type;

	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes key = wax_batch_key(batch, i), value = wax_batch_value(batch, i);
		char *at = drive->output + drive->output_bytes;
		size_t room = sizeof(drive->output) - drive->output_bytes;
		int bytes = wax_type_print(type->key, at, room, key.data, key.bytes);

		bytes += snprintf(at + bytes, room - (size_t)bytes, ":");
		bytes += wax_type_print(wax_type_value(type), at + bytes, room - (size_t)bytes,
				value.data, value.bytes);
		bytes += snprintf(at + bytes, room - (size_t)bytes, "\n");
		drive->output_bytes += (size_t)bytes;
	}
	return 0;
}

/* Are steps told that states will be saved (drive_epoch)? Some serve items another way without. */
static bool drive_saves = true;

static inline void drive_both_ways(void (*body)(void))
{
	for (int way = 0; way < 2; way++) {
		drive_saves = way == 0;
		body();
	}
}

/* id: of the step, without that of the flow. */
static inline void drive_open(
		struct drive *drive, void (*build)(struct wax_flow *flow), const char *id)
{
	const struct wax_flow_entry entry = {sizeof(entry), WAX_VERSION_MAJOR, WAX_VERSION_MINOR,
			"flow", "a flow under test", build};
	struct wax_control_plan control = {.flow = "flow", .worker_count = 1};
	struct wax_err *err = &drive->worker.err;
	char full[64];

	memset(drive, 0, sizeof(*drive));
	snprintf(full, sizeof(full), "flow.%s", id);
	cr_assert_eq(wax_flow_make(&entry, 0, NULL, &drive->flow, err), 0, "%s", err->text);
	cr_assert_eq(drive->flow->mistake_count, 0, "%s", drive->flow->mistakes[0]);
	control.step_count = drive->flow->step_count;
	cr_assert_eq(wax_control_make(&control, &drive->control, err), 0, "%s", err->text);

	drive->plan = (struct wax_plan){
			.flow = drive->flow, .worker_count = 1, .step_stage = drive->step_stage};
	drive->worker.env.plan = &drive->plan;
	drive->worker.env.control = &drive->control;
	drive->worker.record = wax_control_worker(&drive->control, 0);
	drive->worker.stages = &drive->stage;
	drive->worker.wall_ns = DRIVE_START;
	for (uint32_t i = 0; i < drive->flow->step_count; i++) {
		if (strcmp(drive->flow->steps[i]->id, full) == 0)
			drive->op.step = drive->flow->steps[i];
	}
	cr_assert_not_null(drive->op.step, "there is no %s", full);

	struct wax_op *op = &drive->op;

	op->class = op->step->class;
	op->index = op->step->index;
	op->params = op->step->params;
	op->data = calloc(1, op->class->data_bytes + 1);
	op->worker = &drive->worker;
	op->calls = &drive->worker.record->calls;
	op->ports = &drive->port;
	op->wake_at = WAX_NEVER;
	cr_assert_eq(wax_port_init(op->ports,
				     wax_flow_stream(drive->flow, op->step->first_output)->type,
				     drive_take, drive, err),
			0);
	drive->worker.env.rehearse = drive_saves;
	cr_assert_eq(op->class->open(op, err), 0, "%s", err->text);
}

static inline void drive_check(struct drive *drive, int r)
{
	cr_assert_geq(r, 0, "%s", drive->worker.err.text);
	cr_assert_eq(wax_port_flush(drive->op.ports), 0, "%s", drive->worker.err.text);
}

/* "a1 b2": items that come in one batch by an input. */
static inline void drive_push(struct drive *drive, uint32_t input, const char *script)
{
	struct wax_span keys[64], values[64];
	struct wax_batch batch = {.keyed = 1,
			.keys = keys,
			.values = values,
			.key_heap = script,
			.value_heap = script,
			.key_heap_bytes = strlen(script),
			.value_heap_bytes = strlen(script)};

	for (const char *at = script; *at; batch.count++) {
		uint32_t bytes = (uint32_t)strcspn(at, " ");

		keys[batch.count] = (struct wax_span){(uint32_t)(at - script), 1};
		values[batch.count] = (struct wax_span){(uint32_t)(at - script) + 1, bytes - 1};
		at += bytes + (at[bytes] == ' ');
	}
	wax_port_read(drive->op.ports, &batch);
	drive_check(drive, drive->op.class->push(&drive->op, &batch, input));
	wax_port_read(drive->op.ports, NULL);
}

/* So many seconds have passed since the beginning. */
static inline void drive_clock(struct drive *drive, int64_t seconds)
{
	struct wax_op *op = &drive->op;

	drive->worker.wall_ns = DRIVE_START + seconds * DRIVE_SECOND;
	while (op->wake_at <= drive->worker.wall_ns) {
		op->wake_at = WAX_NEVER;
		drive_check(drive, op->class->wake(op, drive->worker.wall_ns));
	}
}

/* States that were awake are saved and built again. */
static inline void drive_epoch(struct drive *drive)
{
	drive_check(drive, drive->op.class->epoch_end(&drive->op, 1));
}

static inline void drive_end(struct drive *drive)
{
	int r;

	do {
		r = drive->op.class->end(&drive->op);
		drive_check(drive, r);
	} while (r > 0);
}

/* What was emitted since the last time. */
static inline void drive_expect(struct drive *drive, const char *output)
{
	cr_assert_str_eq(drive->output, output, "gave\n%s", drive->output);
	drive->output[0] = '\0';
	drive->output_bytes = 0;
}

static inline uint64_t drive_expired(const struct drive *drive)
{
	return wax_control_step(&drive->control, 0, drive->op.index)->keys_expired;
}

static inline void drive_close(struct drive *drive)
{
	drive->op.class->close(&drive->op);
	free(drive->op.data);
	wax_port_fini(&drive->port);
	wax_control_free(&drive->control);
	wax_flow_free(drive->flow);
}

#endif
