/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "launcher/program.h"

/*
 * Each script knows: the options; the words an option accepts; that --json takes a file; the verbs,
 * and that directories follow them; or that FLOW is a .so or .c file; and that anything behind "--"
 * is the flow's, where files are the best guess.
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

static void print_bash_options(const struct wax_program *program, FILE *out)
{
	fputs("\tif [[ $cur == -* ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W '\n",
			out);
	for (const struct wax_option *option = program->options; option->name; option++) {
		if (option->hidden)
			continue;
		if (option->letter != '\0')
			fprintf(out, "\t\t\t-%c\n", option->letter);
		fprintf(out, "\t\t\t--%s\n", option->name);
	}
	fputs("\t\t\t' -- \"$cur\")\n"
	      "\t\treturn\n"
	      "\tfi\n\n",
			out);
}

/* ---- Verbs: the first word, and the second behind it */

static bool is_first_of_topic(const struct wax_program *program, const struct wax_verb *verb)
{
	return verb == program->verbs ||
			strncmp(verb->words, verb[-1].words, strcspn(verb->words, " ") + 1) != 0;
}

static void print_topics(const struct wax_program *program, FILE *out)
{
	const char *space = "";

	for (const struct wax_verb *verb = program->verbs; verb->words; verb++) {
		if (!is_first_of_topic(program, verb))
			continue;
		fprintf(out, "%s%.*s", space, (int)strcspn(verb->words, " "), verb->words);
		space = " ";
	}
}

/* The second words of all verbs that begin as this one, which is the first of them. */
static void print_second_words(
		const struct wax_program *program, const struct wax_verb *first, FILE *out)
{
	const char *space = "";

	for (const struct wax_verb *verb = first; verb->words; verb++) {
		const char *second = strchr(verb->words, ' ');

		if (verb != first && is_first_of_topic(program, verb))
			break;
		if (second)
			fprintf(out, "%s%s", space, second + 1);
		space = " ";
	}
}

/* Verbs stand in front of everything else; behind them there are directories. */
static void print_bash_verbs(const struct wax_program *program, FILE *out)
{
	fputs("\tcase $COMP_CWORD-${COMP_WORDS[1]} in\n"
	      "\t1-*)\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W '",
			out);
	print_topics(program, out);
	fputs("' -- \"$cur\")\n"
	      "\t\treturn ;;\n",
			out);
	for (const struct wax_verb *verb = program->verbs; verb->words; verb++) {
		if (!is_first_of_topic(program, verb))
			continue;
		fprintf(out,
				"\t2-%.*s)\n"
				"\t\tmapfile -t COMPREPLY < <(compgen -W '",
				(int)strcspn(verb->words, " "), verb->words);
		print_second_words(program, verb, out);
		fputs("' -- \"$cur\")\n"
		      "\t\treturn ;;\n",
				out);
	}
	fputs("\tesac\n"
	      "\n"
	      "\tcompopt -o filenames\n"
	      "\tmapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n",
			out);
}

static void print_bash_rest(FILE *out)
{
	fputs("\tlocal word\n"
	      "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD - 1}\"; do\n"
	      "\t\tif [[ $word == -- ]]; then\n"
	      "\t\t\tcompopt -o filenames\n"
	      "\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	      "\t\t\treturn\n"
	      "\t\tfi\n"
	      "\tdone\n"
	      "\n",
			out);
}

static void print_bash_operand(const struct wax_program *program, FILE *out)
{
	fprintf(out,
			"\tcompopt -o filenames\n"
			"\tmapfile -t COMPREPLY < <(\n"
			"\t\tcompgen -d -- \"$cur\"\n"
			"\t\tcompgen -f -X '!*.@%s' -- \"$cur\"\n"
			"\t)\n",
			program->operand_suffix);
}

/* COMP_WORDS breaks words at "=", so "--graph=t" comes as three of them. */
static void print_bash(const struct wax_program *program, FILE *out)
{
	fprintf(out,
			"# bash completion for %s                              -*- shell-script "
			"-*-\n"
			"\n"
			"_%s()\n"
			"{\n"
			"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
			"\tlocal assigned=''\n"
			"\n"
			"\tCOMPREPLY=()\n",
			program->name, program->name);
	if (program->rest)
		print_bash_rest(out);
	fputs("\tif [[ $cur == = ]]; then\n"
	      "\t\tassigned='=' cur=''\n"
	      "\telif [[ $prev == = ]] && ((COMP_CWORD > 1)); then\n"
	      "\t\tassigned='=' prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	      "\tfi\n"
	      "\n"
	      "\tcase $assigned$prev in\n",
			out);
	for (const struct wax_option *option = program->options; option->name; option++) {
		if (!option->hidden && option->argument)
			print_bash_case(option, out);
	}
	fputs("\tesac\n\n", out);
	print_bash_options(program, out);
	if (program->verbs)
		print_bash_verbs(program, out);
	else
		print_bash_operand(program, out);
	fprintf(out,
			"}\n"
			"\n"
			"complete -F _%s %s\n",
			program->name, program->name);
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

static void print_zsh_verbs(const struct wax_program *program, FILE *out)
{
	fputs("\t'1:verb:(", out);
	print_topics(program, out);
	fputs(")' \\\n"
	      "\t'2:verb:{ case $words[2] in ",
			out);
	for (const struct wax_verb *verb = program->verbs; verb->words; verb++) {
		if (!is_first_of_topic(program, verb))
			continue;
		fprintf(out, "%.*s) compadd ", (int)strcspn(verb->words, " "), verb->words);
		print_second_words(program, verb, out);
		fputs(" ;; ", out);
	}
	fputs("esac }' \\\n"
	      "\t'*:directory:_files -/'\n",
			out);
}

static void print_zsh(const struct wax_program *program, FILE *out)
{
	fprintf(out,
			"#compdef %s\n"
			"\n"
			"_arguments -s -S \\\n",
			program->name);
	for (const struct wax_option *option = program->options; option->name; option++) {
		if (!option->hidden)
			print_zsh_option(option, out);
	}
	if (program->verbs)
		print_zsh_verbs(program, out);
	else
		fprintf(out,
				"\t'1:%s:_files -g \"*.%s\"' \\\n"
				"\t'*:%s:_files'\n",
				program->operand, program->operand_suffix, program->rest);
}

static void print_fish_option(
		const struct wax_program *program, const struct wax_option *option, FILE *out)
{
	fprintf(out, "complete -c %s", program->name);
	if (program->rest)
		fprintf(out, " -n __%s_is_in_front_of_arguments", program->name);
	if (option->letter != '\0')
		fprintf(out, " -s %c", option->letter);
	fprintf(out, " -l %s", option->name);

	/* -x: a value and no files; -f: perhaps a value, no files; -rF: a value that is a file. */
	if (option->argument && option->kind != WAX_OPTION_STRING)
		fputs(option->bare ? " -f" : " -x", out);
	else if (option->argument && !option->bare)
		fputs(" -rF", out);
	if (option->word || option->choices) {
		fputs(" -a '", out);
		print_words(option, out);
		putc('\'', out);
	}
	fputs(" -d '", out);
	print_quoted(option->help, "\\", "\\'", out);
	fputs("'\n", out);
}

static void print_fish_operand(const struct wax_program *program, FILE *out)
{
	fprintf(out,
			"function __%s_is_in_front_of_arguments\n"
			"\tnot contains -- -- (commandline -opc)\n"
			"end\n"
			"\n"
			"complete -c %s -n __%s_is_in_front_of_arguments -k -x \\\n"
			"\t-a '(__fish_complete_suffix .so .c)' -d %s\n",
			program->name, program->name, program->name, program->operand);
}

static void print_fish_verbs(const struct wax_program *program, FILE *out)
{
	fprintf(out, "complete -c %s -n __fish_is_first_token -x -a '", program->name);
	print_topics(program, out);
	fputs("'\n", out);
	for (const struct wax_verb *verb = program->verbs; verb->words; verb++) {
		if (!is_first_of_topic(program, verb))
			continue;
		fprintf(out,
				"complete -c %s -n 'test (count (commandline -opc)) = 2; and "
				"contains %.*s (commandline -opc)' -x -a '",
				program->name, (int)strcspn(verb->words, " "), verb->words);
		print_second_words(program, verb, out);
		fputs("'\n", out);
	}
	fprintf(out,
			"complete -c %s -n 'test (count (commandline -opc)) -gt 2' -x -a "
			"'(__fish_complete_directories)'\n",
			program->name);
}

static void print_fish(const struct wax_program *program, FILE *out)
{
	fprintf(out, "# fish completion for %s\n\n", program->name);
	if (program->verbs)
		print_fish_verbs(program, out);
	else
		print_fish_operand(program, out);
	for (const struct wax_option *option = program->options; option->name; option++) {
		if (!option->hidden)
			print_fish_option(program, option, out);
	}
}

int wax_program_print_completion(
		const struct wax_program *program, enum wax_option_shell shell, FILE *out)
{
	switch (shell) {
	case WAX_OPTION_SHELL_BASH:
		print_bash(program, out);
		break;
	case WAX_OPTION_SHELL_ZSH:
		print_zsh(program, out);
		break;
	case WAX_OPTION_SHELL_FISH:
		print_fish(program, out);
		break;
	case WAX_OPTION_SHELL_NONE:
		return -EINVAL;
	}
	return ferror(out) ? -EIO : 0;
}
