/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/setup.h"
#include "launcher/state.h"

/*
 * First all generations are looked at, then all is cut, or nothing. A frame of an epoch that did not
 * end proves that the epoch before it was committed; when it is gone only the payloads of that epoch
 * do. So they are checked first: what is damaged must not become what was never there.
 */

struct cut {
	char path[512 + WAX_LOG_NAME_BYTES]; /* of a segment */
	uint64_t bytes_before;
	uint64_t bytes_after; /* 0: the file is removed */
	uint64_t epoch;       /* that did not end; 0: not even its number is there */
	char why[512];
};

struct repair {
	struct wax_store *store;
	struct cut *cuts;
	uint32_t count;
	uint32_t room;
};

/* ---- What is to be cut */

static int add_cut(struct repair *repair, const struct wax_log_scan *scan, uint32_t segment,
		uint64_t bytes_after, struct wax_err *err)
{
	if (repair->count == repair->room) {
		uint32_t room = 2 * repair->room + 8;
		struct cut *cuts = reallocarray(repair->cuts, room, sizeof(*cuts));

		if (!cuts)
			return wax_err_set(err, -ENOMEM, "no memory for a list of segments");
		repair->cuts = cuts;
		repair->room = room;
	}

	struct cut *cut = &repair->cuts[repair->count++];

	*cut = (struct cut){.bytes_before = scan->segments[segment].bytes,
			.bytes_after = bytes_after,
			.epoch = scan->torn_epoch};
	snprintf(cut->path, sizeof(cut->path), "%s/%s", scan->path, scan->segments[segment].name);
	snprintf(cut->why, sizeof(cut->why), "%.*s", (int)sizeof(cut->why) - 1, scan->torn.text);
	return 0;
}

static int plan_log(struct repair *repair, const struct wax_log_scan *scan, struct wax_err *err)
{
	uint32_t first = 0; /* segment in which nothing is whole */
	int r = 0;

	if (scan->torn_bytes == 0)
		return 0;
	if (scan->epoch_count > 0) {
		const struct wax_log_epoch *last = &scan->epochs[scan->epoch_count - 1];
		uint32_t kept = scan->frames[last->end_frame].segment;

		first = kept + 1;
		if (scan->torn_segment == kept &&
				scan->segments[kept].data_bytes > scan->torn_offset)
			r = add_cut(repair, scan, kept, scan->torn_offset, err);
	}
	for (uint32_t i = first; i < scan->segment_count && r == 0; i++) {
		if (scan->segments[i].data_bytes > 0)
			r = add_cut(repair, scan, i, 0, err);
	}
	return r;
}

static int check_epoch(const struct wax_log_scan *scan, uint64_t number, struct wax_err *err)
{
	const struct wax_log_epoch *epoch = wax_log_find_epoch(scan, number);
	int r = 0;

	for (uint32_t i = epoch->first_frame; i <= epoch->end_frame && r == 0; i++)
		r = wax_log_check_frame(scan, &scan->frames[i], err);
	return r;
}

static int plan_generation(struct repair *repair, uint64_t number, struct wax_err *err)
{
	struct wax_store_generation generation;
	int r = wax_store_look(repair->store, number, &generation, err);

	if (r != 0)
		return r < 0 ? r : 0;
	for (uint32_t i = 0; i < generation.manifest.worker_count && r == 0; i++) {
		if (generation.epoch_last >= generation.epoch_first)
			r = check_epoch(&generation.scans[i], generation.epoch_last, err);
		if (r == 0)
			r = plan_log(repair, &generation.scans[i], err);
	}
	wax_store_generation_fini(&generation);
	return r;
}

static int plan_all(struct repair *repair, struct wax_err *err)
{
	uint64_t *numbers;
	uint32_t count;
	int r = wax_store_list(repair->store, &numbers, &count, err);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < count && r == 0; i++)
		r = plan_generation(repair, numbers[i], err);
	free(numbers);
	return r;
}

/* ---- Cutting it */

static int sync_folder(const char *path)
{
	char folder[sizeof(((struct cut *)0)->path)];

	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);

	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

static int truncate_segment(const struct cut *cut)
{
	int fd = open(cut->path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 || ftruncate(fd, (off_t)cut->bytes_after) < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

static int apply(const struct cut *cut, struct wax_err *err)
{
	int r;

	if (cut->bytes_after > 0)
		r = truncate_segment(cut);
	else
		r = unlink(cut->path) < 0 ? -errno : sync_folder(cut->path);
	return r < 0 ? wax_err_set(err, r, "cut '%s': %s", cut->path, strerror(-r)) : 0;
}

static void print_cut(const struct wax_tool_options *options, const struct cut *cut, FILE *out)
{
	struct wax_json json;

	if (options->format != WAX_TOOL_JSON) {
		const char *does = options->dry_run ? "would be " : "";

		if (cut->bytes_after > 0)
			fprintf(out, "%s: %scut from %" PRIu64 " to %" PRIu64 " bytes\n", cut->path,
					does, cut->bytes_before, cut->bytes_after);
		else
			fprintf(out, "%s: %sremoved, %" PRIu64 " bytes\n", cut->path, does,
					cut->bytes_before);
		return;
	}
	wax_state_begin_json(&json, out, "cut");
	wax_json_text(&json, "file", cut->path);
	wax_json_u64(&json, "bytes_before", cut->bytes_before);
	wax_json_u64(&json, "bytes_after", cut->bytes_after);
	wax_json_u64(&json, "epoch_torn", cut->epoch);
	wax_json_text(&json, "reason", cut->why);
	wax_json_bool(&json, "done", !options->dry_run);
	wax_state_end_json(&json);
}

/* The last segments first: a cut that is interrupted leaves a torn tail, and no gap. */
static int apply_all(const struct wax_tool_options *options, const struct repair *repair, FILE *out,
		struct wax_err *err)
{
	for (uint32_t i = repair->count; i-- > 0;) {
		const struct cut *cut = &repair->cuts[i];
		int r = options->dry_run ? 0 : apply(cut, err);

		if (r < 0)
			return r;
		fprintf(stderr, "wax: torn: %s\n", cut->why);
		print_cut(options, cut, out);
	}
	if (repair->count == 0)
		fputs("wax: nothing to cut: each log ends with a whole epoch\n", stderr);
	return 0;
}

/* Nothing is made in a folder that no run has written: the lock would be. */
static int open_locked(struct repair *repair, const char *path, struct wax_err *err)
{
	uint64_t *numbers;
	uint32_t count = 0;
	int r = wax_store_open(path, false, false, &repair->store, err);

	if (r == 0)
		r = wax_store_list(repair->store, &numbers, &count, err);
	if (r < 0)
		return r;
	free(numbers);
	if (count == 0)
		return wax_err_set(err, -ENOENT,
				"no run has saved anything in '%s': is it the directory that "
				"waxrun "
				"--recovery was given?",
				path);
	wax_store_close(repair->store);
	repair->store = NULL;
	return wax_store_open(path, false, true, &repair->store, err);
}

int wax_state_repair(const struct wax_tool_options *options, FILE *out, struct wax_err *err)
{
	struct repair repair = {0};
	int r = open_locked(&repair, options->operands.texts[0], err);

	if (r == 0)
		r = plan_all(&repair, err);
	if (r == 0)
		r = apply_all(options, &repair, out, err);
	free(repair.cuts);
	wax_store_close(repair.store);
	return r < 0 ? wax_state_status(r) : 0;
}
