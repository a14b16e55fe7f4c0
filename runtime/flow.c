/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/flow.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/assert.h"

/* A flow is described once, by the launcher, in little memory: running out of it there ends the
 * process, so that no call of a flow's description needs its result checked. */
static void *must(void *memory)
{
	if (!memory) {
		fputs("wax: out of memory while the flow was described\n", stderr);
		exit(71);
	}
	return memory;
}

static void *grown(void *array, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
	if (count < *capacity)
		return array;
	*capacity = *capacity ? *capacity * 2 : 16;
	return must(realloc(array, *capacity * item_bytes));
}

/* The flow whose build function runs: what a zeroed stream handle is taken to belong to, so that
 * the mistake can be reported. */
static struct wax_flow *building;

static struct wax_flow *flow_or_building(struct wax_flow *flow)
{
	struct wax_flow *known = flow ? flow : building;
	WAX_ASSERT(known);
	return known;
}

void *wax_flow_alloc(struct wax_flow *flow, size_t bytes)
{
	flow = flow_or_building(flow);
	flow->allocations = grown(flow->allocations, flow->allocation_count,
			&flow->allocation_capacity, sizeof(*flow->allocations));
	void *memory = must(calloc(1, bytes ? bytes : 1));
	flow->allocations[flow->allocation_count++] = memory;
	return memory;
}

static void add_mistake(struct wax_flow *flow, const char *text)
{
	flow->mistakes = must(realloc(
			flow->mistakes, (flow->mistake_count + 1) * sizeof(*flow->mistakes)));
	flow->mistakes[flow->mistake_count++] = must(strdup(text));
}

void wax_flow_fail(struct wax_flow *flow, const char *fmt, ...)
{
	char text[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	add_mistake(flow, text);
}

void wax_flow_fail_usage(struct wax_flow *flow, const char *fmt, ...)
{
	char text[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	flow->usage_mistake_count++;
	add_mistake(flow, text);
}

void wax_step_fail(struct wax_flow *flow, struct wax_step *step, const char *fmt, ...)
{
	flow = flow_or_building(flow);
	char text[1024];
	int used = snprintf(text, sizeof(text), "step \"%s\": ", step->id);
	if (used < 0 || (size_t)used >= sizeof(text))
		used = 0;
	va_list args;
	va_start(args, fmt);
	vsnprintf(text + used, sizeof(text) - (size_t)used, fmt, args);
	va_end(args);
	step->failed = true;
	add_mistake(flow, text);
}

static char *join_id(struct wax_flow *flow, const char *parent, const char *name)
{
	size_t bytes = strlen(parent) + 1 + strlen(name) + 1;
	char *id = wax_flow_alloc(flow, bytes);
	snprintf(id, bytes, "%s.%s", parent, name);
	return id;
}

static struct wax_step *append_step(
		struct wax_flow *flow, const char *id, const struct wax_op_class *class)
{
	flow->steps = grown(flow->steps, flow->step_count, &flow->step_capacity,
			sizeof(*flow->steps));
	struct wax_step *step = WAX_FLOW_NEW(flow, struct wax_step);
	step->index = flow->step_count;
	step->id = id;
	step->class = class;
	step->state_version = 1;
	step->params = wax_flow_alloc(flow, class->params_bytes);
	flow->steps[flow->step_count++] = step;
	return step;
}

static bool id_is_taken(const struct wax_flow *flow, const char *id)
{
	for (uint32_t i = 0; i < flow->step_count; i++) {
		if (strcmp(flow->steps[i]->id, id) == 0)
			return true;
	}
	for (const struct wax_scope *scope = flow->scopes; scope; scope = scope->next) {
		if (strcmp(scope->id, id) == 0)
			return true;
	}
	return false;
}

/* What is wrong with an id, as the end of a sentence. */
struct fault {
	char text[512];
};

static struct fault fault_of(const char *id, bool taken, const char *what)
{
	struct fault fault = {""};
	if (!id || !id[0])
		snprintf(fault.text, sizeof(fault.text), "a step needs an id (this one is a %s)",
				what);
	else if (strchr(id, '.'))
		snprintf(fault.text, sizeof(fault.text),
				"the id \"%s\" has a dot in it, which stands between a step and "
				"its "
				"parts: use \"_\"",
				id);
	else if (taken)
		snprintf(fault.text, sizeof(fault.text),
				"the id \"%s\" is taken by an earlier step: ids name steps in "
				"reports and in saved state, so each is used once",
				id);
	return fault;
}

static const char *parent_id(const struct wax_flow *flow)
{
	return flow->scope ? flow->scope->id : flow->name;
}

void wax_scope_begin(struct wax_flow *flow, const char *id)
{
	flow = flow_or_building(flow);
	char *full = join_id(flow, parent_id(flow), id && id[0] ? id : "?");
	struct fault fault = fault_of(id, id_is_taken(flow, full), "scope");
	if (fault.text[0])
		wax_flow_fail(flow, "scope \"%s\": %s", full, fault.text);

	struct wax_scope *scope = WAX_FLOW_NEW(flow, struct wax_scope);
	*scope = (struct wax_scope){.id = full, .outer = flow->scope};
	struct wax_scope **end = &flow->scopes;
	while (*end)
		end = &(*end)->next;
	*end = scope;
	flow->scope = scope;
}

void wax_scope_end(struct wax_flow *flow)
{
	flow = flow_or_building(flow);
	if (!flow->scope)
		wax_flow_fail(flow, "wax_scope_end without a wax_scope_begin");
	else
		flow->scope = flow->scope->outer;
}

struct wax_step *wax_step_add(
		struct wax_flow *flow, const char *id, const struct wax_op_class *class)
{
	flow = flow_or_building(flow);
	const char *full = join_id(flow, parent_id(flow), id && id[0] ? id : "?");
	struct fault fault = fault_of(id, id_is_taken(flow, full), class->kind);
	struct wax_step *step = append_step(flow, full, class);
	step->scope = flow->scope;
	if (fault.text[0])
		wax_step_fail(flow, step, "%s", fault.text);
	return step;
}

struct wax_step *wax_step_add_inner(struct wax_flow *flow, struct wax_step *owner,
		const char *name, const struct wax_op_class *class)
{
	flow = flow_or_building(flow);
	WAX_ASSERT(owner->index == flow->step_count - 1);
	struct wax_step *step = append_step(flow, join_id(flow, owner->id, name), class);
	step->internal = true;
	step->owner = owner;
	step->scope = owner->scope;
	step->failed = owner->failed;
	if (owner->input_count > 0 || owner->output_count > 0)
		return step;

	/* The order of the steps is a topological one. */
	step->index = owner->index++;
	flow->steps[step->index] = step;
	flow->steps[owner->index] = owner;
	return step;
}

/* A handle that was zeroed, or is of another flow, or of nothing at all. */
static const struct wax_stream_info *stream_info(
		struct wax_flow *flow, struct wax_step *step, struct wax_stream up)
{
	if (!up.flow) {
		wax_step_fail(flow, step, "its input is no stream: the handle is zero");
		return NULL;
	}
	if (up.flow != flow) {
		wax_step_fail(flow, step, "its input is a stream of another flow");
		return NULL;
	}
	if (up.id >= flow->stream_count) {
		wax_step_fail(flow, step, "its input is no stream of this flow");
		return NULL;
	}
	return wax_flow_stream(flow, up.id);
}

const struct wax_type *wax_step_input(
		struct wax_flow *flow, struct wax_step *step, struct wax_stream up)
{
	flow = flow_or_building(flow);
	const struct wax_stream_info *info = stream_info(flow, step, up);
	if (!info)
		return NULL;
	uint32_t *inputs = wax_flow_alloc(flow, (step->input_count + 1) * sizeof(*inputs));
	if (step->input_count > 0)
		memcpy(inputs, step->inputs, step->input_count * sizeof(*inputs));
	inputs[step->input_count++] = up.id;
	step->inputs = inputs;
	if (!info->type)
		step->failed = true;
	return info->type;
}

const struct wax_type *wax_step_input_keyed(
		struct wax_flow *flow, struct wax_step *step, struct wax_stream up)
{
	const struct wax_type *type = wax_step_input(flow, step, up);
	if (type && !type->key) {
		wax_step_fail(flow, step, "needs a keyed stream, gets one of %s: put key_on before it",
				type->name);
		return NULL;
	}
	return type;
}

struct wax_stream wax_step_output(struct wax_flow *flow, struct wax_step *step,
		const struct wax_type *type, bool by_key)
{
	flow = flow_or_building(flow);
	if (!type && !step->failed)
		wax_step_fail(flow, step,
				"no type for what it emits: NULL was given, or a type that "
				"wax_type_struct refused (size 1 to 65536, one size per name)");

	flow->streams = grown(flow->streams, flow->stream_count, &flow->stream_capacity,
			sizeof(*flow->streams));
	struct wax_stream stream = {.flow = flow, .id = flow->stream_count++};
	*wax_flow_stream(flow, stream.id) = (struct wax_stream_info){
			.step = step->index,
			.port = step->output_count,
			.type = step->failed ? NULL : type,
			.by_key = by_key && type && type->key,
	};
	if (step->output_count++ == 0)
		step->first_output = stream.id;
	return stream;
}

const struct wax_type *wax_stream_type(struct wax_stream stream)
{
	return stream.flow && stream.id < stream.flow->stream_count
			? wax_flow_stream(stream.flow, stream.id)->type
			: NULL;
}

bool wax_stream_by_key(struct wax_stream stream)
{
	return stream.flow && stream.id < stream.flow->stream_count &&
			wax_flow_stream(stream.flow, stream.id)->by_key;
}

static void check_graph(struct wax_flow *flow)
{
	bool has_input = false, has_output = false;
	for (uint32_t i = 0; i < flow->step_count; i++) {
		has_input |= flow->steps[i]->input_count == 0 && !flow->steps[i]->internal;
		has_output |= flow->steps[i]->class->counts_as_output;
	}
	/* A step that failed before it was connected is no sign that one is missing. */
	if (flow->mistake_count > 0 && flow->step_count > 0)
		return;
	if (!has_input)
		wax_flow_fail(flow, "the flow has no input: it needs at least one wax_input");
	if (!has_output)
		wax_flow_fail(flow, "the flow has no output: it needs at least one wax_output or "
				    "wax_inspect");
}

static int check_entry(const struct wax_flow_entry *entry, struct wax_err *err)
{
	/* An older minor version may know fewer fields, but these. */
	size_t least = offsetof(struct wax_flow_entry, build) + sizeof(entry->build);
	if (!entry || entry->size_bytes < least || !entry->name || !entry->build)
		return wax_err_set(err, -EINVAL, "its wax_flow_entry is damaged: build it again");
	if (entry->version_major != WAX_VERSION_MAJOR ||
			entry->version_minor > WAX_VERSION_MINOR)
		return wax_err_set(err, -EINVAL,
				"it was built for wax %u.%u, this is %u.%u: build it again with "
				"these headers",
				entry->version_major, entry->version_minor, WAX_VERSION_MAJOR,
				WAX_VERSION_MINOR);
	return 0;
}

int wax_flow_make(const struct wax_flow_entry *entry, int given_count, char **given,
		struct wax_flow **ret_flow, struct wax_err *err)
{
	int r = check_entry(entry, err);
	if (r < 0)
		return r;

	struct wax_flow *flow = must(calloc(1, sizeof(*flow)));
	flow->name = entry->name;
	flow->about = entry->about;
	flow->given_count = given_count;
	flow->given = given;
	flow->given_used = must(calloc((size_t)given_count + 1, sizeof(bool)));

	building = flow;
	entry->build(flow);
	building = NULL;
	wax_args_check(flow);
	if (flow->scope)
		wax_flow_fail(flow, "scope \"%s\" is begun but not ended: call wax_scope_end",
				flow->scope->id);
	check_graph(flow);
	*ret_flow = flow;
	return 0;
}

void wax_flow_free(struct wax_flow *flow)
{
	if (!flow)
		return;
	for (uint32_t i = 0; i < flow->step_count; i++) {
		if (flow->steps[i]->class->forget)
			flow->steps[i]->class->forget(flow->steps[i]);
	}
	for (uint32_t i = 0; i < flow->letter_box_count; i++)
		wax_letter_box_close(&flow->letter_boxes[i]);
	for (uint32_t i = 0; i < flow->allocation_count; i++)
		free(flow->allocations[i]);
	for (uint32_t i = 0; i < flow->mistake_count; i++)
		free(flow->mistakes[i]);
	free(flow->allocations);
	free(flow->mistakes);
	free(flow->steps);
	free(flow->streams);
	free(flow->args);
	free(flow->given_used);
	free(flow);
}
