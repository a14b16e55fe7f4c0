/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/load.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef const struct wax_flow_entry *entry_fn(void);

int wax_load_flow(const char *path, const char *name, const struct wax_flow_entry **ret_entry,
		struct wax_err *err)
{
	struct stat status;
	if (stat(path, &status) < 0 || access(path, R_OK) < 0)
		return wax_err_set(err, -errno, "flow '%s': %m", name);
	if (S_ISDIR(status.st_mode))
		return wax_err_set(err, -EISDIR, "flow '%s' is a directory", name);

	/* Without a slash dlopen would search the library directories. */
	char file[4096];
	int bytes = snprintf(file, sizeof(file), "%s%s", strchr(path, '/') ? "" : "./", path);
	if (bytes < 0 || (size_t)bytes >= sizeof(file))
		return wax_err_set(err, -ENAMETOOLONG, "flow '%s': the path is too long", name);
	void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		return wax_err_set(err, -EINVAL, "flow '%s' cannot be loaded: %s", name, dlerror());

	entry_fn *entry = (entry_fn *)dlsym(object, "wax_flow_entry");
	if (!entry) {
		dlclose(object);
		return wax_err_set(err, -EINVAL,
				"'%s' is no flow: it exports no wax_flow_entry, which WAX_FLOW makes",
				name);
	}
	*ret_entry = entry();
	return 0;
}
