/* SPDX-License-Identifier: Apache-2.0 */
/* Lines are copied, but the one that says "trouble" is answered as --how says. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wax/wax.h>

static int exit_in_callback(struct wax_out *out)
{
	(void)out;
	exit(0);
}

static int abort_in_callback(struct wax_out *out)
{
	(void)out;
	abort();
}

/* As by a wild pointer, but a sanitizer would take that for itself. */
static int raise_segv(struct wax_out *out)
{
	(void)out;
	signal(SIGSEGV, SIG_DFL);
	return raise(SIGSEGV);
}

static int kill_self(struct wax_out *out)
{
	(void)out;
	return kill(getpid(), SIGKILL);
}

static int hang(struct wax_out *out)
{
	(void)out;
	while (pause() < 0)
		;
	return 0;
}

static int fail_with_sentence(struct wax_out *out)
{
	return wax_fail(out, "there is trouble");
}

static int fail_without_a_word(struct wax_out *out)
{
	(void)out;
	return -EDOM;
}

static int emit_nothing(struct wax_out *out)
{
	(void)out;
	return 0;
}

static int emit_twice(struct wax_out *out)
{
	wax_emit(out, "one", 3);
	return wax_emit(out, "two", 3);
}

static int print_on_stdout(struct wax_out *out)
{
	puts("printed by a callback");
	return wax_emit(out, "trouble", 7);
}

static const struct way {
	const char *name;
	int (*answer)(struct wax_out *out);
} ways[] = {
		{"exit", exit_in_callback},
		{"abort", abort_in_callback},
		{"segv", raise_segv},
		{"kill", kill_self},
		{"hang", hang},
		{"fail", fail_with_sentence},
		{"errno", fail_without_a_word},
		{"none", emit_nothing},
		{"two", emit_twice},
		{"print", print_on_stdout},
};

static int look(struct wax_out *out, const struct wax_item *line, void *ctx)
{
	const struct way *way = ctx;

	if (line->value.bytes == 7 && memcmp(line->value.data, "trouble", 7) == 0)
		return way->answer(out);
	return wax_emit(out, line->value.data, line->value.bytes);
}

WAX_FLOW(trouble, "Meet trouble")
{
	const char *in = wax_arg_path(flow, "in", "lines to read", WAX_REQUIRED);
	const char *how = wax_arg_text(flow, "how", "what happens at the line 'trouble'", "fail");
	const struct way *chosen = NULL;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].name, how) == 0)
			chosen = &ways[i];
	}
	if (!chosen)
		wax_flow_fail(flow, "--how %s is not known", how);

	struct wax_stream lines = wax_input(flow, "lines", wax_file_lines(in));
	struct wax_stream seen = wax_map(lines, "look", WAX_TEXT, look, (void *)chosen);

	wax_output(seen, "out", wax_stdout(NULL));
}
