/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_STORE_H
#define RUNTIME_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/err.h>

#include "runtime/log_scan.h"
#include "runtime/manifest.h"

/*
 * A recovery directory:
 *
 *     lock                  held while a run uses it; says by whom
 *     gen-00000001/         a generation: what one run has saved
 *         manifest
 *         worker-00000.000001 ...    segments of the logs
 *
 * A run writes into a generation of its own and never changes another. What it began from is named
 * in its manifest (generation and epoch), and stays as long as anything of it is needed: until each
 * worker's log has been over all of its state once. So a run goes on as soon as the state is in
 * memory, and a run that dies early costs nothing but a link more in the chain.
 *
 * An epoch is committed when it is whole in the logs of all workers; nothing else says so.
 */
struct wax_store;

/**
 * @param create     make it when it is missing (0700)
 * @param lock       false: only to look at it
 * @param ret_store  gives; release with wax_store_close
 * @return 0; -EBUSY: another run has it, whose pid the sentence names; -ENOENT, -EACCES, -ENOTDIR ...
 */
int wax_store_open(const char *path, bool create, bool lock, struct wax_store **ret_store,
		struct wax_err *err);
/** In a forked child: the lock stays the parent's. */
void wax_store_close(struct wax_store *store);

/** A generation that a run goes on from, or that is looked at. */
struct wax_store_generation {
	uint64_t number;
	struct wax_manifest manifest;
	struct wax_log_scan *scans; /* of each of its workers */
	uint64_t *bases;            /* the same, what its END of epoch_last calls base */
	uint64_t epoch_first;       /* the last committed one before it, + 1 */
	uint64_t epoch_last;        /* the last that is taken; less than epoch_first: none */
	char path[512];
};

/** What a run goes on from. */
struct wax_resume {
	uint64_t epoch;                           /* 0: from nothing */
	struct wax_store_generation *generations; /* newest first; read in this order, each from its
						   * epoch_last backwards to what its END calls base */
	uint32_t generation_count;
};

/**
 * Find the newest committed epoch, or a certain one, and the generations that it needs. Payloads of
 * the last epoch are checked where only they tell whether it is whole.
 *
 * @param epoch      0: the newest; UINT64_MAX: begin from nothing
 * @param ret_resume gives; release with wax_resume_free. Mappings are inherited by fork.
 * @return 0; -EBADMSG damaged, -ENOENT there is no such epoch (the sentence says which there are),
 *         -EPROTO of another version, -ENOMEM, ...: nothing is known of the directory
 */
int wax_store_resume(struct wax_store *store, uint64_t epoch, struct wax_resume **ret_resume,
		struct wax_err *err);
void wax_resume_free(struct wax_resume *resume);

/** Numbers of the generations, newest first; gives *ret_numbers, release with free. */
int wax_store_list(struct wax_store *store, uint64_t **ret_numbers, uint32_t *ret_count,
		struct wax_err *err);

/**
 * Look at one generation by itself: epoch_last is the last that it has committed, bases is not
 * filled. A generation without manifest is one that a run died in while it began, if there is no
 * segment either.
 *
 * @param ret_generation gives; release with wax_store_generation_fini
 * @return 0; 1: begun, and nothing is there; -EBADMSG damaged, -EPROTO of another version, ...
 */
int wax_store_look(struct wax_store *store, uint64_t number,
		struct wax_store_generation *ret_generation, struct wax_err *err);
void wax_store_generation_fini(struct wax_store_generation *generation);

/** The epochs that could be gone on from, ascending; gives *ret_epochs, release with free. */
int wax_store_epochs(struct wax_store *store, uint64_t **ret_epochs, uint32_t *ret_count,
		struct wax_err *err);

/**
 * Begin a generation, which is the current one from now on: directory and manifest, both durable. Fills in generation, from_generation and
 * from_epoch of the manifest. Removes generations that nobody needs: those that do not lead to
 * `resume` and have not committed anything (with resume from nothing: all others).
 *
 * @param ret_dir  gives a descriptor
 * @param path     written: of the generation, 512 bytes
 */
int wax_store_begin(struct wax_store *store, const struct wax_resume *resume,
		struct wax_manifest *manifest, int *ret_dir, char *path, struct wax_err *err);

/** Remove segments of the current generation of a worker before one; those that are gone already do
 *  not matter. */
void wax_store_drop_segments(struct wax_store *store, uint32_t worker, uint64_t before);
/** Remove all generations but the current one. */
void wax_store_drop_others(struct wax_store *store);

/** Bytes of all files in the directory. */
uint64_t wax_store_bytes(struct wax_store *store);

#endif
