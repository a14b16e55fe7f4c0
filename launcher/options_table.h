/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_OPTIONS_TABLE_H
#define LAUNCHER_OPTIONS_TABLE_H

#include "launcher/program.h"

/**
 * The table of waxrun's options: the only place where one is described. Parser, help, manual and
 * completion read it (launcher/program.h).
 */

enum wax_option_group {
	WAX_OPTION_GROUP_WORKERS,
	WAX_OPTION_GROUP_MEMORY,
	WAX_OPTION_GROUP_EPOCHS,
	WAX_OPTION_GROUP_REPORTS,
	WAX_OPTION_GROUP_OTHER,
	WAX_OPTION_GROUP_HIDDEN, /* for packagers */
};

/** Ends at a NULL name. Options of one group are adjacent. */
extern const struct wax_option wax_option_table[];

/** waxrun itself. */
extern const struct wax_program wax_option_program;

#endif
