/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/partitions.h"

#include <string.h>

#include "launcher/tabular.h"
#include "runtime/connector.h"

static void add_row(struct wax_tabular *table, const struct wax_flow *flow,
		const struct wax_step *step, uint32_t worker, const char *part)
{
	wax_tabular_add(table, "%s", step->id + strlen(flow->name) + 1);
	wax_tabular_add(table, "%s", step->connector ? step->connector : step->class->kind);
	wax_tabular_add(table, "%u", worker);
	wax_tabular_add(table, "%s", part);
}

void wax_partitions_print(const struct wax_flow *flow, uint32_t worker_count, FILE *out)
{
	struct wax_tabular table;

	wax_tabular_init(&table, "llrl");
	wax_tabular_add(&table, "step");
	wax_tabular_add(&table, "connector");
	wax_tabular_add(&table, "worker");
	wax_tabular_add(&table, "partition");
	for (uint32_t i = 0; i < flow->step_count; i++) {
		const struct wax_step *step = flow->steps[i];
		const struct wax_parts *parts =
				step->class->parts ? step->class->parts(step) : NULL;

		for (uint32_t part = 0; parts && part < parts->count; part++)
			add_row(&table, flow, step, part % worker_count, parts->names[part]);
		/* Without partitions there is one in each worker. */
		for (uint32_t worker = 0; worker < worker_count; worker++) {
			if (step->class->parts && !parts)
				add_row(&table, flow, step, worker, "-");
		}
	}
	wax_tabular_print(&table, out, true, false);
	wax_tabular_fini(&table);
}
