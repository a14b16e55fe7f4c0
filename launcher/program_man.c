/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include <string.h>

#include "launcher/mdoc.h"
#include "launcher/program.h"

static void print_heading(const struct wax_option *option, FILE *out)
{
	fputs(".It ", out);
	if (option->letter != '\0' && option->argument)
		fprintf(out, "Fl %c Ar %s , ", option->letter, option->argument);
	else if (option->letter != '\0')
		fprintf(out, "Fl %c , ", option->letter);

	fputs("Fl \\-", out);
	wax_mdoc_name(option->name, out);
	if (option->argument && option->bare)
		fprintf(out, " Ns Op = Ns Ar %s", option->argument);
	else if (option->argument)
		fprintf(out, " Ar %s", option->argument);
	putc('\n', out);
}

static void print_option(const struct wax_option *option, FILE *out)
{
	print_heading(option, out);
	if (option->more)
		wax_mdoc_text(option->more, out);
	else
		wax_mdoc_phrase(option->help, out);
	if (option->initial)
		fprintf(out, "The default is %s.\n", option->initial);
}

static void print_options(const struct wax_program *program, FILE *out)
{
	fputs(".Sh OPTIONS\n", out);
	for (int group = 0; program->groups[group]; group++) {
		fprintf(out, ".Ss %s\n.Bl -tag -width Ds\n", program->groups[group]);
		for (const struct wax_option *option = program->options; option->name; option++) {
			if (option->group == group)
				print_option(option, out);
		}
		fputs(".El\n", out);
	}
}

/* "state get DIR": words to type, and what stands for others. */
static void print_verb(const struct wax_program *program, const struct wax_verb *verb, FILE *out)
{
	fprintf(out, ".It Nm %s Cm %s Ar %s\n", program->name, verb->words, verb->operands);
	if (verb->more)
		wax_mdoc_text(verb->more, out);
	else
		wax_mdoc_phrase(verb->help, out);
	if (!verb->options)
		return;
	fputs("Options:\n", out);
	for (const char *word = verb->options; *word;) {
		size_t bytes = strcspn(word, " ");
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)bytes, word);
		word += bytes;
		word += strspn(word, " ");
		fputs(".Fl \\-", out);
		wax_mdoc_name(name, out);
		fputs(*word ? " ,\n" : " .\n", out);
	}
}

static void print_verbs(const struct wax_program *program, FILE *out)
{
	fputs(".Sh VERBS\n.Bl -tag -width Ds\n", out);
	for (const struct wax_verb *verb = program->verbs; verb->words; verb++)
		print_verb(program, verb, out);
	fputs(".El\n", out);
}

static void print_environment(const struct wax_program *program, FILE *out)
{
	fputs(".Sh ENVIRONMENT\n"
	      "Each of these stands for the option of its name where the command line does not\n"
	      "give it; one that is set but empty does not count.\n"
	      "For a flag they are yes or no.\n"
	      ".Bl -tag -width Ds -compact\n",
			out);
	for (const struct wax_option *option = program->options; option->name; option++) {
		if (option->no_variable)
			continue;
		fprintf(out, ".It Ev %s\n.Fl \\-", wax_option_variable(option).name);
		wax_mdoc_name(option->name, out);
		putc('\n', out);
	}
	fprintf(out, ".El\n.Pp\n%s", program->environment);
}

static void print_exit_statuses(const struct wax_program *program, FILE *out)
{
	fputs(".Sh EXIT STATUS\n.Bl -tag -width 130,143\n", out);
	for (const struct wax_exit_status *row = program->exit_statuses; row->status; row++) {
		fprintf(out, ".It %s\n", row->status);
		wax_mdoc_text(row->meaning, out);
	}
	fputs(".El\n", out);
}

static void print_examples(const struct wax_program *program, FILE *out)
{
	fputs(".Sh EXAMPLES\n.Bl -tag -width Ds\n", out);
	for (const struct wax_option_example *example = program->examples; example->command;
			example++) {
		fputs(".It Li \"", out);
		wax_mdoc_name(example->command, out);
		fprintf(out, "\"\n");
		wax_mdoc_text(example->help, out);
	}
	fputs(".El\n", out);
}

int wax_program_print_man(const struct wax_program *program, FILE *out)
{
	char title[32];
	size_t at = 0;

	for (; program->name[at] && at + 1 < sizeof(title); at++)
		title[at] = (char)(program->name[at] - 'a' + 'A');
	title[at] = '\0';
	wax_mdoc_begin(title, out);
	fprintf(out, ".Sh NAME\n.Nm %s\n.Nd %s\n", program->name, program->about);
	fprintf(out, ".Sh SYNOPSIS\n.Nm\n%s.Sh DESCRIPTION\n%s", program->synopsis,
			program->description);
	if (program->verbs)
		print_verbs(program, out);
	print_options(program, out);
	if (program->environment)
		print_environment(program, out);
	if (program->signals)
		fputs(program->signals, out);
	print_exit_statuses(program, out);
	print_examples(program, out);
	return ferror(out) ? -EIO : 0;
}
