/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_COMPILE_H
#define LAUNCHER_COMPILE_H

#include <stdbool.h>

#include <wax/err.h>

/*
 * `waxrun flow.c`: a flow given as source is compiled first, with $CC or cc, or $CXX or c++, for
 * this machine, and linked with the library that is running. The result has no name in the file
 * system: it is a memfd, so nothing is left behind and a /tmp mounted noexec does not matter.
 */

/** A shared object that wax_compile made. */
struct wax_compiled {
	int fd;
	char path[32]; /* for dlopen(3), as long as fd is open */
};

/** What to compile with. All zero: what this process runs with. All borrowed until return. */
struct wax_compile_env {
	char *const *environment; /* CC, CXX, WAX_CFLAGS, TMPDIR, PATH; NULL: environ(7) */
	const char *library;      /* path of libwax.so; NULL: the one that is loaded */
};

/** Is this a source to compile: does it end in .c, .cc, .cpp or .cxx? */
bool wax_compile_wants(const char *path);

/**
 * Compile a flow to a shared object. The compiler's messages go to standard error as they are.
 * SIGINT, SIGTERM and SIGHUP of this process wait until the compiler has ended, so that its files
 * are removed; called before there are other threads.
 *
 * @param path         of the source; borrows until return
 * @param env          NULL is all zero
 * @param ret_compiled written on success; release with wax_compiled_close when it is loaded
 * @return 0, or negative with a sentence: exit status 2
 *               -ENOENT   no such source, compiler or headers
 *               -EBADMSG  the compiler was not content
 *               negative errno of what else failed
 */
int wax_compile(const char *path, const struct wax_compile_env *env,
		struct wax_compiled *ret_compiled, struct wax_err *err);

/** Release; what is loaded stays loaded. */
void wax_compiled_close(struct wax_compiled *compiled);

#endif
