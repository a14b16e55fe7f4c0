/* SPDX-License-Identifier: Apache-2.0 */
/* Doubtful: a sink that keeps the last value of each key, behind items that come in any order. */
#include <stdio.h>

#include <wax/wax.h>

static int key(struct wax_out *out, const struct wax_item *item, void *ctx)
{
	uint32_t rest = (uint32_t)(*(const uint64_t *)item->value.data % 10);

	(void)ctx;
	return wax_emit(out, &rest, sizeof(rest));
}

static int open_table(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	(void)sink;
	(void)env;
	(void)saved;
	*ret_part = NULL;
	return wax_err_set(err, -1, "the sink was opened");
}

static int write_table(void *part, const struct wax_batch *batch, struct wax_err *err)
{
	(void)part;
	(void)batch;
	(void)err;
	return WAX_READY;
}

static const struct wax_sink_ops table_ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "table",
		.open = open_table,
		.write = write_table,
};

WAX_FLOW(sanitize_order, "A sink that may depend on the order")
{
	struct wax_stream numbers = wax_input(flow, "numbers", wax_numbers(1000, 0));
	struct wax_stream keyed = wax_key_on(numbers, "key", WAX_U32, key, NULL);

	wax_output(keyed, "out", wax_sink_make(&table_ops, NULL, NULL, NULL));
}
