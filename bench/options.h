/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdio.h>

/** The command line of waxbench: one table, which getopt, help and the manual page read. */

/**
 * Fill in `bench` from the command line. A value that cannot be ends the program with one sentence
 * and exit status 2.
 *
 * @return the index in argv of the first operand
 */
int options_parse(int argc, char **argv);

/** The options, a line each, for --help. */
void options_print_help(void);

/** The options as items of a list of mdoc(7), for --print-man. */
void options_print_man(FILE *out);

#endif
