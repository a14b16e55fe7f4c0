/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/store_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/assert.h"
#include "shm/pid.h"

/*
 * What lies in the directory is changed in an order that a crash may cut anywhere: a generation is
 * there when its manifest has got its name; one that is removed loses its manifest last, so that what
 * is left of it says what it was.
 */

/* How long to wait for processes that are dying: 2 s. */
enum { LOCK_RETRY_NS = 10 * 1000 * 1000, LOCK_TRIES_MAX = 200, LOCK_TRIES_LIVING = 30 };

/* ---- Entries */

struct wax_store_name wax_store_name(uint64_t generation)
{
	struct wax_store_name name;
	snprintf(name.text, sizeof(name.text), "gen-%08llu", (unsigned long long)generation);
	return name;
}

/* 0: it is the name of something else. */
static uint64_t generation_number(const char *name)
{
	if (strncmp(name, "gen-", 4) != 0)
		return 0;
	uint64_t number = strtoull(name + 4, NULL, 10);
	return strcmp(name, wax_store_name(number).text) == 0 ? number : 0;
}

int wax_store_each(int dir, const char *name,
		void (*visit)(void *context, int dir, const char *name), void *context)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	DIR *entries = fdopendir(fd);
	if (!entries) {
		int code = errno;
		close(fd);
		return -code;
	}
	for (struct dirent *entry; (entry = readdir(entries));) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			visit(context, fd, entry->d_name);
	}
	closedir(entries);
	return 0;
}

struct list {
	uint64_t *numbers;
	uint32_t count;
	uint32_t room;
	bool failed;
};

static void list_entry(void *context, int dir, const char *name)
{
	struct list *list = context;
	uint64_t number = generation_number(name);
	(void)dir;

	if (number == 0)
		return;
	if (list->count == list->room) {
		uint32_t room = 2 * list->room + 8;
		uint64_t *numbers = reallocarray(list->numbers, room, sizeof(*numbers));
		list->failed = list->failed || !numbers;
		if (!numbers)
			return;
		list->numbers = numbers;
		list->room = room;
	}
	list->numbers[list->count++] = number;
}

static int newest_first(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return (a < b) - (a > b);
}

int wax_store_list(struct wax_store *store, uint64_t **ret_numbers, uint32_t *ret_count,
		struct wax_err *err)
{
	struct list list = {0};
	int r = wax_store_each(store->dir, ".", list_entry, &list);
	if (r == 0 && list.failed)
		r = -ENOMEM;
	if (r < 0) {
		free(list.numbers);
		return wax_err_set(err, r, "look into '%s': %s", store->path, strerror(-r));
	}
	if (list.count > 0)
		qsort(list.numbers, list.count, sizeof(*list.numbers), newest_first);
	*ret_numbers = list.numbers;
	*ret_count = list.count;
	return 0;
}

/* ---- Open and lock */

static int sync_dir(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return r;
}

static int open_dir(struct wax_store *store, bool create, struct wax_err *err)
{
	bool made = create && mkdir(store->path, 0700) == 0;

	if (create && !made && errno != EEXIST)
		return wax_err_set(
				err, -errno, "make the recovery directory '%s': %m", store->path);
	store->dir = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dir < 0)
		return wax_err_set(
				err, -errno, "open the recovery directory '%s': %m", store->path);
	int r = made ? sync_dir(store->dir, "..") : 0;
	return r < 0 ? wax_err_set(err, r, "sync the directory of '%s': %s", store->path,
				       strerror(-r))
		     : 0;
}

/* Who took the lock, as it says. It belongs to the open file, which children inherit: so it may
 * outlive who took it. */
struct holder {
	char name[64];
	int pid;
	bool lives;
};

static struct holder read_holder(const struct wax_store *store)
{
	struct holder holder = {.name = "another program"};
	char text[128] = "";
	unsigned long long start = 0;
	ssize_t bytes = pread(store->lock, text, sizeof(text) - 1, 0);

	holder.lives = bytes > 0 &&
			sscanf(text, "%63s %d %llu", holder.name, &holder.pid, &start) == 3 &&
			wax_pid_start(holder.pid) == start;
	return holder;
}

/* A launcher that was killed, and its workers, die in a moment, but not at once: who begins the run
 * again need not know. So one that lives is waited for too, a shorter time. */
static int lock(struct wax_store *store, struct wax_err *err)
{
	const struct timespec moment = {.tv_nsec = LOCK_RETRY_NS};

	for (int tries = 0; flock(store->lock, LOCK_EX | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK)
			return wax_err_set(err, -errno, "lock '%s': %m", store->path);

		struct holder holder = read_holder(store);

		if (holder.lives && tries >= LOCK_TRIES_LIVING)
			return wax_err_set(err, -EBUSY,
					"'%s' is used by %s, pid %d: wait for it, or use another "
					"directory",
					store->path, holder.name, holder.pid);
		if (tries == LOCK_TRIES_MAX)
			return wax_err_set(err, -EBUSY,
					"'%s' is used by a process that %s, pid %d, has left "
					"behind: end that first, or use another directory",
					store->path, holder.name, holder.pid);
		nanosleep(&moment, NULL);
	}
	return 0;
}

static int take_lock(struct wax_store *store, struct wax_err *err)
{
	char text[128];

	store->lock = openat(store->dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (store->lock < 0)
		return wax_err_set(err, -errno, "open '%s/lock': %m", store->path);
	int r = lock(store, err);
	if (r < 0)
		return r;
	int length = snprintf(text, sizeof(text), "%.63s %d %llu\n", program_invocation_short_name,
			(int)getpid(), (unsigned long long)wax_pid_start(getpid()));
	if (ftruncate(store->lock, 0) < 0 ||
			pwrite(store->lock, text, (size_t)length, 0) != (ssize_t)length)
		return wax_err_set(
				err, errno ? -errno : -ENOSPC, "write '%s/lock': %m", store->path);
	return 0;
}

int wax_store_open(const char *path, bool create, bool lock, struct wax_store **ret_store,
		struct wax_err *err)
{
	if (strlen(path) >= sizeof(((struct wax_store *)0)->path))
		return wax_err_set(err, -ENAMETOOLONG,
				"'%s' is too long a name for a recovery directory", path);
	struct wax_store *store = calloc(1, sizeof(*store));
	if (!store)
		return wax_err_set(err, -ENOMEM, "no memory for a recovery directory");
	snprintf(store->path, sizeof(store->path), "%s", path);
	store->dir = store->lock = store->current_dir = -1;
	int r = open_dir(store, create, err);
	if (r == 0 && lock)
		r = take_lock(store, err);
	if (r < 0) {
		wax_store_close(store);
		return r;
	}
	*ret_store = store;
	return 0;
}

void wax_store_close(struct wax_store *store)
{
	if (!store)
		return;
	if (store->current_dir >= 0)
		close(store->current_dir);
	if (store->lock >= 0)
		close(store->lock);
	if (store->dir >= 0)
		close(store->dir);
	free(store->segments);
	free(store);
}

/* ---- Remove */

/* What is not removed now is found again by the next start. */
static void remove_segment(void *context, int dir, const char *name)
{
	(void)context;
	if (strncmp(name, WAX_STORE_SEGMENT, strlen(WAX_STORE_SEGMENT)) == 0)
		(void)unlinkat(dir, name, 0);
}

static void remove_manifest(void *context, int dir, const char *name)
{
	(void)context;
	if (strncmp(name, WAX_STORE_MANIFEST, strlen(WAX_STORE_MANIFEST)) == 0)
		(void)unlinkat(dir, name, 0);
}

static void remove_generation(struct wax_store *store, uint64_t generation)
{
	struct wax_store_name name = wax_store_name(generation);

	if (wax_store_each(store->dir, name.text, remove_segment, NULL) == 0)
		wax_store_each(store->dir, name.text, remove_manifest, NULL);
	(void)unlinkat(store->dir, name.text, AT_REMOVEDIR);
}

void wax_store_drop_segments(struct wax_store *store, uint32_t worker, uint64_t before)
{
	char name[WAX_LOG_NAME_BYTES];

	WAX_ASSERT(worker < store->worker_count);
	for (; store->segments[worker] < before; store->segments[worker]++) {
		snprintf(name, sizeof(name), WAX_STORE_SEGMENT "%05u.%06llu", worker,
				(unsigned long long)store->segments[worker]);
		(void)unlinkat(store->current_dir, name, 0);
	}
}

void wax_store_drop_others(struct wax_store *store)
{
	uint64_t *numbers;
	uint32_t count;

	WAX_ASSERT(store->current > 0);
	if (wax_store_list(store, &numbers, &count, NULL) < 0)
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (numbers[i] != store->current)
			remove_generation(store, numbers[i]);
	}
	free(numbers);
}

/* ---- Begin */

static int write_all(int fd, const char *text, size_t bytes)
{
	while (bytes > 0) {
		ssize_t written = write(fd, text, bytes);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -ENOSPC;
		text += written;
		bytes -= (size_t)written;
	}
	return 0;
}

/* Under another name first: with its own it is whole. */
static int write_durable(int dir, const char *text, size_t bytes)
{
	static const char temporary[] = WAX_STORE_MANIFEST ".new";
	int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int r = write_all(fd, text, bytes);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dir, temporary, dir, WAX_STORE_MANIFEST) < 0)
		r = -errno;
	return r < 0 ? r : sync_dir(dir, ".");
}

static int write_manifest(struct wax_store *store, const struct wax_manifest *manifest,
		const char *path, struct wax_err *err)
{
	char *text;
	int bytes = wax_manifest_print(manifest, &text, err);
	if (bytes < 0)
		return bytes;
	int r = write_durable(store->current_dir, text, (size_t)bytes);
	free(text);
	if (r == 0)
		r = sync_dir(store->dir, ".");
	return r < 0 ? wax_err_set(err, r, "write '%s/" WAX_STORE_MANIFEST "': %s", path,
				       strerror(-r))
		     : 0;
}

static int make_generation(struct wax_store *store, const struct wax_manifest *manifest,
		const char *path, int *ret_dir, struct wax_err *err)
{
	struct wax_store_name name = wax_store_name(manifest->generation);

	store->segments = calloc(manifest->worker_count, sizeof(*store->segments));
	if (!store->segments)
		return wax_err_set(err, -ENOMEM, "no memory for a generation");
	store->worker_count = manifest->worker_count;
	for (uint32_t i = 0; i < store->worker_count; i++)
		store->segments[i] = 1;
	if (mkdirat(store->dir, name.text, 0700) < 0)
		return wax_err_set(err, -errno, "make '%s': %m", path);
	store->current_dir = openat(store->dir, name.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int dir = store->current_dir < 0 ? -1 : fcntl(store->current_dir, F_DUPFD_CLOEXEC, 3);
	if (dir < 0)
		return wax_err_set(err, -errno, "open '%s': %m", path);
	int r = write_manifest(store, manifest, path, err);
	if (r < 0) {
		close(dir);
		return r;
	}
	*ret_dir = dir;
	return 0;
}

static int sync_segment(int dir, const struct wax_log_segment *segment)
{
	int fd = openat(dir, segment->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 || fdatasync(fd) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return r;
}

/* What is gone on from may be whole in memory only: who wrote it may have died before its sync came
 * back. Nothing that is committed on top of it may outlive it. */
static int secure(struct wax_store *store, const struct wax_store_generation *newest,
		struct wax_err *err)
{
	int dir = openat(store->dir, wax_store_name(newest->number).text,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? -errno : 0;
	for (uint32_t i = 0; i < newest->manifest.worker_count && r == 0; i++) {
		const struct wax_log_scan *scan = &newest->scans[i];
		for (uint32_t k = 0; k < scan->segment_count && r == 0; k++)
			r = sync_segment(dir, &scan->segments[k]);
	}
	if (r == 0)
		r = sync_dir(dir, ".");
	if (dir >= 0)
		close(dir);
	return r < 0 ? wax_err_set(err, r, "sync '%s': %s", newest->path, strerror(-r)) : 0;
}

static bool is_needed(const struct wax_resume *resume, uint64_t generation)
{
	for (uint32_t i = 0; i < resume->generation_count; i++) {
		if (resume->generations[i].number == generation)
			return true;
	}
	return false;
}

static void remove_dead(struct wax_store *store, const struct wax_resume *resume,
		const uint64_t *numbers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (resume->generation_count == 0 ||
				(!is_needed(resume, numbers[i]) &&
						wax_store_is_dead(store, numbers[i])))
			remove_generation(store, numbers[i]);
	}
}

int wax_store_begin(struct wax_store *store, const struct wax_resume *resume,
		struct wax_manifest *manifest, int *ret_dir, char *path, struct wax_err *err)
{
	uint64_t *numbers;
	uint32_t count;
	int dir = -1;

	WAX_ASSERT(store->lock >= 0);
	/* The one of an attempt before this: it is one like the others now. */
	if (store->current_dir >= 0)
		close(store->current_dir);
	store->current_dir = -1;
	store->current = 0;
	free(store->segments);
	store->segments = NULL;

	int r = resume->generation_count > 0 ? secure(store, &resume->generations[0], err) : 0;
	if (r == 0)
		r = wax_store_list(store, &numbers, &count, err);
	if (r < 0)
		return r;
	manifest->generation = count > 0 ? numbers[0] + 1 : 1;
	manifest->from_generation =
			resume->generation_count > 0 ? resume->generations[0].number : 0;
	manifest->from_epoch = resume->generation_count > 0 ? resume->epoch : 0;
	snprintf(path, WAX_STORE_PATH_BYTES, "%s/%s", store->path,
			wax_store_name(manifest->generation).text);
	r = make_generation(store, manifest, path, &dir, err);
	if (r == 0) {
		store->current = manifest->generation;
		remove_dead(store, resume, numbers, count);
		*ret_dir = dir;
	} else {
		remove_generation(store, manifest->generation);
	}
	free(numbers);
	return r;
}

/* ---- Size */

static void add_bytes(void *context, int dir, const char *name)
{
	uint64_t *bytes = context;
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISREG(status.st_mode))
		*bytes += (uint64_t)status.st_size;
	if (S_ISDIR(status.st_mode) && generation_number(name) > 0)
		wax_store_each(dir, name, add_bytes, context);
}

uint64_t wax_store_bytes(struct wax_store *store)
{
	uint64_t bytes = 0;
	wax_store_each(store->dir, ".", add_bytes, &bytes);
	return bytes;
}
