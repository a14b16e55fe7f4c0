/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/flow.h"
#include "runtime/suggest.h"

/* What becomes of items at which a callback fails: as the flow says, and as the command line does.
 * Steps are told once, so that the worker looks at nothing but the step. */

struct policy {
	enum wax_policy kind;
	const char *path; /* WAX_DLQ */
};

/* Sources and sinks read and write: no item is to blame when that fails. */
static bool has_policy(const struct wax_step *step)
{
	return !step->class->poll && !step->class->flush;
}

/* Steps that name the same file share it. */
static uint32_t find_box(struct wax_flow *flow, const char *path)
{
	for (uint32_t i = 0; i < flow->letter_box_count; i++) {
		if (strcmp(flow->letter_boxes[i].path, path) == 0)
			return i;
	}
	uint32_t count = flow->letter_box_count++;
	struct wax_letter_box *boxes = wax_flow_alloc(flow, (count + 1) * sizeof(*boxes));
	char *copy = wax_flow_alloc(flow, strlen(path) + 1);
	if (count > 0)
		memcpy(boxes, flow->letter_boxes, count * sizeof(*boxes));
	boxes[count] = (struct wax_letter_box){strcpy(copy, path), -1};
	flow->letter_boxes = boxes;
	return count;
}

static void set_policy(struct wax_flow *flow, struct wax_step *step, const struct policy *policy)
{
	if (!has_policy(step))
		return;
	step->policy = policy->kind;
	if (policy->kind == WAX_DLQ)
		step->letter_box = find_box(flow, policy->path);
}

/* ---- In the flow */

static void set_of_stream(struct wax_stream of, const struct policy *policy)
{
	struct wax_flow *flow = of.flow;
	/* A handle that is no stream is reported by the step that takes it. */
	if (!flow || of.id >= flow->stream_count)
		return;
	struct wax_step *step = flow->steps[wax_flow_stream(flow, of.id)->step];
	if (step->owner)
		step = step->owner;
	if (step->failed)
		return;
	if (!has_policy(step)) {
		wax_step_fail(flow, step,
				"has no policy for items: it calls no callback with one, and a "
				"source that fails ends the run");
		return;
	}
	if (policy->kind == WAX_DLQ && (!policy->path || !policy->path[0])) {
		wax_step_fail(flow, step, "the file for its dead letters has no name: give a path");
		return;
	}
	for (uint32_t i = 0; i < flow->step_count; i++) {
		if (flow->steps[i] == step || flow->steps[i]->owner == step)
			set_policy(flow, flow->steps[i], policy);
	}
}

void wax_on_error(struct wax_stream of, enum wax_policy policy)
{
	set_of_stream(of, &(struct policy){policy, NULL});
}

void wax_on_error_dlq(struct wax_stream of, const char *path)
{
	set_of_stream(of, &(struct policy){WAX_DLQ, path});
}

/* ---- On the command line */

static const char *parse_policy(const char *text, struct policy *ret_policy)
{
	if (strcmp(text, "fail") == 0)
		*ret_policy = (struct policy){WAX_FAIL, NULL};
	else if (strcmp(text, "skip") == 0)
		*ret_policy = (struct policy){WAX_SKIP, NULL};
	else if (strncmp(text, "dlq:", 4) == 0 && text[4])
		*ret_policy = (struct policy){WAX_DLQ, text + 4};
	else
		return NULL;
	return text;
}

/* Id of a step without the name of the flow, which may be left out. */
static const char *without_flow(const struct wax_flow *flow, const char *id)
{
	size_t bytes = strlen(flow->name);
	return strncmp(id, flow->name, bytes) == 0 && id[bytes] == '.' ? id + bytes + 1 : id;
}

/* Is the step, or a scope that it is in, called so? */
static bool is_in(const struct wax_flow *flow, const struct wax_step *step, const char *name,
		size_t name_bytes)
{
	const char *id = without_flow(flow, step->id);
	return strncmp(id, name, name_bytes) == 0 &&
			(id[name_bytes] == '\0' || id[name_bytes] == '.');
}

/* The id that was meant; where a name alone was given of what is in a scope, the whole id. */
static const char *nearest_id(const struct wax_flow *flow, const char *name)
{
	struct wax_suggest whole, last;
	const char *within = NULL;
	wax_suggest_init(&whole, name);
	wax_suggest_init(&last, name);
	for (uint32_t i = 0; i < flow->step_count; i++) {
		const char *id = without_flow(flow, flow->steps[i]->id);
		if (flow->steps[i]->internal || !has_policy(flow->steps[i]))
			continue;
		wax_suggest_offer(&whole, id);
		const char *before = wax_suggest_nearest(&last);
		if (strchr(id, '.'))
			wax_suggest_offer(&last, strrchr(id, '.') + 1);
		if (wax_suggest_nearest(&last) != before)
			within = id;
	}
	for (const struct wax_scope *scope = flow->scopes; scope; scope = scope->next)
		wax_suggest_offer(&whole, without_flow(flow, scope->id));
	const char *nearest = wax_suggest_nearest(&whole);
	return nearest ? nearest : within;
}

static int refuse_step(const struct wax_flow *flow, const char *name, struct wax_err *err)
{
	const char *meant = nearest_id(flow, name);
	if (meant)
		return wax_err_set(err, -EINVAL,
				"--on-error: the flow has no step \"%s\": did you mean \"%s\"?",
				name, meant);
	return wax_err_set(err, -EINVAL,
			"--on-error: the flow has no step \"%s\": `waxrun --graph` lists them",
			name);
}

static int set_named(struct wax_flow *flow, const char *name, const struct policy *policy,
		struct wax_err *err)
{
	uint32_t met = 0, set = 0;
	const char *id = without_flow(flow, name);
	for (uint32_t i = 0; i < flow->step_count; i++) {
		struct wax_step *step = flow->steps[i];
		/* Parts of a step go with it, but are not named. */
		if (!is_in(flow, step->owner ? step->owner : step, id, strlen(id)))
			continue;
		met++;
		set += has_policy(step);
		set_policy(flow, step, policy);
	}
	if (met == 0)
		return refuse_step(flow, id, err);
	if (set == 0)
		return wax_err_set(err, -EINVAL,
				"--on-error: step \"%s\" is a source or sink: when that fails the "
				"run ends",
				id);
	return 0;
}

/* @param named whether the rules that name a step have their turn, or the others */
static int apply_rule(struct wax_flow *flow, const char *rule, bool named, struct wax_err *err)
{
	struct policy policy;
	if (parse_policy(rule, &policy)) {
		for (uint32_t i = 0; i < flow->step_count && !named; i++)
			set_policy(flow, flow->steps[i], &policy);
		return 0;
	}
	const char *equals = strchr(rule, '=');
	char name[256];
	if (!equals || equals == rule || !parse_policy(equals + 1, &policy) ||
			(size_t)(equals - rule) >= sizeof(name))
		return wax_err_set(err, -EINVAL,
				"--on-error: '%s' is not accepted: write fail, skip or dlq:PATH, "
				"or STEP= and one of these",
				rule);
	memcpy(name, rule, (size_t)(equals - rule));
	name[equals - rule] = '\0';
	return named ? set_named(flow, name, &policy, err) : 0;
}

int wax_flow_set_policies(struct wax_flow *flow, const char *const *rules, uint32_t rule_count,
		struct wax_err *err)
{
	for (int named = 0; named < 2; named++) {
		for (uint32_t i = 0; i < rule_count; i++) {
			int r = apply_rule(flow, rules[i], named, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int wax_flow_open_letters(struct wax_flow *flow, struct wax_err *err)
{
	int r = 0;
	for (uint32_t i = 0; i < flow->letter_box_count && r == 0; i++) {
		if (flow->letter_boxes[i].fd < 0)
			r = wax_letter_box_open(&flow->letter_boxes[i], err);
	}
	return r;
}
