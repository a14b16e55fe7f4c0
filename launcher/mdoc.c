/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/mdoc.h"

#include <stdbool.h>
#include <string.h>

#include <wax/base.h>

#define TEXT(number) #number
#define TEXT_OF(number) TEXT(number)
#define VERSION                                                                                    \
	TEXT_OF(WAX_VERSION_MAJOR) "." TEXT_OF(WAX_VERSION_MINOR) "." TEXT_OF(WAX_VERSION_PATCH)

void wax_mdoc_begin(const char *title, FILE *out)
{
	fprintf(out,
			".\\\" SPDX-License-Identifier: Apache-2.0\n"
			".Dd November 23, 2026\n"
			".Dt %s 1\n"
			".Os wax " VERSION "\n",
			title);
}

/* Dashes as ASCII minus signs, so that an option can be copied from the page. */
void wax_mdoc_name(const char *name, FILE *out)
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
void wax_mdoc_text(const char *text, FILE *out)
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

void wax_mdoc_phrase(const char *phrase, FILE *out)
{
	putc(phrase[0] >= 'a' && phrase[0] <= 'z' ? phrase[0] - 'a' + 'A' : phrase[0], out);
	fprintf(out, "%s.\n", phrase + 1);
}
