/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * What a run can go on from. What makes an epoch committed is that all logs of its generation hold
 * it, and since epoch e + 1 begins when e is committed, any frame of e + 1 says that e was. So only
 * the last epoch can be torn, and only when no log has anything of a later one; everywhere else what
 * is missing is damage.
 *
 * Generations are looked at when they are asked for: one that nobody needs may be damaged.
 */

#define ADVICE "restore the directory from a copy, or begin anew with --from none"

static unsigned long long wide(uint64_t number)
{
	return number;
}

/* ---- A generation */

void wax_store_generation_fini(struct wax_store_generation *generation)
{
	for (uint32_t i = 0; generation->scans && i < generation->manifest.worker_count; i++)
		wax_log_scan_free(&generation->scans[i]);
	free(generation->scans);
	free(generation->bases);
	wax_manifest_free(&generation->manifest);
	*generation = (struct wax_store_generation){0};
}

static int read_all(int fd, char *text, size_t bytes)
{
	for (size_t have = 0; have < bytes;) {
		ssize_t got = pread(fd, text + have, bytes - have, (off_t)have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		have += (size_t)got;
	}
	return 0;
}

static int read_text(int fd, char **ret_text, size_t *ret_bytes)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -errno;
	size_t bytes = (size_t)status.st_size;
	char *text = malloc(bytes + 1);
	if (!text)
		return -ENOMEM;
	int r = read_all(fd, text, bytes);
	if (r < 0) {
		free(text);
		return r;
	}
	*ret_text = text;
	*ret_bytes = bytes;
	return 0;
}

static int read_manifest(struct wax_store_generation *generation, int dir, struct wax_err *err)
{
	char name[WAX_STORE_PATH_BYTES + 16], *text = NULL;
	size_t bytes = 0;
	snprintf(name, sizeof(name), "%s/" WAX_STORE_MANIFEST, generation->path);
	int fd = openat(dir, WAX_STORE_MANIFEST, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : read_text(fd, &text, &bytes);
	if (fd >= 0)
		close(fd);
	if (r == -ENOENT)
		return wax_err_set(err, -EBADMSG, "'%s' is missing: " ADVICE, name);
	if (r < 0)
		return wax_err_set(err, r, "read '%s': %s", name, strerror(-r));
	r = wax_manifest_parse(text, bytes, name, &generation->manifest, err);
	free(text);
	if (r == 0 && generation->manifest.generation != generation->number)
		r = wax_err_set(err, -EBADMSG, "'%s' is of generation %llu: " ADVICE, name,
				wide(generation->manifest.generation));
	return r;
}

/* Of a log, for sentences: a segment of it, or all. */
struct log_name {
	char text[WAX_STORE_PATH_BYTES + WAX_LOG_NAME_BYTES + 8];
};

static struct log_name name_log(const struct wax_store_generation *generation, uint32_t worker)
{
	const struct wax_log_scan *scan = &generation->scans[worker];
	struct log_name name;

	if (scan->segment_count > 0)
		snprintf(name.text, sizeof(name.text), "%s/%s", generation->path,
				scan->segments[scan->segment_count - 1].name);
	else
		snprintf(name.text, sizeof(name.text), "%s/" WAX_STORE_SEGMENT "%05u.*",
				generation->path, worker);
	return name;
}

static int scan_worker(struct wax_store_generation *generation, int dir, uint32_t worker,
		struct wax_err *err)
{
	const struct wax_manifest *manifest = &generation->manifest;
	struct wax_log_scan *scan = &generation->scans[worker];
	int r = wax_log_scan(dir, generation->path, worker, scan, err);
	if (r < 0)
		return r;
	if (scan->generation != 0 &&
			(scan->generation != generation->number || scan->run != manifest->run ||
					scan->worker_count != manifest->worker_count))
		return wax_err_set(err, -EPROTO,
				"'%s' does not belong to the manifest beside it, another run has "
				"written it: " ADVICE,
				name_log(generation, worker).text);
	if (scan->epoch_count > 0 && scan->epochs[0].epoch < generation->epoch_first)
		return wax_err_set(err, -EBADMSG,
				"'%s' holds epoch %llu, and its generation begins with "
				"%llu: " ADVICE,
				name_log(generation, worker).text, wide(scan->epochs[0].epoch),
				wide(generation->epoch_first));
	return 0;
}

static int read_generation(struct wax_store_generation *generation, int dir, struct wax_err *err)
{
	int r = read_manifest(generation, dir, err);
	if (r < 0)
		return r;
	uint32_t workers = generation->manifest.worker_count;
	generation->epoch_first = generation->manifest.from_epoch + 1;
	generation->epoch_last = generation->manifest.from_epoch;
	generation->scans = calloc(workers, sizeof(*generation->scans));
	generation->bases = calloc(workers, sizeof(*generation->bases));
	if (!generation->scans || !generation->bases)
		return wax_err_set(err, -ENOMEM, "no memory for '%s'", generation->path);
	for (uint32_t i = 0; r == 0 && i < workers; i++)
		r = scan_worker(generation, dir, i, err);
	return r;
}

static int load_generation(struct wax_store *store, uint64_t number,
		struct wax_store_generation *ret_generation, struct wax_err *err)
{
	struct wax_store_generation generation = {.number = number};
	struct wax_store_name name = wax_store_name(number);
	snprintf(generation.path, sizeof(generation.path), "%s/%s", store->path, name.text);
	int dir = openat(store->dir, name.text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return wax_err_set(err, -errno, "look into '%s': %m", generation.path);
	int r = read_generation(&generation, dir, err);
	close(dir);
	if (r < 0) {
		wax_store_generation_fini(&generation);
		return r;
	}
	*ret_generation = generation;
	return 0;
}

/* ---- The last committed epoch */

/* Of a log; that of before, where it has none. */
static uint64_t last_whole(const struct wax_store_generation *generation, uint32_t worker)
{
	const struct wax_log_scan *scan = &generation->scans[worker];
	return scan->epoch_count > 0 ? scan->epochs[scan->epoch_count - 1].epoch
				     : generation->manifest.from_epoch;
}

/* Of any frame in any log. */
static uint64_t last_seen(const struct wax_store_generation *generation)
{
	uint64_t seen = generation->manifest.from_epoch;
	for (uint32_t i = 0; i < generation->manifest.worker_count; i++) {
		uint64_t whole = last_whole(generation, i);
		uint64_t torn = generation->scans[i].torn_epoch;
		seen = whole > seen ? whole : seen;
		seen = torn > seen ? torn : seen;
	}
	return seen;
}

static bool is_epoch_sound(const struct wax_log_scan *scan, uint64_t number)
{
	const struct wax_log_epoch *epoch = wax_log_find_epoch(scan, number);

	for (uint32_t i = epoch->first_frame; i <= epoch->end_frame; i++) {
		if (wax_log_check_frame(scan, &scan->frames[i], NULL) < 0)
			return false;
	}
	return true;
}

/* Nothing but itself says whether this epoch was committed. */
static void check_last(struct wax_store_generation *generation)
{
	uint32_t workers = generation->manifest.worker_count;
	bool sound = true;

	for (uint32_t i = 0; sound && i < workers; i++)
		sound = is_epoch_sound(&generation->scans[i], generation->epoch_last);
	if (sound)
		return;
	for (uint32_t i = 0; i < workers; i++)
		wax_log_drop_epoch(&generation->scans[i]);
	generation->epoch_last--;
}

static int settle(struct wax_store_generation *generation, struct wax_err *err)
{
	uint64_t seen = last_seen(generation), committed = seen;

	for (uint32_t i = 0; i < generation->manifest.worker_count; i++) {
		uint64_t whole = last_whole(generation, i);
		if (whole + 1 < seen)
			return wax_err_set(err, -EBADMSG,
					"'%s' ends with epoch %llu, but %llu was "
					"committed: " ADVICE,
					name_log(generation, i).text, wide(whole), wide(seen - 1));
		committed = whole < committed ? whole : committed;
	}
	generation->epoch_last = committed;
	if (committed == seen && committed >= generation->epoch_first)
		check_last(generation);
	return 0;
}

/* ---- All generations, each looked at once */

struct slot {
	uint64_t number;
	enum {
		UNSEEN,
		READY,
		FAILED,
		TAKEN,
	} state;
	struct wax_err err; /* of what has failed */
	struct wax_store_generation generation;
};

struct shelf {
	struct wax_store *store;
	struct slot *slots; /* newest first */
	uint32_t count;
};

static int open_shelf(struct shelf *shelf, struct wax_store *store, struct wax_err *err)
{
	uint64_t *numbers;
	int r = wax_store_list(store, &numbers, &shelf->count, err);
	if (r < 0)
		return r;
	shelf->store = store;
	shelf->slots = calloc(shelf->count + 1, sizeof(*shelf->slots));
	for (uint32_t i = 0; shelf->slots && i < shelf->count; i++)
		shelf->slots[i].number = numbers[i];
	free(numbers);
	return shelf->slots ? 0 : wax_err_set(err, -ENOMEM, "no memory for generations");
}

static void close_shelf(struct shelf *shelf)
{
	for (uint32_t i = 0; shelf->slots && i < shelf->count; i++)
		wax_store_generation_fini(&shelf->slots[i].generation);
	free(shelf->slots);
}

static int look_at(struct shelf *shelf, struct slot *slot, struct wax_err *err)
{
	if (slot->state == UNSEEN) {
		int r = load_generation(shelf->store, slot->number, &slot->generation, &slot->err);
		if (r == 0)
			r = settle(&slot->generation, &slot->err);
		slot->state = r < 0 ? FAILED : READY;
	}
	return slot->state == FAILED ? wax_err_set(err, slot->err.code, "%s", slot->err.text) : 0;
}

/* It says nothing of the generation that there was too little to look at it. */
static bool is_shortage(int code)
{
	return code == -ENOMEM || code == -EMFILE || code == -ENFILE;
}

static struct slot *find_slot(struct shelf *shelf, uint64_t number)
{
	for (uint32_t i = 0; i < shelf->count; i++) {
		if (shelf->slots[i].number == number)
			return &shelf->slots[i];
	}
	return NULL;
}

/* ---- What an epoch needs */

static int check_log(struct wax_store_generation *generation, uint32_t worker, uint64_t number,
		struct wax_err *err)
{
	const struct wax_log_scan *scan = &generation->scans[worker];
	const struct wax_log_epoch *epoch = wax_log_find_epoch(scan, number);

	if (!epoch)
		return wax_err_set(err, -EBADMSG,
				"'%s' does not hold epoch %llu, which was committed: " ADVICE,
				name_log(generation, worker).text, wide(number));
	/* Without a base, all since the first segment. */
	if (epoch->base > 0 ? wax_log_find_epoch(scan, epoch->base) != NULL
			    : scan->segments[0].number == 1) {
		generation->bases[worker] = epoch->base;
		return 0;
	}
	return wax_err_set(err, -EBADMSG,
			"'%s' and what is before it do not hold all that epoch %llu needs, "
			"segments are missing: " ADVICE,
			name_log(generation, worker).text, wide(number));
}

/* Are all logs there? @return 1: and what it began from is needed; 0: it is not; negative */
static int check_generation(
		struct wax_store_generation *generation, uint64_t epoch, struct wax_err *err)
{
	int more = 0;

	for (uint32_t i = 0; i < generation->manifest.worker_count; i++) {
		int r = check_log(generation, i, epoch, err);
		if (r < 0)
			return r;
		more = more || generation->bases[i] == 0;
	}
	return more && generation->manifest.from_generation > 0;
}

static void take(struct slot *slot, uint64_t epoch, struct wax_resume *resume)
{
	struct wax_store_generation *generation = &resume->generations[resume->generation_count++];

	*generation = slot->generation;
	generation->epoch_last = epoch;
	slot->generation = (struct wax_store_generation){0};
	slot->state = TAKEN;
}

/**
 * Follow the links from an epoch of a generation as far as they are needed.
 *
 * @param resume takes the generations; NULL: only look whether they are there
 */
static int follow(struct shelf *shelf, uint64_t number, uint64_t epoch, struct wax_resume *resume,
		struct wax_err *err)
{
	while (number > 0) {
		struct slot *slot = find_slot(shelf, number);
		if (!slot)
			return wax_err_set(err, -EBADMSG,
					"'%s/%s' is missing, which epoch %llu needs: " ADVICE,
					shelf->store->path, wax_store_name(number).text,
					wide(epoch));
		int r = look_at(shelf, slot, err);
		if (r == 0)
			r = check_generation(&slot->generation, epoch, err);
		if (r < 0)
			return r;
		uint64_t from = slot->generation.manifest.from_generation;
		uint64_t from_epoch = slot->generation.manifest.from_epoch;
		if (resume)
			take(slot, epoch, resume);
		number = r == 1 ? from : 0;
		epoch = from_epoch;
	}
	return 0;
}

/* ---- Epochs */

static bool holds(const struct slot *slot, uint64_t epoch)
{
	return epoch >= slot->generation.epoch_first && epoch <= slot->generation.epoch_last;
}

/* Can it be gone on from, with this generation? @return 1 or 0; negative: nobody can tell now */
static int has_epoch(struct shelf *shelf, struct slot *slot, uint64_t epoch, struct wax_err *err)
{
	struct wax_err why;
	int r = look_at(shelf, slot, &why);
	if (r == 0 && !holds(slot, epoch))
		return 0;
	if (r == 0)
		r = follow(shelf, slot->number, epoch, NULL, &why);
	return is_shortage(r) ? wax_err_set(err, r, "%s", why.text) : r == 0;
}

static int ascending(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return (a > b) - (a < b);
}

/* A rolled back run and the one after it have epochs of the same number. */
static uint32_t sort_unique(uint64_t *epochs, uint32_t count)
{
	uint32_t kept = 0;

	if (count > 0)
		qsort(epochs, count, sizeof(*epochs), ascending);
	for (uint32_t i = 0; i < count; i++) {
		if (kept == 0 || epochs[kept - 1] != epochs[i])
			epochs[kept++] = epochs[i];
	}
	return kept;
}

static int list_epochs(struct shelf *shelf, uint64_t **ret_epochs, uint32_t *ret_count,
		struct wax_err *err)
{
	uint32_t room = 1, count = 0;

	for (uint32_t i = 0; i < shelf->count; i++) {
		struct slot *slot = &shelf->slots[i];
		int r = look_at(shelf, slot, NULL);
		if (is_shortage(r))
			return look_at(shelf, slot, err);
		if (r == 0)
			room += slot->generation.scans[0].epoch_count;
	}
	uint64_t *epochs = calloc(room, sizeof(*epochs));
	if (!epochs)
		return wax_err_set(err, -ENOMEM, "no memory for a list of epochs");
	for (uint32_t i = 0; i < shelf->count; i++) {
		const struct slot *slot = &shelf->slots[i];
		const struct wax_log_scan *scan = slot->generation.scans;
		for (uint32_t k = 0; slot->state == READY && k < scan->epoch_count; k++) {
			uint64_t epoch = scan->epochs[k].epoch;
			if (holds(slot, epoch) &&
					follow(shelf, slot->number, epoch, NULL, NULL) == 0)
				epochs[count++] = epoch;
		}
	}
	*ret_epochs = epochs;
	*ret_count = sort_unique(epochs, count);
	return 0;
}

int wax_store_epochs(struct wax_store *store, uint64_t **ret_epochs, uint32_t *ret_count,
		struct wax_err *err)
{
	struct shelf shelf = {0};
	int r = open_shelf(&shelf, store, err);
	if (r == 0)
		r = list_epochs(&shelf, ret_epochs, ret_count, err);
	close_shelf(&shelf);
	return r;
}

/* "3 to 9, 12": as many as find room, the newest of all. */
static void print_epochs(char *text, size_t room, const uint64_t *epochs, uint32_t count)
{
	size_t used = 0;

	for (uint32_t i = 0; i < count && used < room - 64; i++) {
		uint32_t first = i;
		while (i + 1 < count && epochs[i + 1] == epochs[i] + 1)
			i++;
		used += (size_t)snprintf(text + used, room - used, "%s%llu", used > 0 ? ", " : "",
				wide(epochs[first]));
		if (i > first)
			used += (size_t)snprintf(
					text + used, room - used, " to %llu", wide(epochs[i]));
	}
}

static int say_epochs(struct shelf *shelf, uint64_t epoch, struct wax_err *err)
{
	uint64_t *epochs;
	uint32_t count;
	char text[512];
	int r = list_epochs(shelf, &epochs, &count, err);
	if (r < 0)
		return r;
	if (count > 0)
		print_epochs(text, sizeof(text), epochs, count);
	free(epochs);
	if (count == 0)
		return wax_err_set(err, -ENOENT,
				"there is no epoch %llu in '%s', nor any other to go on from: "
				"begin "
				"anew with --from none",
				wide(epoch), shelf->store->path);
	return wax_err_set(err, -ENOENT,
			"there is no epoch %llu in '%s' to go on from, there are %s", wide(epoch),
			shelf->store->path, text);
}

/* ---- Resume */

struct no_segments {
	bool some;
};

static void note_segment(void *context, int dir, const char *name)
{
	struct no_segments *segments = context;
	(void)dir;
	segments->some = segments->some ||
			strncmp(name, WAX_STORE_SEGMENT, strlen(WAX_STORE_SEGMENT)) == 0;
}

/* Of a generation that is damaged. @return 0: a run died while it began; or why it cannot be used */
static int check_begun(struct wax_store *store, uint64_t number, struct wax_err *err)
{
	struct no_segments segments = {0};
	struct wax_store_name name = wax_store_name(number);
	int r = wax_store_each(store->dir, name.text, note_segment, &segments);
	if (r < 0)
		return wax_err_set(err, r, "look into '%s/%s': %s", store->path, name.text,
				strerror(-r));
	return segments.some ? -EBADMSG : 0;
}

/* The newest generation, or 0. A run that died while it began has left no segment. */
static int find_newest(
		struct shelf *shelf, uint64_t *ret_number, uint64_t *ret_epoch, struct wax_err *err)
{
	*ret_number = *ret_epoch = 0;
	for (uint32_t i = 0; i < shelf->count; i++) {
		struct slot *slot = &shelf->slots[i];
		const struct wax_store_generation *generation = &slot->generation;
		int r = look_at(shelf, slot, err);
		if (r == -EBADMSG) {
			r = check_begun(shelf->store, slot->number, err);
			if (r == 0)
				continue;
		}
		if (r < 0)
			return r;
		*ret_number = generation->epoch_last < generation->epoch_first
				? generation->manifest.from_generation
				: slot->number;
		*ret_epoch = generation->epoch_last;
		return 0;
	}
	return 0;
}

static int find_epoch(
		struct shelf *shelf, uint64_t epoch, uint64_t *ret_number, struct wax_err *err)
{
	for (uint32_t i = 0; i < shelf->count; i++) {
		int r = has_epoch(shelf, &shelf->slots[i], epoch, err);
		if (r < 0)
			return r;
		if (r > 0) {
			*ret_number = shelf->slots[i].number;
			return 0;
		}
	}
	return say_epochs(shelf, epoch, err);
}

static int fill_resume(
		struct shelf *shelf, uint64_t epoch, struct wax_resume *resume, struct wax_err *err)
{
	uint64_t number = 0;
	int r = epoch == 0 ? find_newest(shelf, &number, &epoch, err)
			   : find_epoch(shelf, epoch, &number, err);
	if (r < 0)
		return r;
	resume->generations = calloc(shelf->count + 1, sizeof(*resume->generations));
	if (!resume->generations)
		return wax_err_set(err, -ENOMEM, "no memory for generations");
	resume->epoch = number > 0 ? epoch : 0;
	return follow(shelf, number, epoch, resume, err);
}

int wax_store_resume(struct wax_store *store, uint64_t epoch, struct wax_resume **ret_resume,
		struct wax_err *err)
{
	struct wax_resume *resume = calloc(1, sizeof(*resume));
	struct shelf shelf = {0};
	int r = 0;

	if (!resume)
		return wax_err_set(err, -ENOMEM, "no memory for generations");
	if (epoch != UINT64_MAX)
		r = open_shelf(&shelf, store, err);
	if (epoch != UINT64_MAX && r == 0)
		r = fill_resume(&shelf, epoch, resume, err);
	close_shelf(&shelf);
	if (r < 0) {
		wax_resume_free(resume);
		return r;
	}
	*ret_resume = resume;
	return 0;
}

void wax_resume_free(struct wax_resume *resume)
{
	if (!resume)
		return;
	for (uint32_t i = 0; i < resume->generation_count; i++)
		wax_store_generation_fini(&resume->generations[i]);
	free(resume->generations);
	free(resume);
}

int wax_store_look(struct wax_store *store, uint64_t number,
		struct wax_store_generation *ret_generation, struct wax_err *err)
{
	struct wax_store_generation generation;
	int r = load_generation(store, number, &generation, err);

	if (r == -EBADMSG) {
		r = check_begun(store, number, err);
		return r == 0 ? 1 : r;
	}
	if (r < 0)
		return r;
	r = settle(&generation, err);
	if (r < 0) {
		wax_store_generation_fini(&generation);
		return r;
	}
	*ret_generation = generation;
	return 0;
}

bool wax_store_is_dead(struct wax_store *store, uint64_t number)
{
	struct wax_store_generation generation;
	int r = wax_store_look(store, number, &generation, NULL);
	if (r != 0)
		return r == 1;
	bool dead = generation.epoch_last < generation.epoch_first;
	wax_store_generation_fini(&generation);
	return dead;
}
