/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONNECTORS_LINE_SINK_H
#define CONNECTORS_LINE_SINK_H

#include <stdint.h>

#include <wax/connector.h>

/*
 * What the sinks of lines share: a part of theirs is a writer on a file, and these are its
 * callbacks for struct wax_sink_ops.
 */

/**
 * Begin to write a file: made or emptied, or cut to what was saved.
 *
 * @param path  copied
 * @param saved what wax_line_position gave; data NULL: begin anew
 * @return 0, or a negative errno with a sentence
 */
int wax_line_open(struct wax_env *env, const char *path, struct wax_bytes saved, void **ret_part,
		struct wax_err *err);

int wax_line_write(void *part, const struct wax_batch *batch, struct wax_err *err);
int wax_line_flush(void *part, struct wax_err *err);
/** Until the file has all lines given so far on the disk; those of the next epoch are taken
 *  meanwhile. */
int wax_line_prepare(void *part, uint64_t epoch, struct wax_err *err);
/** The length that the file has with all lines given so far. */
struct wax_bytes wax_line_position(void *part);
int wax_line_close(void *part, int ok, struct wax_err *err);

#endif
