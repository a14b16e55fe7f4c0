/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "launcher/mdoc.h"
#include "launcher/options.h"
#include "launcher/options_table.h"

struct exit_status {
	const char *status;
	const char *meaning;
};

static const struct exit_status exit_statuses[] = {
		{"0",
				"The sources ended, or one SIGINT or SIGTERM stopped them, and "
				"what was "
				"under way is finished."},
		{"1", "The flow failed: a callback said so, or data could not be used."},
		{"2", "Usage: a bad option or argument, or a file that is not there."},
		{"3", "The flow is invalid: no input, no output, a step id given twice."},
		{"5", "A source or sink cannot be reached."},
		{"70", "An internal error of the runtime."},
		{"71", "A resource is lacking: shared memory, locked memory, file descriptors."},
		{"124", "The time of --timeout was over."},
		{"128+n", "A worker died by signal n; of several the highest."},
		{"130, 143", "A second SIGINT or SIGTERM: the run was aborted."},
		{NULL, NULL},
};

static const char front[] =
		".Sh NAME\n"
		".Nm waxrun\n"
		".Nd run a dataflow on the cores of this host\n"
		".Sh SYNOPSIS\n"
		".Nm\n"
		".Op Ar options\n"
		".Ar FLOW\n"
		".Op Fl \\- Ar arguments\n"
		".Sh DESCRIPTION\n"
		".Nm\n"
		"loads a dataflow, checks it, and runs it in single-threaded worker\n"
		"processes, one per core, which hand each other batches through shared\n"
		"memory.\n"
		".Pp\n"
		".Ar FLOW\n"
		"is a shared object, or a C source file that is compiled first.\n"
		"What follows\n"
		".Fl \\-\n"
		"are arguments of the flow, which lists them after\n"
		".Ql waxrun FLOW \\-\\- \\-\\-help .\n"
		"Options may stand before or after\n"
		".Ar FLOW .\n"
		"The beginning of a long name will do where no other begins alike,\n"
		"and a flag can be taken back:\n"
		".Fl \\-quiet Ns =no .\n"
		".Pp\n"
		"Standard output belongs to the flow.\n"
		"All reports go to standard error.\n"
		".Pp\n"
		"A duration is a number and its unit, one of ns, us, ms, s, m, h and d:\n"
		"250ms, 1.5s, 2m.\n"
		"A size is a number of bytes, or one with K, M, G or T, multiples of 1024: 64K,\n"
		"512KiB, 4G.\n";

static const char back[] = ".Sh SIGNALS\n"
			   "The first\n"
			   ".Dv SIGINT\n"
			   "or\n"
			   ".Dv SIGTERM\n"
			   "stops the sources; what is under way is finished, within\n"
			   ".Fl \\-drain\\-timeout .\n"
			   "The second aborts the run.\n";

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

static void print_options(FILE *out)
{
	fputs(".Sh OPTIONS\n", out);
	for (int group = 0; group < WAX_OPTION_GROUP_COUNT; group++) {
		fprintf(out, ".Ss %s\n.Bl -tag -width Ds\n", wax_option_group_names[group]);
		for (const struct wax_option *option = wax_option_table; option->name; option++) {
			if ((int)option->group == group)
				print_option(option, out);
		}
		fputs(".El\n", out);
	}
}

static void print_environment(FILE *out)
{
	fputs(".Sh ENVIRONMENT\n"
	      "Each of these stands for the option of its name where the command line does not\n"
	      "give it; one that is set but empty does not count.\n"
	      "For a flag they are yes or no.\n"
	      ".Bl -tag -width Ds -compact\n",
			out);
	for (const struct wax_option *option = wax_option_table; option->name; option++) {
		if (option->no_variable)
			continue;
		fprintf(out, ".It Ev %s\n.Fl \\-", wax_option_variable(option).name);
		wax_mdoc_name(option->name, out);
		putc('\n', out);
	}
	fputs(".El\n"
	      ".Pp\n"
	      ".Ev NO_COLOR ,\n"
	      ".Ev CLICOLOR_FORCE\n"
	      "and\n"
	      ".Ev TERM\n"
	      "decide on colours where\n"
	      ".Fl \\-color\n"
	      "is auto.\n"
	      "Variables of batch systems are not read: what they grant shows in the\n"
	      "affinity mask.\n",
			out);
}

static void print_exit_statuses(FILE *out)
{
	fputs(".Sh EXIT STATUS\n.Bl -tag -width 130,143\n", out);
	for (const struct exit_status *row = exit_statuses; row->status; row++) {
		fprintf(out, ".It %s\n", row->status);
		wax_mdoc_text(row->meaning, out);
	}
	fputs(".El\n", out);
}

static void print_examples(FILE *out)
{
	fputs(".Sh EXAMPLES\n.Bl -tag -width Ds\n", out);
	for (const struct wax_option_example *example = wax_option_examples; example->command;
			example++) {
		fputs(".It Li \"", out);
		wax_mdoc_name(example->command, out);
		fprintf(out, "\"\n");
		wax_mdoc_text(example->help, out);
	}
	fputs(".El\n", out);
}

int wax_options_print_man(FILE *out)
{
	wax_mdoc_begin("WAXRUN", out);
	fputs(front, out);
	print_options(out);
	print_environment(out);
	fputs(back, out);
	print_exit_statuses(out);
	print_examples(out);
	return ferror(out) ? -EIO : 0;
}
