/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_MDOC_H
#define LAUNCHER_MDOC_H

#include <stdio.h>

/**
 * Manual pages as mdoc(7), which is line oriented: a line that begins with a dot is a macro, any
 * other is text. What comes from tables goes through these, so nothing in it is mistaken.
 */

/** The first lines of a page: licence, date, title (WAXRUN) and system. */
void wax_mdoc_begin(const char *title, FILE *out);

/** A name that a reader may copy: its dashes are minus signs. */
void wax_mdoc_name(const char *name, FILE *out);

/** Sentences: each begins a line, and long ones take several. Ends with a newline. */
void wax_mdoc_text(const char *text, FILE *out);

/** A line of --help, which has no capital and no full stop, made a sentence. */
void wax_mdoc_phrase(const char *phrase, FILE *out);

#endif
