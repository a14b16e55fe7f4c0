/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "launcher/program.h"

/* Where the help of an option begins; the longest option fits in front of it. */
#define HELP_COLUMN 33

/* "  -n, --procs N|auto   ", up to HELP_COLUMN. */
static void print_names(const struct wax_option *option, FILE *out)
{
	int at = option->letter != '\0' ? fprintf(out, "  -%c, ", option->letter)
					: fprintf(out, "      ");

	at += fprintf(out, "--%s", option->name);
	if (option->argument && option->bare)
		at += fprintf(out, "[=%s]", option->argument);
	else if (option->argument)
		at += fprintf(out, " %s", option->argument);
	fprintf(out, "%*s", at < HELP_COLUMN ? HELP_COLUMN - at : 1, "");
}

static void print_group(const struct wax_program *program, int group, FILE *out)
{
	bool headed = false;

	for (const struct wax_option *option = program->options; option->name; option++) {
		if (option->group != group || option->hidden)
			continue;
		if (!headed)
			fprintf(out, "\n%s:\n", program->groups[group]);
		headed = true;
		print_names(option, out);
		fputs(option->help, out);
		if (option->initial)
			fprintf(out, " [%s]", option->initial);
		putc('\n', out);
	}
}

/* A topic that no verb is of would leave nothing. */
static const char *known_topic(const struct wax_program *program, const char *topic)
{
	for (const struct wax_verb *verb = program->verbs; verb && verb->words; verb++) {
		if (wax_verb_is_of(verb, topic))
			return topic;
	}
	return NULL;
}

static void print_verbs(const struct wax_program *program, const char *topic, FILE *out)
{
	fputs("\nVerbs:\n", out);
	for (const struct wax_verb *verb = program->verbs; verb->words; verb++) {
		int at;

		if (!wax_verb_is_of(verb, topic))
			continue;
		at = fprintf(out, "  %s %s", verb->words, verb->operands);
		fprintf(out, "%*s%s\n", at < HELP_COLUMN ? HELP_COLUMN - at : 1, "", verb->help);
	}
}

int wax_program_print_help(const struct wax_program *program, const char *topic, FILE *out)
{
	fprintf(out, "Usage: %s %s\n%c%s.\n\n", program->name, program->usage,
			program->about[0] - 'a' + 'A', program->about + 1);
	for (const struct wax_option_example *example = program->examples; example->command;
			example++)
		fprintf(out, "  %-*s%s\n", HELP_COLUMN + 4, example->command, example->help);

	if (program->verbs)
		print_verbs(program, known_topic(program, topic), out);
	for (int group = 0; program->groups[group]; group++)
		print_group(program, group, out);

	fprintf(out, "\n%s", program->help_end);
	return ferror(out) ? -EIO : 0;
}
