/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_GRAPH_H
#define LAUNCHER_GRAPH_H

#include <stdio.h>

#include "launcher/options.h"
#include "runtime/flow.h"
#include "runtime/plan.h"

/**
 * Print the graph of a flow: what its steps are, what they hand to each other, and where that goes
 * through an exchange for the number of workers that the plan is made for. The same flow and plan
 * print the same text.
 *
 * Steps that are a part of another are shown in JSON only; elsewhere an exchange between the parts
 * of a step is drawn in front of that step.
 *
 * @param flow   borrows until return; without mistakes
 * @param plan   of that flow; borrows until return
 * @param format any but WAX_OPTION_GRAPH_NONE
 * @param out    borrows until return
 * @return 0, or -ENOMEM
 *               -EIO  out did not take it
 */
int wax_graph_print(const struct wax_flow *flow, const struct wax_plan *plan,
		enum wax_option_graph format, FILE *out);

#endif
