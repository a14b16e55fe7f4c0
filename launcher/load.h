/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_LOAD_H
#define LAUNCHER_LOAD_H

#include <wax/err.h>
#include <wax/flow.h>

/**
 * Load the shared object of a flow. It stays loaded until the process ends.
 *
 * @param path      a file, never looked for in library directories
 * @param name      what sentences call it: the path that the user gave
 * @param ret_entry lends; what WAX_FLOW made, unchecked
 * @return 0; -ENOENT, -EACCES, -EISDIR: no such file; -EINVAL: it is no flow
 */
int wax_load_flow(const char *path, const char *name, const struct wax_flow_entry **ret_entry,
		struct wax_err *err);

#endif
