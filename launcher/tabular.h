/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_TABULAR_H
#define LAUNCHER_TABULAR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <wax/base.h>

/**
 * Text in columns, each as wide as its widest cell. Cells are added one after the other, row by
 * row. Running out of memory leaves cells empty.
 */
struct wax_tabular {
	const char *columns; /* 'l' or 'r' for each: how it is aligned */
	char **cells;
	uint32_t cell_count;
	uint32_t capacity;
};

/** @param columns borrows until wax_tabular_fini; at most 16 */
void wax_tabular_init(struct wax_tabular *tabular, const char *columns);
void wax_tabular_fini(struct wax_tabular *tabular);

/** Add the next cell. */
void wax_tabular_add(struct wax_tabular *tabular, const char *fmt, ...) WAX_PRINTF(2, 3);

/**
 * Print the rows, none with blanks at its end.
 *
 * @param heading the first row is one
 * @param color   bold heading, dim units
 */
void wax_tabular_print(const struct wax_tabular *tabular, FILE *out, bool heading, bool color);

#endif
