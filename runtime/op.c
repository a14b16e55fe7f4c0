/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/op.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/capture.h"
#include "runtime/clock.h"
#include "runtime/columns.h"
#include "runtime/hash.h"
#include "runtime/worker_private.h"

/* An operator's way to the worker: emitting, failing, asking for the time. */

static struct wax_step_counters *counters_of(const struct wax_op *op)
{
	const struct wax_worker_env *env = &op->worker->env;
	return wax_control_step(env->control, env->me, op->index);
}

struct wax_out *wax_op_out(struct wax_op *op, uint32_t port)
{
	return &op->ports[port].out;
}

int wax_op_lend(struct wax_op *op, uint32_t port, const struct wax_batch *batch)
{
	return wax_port_lend(&op->ports[port], batch);
}

int wax_source_lend(struct wax_out *out, const struct wax_batch *batch)
{
	struct wax_port *port = wax_port_of(out);
	uint32_t most = port->limit ? port->limit : UINT32_MAX;
	if (batch->count <= most)
		return wax_port_lend(port, batch);
	int r = 0;
	for (uint32_t first = 0, count; first < batch->count && r == 0; first += count) {
		count = batch->count - first < most ? batch->count - first : most;
		struct wax_batch part = wax_batch_slice(batch, first, count);
		r = wax_port_lend(port, &part);
	}
	return r;
}

uint64_t wax_op_emitted(const struct wax_op *op, uint32_t port)
{
	return wax_port_emitted(&op->ports[port]);
}

bool wax_op_failed(const struct wax_op *op, uint32_t port)
{
	return op->ports[port].failed;
}

int64_t wax_op_now(const struct wax_op *op)
{
	return op->worker->wall_ns;
}

uint64_t wax_op_epoch(const struct wax_op *op)
{
	/* The stage may still be at work in the epoch that the launcher has ended. */
	const struct wax_worker *worker = op->worker;
	return worker->stages[worker->env.plan->step_stage[op->index]].epoch + 1;
}

uint32_t wax_op_worker_index(const struct wax_op *op)
{
	return op->worker->env.me;
}

uint32_t wax_op_worker_count(const struct wax_op *op)
{
	return op->worker->env.plan->worker_count;
}

const struct wax_capture *wax_op_capture(const struct wax_op *op)
{
	return op->worker->env.plan->flow->capture;
}

int wax_op_capture_batch(struct wax_op *op, const struct wax_batch *batch)
{
	struct wax_worker *worker = op->worker;
	uint64_t since_ns = wax_clock_monotonic();
	int r = wax_capture_add(wax_op_capture(op), op->index, worker->env.me, batch, &worker->err);
	/* One worker waits there for another, which may be without a CPU. */
	if (worker->perturber)
		wax_perturber_excuse(worker->perturber, since_ns);
	return r < 0 ? wax_op_fail(op, NULL, 0, r, NULL) : 0;
}

void wax_op_count_expired(const struct wax_op *op)
{
	wax_count(&counters_of(op)->keys_expired, 1);
}

void wax_op_count_miss(const struct wax_op *op)
{
	wax_count(&counters_of(op)->cache_misses, 1);
}

bool wax_op_rehearses(const struct wax_op *op)
{
	return op->worker->env.rehearse;
}

const struct wax_type *wax_op_input_type(const struct wax_op *op, uint32_t input)
{
	const struct wax_flow *flow = op->worker->env.plan->flow;
	return wax_flow_stream(flow, op->step->inputs[input])->type;
}

struct wax_err *wax_op_err(struct wax_op *op)
{
	return &op->worker->err;
}

bool wax_op_stopping(const struct wax_op *op)
{
	return op->worker->stop == WAX_STOP_INPUT;
}

bool wax_op_keeps(const struct wax_op *op)
{
	return op->worker->env.keeps;
}

bool wax_op_run_failed(const struct wax_op *op)
{
	return op->worker->status != 0;
}

/* ---- Failing */

/* Text of a value with what cannot be printed as \xNN; at most text_bytes with the NUL. */
static size_t print_value(char *text, size_t text_bytes, const struct wax_type *type,
		struct wax_bytes value)
{
	char raw[WAX_CONTROL_ITEM_BYTES];
	size_t raw_bytes, used = 0;
	if (type->shape != WAX_SHAPE_PLAIN || (type->print && type->item_bytes)) {
		int printed = wax_type_print(type, raw, sizeof(raw), value.data, value.bytes);
		raw_bytes = printed < 0 ? 0 : (size_t)printed;
		if (raw_bytes >= sizeof(raw))
			raw_bytes = sizeof(raw) - 1;
	} else {
		raw_bytes = value.bytes < sizeof(raw) ? value.bytes : sizeof(raw);
		memcpy(raw, value.data, raw_bytes);
	}
	for (size_t i = 0; i < raw_bytes && used + 5 < text_bytes; i++) {
		unsigned char byte = (unsigned char)raw[i];
		if (byte >= 0x20 && byte < 0x7f)
			text[used++] = (char)byte;
		else
			used += (size_t)snprintf(text + used, text_bytes - used, "\\x%02x", byte);
	}
	text[used] = '\0';
	return used;
}

static void remember_item(struct wax_op *op, const struct wax_batch *batch, uint32_t index)
{
	struct wax_worker *worker = op->worker;
	if (!batch || op->step->input_count == 0 || worker->item[0])
		return;
	const struct wax_type *type = wax_op_input_type(op, op->input);
	size_t used = 0;
	if (batch->keyed) {
		used = print_value(worker->item, sizeof(worker->item) / 2, type->key,
				wax_batch_key(batch, index));
		used += (size_t)snprintf(
				worker->item + used, sizeof(worker->item) - used, " => ");
	}
	print_value(worker->item + used, sizeof(worker->item) - used, wax_type_value(type),
			wax_batch_value(batch, index));
}

int wax_op_fail(struct wax_op *op, const struct wax_batch *batch, uint32_t index, int code,
		const char *fmt, ...)
{
	struct wax_worker *worker = op->worker;
	if (worker->status != 0)
		return -ECANCELED; /* something downstream failed first */
	if (worker->err.code == 0) {
		char text[512];
		if (fmt) {
			va_list args;
			va_start(args, fmt);
			vsnprintf(text, sizeof(text), fmt, args);
			va_end(args);
		} else {
			snprintf(text, sizeof(text), "the callback failed: %s", strerror(-code));
		}
		wax_err_set(&worker->err, code, "%s", text);
	}
	remember_item(op, batch, index);
	/* Outside of a callback it is the world that failed. */
	bool connector = op->class->poll || op->class->flush;
	return wax_worker_fail(worker, op, connector ? 5 : 1);
}

/* ---- Dropping */

bool wax_op_drops(const struct wax_op *op)
{
	return op->step->policy != WAX_FAIL;
}

static int post(struct wax_op *op, const struct wax_batch *batch, uint32_t index, const char *error)
{
	struct wax_worker *worker = op->worker;
	struct wax_letters *letters = &worker->letters[op->step->letter_box];
	struct wax_letter letter = {
			.flow = worker->env.plan->flow->name,
			.step = op->step->id,
			.worker = worker->env.me,
			.epoch = wax_op_epoch(op),
			.source = worker->record->source,
			.offset = wax_load_relaxed(&worker->record->source_offset),
			.error = error,
			.type = wax_op_input_type(op, op->input),
			.item = wax_batch_item(batch, index),
	};
	worker->posted = op;
	if (wax_letters_add(letters, &letter) < 0) {
		wax_err_set(&worker->err, -ENOMEM, "no memory for a dead letter");
		return wax_worker_fail(worker, op, 71);
	}
	return letters->bytes < WAX_LETTERS_BYTES_ENOUGH ? 0 : wax_worker_post(worker);
}

void wax_op_forgive(struct wax_op *op, struct wax_port *port)
{
	op->worker->err = (struct wax_err){0};
	wax_port_withdraw(port);
}

int wax_op_refuse(struct wax_op *op, struct wax_port *port, const struct wax_batch *batch,
		const uint32_t *indexes, uint32_t count, int code)
{
	struct wax_worker *worker = op->worker;
	if (!wax_op_drops(op) || worker->status != 0 || (port && wax_port_broke(port)))
		return wax_op_fail(op, batch, indexes[0], code, NULL);

	struct wax_err why = worker->err;
	if (why.code == 0)
		wax_err_set(&why, code, "the callback failed: %s", strerror(-code));
	worker->err = (struct wax_err){0};
	wax_count(&counters_of(op)->items_dropped, count);
	for (uint32_t i = 0; i < count && op->step->policy == WAX_DLQ; i++) {
		int r = post(op, batch, indexes[i], why.text);
		if (r < 0)
			return r;
	}
	return port ? wax_port_withdraw(port) : 0;
}

/* A failed emit leaves its sentence with the port; who it was is found here. */
static int check_ports(struct wax_op *op)
{
	for (uint32_t i = 0; i < op->step->output_count; i++) {
		if (op->ports[i].failed)
			return wax_op_fail(op, NULL, 0, -EIO, NULL);
	}
	return 0;
}

/* ---- Calling */

int wax_op_deliver(struct wax_port *port, const struct wax_batch *batch)
{
	const struct wax_deliverer *deliverer = port->taker;
	struct wax_op *op = deliverer->op;
	struct wax_worker *worker = op->worker;
	struct wax_step_counters *counters = counters_of(op);
	wax_count(&counters->items_out, batch->count);
	wax_count(&counters->bytes_out, wax_batch_bytes(batch));
	if (wax_unlikely(worker->perturber &&
			    wax_perturber_emitted(worker->perturber, op, batch) < 0))
		return -ECANCELED;

	for (uint32_t i = 0; i < deliverer->consumer_count; i++) {
		const struct wax_consumer *consumer = &deliverer->consumers[i];
		int r;
		if (consumer->edge == WAX_NO_EDGE) {
			r = wax_op_push(consumer->op, batch, consumer->input);
		} else {
			wax_worker_does(worker->record, WAX_DOING_SENDING | consumer->edge);
			r = wax_exchange_send(worker->exchange, consumer->edge, batch, &worker->err);
			wax_worker_does(worker->record, WAX_DOING_STEPS);
			if (r < 0)
				wax_worker_fail(worker, op, 71);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static void ports_read(struct wax_op *op, const struct wax_batch *batch)
{
	for (uint32_t i = 0; i < op->step->output_count; i++)
		wax_port_read(&op->ports[i], batch);
}

static int ports_flush(struct wax_op *op)
{
	for (uint32_t i = 0; i < op->step->output_count; i++)
		wax_port_flush(&op->ports[i]);
	return check_ports(op);
}

/* Not 0, which means none. */
static uint64_t item_hash(struct wax_item item)
{
	uint64_t hashes[] = {wax_hash(item.key.data, item.key.bytes),
			wax_hash(item.value.data, item.value.bytes)};
	return wax_hash(hashes, sizeof(hashes)) | 1;
}

static bool is_quarantined(const struct wax_quarantine *quarantine, uint32_t step, uint64_t hash)
{
	for (uint32_t i = 0; i < quarantine->deadly_count; i++) {
		const struct wax_deadly_item *deadly = &quarantine->deadly[i];
		if (deadly->step == step && deadly->hash == hash && deadly->deaths >= 2)
			return true;
	}
	return false;
}

static int push_suspect(struct wax_op *op, const struct wax_batch *one, uint32_t input)
{
	struct wax_worker *worker = op->worker;
	struct wax_worker_record *record = worker->record;
	/* Of a step upstream, which is suspected too and is at work until this one is done. */
	uint64_t before = wax_load_relaxed(&record->item_now);
	uint64_t hash = item_hash(wax_batch_item(one, 0));
	op->input = input;
	if (is_quarantined(worker->env.quarantine, op->index, hash)) {
		wax_err_set(&worker->err, -EFAULT,
				"its worker died at this item each time that it was tried");
		return wax_op_refuse(op, NULL, one, &(uint32_t){0}, 1, -EFAULT);
	}
	worker->item[0] = '\0';
	remember_item(op, one, 0);
	memcpy(record->fail_item, worker->item, sizeof(record->fail_item));
	worker->item[0] = '\0';
	/* Relaxed: it is read when this process is gone. */
	wax_store_relaxed(&record->item_now, hash);
	int r = wax_op_push(op, one, input);
	wax_store_relaxed(&record->item_now, before);
	return r;
}

/* Item by item; op->suspect_items is 0 meanwhile, so that each is pushed as usual. */
static __attribute__((noinline)) int push_suspects(
		struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	uint64_t left = op->suspect_items;
	int r = 0;
	for (uint32_t i = 0; i < batch->count && r == 0; i++) {
		const struct wax_batch one = wax_batch_slice(batch, i, 1);
		op->suspect_items = 0;
		r = push_suspect(op, &one, input);
	}
	op->suspect_items = left > batch->count ? left - batch->count : 0;
	return r;
}

int wax_op_push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	if (wax_unlikely(op->suspect_items > 0))
		return push_suspects(op, batch, input);
	struct wax_perturber *perturber = op->worker->perturber;
	if (wax_unlikely(perturber && wax_perturber_wants(perturber)))
		return wax_perturber_push(perturber, op, batch, input);
	struct wax_worker_record *record = op->worker->record;
	uint32_t before = wax_load_relaxed(&record->step_now);
	/* Relaxed: for reports; a crash is seen by the launcher after the process is gone. */
	wax_store_relaxed(&record->step_now, op->index);
	wax_op_called(op);
	struct wax_step_counters *counters = counters_of(op);
	wax_count(&counters->items_in, batch->count);
	wax_count(&counters->bytes_in, wax_batch_bytes(batch));
	wax_count(&counters->batches_in, 1);

	op->input = input;
	ports_read(op, batch);
	int r = op->class->push(op, batch, input);
	if (r >= 0)
		r = ports_flush(op);
	else
		wax_op_fail(op, NULL, 0, r, NULL);
	/* The batch may be gone after this: nothing lent from it may be left. */
	for (uint32_t i = 0; r < 0 && i < op->step->output_count; i++)
		wax_port_clear(&op->ports[i]);
	ports_read(op, NULL);
	wax_store_relaxed(&record->step_now, before);
	return r < 0 ? r : 0;
}

int wax_op_call(struct wax_op *op, int (*call)(struct wax_op *op))
{
	struct wax_perturber *perturber = op->worker->perturber;
	if (wax_unlikely(perturber && wax_perturber_wants(perturber)))
		return wax_perturber_call(perturber, op, call);
	struct wax_worker_record *record = op->worker->record;
	uint32_t before = wax_load_relaxed(&record->step_now);
	wax_store_relaxed(&record->step_now, op->index);
	wax_op_called(op);
	int r = call(op);
	if (r < 0) {
		wax_op_fail(op, NULL, 0, r, NULL);
	} else {
		int flushed = ports_flush(op);
		r = flushed < 0 ? flushed : r;
	}
	wax_store_relaxed(&record->step_now, before);
	return r;
}
