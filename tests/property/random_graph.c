/* SPDX-License-Identifier: Apache-2.0 */
#include "random_graph.h"

#include <stdio.h>

WAX_FLOW(random_graph, "A graph that a seed decides, and what it must give")
{
	uint64_t seed = (uint64_t)wax_arg_int(flow, "seed", "which graph", "1");
	int64_t items = wax_arg_int(flow, "items", "of each source", "1000");
	const char *model =
			wax_arg_path(flow, "model", "write what must come out, run nothing", NULL);
	const char *folder = wax_arg_path(flow, "out", "folder for what comes out", ".");

	struct graph *graph = wax_flow_alloc(flow, sizeof(*graph));
	graph->placeless = wax_arg_flag(flow, "placeless",
			"no step whose result depends on the worker that it is in");
	graph_draw(graph, seed, items);
	if (!model) {
		graph_build(flow, graph, folder);
		return;
	}
	FILE *file = fopen(model, "w");
	if (!file) {
		wax_flow_fail(flow, "cannot write %s", model);
		return;
	}
	graph_write_model(graph, file);
	fclose(file);
	wax_output(wax_input(flow, "none", wax_numbers(0, 0)), "nowhere", wax_null());
}
