/* SPDX-License-Identifier: Apache-2.0 */
/* Large states of many keys, of which one changes on and on, and a launcher that does not live long: its
 * worker kills it when it has been told of so many commits. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wax/wax.h>

enum { STATE_BYTES = 16384 };

struct mortal {
	int64_t keys;
	int64_t commits; /* that are survived */
};

/* Each key once, then the first. */
static int by_turn(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	const struct mortal *mortal = ctx;
	uint64_t number = *(const uint64_t *)item->value.data;
	uint64_t key = number < (uint64_t)mortal->keys ? number : 0;

	return wax_emit(out, &key, sizeof(key));
}

static int fill(struct wax_out *out, void *state, const struct wax_item *item, void *ctx)
{
	(void)ctx;
	memset(state, 'x', STATE_BYTES);
	wax_emit(out, item->value.data, item->value.bytes);
	return WAX_RETAIN;
}

static int open_part(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	(void)env;
	(void)saved;
	(void)err;
	*ret_part = sink;
	return 0;
}

static int write_nothing(void *part, const struct wax_batch *batch, struct wax_err *err)
{
	(void)part;
	(void)batch;
	(void)err;
	return WAX_READY;
}

static int close_part(void *part, int ok, struct wax_err *err)
{
	(void)part;
	(void)ok;
	(void)err;
	return 0;
}

static int count_commit(void *part, uint64_t epoch, struct wax_err *err)
{
	struct mortal *mortal = part;

	(void)epoch;
	(void)err;
	if (mortal->commits-- == 0)
		kill(getppid(), SIGKILL);
	return WAX_READY;
}

static const struct wax_sink_ops ops = {
		.size_bytes = sizeof(ops),
		.kind = "mortal",
		.open = open_part,
		.write = write_nothing,
		.close = close_part,
		.commit = count_commit,
};

WAX_FLOW(mortal, "Large states in a run that is killed")
{
	struct mortal *mortal = wax_flow_alloc(flow, sizeof(*mortal));
	int64_t items = wax_arg_int(flow, "items", "how many", "1000000000");

	mortal->keys = wax_arg_int(flow, "keys", "different keys", "2560");
	mortal->commits = wax_arg_int(flow, "commits", "that are survived", "1000000000");
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(items, 50000));
	struct wax_stream keyed = wax_key_on(numbers, "by_turn", WAX_U64, by_turn, mortal);
	struct wax_stream filled =
			wax_stateful_map(keyed, "fill", WAX_U64, STATE_BYTES, fill, mortal);

	wax_output(filled, "out", wax_sink_make(&ops, WAX_U64, mortal, "mortal"));
}
