/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "launcher/state.h"

/* Stands for state_sqlite.c where SQLite was not there. */
int wax_state_open_sqlite(const struct wax_tool_options *options,
		struct wax_state_writer *ret_writer, struct wax_err *err)
{
	(void)options;
	(void)ret_writer;
	return wax_err_set(err, -ENOSYS,
			"this wax was built without SQLite: install libsqlite3-dev and build it "
			"with "
			"-Dsqlite=enabled, or export as JSON");
}
