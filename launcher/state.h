/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_STATE_H
#define LAUNCHER_STATE_H

#include <stdio.h>

#include <wax/err.h>

#include "launcher/state_view.h"
#include "launcher/wax_options.h"

/**
 * The verbs of wax about state. Each prints its result to `out` and gives the exit status; what went
 * wrong is a sentence in *err. Whether `out` took it all is asked at the end, by main.
 */
int wax_state_ls(const struct wax_tool_options *options, FILE *out, struct wax_err *err);
int wax_state_get(const struct wax_tool_options *options, FILE *out, struct wax_err *err);
int wax_state_export(const struct wax_tool_options *options, FILE *out, struct wax_err *err);
int wax_state_diff(const struct wax_tool_options *options, FILE *out, struct wax_err *err);
int wax_state_repair(const struct wax_tool_options *options, FILE *out, struct wax_err *err);

/** The exit status of a failure. @param code negative errno */
int wax_state_status(int code);

/** Begin an object: `type` and `schema`, as in docs/reference/wax-state.md. */
void wax_state_begin_json(struct wax_json *json, FILE *out, const char *type);

/** End it and its line, which is not flushed: there may be millions. */
void wax_state_end_json(struct wax_json *json);

/** "state", "source" or "sink". */
const char *wax_state_role(const struct wax_manifest_step *step);

/** Members of an object: a position. @param type of what it is at */
void wax_state_add_position(struct wax_json *json, const struct wax_state_position *position,
		enum wax_state_type type);

/** Where an export goes: step by step all keys, then positions. */
struct wax_state_writer {
	int (*step)(struct wax_state_writer *writer, const struct wax_manifest_step *step,
			struct wax_err *err);
	int (*entry)(struct wax_state_writer *writer, const struct wax_manifest_step *step,
			struct wax_bytes key, struct wax_bytes value, struct wax_err *err);
	int (*position)(struct wax_state_writer *writer, const struct wax_state_position *position,
			struct wax_err *err);
	/** It is complete. @return 0; -EIO and the like */
	int (*finish)(struct wax_state_writer *writer, struct wax_err *err);
	/** In any case. */
	void (*close)(struct wax_state_writer *writer);

	const struct wax_tool_options *options;
	void *context;
};

/** A database in options->out_path, an empty file, in one transaction. @return 0; -ENOSYS: built without SQLite */
int wax_state_open_sqlite(const struct wax_tool_options *options,
		struct wax_state_writer *ret_writer, struct wax_err *err);

#endif
