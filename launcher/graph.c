/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/graph.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/outline.h"
#include "launcher/tabular.h"
#include "runtime/json.h"

/* What all three formats are printed from. */
struct drawing {
	const struct wax_flow *flow;
	const struct wax_plan *plan;
	struct wax_outline outline;
	FILE *out;
};

/* An edge of the graph as its author sees it: into a step, or into the part of it that takes the
 * stream. */
struct arrow {
	uint32_t stream;
	uint32_t from; /* groups */
	uint32_t to;
	enum wax_route route;
};

static const struct wax_plan_edge *planned_edge(
		const struct drawing *drawing, uint32_t step, uint32_t input)
{
	for (uint32_t i = 0; i < drawing->plan->edge_count; i++) {
		const struct wax_plan_edge *edge = &drawing->plan->edges[i];

		if (edge->step == step && edge->input == input)
			return edge;
	}
	return NULL;
}

static enum wax_route route_of(const struct drawing *drawing, uint32_t step, uint32_t input)
{
	const struct wax_plan_edge *edge = planned_edge(drawing, step, input);

	return edge ? edge->route : WAX_ROUTE_LOCAL;
}

/* The exchange between parts of a step, if there is one. */
static enum wax_route inner_route(const struct drawing *drawing, uint32_t group)
{
	const struct wax_outline *outline = &drawing->outline;

	for (uint32_t i = 0; i < drawing->plan->edge_count; i++) {
		const struct wax_plan_edge *edge = &drawing->plan->edges[i];

		if (outline->owner[edge->step] == group &&
				wax_outline_owns(outline, group, edge->stream) &&
				edge->route != WAX_ROUTE_LOCAL)
			return edge->route;
	}
	return WAX_ROUTE_LOCAL;
}

static struct arrow arrow_into(const struct drawing *drawing, uint32_t step, uint32_t input)
{
	const struct wax_flow *flow = drawing->flow;
	uint32_t stream = flow->steps[step]->inputs[input];
	struct arrow arrow = {
			.stream = stream,
			.from = drawing->outline.owner[wax_flow_stream(flow, stream)->step],
			.to = drawing->outline.owner[step],
			.route = route_of(drawing, step, input),
	};

	if (arrow.route == WAX_ROUTE_LOCAL)
		arrow.route = inner_route(drawing, arrow.to);
	return arrow;
}

/* Call draw for each arrow into a group, in the order of its steps and their inputs. */
static void each_arrow(const struct drawing *drawing, uint32_t group,
		void (*draw)(const struct drawing *drawing, const struct arrow *arrow,
				void *context),
		void *context)
{
	const struct wax_outline *outline = &drawing->outline;

	for (uint32_t i = 0; i < drawing->flow->step_count; i++) {
		const struct wax_step *step = drawing->flow->steps[i];

		if (outline->owner[i] != group)
			continue;
		for (uint32_t input = 0; input < step->input_count; input++) {
			if (wax_outline_owns(outline, group, step->inputs[input]))
				continue;

			struct arrow arrow = arrow_into(drawing, i, input);

			draw(drawing, &arrow, context);
		}
	}
}

static const char *type_name(const struct drawing *drawing, uint32_t stream)
{
	return wax_flow_stream(drawing->flow, stream)->type->name;
}

static uint32_t named_steps(const struct drawing *drawing)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < drawing->flow->step_count; i++)
		count += drawing->outline.owner[i] == i;
	return count;
}

static uint32_t exchanges(const struct drawing *drawing)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < drawing->plan->edge_count; i++)
		count += drawing->plan->edges[i].route != WAX_ROUTE_LOCAL;
	return count;
}

/* ---- Scopes */

static uint32_t depth_of(const struct wax_scope *scope)
{
	uint32_t depth = 0;

	for (; scope; scope = scope->outer)
		depth++;
	return depth;
}

static bool is_within(const struct wax_scope *scope, const struct wax_scope *outer)
{
	while (scope && scope != outer)
		scope = scope->outer;
	return scope == outer;
}

/* Go from the scope of one step to that of the next: end those that it is not in, begin the others,
 * the outermost first. */
static void change_scope(void *context, const struct wax_scope *from, const struct wax_scope *to,
		void (*end)(void *context, const struct wax_scope *scope),
		void (*begin)(void *context, const struct wax_scope *scope))
{
	for (; !is_within(to, from); from = from->outer)
		end(context, from);
	for (uint32_t depth = depth_of(from) + 1; depth <= depth_of(to); depth++) {
		const struct wax_scope *scope = to;

		while (depth_of(scope) > depth)
			scope = scope->outer;
		begin(context, scope);
	}
}

static const char *scope_name(const struct drawing *drawing, const struct wax_scope *scope)
{
	return scope->id + strlen(drawing->flow->name) + 1;
}

/* ---- Text */

struct list {
	char *text;
	size_t bytes;
	FILE *out;
	bool follows;
};

static void separate(struct list *list)
{
	if (list->follows)
		fputs(", ", list->out);
	list->follows = true;
}

static void list_arrow(const struct drawing *drawing, const struct arrow *arrow, void *context)
{
	struct list *list = context;

	separate(list);
	fputs(wax_outline_name(&drawing->outline, arrow->from), list->out);
	if (arrow->route != WAX_ROUTE_LOCAL)
		fprintf(list->out, " by %s", wax_route_name(arrow->route));
}

/* Types of what leaves the group. */
static void list_outputs(const struct drawing *drawing, uint32_t group, struct list *list)
{
	const struct wax_flow *flow = drawing->flow;

	for (uint32_t i = 0; i < flow->step_count; i++) {
		if (drawing->outline.owner[i] != group ||
				!wax_outline_is_exit(&drawing->outline, i))
			continue;
		for (uint32_t port = 0; port < flow->steps[i]->output_count; port++) {
			separate(list);
			fputs(type_name(drawing, flow->steps[i]->first_output + port), list->out);
		}
	}
}

/* Add a cell with what `list` prints, behind a mark. */
static void add_list(const struct drawing *drawing, uint32_t group, struct wax_tabular *table,
		bool inputs)
{
	struct list list = {0};

	list.out = open_memstream(&list.text, &list.bytes);
	if (!list.out)
		return;
	if (inputs)
		each_arrow(drawing, group, list_arrow, &list);
	else
		list_outputs(drawing, group, &list);
	fclose(list.out);
	wax_tabular_add(table, "%s%s", !list.follows ? "" : inputs ? "<- " : "-> ", list.text);
	free(list.text);
}

struct text {
	const struct drawing *drawing;
	struct wax_tabular table;
};

static void end_scope_text(void *context, const struct wax_scope *scope)
{
	(void)context, (void)scope;
}

static void begin_scope_text(void *context, const struct wax_scope *scope)
{
	struct text *text = context;

	wax_tabular_add(&text->table, "%*s%s", 2 * (int)depth_of(scope), "",
			scope_name(text->drawing, scope));
	wax_tabular_add(&text->table, "scope");
	wax_tabular_add(&text->table, "%s", "");
	wax_tabular_add(&text->table, "%s", "");
}

static void print_text(const struct drawing *drawing)
{
	const struct wax_plan *plan = drawing->plan;
	uint32_t step_count = named_steps(drawing), exchange_count = exchanges(drawing);
	struct text text = {.drawing = drawing};
	const struct wax_scope *scope = NULL;

	fprintf(drawing->out, "%s: %u step%s, %u exchange%s, for %u worker%s\n",
			drawing->flow->name, step_count, step_count == 1 ? "" : "s", exchange_count,
			exchange_count == 1 ? "" : "s", plan->worker_count,
			plan->worker_count == 1 ? "" : "s");
	wax_tabular_init(&text.table, "llll");
	for (uint32_t i = 0; i < drawing->flow->step_count; i++) {
		if (drawing->outline.owner[i] != i)
			continue;
		const struct wax_step *step = drawing->flow->steps[i];
		change_scope(&text, scope, step->scope, end_scope_text, begin_scope_text);
		scope = step->scope;
		wax_tabular_add(&text.table, "%*s%s", 2 + 2 * (int)depth_of(scope), "",
				wax_outline_name(&drawing->outline, i));
		wax_tabular_add(&text.table, "%s%s%s", step->class->kind, step->label ? " " : "",
				step->label ? step->label : "");
		add_list(drawing, i, &text.table, true);
		add_list(drawing, i, &text.table, false);
	}
	wax_tabular_print(&text.table, drawing->out, false, false);
	wax_tabular_fini(&text.table);
}

/* ---- Mermaid */

/* A text between quotes. */
static void print_quoted(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"')
			fputs("#quot;", out);
		else if (*text == '#')
			fputs("#35;", out);
		else
			fputc(*text, out);
	}
}

/* Ids of nodes may hold little else than letters: what an id of a step has beside them becomes its
 * index. */
static void print_node_id(const struct drawing *drawing, uint32_t step)
{
	const char *id = drawing->flow->steps[step]->id;

	for (const char *at = id; *at; at++) {
		if (!isalnum((unsigned char)*at) && *at != '_' && *at != '.') {
			fprintf(drawing->out, "%s.%u", drawing->flow->name, step);
			return;
		}
	}
	fputs(id, drawing->out);
}

static void draw_arrow(const struct drawing *drawing, const struct arrow *arrow, void *context)
{
	FILE *out = drawing->out;
	bool crosses = arrow->route != WAX_ROUTE_LOCAL;

	(void)context;
	fputs("        ", out);
	print_node_id(drawing, arrow->from);
	fputs(crosses ? " == \"" : " -- \"", out);
	print_quoted(out, type_name(drawing, arrow->stream));
	if (crosses)
		fprintf(out, " by %s", wax_route_name(arrow->route));
	fputs(crosses ? "\" ==> " : "\" --> ", out);
	print_node_id(drawing, arrow->to);
	fputc('\n', out);
}

static void end_scope_mermaid(void *context, const struct wax_scope *scope)
{
	const struct drawing *drawing = context;

	fprintf(drawing->out, "%*send\n", 4 + 4 * (int)depth_of(scope), "");
}

static void begin_scope_mermaid(void *context, const struct wax_scope *scope)
{
	const struct drawing *drawing = context;

	fprintf(drawing->out, "%*ssubgraph \"", 4 + 4 * (int)depth_of(scope), "");
	print_quoted(drawing->out, scope_name(drawing, scope));
	fputs("\"\n", drawing->out);
}

/* Behind the scopes: an arrow inside of one would draw its ends into it. @return to */
static uint32_t draw_arrows(const struct drawing *drawing, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		if (drawing->outline.owner[i] == i)
			each_arrow(drawing, i, draw_arrow, NULL);
	}
	return to;
}

static void print_mermaid(const struct drawing *drawing)
{
	FILE *out = drawing->out;
	const struct wax_scope *scope = NULL;
	uint32_t drawn = 0;

	fprintf(out, "flowchart TD\n    subgraph \"%s (Dataflow)\"\n", drawing->flow->name);
	for (uint32_t i = 0; i < drawing->flow->step_count; i++) {
		const struct wax_step *step = drawing->flow->steps[i];

		if (drawing->outline.owner[i] != i)
			continue;
		change_scope((void *)drawing, scope, step->scope, end_scope_mermaid,
				begin_scope_mermaid);
		scope = step->scope;
		fprintf(out, "%*s", 8 + 4 * (int)depth_of(scope), "");
		print_node_id(drawing, i);
		fputs("[\"", out);
		print_quoted(out, wax_outline_name(&drawing->outline, i));
		fprintf(out, " (%s)\"]\n", step->class->kind);
		if (!scope)
			drawn = draw_arrows(drawing, drawn, i + 1);
	}
	change_scope((void *)drawing, scope, NULL, end_scope_mermaid, begin_scope_mermaid);
	draw_arrows(drawing, drawn, drawing->flow->step_count);
	fputs("    end\n", out);
}

/* ---- JSON */

static void write_input(
		struct wax_json *json, const struct drawing *drawing, uint32_t step, uint32_t input)
{
	const struct wax_flow *flow = drawing->flow;
	uint32_t stream = flow->steps[step]->inputs[input];
	const struct wax_plan_edge *edge = planned_edge(drawing, step, input);

	wax_json_object(json, NULL);
	wax_json_u64(json, "stream", stream);
	wax_json_text(json, "from", flow->steps[wax_flow_stream(flow, stream)->step]->id);
	/* "stage": by a call; "local": through a queue within the worker. */
	wax_json_text(json, "route", edge ? wax_route_name(edge->route) : "stage");
	wax_json_end(json);
}

static void write_output(struct wax_json *json, const struct drawing *drawing, uint32_t stream)
{
	const struct wax_stream_info *info = wax_flow_stream(drawing->flow, stream);

	wax_json_object(json, NULL);
	wax_json_u64(json, "stream", stream);
	wax_json_text(json, "type", info->type->name);
	if (info->type->key) {
		wax_json_text(json, "key", info->type->key->name);
		wax_json_text(json, "value", info->type->value->name);
	}
	wax_json_bool(json, "by_key", info->by_key);
	wax_json_end(json);
}

static void write_step(struct wax_json *json, const struct drawing *drawing, uint32_t index)
{
	const struct wax_step *step = drawing->flow->steps[index];

	wax_json_object(json, NULL);
	wax_json_text(json, "id", step->id);
	wax_json_text(json, "kind", step->class->kind);
	if (step->connector)
		wax_json_text(json, "connector", step->connector);
	if (step->label)
		wax_json_text(json, "label", step->label);
	wax_json_bool(json, "internal", step->internal);
	if (step->internal)
		wax_json_text(json, "part_of",
				drawing->flow->steps[drawing->outline.owner[index]]->id);
	if (step->scope)
		wax_json_text(json, "scope", step->scope->id);
	wax_json_u64(json, "stage", drawing->plan->step_stage[index]);
	wax_json_array(json, "inputs");
	for (uint32_t i = 0; i < step->input_count; i++)
		write_input(json, drawing, index, i);
	wax_json_end(json);
	wax_json_array(json, "outputs");
	for (uint32_t i = 0; i < step->output_count; i++)
		write_output(json, drawing, step->first_output + i);
	wax_json_end(json);
	wax_json_end(json);
}

static void print_json(const struct drawing *drawing)
{
	struct wax_json json;

	wax_json_init(&json, drawing->out);
	wax_json_object(&json, NULL);
	wax_json_text(&json, "type", "graph");
	wax_json_u64(&json, "schema", 1);
	wax_json_text(&json, "flow", drawing->flow->name);
	wax_json_text(&json, "about", drawing->flow->about);
	wax_json_u64(&json, "worker_count", drawing->plan->worker_count);
	wax_json_array(&json, "steps");
	for (uint32_t i = 0; i < drawing->flow->step_count; i++)
		write_step(&json, drawing, i);
	wax_json_end(&json);
	wax_json_end(&json);
	wax_json_finish(&json);
}

int wax_graph_print(const struct wax_flow *flow, const struct wax_plan *plan,
		enum wax_option_graph format, FILE *out)
{
	struct drawing drawing = {.flow = flow, .plan = plan, .out = out};

	if (wax_outline_init(&drawing.outline, flow) < 0)
		return -ENOMEM;
	switch (format) {
	case WAX_OPTION_GRAPH_NONE:
	case WAX_OPTION_GRAPH_TEXT:
		print_text(&drawing);
		break;
	case WAX_OPTION_GRAPH_MERMAID:
		print_mermaid(&drawing);
		break;
	case WAX_OPTION_GRAPH_JSON:
		print_json(&drawing);
		break;
	}
	wax_outline_fini(&drawing.outline);
	fflush(out);
	return ferror(out) ? -EIO : 0;
}
