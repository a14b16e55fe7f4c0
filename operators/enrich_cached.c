/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/enrich.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "operators/items.h"
#include "runtime/port.h"
#include "runtime/step.h"
#include "runtime/table.h"

#define ENTRIES_MAX_DEFAULT 65536

typedef int (*enrich_fn)(struct wax_out *out, const struct wax_item *item, struct wax_cache *cache,
		void *ctx);

struct params {
	enrich_fn fn;
	struct wax_enrich_options options;
	void *ctx;
};

/* The state of a key. Answers form a ring, from the one that was asked for last to the one that was
 * not for the longest. */
struct answer {
	struct answer *newer;
	struct answer *older;
	int64_t asked_at;
	char *data; /* NULL: there is nothing under the key */
	size_t bytes;
};

struct wax_cache {
	struct wax_op *op;
	struct wax_table table;
	struct answer *newest; /* NULL: empty */
	size_t bytes;          /* of all answers */

	/* What get emits. */
	struct wax_port port;
	struct answer *asked;
	uint32_t emitted;
	int failed; /* what get gave back for this item */
};

/* ---- the ring */

static void unlink_answer(struct wax_cache *cache, struct answer *answer)
{
	answer->newer->older = answer->older;
	answer->older->newer = answer->newer;
	if (cache->newest == answer)
		cache->newest = answer->older == answer ? NULL : answer->older;
}

static void link_newest(struct wax_cache *cache, struct answer *answer)
{
	struct answer *older = cache->newest ? cache->newest : answer;
	struct answer *oldest = older == answer ? answer : older->newer;

	answer->older = older;
	answer->newer = oldest;
	older->newer = answer;
	oldest->older = answer;
	cache->newest = answer;
}

static void clear(struct wax_cache *cache, struct answer *answer)
{
	cache->bytes -= answer->bytes;
	free(answer->data);
	answer->data = NULL;
	answer->bytes = 0;
}

static void forget(struct wax_cache *cache, struct answer *answer)
{
	unlink_answer(cache, answer);
	clear(cache, answer);
	wax_table_remove(&cache->table, answer);
}

/* ---- asking */

static int take(struct wax_port *port, const struct wax_batch *batch)
{
	struct wax_cache *cache = port->taker;
	struct wax_bytes value = wax_batch_value(batch, batch->count - 1);
	/* A byte at least: NULL means that there is nothing. */
	char *data = malloc(value.bytes + 1);

	cache->emitted += batch->count;
	if (!data)
		return wax_err_set(port->err, -ENOMEM, "no memory for an answer of %zu bytes",
				value.bytes);
	if (value.bytes > 0)
		memcpy(data, value.data, value.bytes);
	clear(cache, cache->asked);
	cache->asked->data = data;
	cache->asked->bytes = value.bytes;
	cache->bytes += value.bytes;
	return 0;
}

/* Ask for the answer to a key. @return 0, or what the item fails with */
static int ask(struct wax_cache *cache, struct answer *answer, struct wax_bytes key)
{
	const struct params *params = cache->op->params;
	int r;

	wax_op_count_miss(cache->op);
	clear(cache, answer);
	cache->asked = answer;
	cache->emitted = 0;
	wax_port_guard(&cache->port);
	r = params->options.get(&cache->port.out, key, params->ctx);
	if (wax_items_is_refusal(&cache->port, r)) {
		/* Whether that ends the run is for the policy of the step. */
		wax_port_withdraw(&cache->port);
		return r < 0 ? r : -EBADMSG;
	}
	wax_port_unguard(&cache->port);
	if (wax_port_flush(&cache->port) < 0 && r >= 0)
		r = cache->port.err->code ? cache->port.err->code : -EIO;
	if (r >= 0 && cache->emitted > 1)
		r = wax_err_set(cache->port.err, -EINVAL,
				"get emitted %" PRIu32 " values, must be at most 1",
				cache->emitted);
	answer->asked_at = wax_op_now(cache->op);
	return r < 0 ? r : 0;
}

static bool is_good(const struct wax_cache *cache, const struct answer *answer)
{
	const struct params *params = cache->op->params;
	int64_t ttl_ns = params->options.ttl_ns;

	return ttl_ns == 0 || wax_op_now(cache->op) - answer->asked_at <= ttl_ns;
}

/* The answer to a key, as the newest. @param ret_added there is none yet */
static struct answer *answer_of(struct wax_cache *cache, struct wax_bytes key, bool *ret_added)
{
	const struct params *params = cache->op->params;
	struct answer *answer = wax_table_find(&cache->table, key);

	*ret_added = answer == NULL;
	if (answer) {
		unlink_answer(cache, answer);
	} else {
		if (cache->table.count >= params->options.entries_max)
			forget(cache, cache->newest->newer);
		answer = wax_table_get(&cache->table, key, NULL);
		if (!answer)
			return NULL;
	}
	link_newest(cache, answer);
	return answer;
}

struct wax_bytes wax_cache_get(struct wax_cache *cache, const void *key, size_t key_bytes)
{
	struct wax_bytes bytes = {key, key_bytes}, nothing = {NULL, 0};
	bool added;
	struct answer *answer = answer_of(cache, bytes, &added);

	if (!answer) {
		cache->failed = -ENOMEM;
		return nothing;
	}
	if (added || !is_good(cache, answer)) {
		int r = ask(cache, answer, bytes);

		if (r < 0) {
			cache->failed = r;
			forget(cache, answer);
			return nothing;
		}
	}
	return (struct wax_bytes){answer->data, answer->bytes};
}

int wax_cache_remove(struct wax_cache *cache, const void *key, size_t key_bytes)
{
	struct wax_bytes bytes = {key, key_bytes};
	struct answer *answer = wax_table_find(&cache->table, bytes);

	if (answer)
		forget(cache, answer);
	return answer != NULL;
}

/* ---- the step */

static int open(struct wax_op *op, struct wax_err *err)
{
	struct wax_cache *cache = op->data;

	cache->op = op;
	wax_table_init(&cache->table, 0, sizeof(struct answer), _Alignof(struct answer));
	/* Its failures are the operator's. */
	if (wax_port_init(&cache->port, WAX_BYTES, take, cache, op->ports[0].err) < 0)
		return wax_err_set(err, -ENOMEM, "no memory for answers");
	return 0;
}

static int enrich(struct wax_out *out, const struct wax_item *item, void *op_data)
{
	struct wax_cache *cache = op_data;
	const struct params *params = cache->op->params;
	int r;

	cache->failed = 0;
	r = params->fn(out, item, cache, params->ctx);
	return cache->failed < 0 ? cache->failed : r;
}

static int push(struct wax_op *op, const struct wax_batch *batch, uint32_t input)
{
	(void)input;
	return wax_items_each(op, &op->ports[0], batch, enrich, op->data, WAX_ITEMS_ONE);
}

static size_t state_bytes(const struct wax_op *op)
{
	const struct wax_cache *cache = op->data;

	return wax_table_bytes(&cache->table) + cache->bytes;
}

static void close(struct wax_op *op)
{
	struct wax_cache *cache = op->data;

	while (cache->newest)
		forget(cache, cache->newest);
	wax_table_fini(&cache->table);
	wax_port_fini(&cache->port);
}

static const struct wax_op_class enrich_cached_class = {
		.kind = "enrich_cached",
		.params_bytes = sizeof(struct params),
		.data_bytes = sizeof(struct wax_cache),
		.any_order = true,
		.open = open,
		.push = push,
		.state_bytes = state_bytes,
		.close = close,
};

/* A caller that was compiled with an older header knows fewer options. */
static void read_options(struct wax_flow *flow, struct wax_step *step,
		const struct wax_enrich_options *given)
{
	struct wax_enrich_options *options = &((struct params *)step->params)->options;

	if (!given || given->size_bytes == 0) {
		wax_step_fail(flow, step, "its options are %s",
				given ? "without size_bytes: set it to sizeof(struct "
					"wax_enrich_options)"
				      : "NULL");
		return;
	}
	memcpy(options, given,
			given->size_bytes < sizeof(*options) ? given->size_bytes
							     : sizeof(*options));
	if (!options->get)
		wax_step_fail(flow, step, "its callback get is NULL");
	if (options->ttl_ns < 0)
		wax_step_fail(flow, step, "a time of %" PRId64 " ns: it must not be negative",
				options->ttl_ns);
	if (options->entries_max == 0)
		options->entries_max = ENTRIES_MAX_DEFAULT;
}

struct wax_stream wax_enrich_cached(struct wax_stream up, const char *id,
		const struct wax_type *type, enrich_fn fn, const struct wax_enrich_options *options,
		void *ctx)
{
	struct wax_step *step = wax_step_add(up.flow, id, &enrich_cached_class);
	struct params *params = step->params;

	wax_step_input(up.flow, step, up);
	params->fn = fn;
	params->ctx = ctx;
	if (!fn)
		wax_step_fail(up.flow, step, "its callback is NULL");
	read_options(up.flow, step, options);
	return wax_step_output(up.flow, step, type, false);
}
