/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/setup.h"
#include "launcher/state.h"

/* ---- One key */

static void print_value(const struct wax_tool_options *options,
		const struct wax_manifest_step *step, struct wax_bytes key, struct wax_bytes value,
		FILE *out)
{
	struct wax_json json;

	if (options->format != WAX_TOOL_JSON) {
		wax_state_write(out, options->value_type, value);
		fputc('\n', out);
		return;
	}
	wax_state_begin_json(&json, out, "state");
	wax_json_text(&json, "step", step->id);
	wax_state_write_json(&json, "key", wax_state_key_type(options->key_type, step), key);
	wax_state_write_json(&json, "value", options->value_type, value);
	wax_state_end_json(&json);
}

static int get(const struct wax_tool_options *options, const struct wax_state_view *view,
		struct wax_state_key *key, FILE *out, struct wax_err *err)
{
	const char *const *operands = options->operands.texts;
	const struct wax_manifest_step *step = wax_state_view_step(view, operands[1], err);
	struct wax_bytes value;

	if (!step)
		return WAX_EXIT_USAGE;

	int r = wax_state_parse_key(
			wax_state_key_type(options->key_type, step), operands[2], key, err);

	if (r == 0)
		r = wax_state_view_get(view, step, key->bytes, &value, err);
	if (r < 0)
		return wax_state_status(r);
	if (r == 0) {
		wax_err_set(err, -ENOENT, "step '%s' has no key '%s' at the end of epoch %llu",
				step->id, operands[2], (unsigned long long)view->resume->epoch);
		return WAX_EXIT_FAILED;
	}
	print_value(options, step, key->bytes, value, out);
	return 0;
}

int wax_state_get(const struct wax_tool_options *options, FILE *out, struct wax_err *err)
{
	struct wax_state_view view;
	struct wax_state_key key = {0};
	int r = wax_state_view_open(options->operands.texts[0], options->epoch, &view, err);

	if (r < 0)
		return wax_state_status(r);

	int status = get(options, &view, &key, out, err);

	free(key.made);
	wax_state_view_close(&view);
	return status;
}

/* ---- Lines: context is the stream */

static int no_step(struct wax_state_writer *writer, const struct wax_manifest_step *step,
		struct wax_err *err)
{
	(void)writer;
	(void)step;
	(void)err;
	return 0;
}

static int text_entry(struct wax_state_writer *writer, const struct wax_manifest_step *step,
		struct wax_bytes key, struct wax_bytes value, struct wax_err *err)
{
	FILE *out = writer->context;
	(void)err;

	fprintf(out, "%s\t", step->id);
	wax_state_write(out, wax_state_key_type(writer->options->key_type, step), key);
	fputc('\t', out);
	wax_state_write(out, writer->options->value_type, value);
	fputc('\n', out);
	return 0;
}

static int text_position(struct wax_state_writer *writer, const struct wax_state_position *position,
		struct wax_err *err)
{
	(void)writer;
	(void)position;
	(void)err;
	return 0;
}

static int json_entry(struct wax_state_writer *writer, const struct wax_manifest_step *step,
		struct wax_bytes key, struct wax_bytes value, struct wax_err *err)
{
	(void)err;
	print_value(writer->options, step, key, value, writer->context);
	return 0;
}

static int json_position(struct wax_state_writer *writer, const struct wax_state_position *position,
		struct wax_err *err)
{
	struct wax_json json;
	(void)err;

	wax_state_begin_json(&json, writer->context, "position");
	wax_state_add_position(&json, position, writer->options->value_type);
	wax_state_end_json(&json);
	return 0;
}

static int finish_lines(struct wax_state_writer *writer, struct wax_err *err)
{
	FILE *out = writer->context;

	/* Standard output is asked by main. */
	if (!writer->options->out_path)
		return 0;
	if (fflush(out) == 0 && !ferror(out) && fsync(fileno(out)) == 0)
		return 0;
	return wax_err_set(err, -EIO, "write '%s': %m", writer->options->out_path);
}

static void close_lines(struct wax_state_writer *writer)
{
	if (writer->options->out_path)
		fclose(writer->context);
}

static struct wax_state_writer make_lines(const struct wax_tool_options *options, FILE *out)
{
	bool json = options->format == WAX_TOOL_JSON;

	return (struct wax_state_writer){
			.step = no_step,
			.entry = json ? json_entry : text_entry,
			.position = json ? json_position : text_position,
			.finish = finish_lines,
			.close = close_lines,
			.options = options,
			.context = out,
	};
}

/* ---- All of them */

/* Which steps were asked for? @param first its operand */
static bool is_asked(const struct wax_tool_options *options, const char *id)
{
	for (uint32_t i = 1; i < options->operands.count; i++) {
		if (strcmp(options->operands.texts[i], id) == 0)
			return true;
	}
	return options->operands.count == 1;
}

static int check_steps(const struct wax_tool_options *options, const struct wax_state_view *view,
		struct wax_err *err)
{
	for (uint32_t i = 1; i < options->operands.count; i++) {
		if (!wax_state_view_step(view, options->operands.texts[i], err))
			return -EINVAL;
	}
	return 0;
}

/* What could not be read, and what could not be written: two exit statuses. */
struct outcome {
	int reading;
	int writing;
};

static struct outcome write_step(struct wax_state_writer *writer, const struct wax_state_view *view,
		const struct wax_manifest_step *step, struct wax_err *err)
{
	struct wax_state_keys keys;
	struct outcome outcome = {.writing = writer->step(writer, step, err)};

	if (outcome.writing < 0 || step->role != WAX_MANIFEST_STATE)
		return outcome;
	outcome.reading = wax_state_keys_read(view, step,
			wax_state_key_type(writer->options->key_type, step), &keys, err);
	if (outcome.reading < 0)
		return outcome;
	for (uint64_t i = 0; i < keys.count && outcome.writing == 0; i++)
		outcome.writing = writer->entry(writer, step, wax_state_keys_key(&keys, i),
				wax_state_keys_value(&keys, i), err);
	wax_state_keys_fini(&keys);
	return outcome;
}

static struct outcome write_positions(struct wax_state_writer *writer,
		const struct wax_state_view *view, struct wax_err *err)
{
	struct wax_state_position *positions;
	uint64_t count;
	struct outcome outcome = {
			.reading = wax_state_view_positions(view, &positions, &count, err)};

	if (outcome.reading < 0)
		return outcome;
	for (uint64_t i = 0; i < count && outcome.writing == 0; i++)
		outcome.writing = writer->position(writer, &positions[i], err);
	free(positions);
	return outcome;
}

static struct outcome write_all(struct wax_state_writer *writer, const struct wax_state_view *view,
		struct wax_err *err)
{
	const struct wax_manifest *manifest = view->manifest;
	struct outcome outcome = {0};

	for (uint32_t i = 0; i < manifest->step_count && !outcome.reading && !outcome.writing;
			i++) {
		if (is_asked(writer->options, manifest->steps[i].id))
			outcome = write_step(writer, view, &manifest->steps[i], err);
	}
	/* Steps that were asked for are asked for their states. */
	if (!outcome.reading && !outcome.writing && writer->options->operands.count == 1)
		outcome = write_positions(writer, view, err);
	if (!outcome.reading && !outcome.writing)
		outcome.writing = writer->finish(writer, err);
	return outcome;
}

/* Made here, so that no format writes over what somebody else has made. @return a descriptor */
static int make_file(const char *path, struct wax_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0 && errno == EEXIST)
		return wax_err_set(err, -EEXIST,
				"'%s' is there already: remove it, or name another file", path);
	if (fd < 0)
		return wax_err_set(err, -errno, "make '%s': %m", path);
	return fd;
}

/* @param fd taken, in any case */
static int open_writer(const struct wax_tool_options *options, int fd,
		struct wax_state_writer *ret_writer, struct wax_err *err)
{
	if (options->format == WAX_TOOL_SQLITE) {
		close(fd);
		return wax_state_open_sqlite(options, ret_writer, err);
	}

	FILE *out = fdopen(fd, "w");

	if (!out) {
		int r = wax_err_set(err, -errno, "write '%s': %m", options->out_path);

		close(fd);
		return r;
	}
	*ret_writer = make_lines(options, out);
	return 0;
}

static int status_of(struct outcome outcome)
{
	if (outcome.reading < 0)
		return wax_state_status(outcome.reading);
	return outcome.writing < 0 ? WAX_EXIT_CONNECTOR : 0;
}

static int export_to_file(const struct wax_tool_options *options, const struct wax_state_view *view,
		struct wax_err *err)
{
	struct wax_state_writer writer;
	int fd = make_file(options->out_path, err), status = WAX_EXIT_CONNECTOR;

	if (fd < 0)
		return fd == -EEXIST ? WAX_EXIT_USAGE : WAX_EXIT_CONNECTOR;

	int r = open_writer(options, fd, &writer, err);
	if (r == -ENOSYS)
		status = WAX_EXIT_USAGE;
	if (r == 0) {
		status = status_of(write_all(&writer, view, err));
		writer.close(&writer);
	}
	if (status != 0)
		unlink(options->out_path);
	return status;
}

static int export(const struct wax_tool_options *options, const struct wax_state_view *view,
		FILE *out, struct wax_err *err)
{
	int r = check_steps(options, view, err);

	if (r < 0)
		return wax_state_status(r);
	if (options->out_path)
		return export_to_file(options, view, err);

	struct wax_state_writer writer = make_lines(options, out);

	return status_of(write_all(&writer, view, err));
}

int wax_state_export(const struct wax_tool_options *options, FILE *out, struct wax_err *err)
{
	struct wax_state_view view;
	int r = wax_state_view_open(options->operands.texts[0], options->epoch, &view, err);

	if (r < 0)
		return wax_state_status(r);

	int status = export(options, &view, out, err);

	wax_state_view_close(&view);
	return status;
}
