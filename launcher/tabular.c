/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/tabular.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/assert.h"

enum { COLUMNS_MAX = 16 };

void wax_tabular_init(struct wax_tabular *tabular, const char *columns)
{
	WAX_ASSERT(strlen(columns) <= COLUMNS_MAX);
	*tabular = (struct wax_tabular){.columns = columns};
}

void wax_tabular_fini(struct wax_tabular *tabular)
{
	for (uint32_t i = 0; i < tabular->cell_count; i++)
		free(tabular->cells[i]);
	free(tabular->cells);
	*tabular = (struct wax_tabular){0};
}

void wax_tabular_add(struct wax_tabular *tabular, const char *fmt, ...)
{
	va_list args;

	if (tabular->cell_count == tabular->capacity) {
		uint32_t capacity = tabular->capacity ? tabular->capacity * 2 : 64;
		char **cells = realloc(tabular->cells, capacity * sizeof(*cells));

		if (!cells)
			return;
		tabular->cells = cells;
		tabular->capacity = capacity;
	}

	char **cell = &tabular->cells[tabular->cell_count++];

	va_start(args, fmt);
	if (vasprintf(cell, fmt, args) < 0)
		*cell = NULL;
	va_end(args);
}

static const char *cell_text(const struct wax_tabular *tabular, uint32_t index)
{
	return tabular->cells[index] ? tabular->cells[index] : "";
}

/* How wide it is on a terminal, if its letters are of one column each. */
static uint32_t width_of(const char *text)
{
	uint32_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* "64MiB": the number as it is, its unit dim. */
static void print_number(FILE *out, const char *text)
{
	size_t bytes = strlen(text), digits = bytes;

	while (digits > 0 && !strchr("0123456789", text[digits - 1]))
		digits--;
	if (digits == 0 || digits == bytes)
		fputs(text, out);
	else
		fprintf(out, "%.*s\033[2m%s\033[0m", (int)digits, text, text + digits);
}

static void print_cell(FILE *out, const char *text, char align, bool heading, bool color)
{
	if (color && heading && *text)
		fprintf(out, "\033[1m%s\033[0m", text);
	else if (color && align == 'r')
		print_number(out, text);
	else
		fputs(text, out);
}

static void print_row(const struct wax_tabular *tabular, uint32_t first, const uint32_t *widths,
		FILE *out, bool heading, bool color)
{
	uint32_t owed = 0; /* blanks that are printed when something follows */

	for (uint32_t i = 0; tabular->columns[i]; i++) {
		const char *text = first + i < tabular->cell_count ? cell_text(tabular, first + i)
								   : "";
		uint32_t width = width_of(text), pad = widths[i] - width;
		bool right = tabular->columns[i] == 'r';

		if (right)
			owed += pad;
		if (width > 0) {
			fprintf(out, "%*s", (int)owed, "");
			print_cell(out, text, tabular->columns[i], heading, color);
			owed = 0;
		}
		owed += (right ? 0 : pad) + 2;
	}
	fputc('\n', out);
}

void wax_tabular_print(const struct wax_tabular *tabular, FILE *out, bool heading, bool color)
{
	uint32_t column_count = (uint32_t)strlen(tabular->columns);
	uint32_t widths[COLUMNS_MAX] = {0};

	for (uint32_t i = 0; i < tabular->cell_count; i++) {
		uint32_t width = width_of(cell_text(tabular, i));

		if (width > widths[i % column_count])
			widths[i % column_count] = width;
	}
	for (uint32_t first = 0; first < tabular->cell_count; first += column_count)
		print_row(tabular, first, widths, out, heading && first == 0, color);
}
