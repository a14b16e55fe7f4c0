/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "launcher/options.h"
#include "launcher/options_table.h"

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

static void print_group(enum wax_option_group group, FILE *out)
{
	fprintf(out, "\n%s:\n", wax_option_group_names[group]);
	for (const struct wax_option *option = wax_option_table; option->name; option++) {
		if (option->group != group)
			continue;
		print_names(option, out);
		fputs(option->help, out);
		if (option->initial)
			fprintf(out, " [%s]", option->initial);
		putc('\n', out);
	}
}

int wax_options_print_help(FILE *out)
{
	fputs("Usage: waxrun [OPTIONS] FLOW.so|FLOW.c [-- ARGUMENTS OF THE FLOW]\n"
	      "Run a dataflow on the cores of this host.\n\n",
			out);
	for (const struct wax_option_example *example = wax_option_examples; example->command;
			example++)
		fprintf(out, "  %-*s%s\n", HELP_COLUMN + 4, example->command, example->help);

	for (int group = 0; group < WAX_OPTION_GROUP_HIDDEN; group++)
		print_group((enum wax_option_group)group, out);

	fputs("\nDUR is a number and its unit: 250ms, 1.5s, 2m. SIZE: 64K, 512KiB, 4G.\n"
	      "Each option but the last two can come from the environment: --procs from\n"
	      "WAX_PROCS, --drain-timeout from WAX_DRAIN_TIMEOUT. The command line goes first.\n"
	      "The flow lists its own arguments: waxrun FLOW.so -- --help\n",
			out);
	return ferror(out) ? -EIO : 0;
}
