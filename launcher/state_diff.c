/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "launcher/setup.h"
#include "launcher/state.h"
#include "runtime/units.h"

/* Keys of both sides are sorted alike, so one walk over both finds what differs. */

struct diff {
	const struct wax_tool_options *options;
	FILE *out;
	struct wax_state_view before, after;
	uint64_t count; /* of differences */
};

/* ---- What is printed */

enum change {
	CAME,
	WENT,
	CHANGED,
};

static const struct {
	char mark;
	const char *name;
} changes[] = {
		[CAME] = {'+', "came"},
		[WENT] = {'-', "went"},
		[CHANGED] = {'~', "changed"},
};

struct difference {
	enum change change;
	const struct wax_manifest_step *step;
	enum wax_state_type key_type;
	struct wax_bytes key;
	struct wax_bytes before; /* unless it came */
	struct wax_bytes after;  /* unless it went */
};

static void print_text(const struct diff *diff, const struct difference *difference)
{
	enum wax_state_type type = diff->options->value_type;

	fprintf(diff->out, "%c\t%s\t", changes[difference->change].mark, difference->step->id);
	wax_state_write(diff->out, difference->key_type, difference->key);
	if (difference->change != CAME) {
		fputc('\t', diff->out);
		wax_state_write(diff->out, type, difference->before);
	}
	if (difference->change != WENT) {
		fputc('\t', diff->out);
		wax_state_write(diff->out, type, difference->after);
	}
	fputc('\n', diff->out);
}

static void print_json(const struct diff *diff, const struct difference *difference)
{
	enum wax_state_type type = diff->options->value_type;
	struct wax_json json;

	wax_state_begin_json(&json, diff->out, "difference");
	wax_json_text(&json, "change", changes[difference->change].name);
	wax_json_text(&json, "step", difference->step->id);
	wax_state_write_json(&json, "key", difference->key_type, difference->key);
	if (difference->change != CAME)
		wax_state_write_json(&json, "value_before", type, difference->before);
	if (difference->change != WENT)
		wax_state_write_json(&json, "value_after", type, difference->after);
	wax_state_end_json(&json);
}

static void note(struct diff *diff, const struct difference *difference)
{
	diff->count++;
	if (diff->options->format == WAX_TOOL_JSON)
		print_json(diff, difference);
	else
		print_text(diff, difference);
}

/* ---- One step */

static bool are_equal(struct wax_bytes a, struct wax_bytes b)
{
	return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

static void compare_keys(struct diff *diff, const struct wax_manifest_step *step,
		const struct wax_state_keys *before, const struct wax_state_keys *after)
{
	for (uint64_t i = 0, k = 0; i < before->count || k < after->count;) {
		struct difference difference = {.step = step, .key_type = before->type};
		int order = i == before->count ? 1
				: k == after->count
				? -1
				: wax_state_compare(before->type, wax_state_keys_key(before, i),
						  wax_state_keys_key(after, k));

		difference.change = order < 0 ? WENT : order > 0 ? CAME : CHANGED;
		difference.key = order > 0 ? wax_state_keys_key(after, k)
					   : wax_state_keys_key(before, i);
		if (order <= 0)
			difference.before = wax_state_keys_value(before, i++);
		if (order >= 0)
			difference.after = wax_state_keys_value(after, k++);
		if (order != 0 || !are_equal(difference.before, difference.after))
			note(diff, &difference);
	}
}

/* A step that only one side has has no keys on the other. */
static int read_keys(const struct wax_state_view *view, const struct wax_manifest_step *step,
		enum wax_state_type type, struct wax_state_keys *ret_keys, struct wax_err *err)
{
	if (!wax_manifest_find(view->manifest, step->id, WAX_MANIFEST_STATE)) {
		*ret_keys = (struct wax_state_keys){.type = type};
		return 0;
	}
	return wax_state_keys_read(view, step, type, ret_keys, err);
}

static int compare_step(
		struct diff *diff, const struct wax_manifest_step *step, struct wax_err *err)
{
	enum wax_state_type type = wax_state_key_type(diff->options->key_type, step);
	struct wax_state_keys before, after;
	int r = read_keys(&diff->before, step, type, &before, err);

	if (r < 0)
		return r;
	r = read_keys(&diff->after, step, type, &after, err);
	if (r == 0) {
		compare_keys(diff, step, &before, &after);
		wax_state_keys_fini(&after);
	}
	wax_state_keys_fini(&before);
	return r;
}

/* ---- All of them */

static int compare_steps(struct diff *diff, struct wax_err *err)
{
	const struct wax_manifest *before = diff->before.manifest, *after = diff->after.manifest;
	int r = 0;

	for (uint32_t i = 0; i < before->step_count && r == 0; i++) {
		if (before->steps[i].role == WAX_MANIFEST_STATE)
			r = compare_step(diff, &before->steps[i], err);
	}
	for (uint32_t i = 0; i < after->step_count && r == 0; i++) {
		const struct wax_manifest_step *step = &after->steps[i];

		if (step->role == WAX_MANIFEST_STATE &&
				!wax_manifest_find(before, step->id, WAX_MANIFEST_STATE))
			r = compare_step(diff, step, err);
	}
	return r;
}

static int parse_epoch(const char *text, uint64_t *ret_epoch, struct wax_err *err)
{
	if (wax_units_parse_number(text, ret_epoch, NULL) == 0 && *ret_epoch > 0 &&
			*ret_epoch < UINT64_MAX)
		return 0;
	return wax_err_set(err, -EINVAL,
			"'%s' is no epoch: write wax state diff DIR EPOCH EPOCH, or wax state diff "
			"DIR DIR",
			text);
}

static int open_views(struct diff *diff, struct wax_err *err)
{
	const struct wax_option_list *operands = &diff->options->operands;
	const char *other = operands->texts[operands->count == 2 ? 1 : 0];
	uint64_t before = 0, after = 0;
	int r = 0;

	if (operands->count == 3)
		r = parse_epoch(operands->texts[1], &before, err);
	if (operands->count == 3 && r == 0)
		r = parse_epoch(operands->texts[2], &after, err);
	if (r == 0)
		r = wax_state_view_open(operands->texts[0], before, &diff->before, err);
	if (r < 0)
		return r;
	r = wax_state_view_open(other, after, &diff->after, err);
	if (r < 0)
		wax_state_view_close(&diff->before);
	return r;
}

int wax_state_diff(const struct wax_tool_options *options, FILE *out, struct wax_err *err)
{
	struct diff diff = {.options = options, .out = out};
	int r = open_views(&diff, err);

	if (r < 0)
		return wax_state_status(r);
	r = compare_steps(&diff, err);
	wax_state_view_close(&diff.before);
	wax_state_view_close(&diff.after);
	if (r < 0)
		return wax_state_status(r);
	return diff.count > 0 ? WAX_EXIT_FAILED : 0;
}
