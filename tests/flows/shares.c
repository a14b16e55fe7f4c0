/* SPDX-License-Identifier: Apache-2.0 */
/* A source per worker that gives a number now and then, but in the first worker, which has none yet and so no
 * position; with --all each worker gives the rest of its own, and the first all of them. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <wax/wax.h>

enum { SHARE = 1000, PAUSE_NS = 1000 * 1000 };

struct share {
	const struct wax_env *env;
	bool all;
	uint64_t next;
};

static int open_share(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	struct share *share = calloc(1, sizeof(*share));

	(void)err;
	if (!share)
		return -1;
	*share = (struct share){.env = env, .all = *(const bool *)source};
	if (saved.data)
		memcpy(&share->next, saved.data, sizeof(share->next));
	*ret_part = share;
	return 0;
}

static int next(void *part, struct wax_out *out, struct wax_err *err)
{
	struct share *share = part;
	uint64_t number = (uint64_t)wax_env_worker(share->env) * SHARE + share->next;

	(void)err;
	if (share->next == SHARE)
		return share->all ? WAX_END : WAX_IDLE;
	if (!share->all && wax_env_worker(share->env) == 0)
		return WAX_IDLE;
	wax_emit(out, &number, sizeof(number));
	share->next++;
	return share->all ? WAX_MORE : WAX_IDLE;
}

static int64_t next_awake(void *part)
{
	return wax_env_now(((const struct share *)part)->env) + PAUSE_NS;
}

static struct wax_bytes position(void *part)
{
	struct share *share = part;

	return share->next > 0 ? (struct wax_bytes){&share->next, sizeof(share->next)}
			       : (struct wax_bytes){NULL, 0};
}

static const struct wax_source_ops ops = {
		.size_bytes = sizeof(struct wax_source_ops),
		.kind = "share",
		.open = open_share,
		.next = next,
		.next_awake = next_awake,
		.position = position,
		.close = free,
};

WAX_FLOW(shares, "Numbers of which each worker gives its share")
{
	const char *to = wax_arg_path(flow, "out", "file", WAX_REQUIRED);
	bool *all = wax_flow_alloc(flow, sizeof(*all));

	*all = wax_arg_flag(flow, "all", "each worker gives all that it has");
	struct wax_stream numbers =
			wax_input(flow, "numbers", wax_source_make(&ops, WAX_U64, all, NULL));

	wax_output(numbers, "out", wax_file(to, "%v"));
}
