/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/connectors.h>

static int null_open(void *sink, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	(void)sink;
	(void)env;
	(void)saved;
	(void)err;
	*ret_part = NULL;
	return 0;
}

static int null_write(void *part, const struct wax_batch *batch, struct wax_err *err)
{
	(void)part;
	(void)batch;
	(void)err;
	return WAX_READY;
}

static const struct wax_sink_ops null_ops = {
		.size_bytes = sizeof(struct wax_sink_ops),
		.kind = "null",
		.open = null_open,
		.write = null_write,
};

struct wax_sink *wax_null(void)
{
	return wax_sink_make(&null_ops, NULL, NULL, NULL);
}
