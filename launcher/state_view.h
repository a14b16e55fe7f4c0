/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_STATE_VIEW_H
#define LAUNCHER_STATE_VIEW_H

#include <stdint.h>

#include <wax/batch.h>
#include <wax/err.h>

#include "launcher/state_text.h"
#include "runtime/store.h"
#include "runtime/table.h"

/** An epoch of a recovery directory, to be looked at. What it lends lies in the mapped logs. */
struct wax_state_view {
	struct wax_store *store;
	struct wax_resume *resume;           /* of at least one generation */
	const struct wax_manifest *manifest; /* of the newest */
};

/**
 * @param epoch 0: the newest
 * @return 0; -ENOENT: there is no directory, no such epoch or none at all; what wax_store_resume says
 */
int wax_state_view_open(const char *path, uint64_t epoch, struct wax_state_view *ret_view,
		struct wax_err *err);
void wax_state_view_close(struct wax_state_view *view);

/** The step that keeps state of an id. @return NULL with a sentence: "did you mean ...?" */
const struct wax_manifest_step *wax_state_view_step(
		const struct wax_state_view *view, const char *id, struct wax_err *err);

/** What keys of a step are: asked, or else what the manifest says. */
enum wax_state_type wax_state_key_type(
		enum wax_state_type asked, const struct wax_manifest_step *step);

/** The keys of a step and their states. */
struct wax_state_keys {
	struct wax_table table; /* those that are gone, too */
	void **sorted;          /* entries of the table that are alive */
	uint64_t count;
	uint64_t bytes; /* of keys and states */
	enum wax_state_type type;
};

/**
 * Read them all: some 50 bytes of memory each, and the key.
 *
 * @param type      that they are sorted by
 * @param ret_keys  gives; release with wax_state_keys_fini
 * @return 0; -EBADMSG, -ENOMEM with a sentence
 */
int wax_state_keys_read(const struct wax_state_view *view, const struct wax_manifest_step *step,
		enum wax_state_type type, struct wax_state_keys *ret_keys, struct wax_err *err);
void wax_state_keys_fini(struct wax_state_keys *keys);

struct wax_bytes wax_state_keys_key(const struct wax_state_keys *keys, uint64_t index);
struct wax_bytes wax_state_keys_value(const struct wax_state_keys *keys, uint64_t index);

/** The state of one key, of which only the log of its worker is read.
 *  @return 1: written; 0: there is no such key; negative with a sentence */
int wax_state_view_get(const struct wax_state_view *view, const struct wax_manifest_step *step,
		struct wax_bytes key, struct wax_bytes *ret_value, struct wax_err *err);

/** Where a part of a source or sink was. */
struct wax_state_position {
	const struct wax_manifest_step *step;
	uint32_t instance; /* see struct wax_log_position */
	struct wax_bytes name;
	struct wax_bytes position;
};

/** All of them, by step, name and instance; gives *ret_positions, release with free. */
int wax_state_view_positions(const struct wax_state_view *view,
		struct wax_state_position **ret_positions, uint64_t *ret_count,
		struct wax_err *err);

#endif
