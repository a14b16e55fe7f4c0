/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_STORE_PRIVATE_H
#define RUNTIME_STORE_PRIVATE_H

#include "runtime/store.h"

/* Between store.c (the directory) and store_resume.c (what its generations hold). */

enum { WAX_STORE_PATH_BYTES = 512 };

struct wax_store {
	/* Leaves room for the names of a generation and a segment behind it. */
	char path[WAX_STORE_PATH_BYTES - 96];
	int dir;
	int lock; /* -1: only looked at */
	/* The generation that this run writes; 0: none yet. */
	uint64_t current;
	int current_dir;
	uint32_t worker_count;
	uint64_t *segments; /* of each worker: the first that may still be there */
};

#define WAX_STORE_MANIFEST "manifest"
#define WAX_STORE_SEGMENT "worker-" /* what names of segments begin with */

/** "gen-00000001", by value. */
struct wax_store_name {
	char text[32];
};
struct wax_store_name wax_store_name(uint64_t generation);

/** Visit each entry of a folder below a descriptor, but "." and "..". @return 0 or negative errno */
int wax_store_each(int dir, const char *name,
		void (*visit)(void *context, int dir, const char *name), void *context);

/** Has it committed nothing, for certain? */
bool wax_store_is_dead(struct wax_store *store, uint64_t generation);

#endif
