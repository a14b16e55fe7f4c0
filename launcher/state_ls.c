/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/setup.h"
#include "launcher/state.h"
#include "launcher/tabular.h"
#include "runtime/units.h"

int wax_state_status(int code)
{
	if (code == -ENOMEM)
		return WAX_EXIT_RESOURCES;
	return code == -EINVAL ? WAX_EXIT_USAGE : WAX_EXIT_RECOVERY;
}

void wax_state_begin_json(struct wax_json *json, FILE *out, const char *type)
{
	wax_json_init(json, out);
	wax_json_object(json, NULL);
	wax_json_text(json, "type", type);
	wax_json_u64(json, "schema", 1);
}

void wax_state_end_json(struct wax_json *json)
{
	wax_json_end(json);
	fputc('\n', json->out);
}

const char *wax_state_role(const struct wax_manifest_step *step)
{
	static const char *const roles[] = {
			[WAX_MANIFEST_STATE] = "state",
			[WAX_MANIFEST_SOURCE] = "source",
			[WAX_MANIFEST_SINK] = "sink",
	};

	return roles[step->role];
}

/* ---- What is listed */

/* How many keys a step has. */
struct counted {
	uint64_t keys;
	uint64_t bytes;
};

struct listing {
	struct wax_state_view view;
	uint64_t bytes; /* of the directory */
	uint64_t *epochs;
	uint32_t epoch_count;
	struct counted *counted; /* of each step of the manifest */
	struct wax_state_position *positions;
	uint64_t position_count;
};

static int count_keys(struct listing *listing, struct wax_err *err)
{
	const struct wax_manifest *manifest = listing->view.manifest;
	int r = 0;

	listing->counted = calloc(manifest->step_count + 1, sizeof(*listing->counted));
	if (!listing->counted)
		return wax_err_set(err, -ENOMEM, "no memory for a list of steps");
	for (uint32_t i = 0; i < manifest->step_count && r == 0; i++) {
		struct wax_state_keys keys;

		if (manifest->steps[i].role != WAX_MANIFEST_STATE)
			continue;
		r = wax_state_keys_read(
				&listing->view, &manifest->steps[i], WAX_STATE_HEX, &keys, err);
		if (r < 0)
			continue;
		listing->counted[i] = (struct counted){keys.count, keys.bytes};
		wax_state_keys_fini(&keys);
	}
	return r;
}

static int make_listing(const struct wax_tool_options *options, struct listing *listing,
		struct wax_err *err)
{
	int r = wax_state_view_open(
			options->operands.texts[0], options->epoch, &listing->view, err);

	if (r == 0)
		r = wax_store_epochs(
				listing->view.store, &listing->epochs, &listing->epoch_count, err);
	if (r == 0)
		r = count_keys(listing, err);
	if (r == 0)
		r = wax_state_view_positions(
				&listing->view, &listing->positions, &listing->position_count, err);
	if (r == 0)
		listing->bytes = wax_store_bytes(listing->view.store);
	return r;
}

static void free_listing(struct listing *listing)
{
	free(listing->epochs);
	free(listing->counted);
	free(listing->positions);
	wax_state_view_close(&listing->view);
}

/* ---- As text */

/* "3-9, 12" */
static void print_epochs(const struct listing *listing, FILE *out)
{
	fputs("epochs", out);
	for (uint32_t i = 0; i < listing->epoch_count; i++) {
		uint32_t first = i;

		while (i + 1 < listing->epoch_count &&
				listing->epochs[i + 1] == listing->epochs[i] + 1)
			i++;
		fprintf(out, "%s %" PRIu64, first > 0 ? "," : "", listing->epochs[first]);
		if (i > first)
			fprintf(out, "-%" PRIu64, listing->epochs[i]);
	}
	fputs("\n\n", out);
}

static void print_table(struct wax_tabular *table, FILE *out)
{
	wax_tabular_print(table, out, true, false);
	wax_tabular_fini(table);
}

static void print_generations(const struct listing *listing, FILE *out)
{
	const struct wax_resume *resume = listing->view.resume;
	struct wax_tabular table;

	wax_tabular_init(&table, "rrrl");
	wax_tabular_add(&table, "generation");
	wax_tabular_add(&table, "workers");
	wax_tabular_add(&table, "epochs");
	wax_tabular_add(&table, "from");
	for (uint32_t i = 0; i < resume->generation_count; i++) {
		const struct wax_store_generation *generation = &resume->generations[i];
		const struct wax_manifest *manifest = &generation->manifest;

		wax_tabular_add(&table, "%" PRIu64, generation->number);
		wax_tabular_add(&table, "%" PRIu32, manifest->worker_count);
		wax_tabular_add(&table, "%" PRIu64 "-%" PRIu64, generation->epoch_first,
				generation->epoch_last);
		if (manifest->from_generation)
			wax_tabular_add(&table, "epoch %" PRIu64 " of %" PRIu64,
					manifest->from_epoch, manifest->from_generation);
		else
			wax_tabular_add(&table, "nothing");
	}
	print_table(&table, out);
}

static void print_steps(const struct listing *listing, FILE *out)
{
	const struct wax_manifest *manifest = listing->view.manifest;
	struct wax_tabular table;

	wax_tabular_init(&table, "lllrrr");
	wax_tabular_add(&table, "step");
	wax_tabular_add(&table, "kind");
	wax_tabular_add(&table, "key");
	wax_tabular_add(&table, "version");
	wax_tabular_add(&table, "keys");
	wax_tabular_add(&table, "bytes");
	for (uint32_t i = 0; i < manifest->step_count; i++) {
		const struct wax_manifest_step *step = &manifest->steps[i];

		if (step->role != WAX_MANIFEST_STATE)
			continue;
		wax_tabular_add(&table, "%s", step->id);
		wax_tabular_add(&table, "%s", step->kind);
		wax_tabular_add(&table, "%s", step->key);
		wax_tabular_add(&table, "%" PRIu32, step->version);
		wax_tabular_add(&table, "%s", wax_units_print_count(listing->counted[i].keys).text);
		wax_tabular_add(&table, "%s",
				wax_units_print_bytes(listing->counted[i].bytes).text);
	}
	fputc('\n', out);
	print_table(&table, out);
}

static void add_bytes(struct wax_tabular *table, enum wax_state_type type, struct wax_bytes bytes)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (out) {
		wax_state_write(out, type, bytes);
		fclose(out);
	}
	wax_tabular_add(table, "%s", text ? text : "");
	free(text);
}

static void print_positions(
		const struct wax_tool_options *options, const struct listing *listing, FILE *out)
{
	struct wax_tabular table;

	if (listing->position_count == 0)
		return;
	wax_tabular_init(&table, "lllrll");
	wax_tabular_add(&table, "position");
	wax_tabular_add(&table, "role");
	wax_tabular_add(&table, "kind");
	wax_tabular_add(&table, "instance");
	wax_tabular_add(&table, "part");
	wax_tabular_add(&table, "at");
	for (uint64_t i = 0; i < listing->position_count; i++) {
		const struct wax_state_position *position = &listing->positions[i];

		wax_tabular_add(&table, "%s", position->step->id);
		wax_tabular_add(&table, "%s", wax_state_role(position->step));
		wax_tabular_add(&table, "%s", position->step->kind);
		wax_tabular_add(&table, "%" PRIu32, position->instance);
		add_bytes(&table, WAX_STATE_AUTO, position->name);
		add_bytes(&table, options->value_type, position->position);
	}
	fputc('\n', out);
	print_table(&table, out);
}

static void print_text(
		const struct wax_tool_options *options, const struct listing *listing, FILE *out)
{
	const struct wax_resume *resume = listing->view.resume;

	fprintf(out, "flow %s, epoch %" PRIu64 ", directory of %s\n", listing->view.manifest->flow,
			resume->epoch, wax_units_print_bytes(listing->bytes).text);
	print_epochs(listing, out);
	print_generations(listing, out);
	print_steps(listing, out);
	print_positions(options, listing, out);
}

/* ---- As JSON */

static void add_generations(const struct wax_resume *resume, struct wax_json *json)
{
	wax_json_array(json, "generations");
	for (uint32_t i = 0; i < resume->generation_count; i++) {
		const struct wax_store_generation *generation = &resume->generations[i];
		const struct wax_manifest *manifest = &generation->manifest;

		wax_json_object(json, NULL);
		wax_json_u64(json, "generation", generation->number);
		wax_json_u64(json, "worker_count", manifest->worker_count);
		wax_json_u64(json, "epoch_first", generation->epoch_first);
		wax_json_u64(json, "epoch_last", generation->epoch_last);
		wax_json_u64(json, "from_generation", manifest->from_generation);
		wax_json_u64(json, "from_epoch", manifest->from_epoch);
		wax_json_end(json);
	}
	wax_json_end(json);
}

static void add_steps(const struct listing *listing, struct wax_json *json)
{
	const struct wax_manifest *manifest = listing->view.manifest;

	wax_json_array(json, "steps");
	for (uint32_t i = 0; i < manifest->step_count; i++) {
		const struct wax_manifest_step *step = &manifest->steps[i];

		if (step->role != WAX_MANIFEST_STATE)
			continue;
		wax_json_object(json, NULL);
		wax_json_text(json, "step", step->id);
		wax_json_text(json, "kind", step->kind);
		wax_json_text(json, "key_type", step->key);
		wax_json_u64(json, "version", step->version);
		wax_json_u64(json, "keys", listing->counted[i].keys);
		wax_json_u64(json, "state_bytes", listing->counted[i].bytes);
		wax_json_end(json);
	}
	wax_json_end(json);
}

static void add_positions(const struct wax_tool_options *options, const struct listing *listing,
		struct wax_json *json)
{
	wax_json_array(json, "positions");
	for (uint64_t i = 0; i < listing->position_count; i++) {
		wax_json_object(json, NULL);
		wax_state_add_position(json, &listing->positions[i], options->value_type);
		wax_json_end(json);
	}
	wax_json_end(json);
}

static void print_json(
		const struct wax_tool_options *options, const struct listing *listing, FILE *out)
{
	struct wax_json json;

	wax_state_begin_json(&json, out, "recovery");
	wax_json_text(&json, "flow", listing->view.manifest->flow);
	wax_json_u64(&json, "epoch", listing->view.resume->epoch);
	wax_json_u64(&json, "directory_bytes", listing->bytes);
	wax_json_array(&json, "epochs");
	for (uint32_t i = 0; i < listing->epoch_count; i++)
		wax_json_u64(&json, NULL, listing->epochs[i]);
	wax_json_end(&json);
	add_generations(listing->view.resume, &json);
	add_steps(listing, &json);
	add_positions(options, listing, &json);
	wax_state_end_json(&json);
}

void wax_state_add_position(struct wax_json *json, const struct wax_state_position *position,
		enum wax_state_type type)
{
	wax_json_text(json, "step", position->step->id);
	wax_json_text(json, "role", wax_state_role(position->step));
	wax_json_text(json, "kind", position->step->kind);
	wax_json_u64(json, "instance", position->instance);
	wax_state_write_json(json, "part", WAX_STATE_AUTO, position->name);
	wax_state_write_json(json, "position", type, position->position);
}

int wax_state_ls(const struct wax_tool_options *options, FILE *out, struct wax_err *err)
{
	struct listing listing = {0};
	int r = make_listing(options, &listing, err);

	if (r == 0 && options->format == WAX_TOOL_JSON)
		print_json(options, &listing, out);
	else if (r == 0)
		print_text(options, &listing, out);
	free_listing(&listing);
	return r < 0 ? wax_state_status(r) : 0;
}
