/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "launcher/options.h"
#include "launcher/options_table.h"

/*
 * Each script knows: the options; the words an option accepts; that --json takes a file; that FLOW
 * is a .so or .c file; and that anything behind "--" is the flow's, where files are the best guess.
 */

/* What may be offered as value: "auto core none", or "auto"; nothing where a file is wanted. */
static void print_words(const struct wax_option *option, FILE *out)
{
	const char *space = "";

	if (option->word) {
		fputs(option->word, out);
		space = " ";
	}
	for (const struct wax_choice *choice = option->choices; choice && choice->name; choice++) {
		fprintf(out, "%s%s", space, choice->name);
		space = " ";
	}
}

/* Text inside single quotes of zsh or fish; special are other characters to be escaped. */
static void print_quoted(const char *text, const char *special, const char *quote, FILE *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputs(quote, out);
		else if (strchr(special, *text))
			fprintf(out, "\\%c", *text);
		else
			putc(*text, out);
	}
}

/* A case of bash: "--bind|=--bind)". A value that may be left out counts behind "=" only. */
static void print_bash_case(const struct wax_option *option, FILE *out)
{
	if (!option->bare) {
		fprintf(out, "\t--%s|", option->name);
		if (option->letter != '\0')
			fprintf(out, "-%c|", option->letter);
	} else {
		putc('\t', out);
	}
	fprintf(out, "=--%s)\n", option->name);

	if (option->kind == WAX_OPTION_STRING) {
		fputs("\t\tcompopt -o filenames\n"
		      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n",
				out);
	} else {
		fputs("\t\tmapfile -t COMPREPLY < <(compgen -W '", out);
		print_words(option, out);
		fputs("' -- \"$cur\")\n", out);
	}
	fputs("\t\treturn ;;\n", out);
}

static void print_bash_options(FILE *out)
{
	for (const struct wax_option *option = wax_option_table; option->name; option++) {
		if (!wax_option_is_visible(option))
			continue;
		if (option->letter != '\0')
			fprintf(out, "\t\t\t-%c\n", option->letter);
		fprintf(out, "\t\t\t--%s\n", option->name);
	}
}

/* COMP_WORDS breaks words at "=", so "--graph=t" comes as three of them. */
static void print_bash(FILE *out)
{
	fputs("# bash completion for waxrun                              -*- shell-script -*-\n"
	      "\n"
	      "_waxrun()\n"
	      "{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	      "\tlocal assigned='' word\n"
	      "\n"
	      "\tCOMPREPLY=()\n"
	      "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD - 1}\"; do\n"
	      "\t\tif [[ $word == -- ]]; then\n"
	      "\t\t\tcompopt -o filenames\n"
	      "\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	      "\t\t\treturn\n"
	      "\t\tfi\n"
	      "\tdone\n"
	      "\n"
	      "\tif [[ $cur == = ]]; then\n"
	      "\t\tassigned='=' cur=''\n"
	      "\telif [[ $prev == = ]] && ((COMP_CWORD > 1)); then\n"
	      "\t\tassigned='=' prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	      "\tfi\n"
	      "\n"
	      "\tcase $assigned$prev in\n",
			out);
	for (const struct wax_option *option = wax_option_table; option->name; option++) {
		if (wax_option_is_visible(option) && option->argument)
			print_bash_case(option, out);
	}
	fputs("\tesac\n"
	      "\n"
	      "\tif [[ $cur == -* ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W '\n",
			out);
	print_bash_options(out);
	fputs("\t\t\t' -- \"$cur\")\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\n"
	      "\tcompopt -o filenames\n"
	      "\tmapfile -t COMPREPLY < <(\n"
	      "\t\tcompgen -d -- \"$cur\"\n"
	      "\t\tcompgen -f -X '!*.@(so|c)' -- \"$cur\"\n"
	      "\t)\n"
	      "}\n"
	      "\n"
	      "complete -F _waxrun waxrun\n",
			out);
}

/* The value as _arguments knows it: ":N|auto:(auto)", or "::FILE:_files" if it may be missing. */
static void print_zsh_value(const struct wax_option *option, FILE *out)
{
	if (!option->argument)
		return;

	fprintf(out, "%s%s:", option->bare ? "::" : ":", option->argument);
	if (option->kind == WAX_OPTION_STRING) {
		fputs("_files", out);
	} else if (option->word || option->choices) {
		putc('(', out);
		print_words(option, out);
		putc(')', out);
	}
}

/* '(-n --procs)'{-n+,--procs=}'[help]:N|auto:(auto)' */
static void print_zsh_option(const struct wax_option *option, FILE *out)
{
	const char *equals = option->bare ? "=-" : option->argument ? "=" : "";

	if (option->letter != '\0')
		fprintf(out, "\t'(-%c --%s)'{-%c%s,--%s%s}'[", option->letter, option->name,
				option->letter, option->argument ? "+" : "", option->name, equals);
	else
		fprintf(out, "\t'--%s%s[", option->name, equals);
	print_quoted(option->help, "[]:\\", "'\\''", out);
	putc(']', out);
	print_zsh_value(option, out);
	fputs("' \\\n", out);
}

static void print_zsh(FILE *out)
{
	fputs("#compdef waxrun\n"
	      "\n"
	      "_arguments -s -S \\\n",
			out);
	for (const struct wax_option *option = wax_option_table; option->name; option++) {
		if (wax_option_is_visible(option))
			print_zsh_option(option, out);
	}
	fputs("\t'1:flow:_files -g \"*.(so|c)\"' \\\n"
	      "\t'*:argument of the flow:_files'\n",
			out);
}

static void print_fish_option(const struct wax_option *option, FILE *out)
{
	fputs("complete -c waxrun -n __waxrun_is_in_front_of_arguments", out);
	if (option->letter != '\0')
		fprintf(out, " -s %c", option->letter);
	fprintf(out, " -l %s", option->name);

	/* -x: a value and no files; -f: perhaps a value, no files. */
	if (option->argument && option->kind != WAX_OPTION_STRING)
		fputs(option->bare ? " -f" : " -x", out);
	if (option->word || option->choices) {
		fputs(" -a '", out);
		print_words(option, out);
		putc('\'', out);
	}
	fputs(" -d '", out);
	print_quoted(option->help, "\\", "\\'", out);
	fputs("'\n", out);
}

static void print_fish(FILE *out)
{
	fputs("# fish completion for waxrun\n"
	      "\n"
	      "function __waxrun_is_in_front_of_arguments\n"
	      "\tnot contains -- -- (commandline -opc)\n"
	      "end\n"
	      "\n"
	      "complete -c waxrun -n __waxrun_is_in_front_of_arguments -k -x \\\n"
	      "\t-a '(__fish_complete_suffix .so .c)' -d flow\n",
			out);
	for (const struct wax_option *option = wax_option_table; option->name; option++) {
		if (wax_option_is_visible(option))
			print_fish_option(option, out);
	}
}

int wax_options_print_completion(enum wax_option_shell shell, FILE *out)
{
	switch (shell) {
	case WAX_OPTION_SHELL_BASH:
		print_bash(out);
		break;
	case WAX_OPTION_SHELL_ZSH:
		print_zsh(out);
		break;
	case WAX_OPTION_SHELL_FISH:
		print_fish(out);
		break;
	case WAX_OPTION_SHELL_NONE:
		return -EINVAL;
	}
	return ferror(out) ? -EIO : 0;
}
