/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_STREAMS_H
#define LAUNCHER_STREAMS_H

/** The standard streams at the beginning and at the end of a program. */

/** What is opened later must not become descriptor 0, 1 or 2: one that is closed is held by a
 *  descriptor that can neither be read nor written, so that it stays an error for those who try. */
void wax_streams_hold(void);

/**
 * What was printed to standard output is out, or standard error and the exit status say that it is
 * not.
 *
 * @param program name, for the sentence
 * @param status  what the program would end with
 * @return what it is to end with
 */
int wax_streams_finish(const char *program, int status);

#endif
