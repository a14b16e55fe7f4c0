/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_SANITIZE_H
#define LAUNCHER_SANITIZE_H

#include <stdio.h>

#include <wax/err.h>

#include "launcher/options.h"
#include "runtime/flow.h"

/**
 * waxrun --sanitize: run the flow in ways that must make no difference, compare what reaches its
 * outputs, and say what made one.
 *
 * @param flow    without mistakes; borrows until return
 * @param options of the command line; sanitize is the seed
 * @param to      for people
 * @return exit status: 0 the results are the same, 1 they are not, or as of a run that failed;
 *         with a sentence in err where nothing was printed about it
 */
int wax_sanitize(struct wax_flow *flow, const struct wax_options *options, FILE *to,
		struct wax_err *err);

#endif
