/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong: a source that waits for what is not there yet, where it should say when to ask again. */
#include <time.h>

#include <wax/wax.h>

static int open_numbers(void *source, struct wax_env *env, struct wax_bytes saved, void **ret_part,
		struct wax_err *err)
{
	static uint64_t next;

	(void)source, (void)env, (void)saved, (void)err;
	next = 0;
	*ret_part = &next;
	return 0;
}

static int next_number(void *part, struct wax_out *out, struct wax_err *err)
{
	const struct timespec pause = {.tv_nsec = 60 * 1000 * 1000};
	uint64_t *next = part;

	(void)err;
	if (*next == 5)
		nanosleep(&pause, NULL);
	wax_emit(out, next, sizeof(*next));
	return ++*next < 10 ? WAX_MORE : WAX_END;
}

static int list_one(void *source, struct wax_parts *parts, struct wax_err *err)
{
	(void)source, (void)err;
	return wax_parts_add(parts, "all");
}

static const struct wax_source_ops waiting = {.size_bytes = sizeof(waiting),
		.kind = "waiting",
		.list = list_one,
		.open = open_numbers,
		.next = next_number};

WAX_FLOW(sanitize_source, "A source that blocks")
{
	struct wax_source *source = wax_source_make(&waiting, WAX_U64, NULL, NULL);

	wax_output(wax_input(flow, "numbers", source), "out", wax_stdout("%v"));
}
