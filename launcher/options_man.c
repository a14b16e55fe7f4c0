/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <wax/base.h>

#include "launcher/options.h"
#include "launcher/options_table.h"

/*
 * mdoc(7) is line oriented: a line that begins with a dot is a macro, any other is text. Text from
 * the table goes through print_text, names through print_name, so nothing in them is mistaken.
 */

#define TEXT(number) #number
#define TEXT_OF(number) TEXT(number)
#define VERSION                                                                                    \
	TEXT_OF(WAX_VERSION_MAJOR) "." TEXT_OF(WAX_VERSION_MINOR) "." TEXT_OF(WAX_VERSION_PATCH)

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
		".Dt WAXRUN 1\n"
		".Os wax " VERSION "\n"
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

/* Dashes as ASCII minus signs, so that an option can be copied from the page. */
static void print_name(const char *name, FILE *out)
{
	for (; *name != '\0'; name++) {
		if (*name == '-')
			putc('\\', out);
		putc(*name, out);
	}
}

/* Where lines of text are broken; mandoc -T lint asks for less than 80 letters. */
#define LINE_MAX_LETTERS 76

/* May the blank at p become a line end? Nothing that looks like a macro may begin a line. */
static bool breaks_line(const char *text, const char *p, int column)
{
	if (p == text || p[1] == '.' || p[1] == '\'')
		return false;
	return p[-1] == '.' || column + 1 + (int)strcspn(p + 1, " ") > LINE_MAX_LETTERS;
}

/* A minus sign for what is a dash of an option, not a hyphen. */
static void print_letter(const char *text, const char *p, FILE *out)
{
	bool starts_word = p == text || strchr(" -\"", p[-1]);

	if (*p == '\\')
		fputs("\\e", out);
	else if (*p == '-' && (starts_word || p[1] == '-'))
		fputs("\\-", out);
	else
		putc(*p, out);
}

/* One sentence a line, and long ones on several. */
static void print_text(const char *text, FILE *out)
{
	int column = 0;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == ' ' && breaks_line(text, p, column)) {
			putc('\n', out);
			column = 0;
		} else {
			print_letter(text, p, out);
			column++;
		}
	}
	putc('\n', out);
}

static void print_heading(const struct wax_option *option, FILE *out)
{
	fputs(".It ", out);
	if (option->letter != '\0' && option->argument)
		fprintf(out, "Fl %c Ar %s , ", option->letter, option->argument);
	else if (option->letter != '\0')
		fprintf(out, "Fl %c , ", option->letter);

	fputs("Fl \\-", out);
	print_name(option->name, out);
	if (option->argument && option->bare)
		fprintf(out, " Ns Op = Ns Ar %s", option->argument);
	else if (option->argument)
		fprintf(out, " Ar %s", option->argument);
	putc('\n', out);
}

static void print_option(const struct wax_option *option, FILE *out)
{
	print_heading(option, out);
	if (option->more) {
		print_text(option->more, out);
	} else {
		/* The line of --help, made a sentence. */
		putc(option->help[0] - 'a' + 'A', out);
		fprintf(out, "%s.\n", option->help + 1);
	}
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
		print_name(option->name, out);
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
		print_text(row->meaning, out);
	}
	fputs(".El\n", out);
}

static void print_examples(FILE *out)
{
	fputs(".Sh EXAMPLES\n.Bl -tag -width Ds\n", out);
	for (const struct wax_option_example *example = wax_option_examples; example->command;
			example++) {
		fputs(".It Li \"", out);
		print_name(example->command, out);
		fprintf(out, "\"\n");
		print_text(example->help, out);
	}
	fputs(".El\n", out);
}

int wax_options_print_man(FILE *out)
{
	fputs(".\\\" SPDX-License-Identifier: Apache-2.0\n"
	      ".Dd November 23, 2026\n",
			out);
	fputs(front, out);
	print_options(out);
	print_environment(out);
	fputs(back, out);
	print_exit_statuses(out);
	print_examples(out);
	return ferror(out) ? -EIO : 0;
}
