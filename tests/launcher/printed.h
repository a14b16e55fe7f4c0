/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LAUNCHER_PRINTED_H
#define TESTS_LAUNCHER_PRINTED_H

#include <criterion/criterion.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/program.h"

/*
 * What a program prints of its tables, held against those who read it.
 */

/* To be freed. Not inline: gcc 12 would take the text of a stream for one of this function. */
__attribute__((noinline, unused)) static char *printed(int (*print)(FILE *out))
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	cr_assert_eq(print(out), 0);
	fclose(out);
	return text;
}

/* Give what a command prints, with the text in the file "$1"; its exit status by *ret_status. */
static inline char *run_on_text(const char *command, const char *text, int *ret_status)
{
	char path[] = "/tmp/wax-options-XXXXXX";
	char line[1024];
	char *output = NULL;
	size_t bytes = 0;
	int fd = mkstemp(path);
	FILE *out = open_memstream(&output, &bytes);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);

	snprintf(line, sizeof(line), "set -- %s; %s", path, command);
	fflush(NULL);

	FILE *pipe = popen(line, "r");

	cr_assert_not_null(pipe);
	for (int c = getc(pipe); c != EOF; c = getc(pipe))
		putc(c, out);
	*ret_status = pclose(pipe);
	fclose(out);
	unlink(path);
	return output;
}

static inline bool have(const char *program)
{
	char line[128];

	snprintf(line, sizeof(line), "command -v %s >/dev/null 2>&1", program);
	return system(line) == 0;
}

static inline void assert_accepts(const char *command, int (*print)(FILE *out))
{
	int status;
	char *text = printed(print);
	char *output = run_on_text(command, text, &status);

	cr_assert_eq(status, 0, "%s: %s", command, output);
	cr_assert_str_eq(output, "", "%s: %s", command, output);
	free(output);
	free(text);
}

struct completion_row {
	const char *words; /* of the command line, as bash cuts them; the last is completed */
	const char *expected;
};

static inline void assert_bash_completes(const char *program, int (*print)(FILE *out),
		const struct completion_row *rows, size_t count)
{
	if (!have("bash"))
		cr_skip_test("no bash");

	char *script = printed(print);

	for (size_t i = 0; i < count; i++) {
		char command[512];
		int status;

		snprintf(command, sizeof(command),
				"bash -c 'compopt() { :; }; source \"$0\"; COMP_WORDS=(%s "
				"\"$@\"); "
				"COMP_CWORD=$#; _%s; "
				"((${#COMPREPLY[@]})) && printf \"%%s\\n\" \"${COMPREPLY[@]}\"; :' "
				"\"$1\" %s 2>&1",
				program, program, rows[i].words);

		char *output = run_on_text(command, script, &status);

		cr_assert_str_eq(output, rows[i].expected, "%s: %s", rows[i].words, output);
		free(output);
	}
	free(script);
}

/* What is printed is in a file of this folder. @param command how to make that anew */
static inline void assert_as_agreed(
		int (*print)(FILE *out), const char *golden, const char *command)
{
	const char *source = getenv("SOURCE");
	char path[1024];
	char expected[8192];

	snprintf(path, sizeof(path), "%s/tests/launcher/%s", source ? source : ".", golden);

	FILE *file = fopen(path, "r");

	cr_assert_not_null(file, "%s", path);

	size_t bytes = fread(expected, 1, sizeof(expected) - 1, file);

	expected[bytes] = '\0';
	fclose(file);

	char *text = printed(print);

	cr_assert_str_eq(text, expected, "if this is meant: %s > %s; now it is\n%s", command, path,
			text);
	free(text);
}

/* The name as the text writes it, followed by something that is no part of a name. */
static inline bool has_name(const char *text, const char *name)
{
	size_t name_bytes = strlen(name);

	for (const char *p = strstr(text, name); p; p = strstr(p + 1, name)) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz-\\", p[name_bytes]))
			return true;
	}
	return false;
}

/* Every option for users is in what is printed. */
static inline void assert_has_all(const struct wax_program *program, int (*print)(FILE *out),
		const char *dashes, bool escaped)
{
	char *text = printed(print);

	for (const struct wax_option *option = program->options; option->name; option++) {
		char name[128];
		size_t at = (size_t)snprintf(name, sizeof(name), "%s", dashes);

		if (option->hidden)
			continue;
		for (const char *p = option->name; *p != '\0'; p++) {
			if (*p == '-' && escaped)
				name[at++] = '\\';
			name[at++] = *p;
		}
		name[at] = '\0';
		cr_assert(has_name(text, name), "%s is missing", name);
	}
	free(text);
}

/* print_man, print_bash, print_zsh and print_fish of a program. */
#define PRINT_ALL(program)                                                                         \
	static int print_man(FILE *out)                                                            \
	{                                                                                          \
		return wax_program_print_man(&program, out);                                       \
	}                                                                                          \
	PRINT_COMPLETION(program, print_bash, WAX_OPTION_SHELL_BASH)                               \
	PRINT_COMPLETION(program, print_zsh, WAX_OPTION_SHELL_ZSH)                                 \
	PRINT_COMPLETION(program, print_fish, WAX_OPTION_SHELL_FISH)

#define PRINT_COMPLETION(program, name, shell)                                                     \
	static int name(FILE *out)                                                                 \
	{                                                                                          \
		return wax_program_print_completion(&program, shell, out);                         \
	}

#endif
