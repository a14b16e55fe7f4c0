/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_MANIFEST_H
#define RUNTIME_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include <wax/err.h>

/*
 * What a generation of a recovery directory was written by and for: a small text file, a line each
 * for the run, what it began from, and each step that has something saved. The last line is the XXH3
 * of those before it.
 *
 *     wax-recovery 1
 *     flow wordcount
 *     run 5f0c3a9d2b71e804
 *     workers 2
 *     hash 1 0
 *     generation 3
 *     from 2 17
 *     step 4 state 1 0 8 count_final text wordcount.count.final
 *     step 0 source 1 0 0 file_lines - wordcount.lines
 *     sum 0123456789abcdef
 */

enum wax_manifest_role {
	WAX_MANIFEST_STATE,
	WAX_MANIFEST_SOURCE,
	WAX_MANIFEST_SINK,
};

struct wax_manifest_step {
	uint32_t index; /* as frames and positions name it */
	enum wax_manifest_role role;
	uint32_t version;     /* of the state, as the flow says; 1 at first */
	uint32_t key_bytes;   /* 0: any length */
	uint32_t value_bytes; /* as in struct wax_log_head */
	const char *kind;     /* of the operator or connector; one word */
	const char *key;      /* name of the key's type, blanks as "_"; "-": none */
	const char *id;       /* to the end of the line */
};

struct wax_manifest {
	const char *flow;
	uint64_t run; /* a random number that its segments repeat */
	uint32_t worker_count;
	uint32_t hash_version;
	uint64_t hash_seed;
	uint64_t generation;
	uint64_t from_generation; /* 0: from nothing */
	uint64_t from_epoch;      /* the last that it took over; its own begin behind */
	struct wax_manifest_step *steps;
	uint32_t step_count;
	char *text; /* that strings point into; NULL: they are borrowed */
};

/** @param ret_text gives; release with free @return its length; -ENOMEM */
int wax_manifest_print(const struct wax_manifest *manifest, char **ret_text, struct wax_err *err);

/** @param text borrows until return @param name of the file, for sentences
 *  @return 0; -EBADMSG: damaged; -EPROTO: of a version that this program does not read; -ENOMEM */
int wax_manifest_parse(const char *text, size_t text_bytes, const char *name,
		struct wax_manifest *ret_manifest, struct wax_err *err);
void wax_manifest_free(struct wax_manifest *manifest);

/** The step of an id and role, or NULL. */
const struct wax_manifest_step *wax_manifest_find(
		const struct wax_manifest *manifest, const char *id, enum wax_manifest_role role);

/**
 * Does what was saved fit a flow?
 *
 * @param saved what the directory says
 * @param now   what the flow says
 * @return 0; -EPROTO with a sentence of one line for each difference, joined by "\n": what was
 *         saved of a step that is no more, other versions, sizes, kinds, other hash. New steps, and
 *         another number of workers, are no difference.
 */
int wax_manifest_compare(const struct wax_manifest *saved, const struct wax_manifest *now,
		struct wax_err *err);

#endif
