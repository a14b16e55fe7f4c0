/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/perturb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/columns.h"
#include "runtime/flow.h"
#include "runtime/hash.h"
#include "runtime/worker_private.h"

/*
 * A batch that a step is to be given is cut into pieces. Each piece is copied, the copy is lent to
 * the step, compared with the piece, and overwritten. Copies are kept for a while, overwritten as they
 * are, so that a pointer that a callback kept finds that, and not by chance what it hopes for.
 *
 * Steps of a stage call each other, so pieces nest: what the outer call was doing is on the C stack.
 */

enum {
	KEPT_COPIES = 256,
	KEPT_BYTES = 64 * 1024 * 1024,
	REHEARSE_ONE_IN = 4,
	/* How old what the thread has used may be, and how long it waited for a CPU. */
	USAGE_AGE_NS = 100 * 1000,
	DELAY_AGE_NS = 10 * 1000 * 1000,
};

struct copy {
	void *memory;
	size_t bytes;
};

/* What a step has done in the call that it is in. */
struct call {
	uint32_t count; /* items that it was given; 0: it is not in a call */
	uint64_t items; /* emitted */
	uint64_t bytes;
};

/* What a thread has used so far. */
struct usage {
	uint64_t wall_ns;
	uint64_t cpu_ns;
	uint64_t delay_ns; /* waited for a CPU, as asked for at delay_asked_ns */
	uint64_t delay_asked_ns;
	long waits; /* times that it went to sleep by itself */
};

/* Where a call began. */
struct beginning {
	uint64_t wall_ns;
	struct usage usage; /* a little before */
	int64_t outer_inner_wait_ns;
};

struct wax_perturber {
	const struct wax_perturb *perturb;
	uint64_t random;
	bool inside;        /* wax_op_push is called from here */
	struct call *calls; /* of each step */

	struct copy kept[KEPT_COPIES]; /* a ring */
	uint32_t kept_next;
	size_t kept_bytes;

	struct usage usage;    /* as last looked at */
	int64_t inner_wait_ns; /* waited in calls that the present one made, or excused */
	int delay_fd;          /* schedstat; -1: not to be had */
};

struct wax_perturber *wax_perturber_make(
		const struct wax_perturb *perturb, const struct wax_worker *worker)
{
	struct wax_perturber *perturber = calloc(1, sizeof(*perturber));
	if (!perturber)
		return NULL;
	perturber->perturb = perturb;
	perturber->random = wax_perturb_hash(perturb->seed, UINT64_C(1) << 32 | worker->env.me);
	perturber->calls =
			calloc(worker->env.plan->flow->step_count + 1, sizeof(*perturber->calls));
	perturber->delay_fd = perturb->limits
			? open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
			: -1;
	if (!perturber->calls) {
		wax_perturber_free(perturber);
		return NULL;
	}
	return perturber;
}

void wax_perturber_free(struct wax_perturber *perturber)
{
	if (!perturber)
		return;
	for (uint32_t i = 0; i < KEPT_COPIES; i++)
		free(perturber->kept[i].memory);
	if (perturber->delay_fd >= 0)
		close(perturber->delay_fd);
	free(perturber->calls);
	free(perturber);
}

bool wax_perturber_wants(struct wax_perturber *perturber)
{
	bool wants = !perturber->inside;
	perturber->inside = false;
	return wants;
}

static uint32_t draw(struct wax_perturber *perturber, uint32_t below)
{
	perturber->random = wax_perturb_hash(perturber->random, 0);
	return (uint32_t)(perturber->random % below);
}

/* ---- Copies */

static size_t column_bytes(uint32_t count, uint32_t item_bytes)
{
	return (size_t)count * (item_bytes ? item_bytes : sizeof(struct wax_span));
}

static void drop_oldest(struct wax_perturber *perturber)
{
	struct copy *copy = &perturber->kept[perturber->kept_next];
	perturber->kept_next = (perturber->kept_next + 1) % KEPT_COPIES;
	perturber->kept_bytes -= copy->bytes;
	free(copy->memory);
	*copy = (struct copy){0};
}

/* Overwrite a copy and keep it for a while. */
static void put_away(struct wax_perturber *perturber, struct copy copy)
{
	memset(copy.memory, WAX_PERTURB_POISON, copy.bytes);
	uint32_t place = perturber->kept_next;
	drop_oldest(perturber);
	for (uint32_t i = 0; i < KEPT_COPIES && perturber->kept_bytes + copy.bytes > KEPT_BYTES;
			i++)
		drop_oldest(perturber);
	perturber->kept[place] = copy;
	perturber->kept_next = (place + 1) % KEPT_COPIES;
	perturber->kept_bytes += copy.bytes;
}

/* Items may be aligned to 64 bytes. */
static size_t padded(size_t bytes)
{
	return (bytes + 63) & ~(size_t)63;
}

/* Copy a column to `to`. Items of any length are gathered at *heap, which moves behind them. */
static void copy_column(
		char *to, const struct wax_batch *batch, bool keys, char *heap_start, char **heap)
{
	uint32_t item_bytes = keys ? batch->key_bytes : batch->value_bytes;
	const void *items = keys ? batch->keys : batch->values;
	if (item_bytes) {
		memcpy(to, items, column_bytes(batch->count, item_bytes));
		return;
	}
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes item = keys ? wax_batch_key(batch, i) : wax_batch_value(batch, i);
		struct wax_span span = {(uint32_t)(*heap - heap_start), (uint32_t)item.bytes};
		memcpy(to + i * sizeof(span), &span, sizeof(span));
		if (item.bytes > 0)
			memcpy(*heap, item.data, item.bytes);
		*heap += item.bytes;
	}
}

/* Keys, values, heap; room behind the last item, for who reads too far. */
static int copy_batch(
		const struct wax_batch *batch, struct wax_batch *ret_copy, struct copy *ret_memory)
{
	size_t keys_bytes = batch->keyed ? padded(column_bytes(batch->count, batch->key_bytes)) : 0;
	size_t values_bytes = padded(column_bytes(batch->count, batch->value_bytes));
	size_t bytes = keys_bytes + values_bytes + padded(wax_batch_bytes(batch)) + 64;
	char *memory = aligned_alloc(64, bytes);
	if (!memory)
		return -ENOMEM;
	memset(memory, WAX_PERTURB_POISON, bytes);
	char *heap_start = memory + keys_bytes + values_bytes, *heap = heap_start;
	if (batch->keyed)
		copy_column(memory, batch, true, heap_start, &heap);
	copy_column(memory + keys_bytes, batch, false, heap_start, &heap);

	*ret_copy = *batch;
	ret_copy->keys = batch->keyed ? memory : NULL;
	ret_copy->values = memory + keys_bytes;
	ret_copy->key_heap = ret_copy->value_heap = heap_start;
	ret_copy->key_heap_bytes = ret_copy->value_heap_bytes = (size_t)(heap - heap_start);
	*ret_memory = (struct copy){memory, bytes};
	return 0;
}

static bool same_bytes(struct wax_bytes a, struct wax_bytes b)
{
	return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

static bool same_items(const struct wax_batch *batch, const struct wax_batch *copy)
{
	if (!wax_columns_check_spans(copy))
		return false;
	for (uint32_t i = 0; i < batch->count; i++) {
		if (!same_bytes(wax_batch_value(batch, i), wax_batch_value(copy, i)) ||
				(batch->keyed &&
						!same_bytes(wax_batch_key(batch, i),
								wax_batch_key(copy, i))))
			return false;
	}
	return true;
}

/* ---- Keys stay where they belong */

/* The plan takes it that each key is on the worker that owns it: is it? */
static int check_keys(struct wax_perturber *perturber, struct wax_op *op,
		const struct wax_batch *batch, uint32_t input)
{
	const struct wax_plan *plan = op->worker->env.plan;
	const struct wax_stream_info *info = wax_flow_stream(plan->flow, op->step->inputs[input]);
	bool stay = op->step->route == WAX_ROUTE_LOCAL || op->step->route == WAX_ROUTE_KEY;
	if (!info->by_key || !stay || !perturber->perturb->routing)
		return 0;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_bytes key = wax_batch_key(batch, i);
		uint32_t group = (uint32_t)(wax_hash(key.data, key.bytes) >> 52);
		if (wax_perturb_route(perturber->perturb, group, plan->worker_count) !=
				op->worker->env.me)
			return wax_op_fail(op, batch, i, -EINVAL,
					"its key belongs to another worker: a callback upstream "
					"changed "
					"the key where it lay, after the items were dealt by it");
	}
	return 0;
}

/* ---- Waiting */

static uint64_t delay_now(struct wax_perturber *perturber)
{
	char text[128];
	ssize_t bytes = perturber->delay_fd < 0
			? -1
			: pread(perturber->delay_fd, text, sizeof(text) - 1, 0);
	unsigned long long ran, delayed;
	if (bytes <= 0)
		return 0;
	text[bytes] = '\0';
	return sscanf(text, "%llu %llu", &ran, &delayed) == 2 ? delayed : 0;
}

static long waits_now(void)
{
	struct rusage usage;
	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

/* What the thread has used by now, if the last look is old: it costs more than most calls. The wall
 * clock comes last here and first in waited_since: a CPU that is taken away between the questions
 * makes a wait look shorter, never longer. */
static void look_at_usage(struct wax_perturber *perturber, uint64_t now_ns)
{
	struct usage *last = &perturber->usage;
	if (now_ns - last->wall_ns < USAGE_AGE_NS)
		return;
	if (now_ns - last->delay_asked_ns > DELAY_AGE_NS) {
		last->delay_ns = delay_now(perturber);
		last->delay_asked_ns = now_ns;
	}
	last->waits = waits_now();
	last->cpu_ns = wax_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	last->wall_ns = wax_clock_monotonic();
}

static struct beginning begin_wait(struct wax_perturber *perturber)
{
	uint64_t now_ns = wax_clock_monotonic();
	struct beginning beginning = {now_ns, {0}, perturber->inner_wait_ns};
	look_at_usage(perturber, now_ns);
	beginning.usage = perturber->usage;
	perturber->inner_wait_ns = 0;
	return beginning;
}

/* Time that was spent neither on a CPU nor waiting for one. */
static int64_t waited_since(struct wax_perturber *perturber, const struct usage *before)
{
	uint64_t wall_ns = wax_clock_monotonic() - before->wall_ns;
	uint64_t cpu_ns = wax_clock_ns(CLOCK_THREAD_CPUTIME_ID) - before->cpu_ns;
	uint64_t delay_ns = delay_now(perturber) - before->delay_ns;
	return waits_now() == before->waits ? 0 : (int64_t)(wall_ns - cpu_ns - delay_ns);
}

/* How long a call waited, not counting the calls that it made. Of one that is too short to be
 * measured all counts as waiting towards the call around it, so that no step is blamed for another. */
static int64_t end_wait(struct wax_perturber *perturber, const struct beginning *beginning)
{
	int64_t wall_ns = (int64_t)(wax_clock_monotonic() - beginning->wall_ns);
	int64_t wait_ns = wall_ns, own_ns = 0;
	if (wall_ns - perturber->inner_wait_ns > WAX_PERTURB_WAIT_NS_MAX) {
		wait_ns = waited_since(perturber, &beginning->usage);
		own_ns = wait_ns - perturber->inner_wait_ns;
	}
	perturber->inner_wait_ns = beginning->outer_inner_wait_ns + (wait_ns > 0 ? wait_ns : 0);
	return own_ns;
}

void wax_perturber_excuse(struct wax_perturber *perturber, uint64_t since_ns)
{
	perturber->inner_wait_ns += (int64_t)(wax_clock_monotonic() - since_ns);
}

static int check_wait(struct wax_op *op, const struct wax_batch *batch, int64_t wait_ns)
{
	if (wait_ns <= WAX_PERTURB_WAIT_NS_MAX)
		return 0;
	return wax_op_fail(op, batch, 0, -EDEADLK,
			"a call of this step, for %u item%s, waited %lld ms without using a CPU: "
			"a callback must not sleep, lock, or wait for a file or the network",
			batch->count, batch->count == 1 ? "" : "s", (long long)(wait_ns / 1000000));
}

static const char *advice_for(const struct wax_op *op)
{
	return op->class->poll
			? "next of a source must not sleep, lock, or wait for a file or the "
			  "network: it gives back WAX_IDLE, and next_awake or wax_env_wake "
			  "says when to call it again"
			: "a callback must not sleep, lock, or wait for a file or the network";
}

int wax_perturber_call(
		struct wax_perturber *perturber, struct wax_op *op, int (*call)(struct wax_op *op))
{
	bool limits = perturber->perturb->limits;
	struct beginning beginning = {0};
	if (limits)
		beginning = begin_wait(perturber);
	perturber->inside = true;
	int r = wax_op_call(op, call);
	int64_t wait_ns = limits ? end_wait(perturber, &beginning) : 0;
	if (r < 0 || wait_ns <= WAX_PERTURB_WAIT_NS_MAX)
		return r;
	return wax_op_fail(op, NULL, 0, -EDEADLK,
			"a call of this step waited %lld ms without using a CPU: %s",
			(long long)(wait_ns / 1000000), advice_for(op));
}

/* ---- A piece */

int wax_perturber_emitted(
		struct wax_perturber *perturber, struct wax_op *op, const struct wax_batch *batch)
{
	struct call *call = &perturber->calls[op->index];
	call->items += batch->count;
	call->bytes += wax_batch_bytes(batch);
	/* What many items became together need not be too much for each. */
	if (!perturber->perturb->limits || call->count != 1 ||
			(call->items <= WAX_PERTURB_ITEMS_MAX &&
					call->bytes <= WAX_PERTURB_BYTES_MAX))
		return 0;
	return wax_op_fail(op, NULL, 0, -EOVERFLOW,
			"one call has emitted %llu items, %llu bytes, and goes on: nothing holds "
			"it "
			"up, and all of it has to be kept: let a source emit so much, a piece in "
			"each "
			"call",
			(unsigned long long)call->items, (unsigned long long)call->bytes);
}

static int push_piece(struct wax_perturber *perturber, struct wax_op *op,
		const struct wax_batch *piece, uint32_t input)
{
	struct call *call = &perturber->calls[op->index];
	*call = (struct call){.count = piece->count};
	bool limits = perturber->perturb->limits;
	struct beginning beginning = {0};
	if (limits)
		beginning = begin_wait(perturber);
	perturber->inside = true;
	int r = wax_op_push(op, piece, input);
	*call = (struct call){0};
	int64_t wait_ns = limits ? end_wait(perturber, &beginning) : 0;
	return r < 0 ? r : check_wait(op, piece, wait_ns);
}

static int push_copy(struct wax_perturber *perturber, struct wax_op *op,
		const struct wax_batch *piece, uint32_t input)
{
	struct wax_batch copy;
	struct copy memory;
	if (copy_batch(piece, &copy, &memory) < 0)
		return wax_op_fail(op, NULL, 0, -ENOMEM, "no memory for a copy of a batch");
	int r = push_piece(perturber, op, &copy, input);
	if (r >= 0 && !same_items(piece, &copy))
		r = wax_op_fail(op, NULL, 0, -EACCES,
				"a callback wrote to the items that it was lent: they are const, "
				"and "
				"other steps read them too");
	put_away(perturber, memory);
	return r;
}

static struct wax_batch slice(const struct wax_batch *batch, uint32_t first, uint32_t count)
{
	struct wax_batch piece = *batch;
	piece.count = count;
	piece.values = (const char *)batch->values + column_bytes(first, batch->value_bytes);
	if (batch->keyed)
		piece.keys = (const char *)batch->keys + column_bytes(first, batch->key_bytes);
	return piece;
}

static uint32_t piece_size(struct wax_perturber *perturber, uint32_t left)
{
	const struct wax_perturb *perturb = perturber->perturb;
	if (perturb->single)
		return 1;
	if (!perturb->splits || draw(perturber, 4) == 0)
		return left;
	/* Small ones are likely: they are what a callback sees least otherwise. */
	uint32_t size = 1 + draw(perturber, draw(perturber, 2) ? 4 : left);
	return size < left ? size : left;
}

static int maybe_rehearse(struct wax_perturber *perturber, struct wax_op *op)
{
	if (!perturber->perturb->rehearse || !op->class->rehearse ||
			draw(perturber, REHEARSE_ONE_IN) != 0)
		return 0;
	return wax_op_call(op, op->class->rehearse);
}

int wax_perturber_push(struct wax_perturber *perturber, struct wax_op *op,
		const struct wax_batch *batch, uint32_t input)
{
	int r = check_keys(perturber, op, batch, input);
	for (uint32_t first = 0, count; r >= 0 && first < batch->count; first += count) {
		count = piece_size(perturber, batch->count - first);
		struct wax_batch piece = slice(batch, first, count);
		r = perturber->perturb->lends ? push_copy(perturber, op, &piece, input)
					      : push_piece(perturber, op, &piece, input);
		if (r >= 0)
			r = maybe_rehearse(perturber, op);
	}
	return r < 0 ? r : 0;
}
