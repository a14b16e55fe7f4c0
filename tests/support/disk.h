/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_DISK_H
#define TESTS_SUPPORT_DISK_H

#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/loop_backend.h"

/*
 * An event loop whose writes and syncs a test decides: what ends when, in which order, and how. It
 * keeps an image of each file as a crash would leave it at worst: of what was written only that
 * which had ended when a sync began that succeeded, and of files only those that were there when
 * a sync of their directory began.
 *
 * One operation in each reap ends: which one, a seed says. The n-th that does ends as `fault` says,
 * and all of its kind behind it when `fault_stays` is set.
 */
enum disk_fault {
	DISK_FAILS, /* with fault_code: a sync, or a write of which nothing is written */
	DISK_SHORT, /* a write: of it fault_bytes are written */
};

enum { DISK_FILES = 16, DISK_OPS = 64 };

/* What has been written and not yet synced. */
struct disk_piece {
	struct disk_piece *next;
	char *data;
	size_t bytes;
	uint64_t offset;
	uint64_t order;
};

struct disk_file {
	ino_t inode;
	bool listed;
	char *image;
	size_t image_bytes;
	struct disk_piece *pieces; /* newest first */
};

struct disk_op {
	struct wax_completion *completion;
	struct wax_completion *sync; /* linked behind it, or NULL */
	uint64_t began;              /* writes before this one had ended */
	bool listed[DISK_FILES];     /* of a directory's sync: what was there */
};

struct disk {
	struct wax_loop loop; /* first */
	struct disk_op ops[DISK_OPS];
	unsigned op_count;
	struct disk_file files[DISK_FILES];
	unsigned file_count;
	uint64_t writes_ended;
	uint64_t random;
	unsigned ended;
	unsigned fault_at; /* counts from 1; 0: none */
	bool fault_stays;
	enum disk_fault fault;
	int fault_code;
	size_t fault_bytes;
	unsigned faults; /* that were met */
};

static inline struct disk *disk_of(struct wax_loop *loop)
{
	return (struct disk *)loop;
}

static inline uint64_t disk_random(struct disk *disk)
{
	disk->random = disk->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return disk->random >> 33;
}

static inline struct disk_file *disk_file(struct disk *disk, ino_t inode)
{
	for (unsigned i = 0; i < disk->file_count; i++) {
		if (disk->files[i].inode == inode)
			return &disk->files[i];
	}
	cr_assert_lt(disk->file_count, DISK_FILES);
	disk->files[disk->file_count] = (struct disk_file){.inode = inode};
	return &disk->files[disk->file_count++];
}

static inline struct disk_file *disk_file_of(struct disk *disk, int fd)
{
	struct stat info;

	cr_assert_eq(fstat(fd, &info), 0);
	return disk_file(disk, info.st_ino);
}

/* The file may be open for direct transfers, which are never of an odd size. */
static inline void write_through_cache(const struct wax_completion *write, size_t bytes)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", write->fd);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, write->buffer, bytes, (off_t)write->offset), (ssize_t)bytes);
	close(fd);
}

static inline void disk_write(struct disk *disk, const struct wax_completion *write, size_t bytes)
{
	struct disk_file *file = disk_file_of(disk, write->fd);
	struct disk_piece *piece = calloc(1, sizeof(*piece));

	write_through_cache(write, bytes);
	piece->data = malloc(bytes);
	memcpy(piece->data, write->buffer, bytes);
	piece->bytes = bytes;
	piece->offset = write->offset;
	piece->order = disk->writes_ended++;
	piece->next = file->pieces;
	file->pieces = piece;
}

static inline void disk_apply(struct disk_file *file, const struct disk_piece *piece)
{
	size_t end = piece->offset + piece->bytes;

	if (end > file->image_bytes) {
		file->image = realloc(file->image, end);
		memset(file->image + file->image_bytes, 0, end - file->image_bytes);
		file->image_bytes = end;
	}
	memcpy(file->image + piece->offset, piece->data, piece->bytes);
}

/* Of what was written, that which had ended then. No byte is written twice with another value. */
static inline void disk_sync(struct disk_file *file, uint64_t began)
{
	struct disk_piece **at = &file->pieces;

	while (*at) {
		struct disk_piece *piece = *at;

		if (piece->order >= began) {
			at = &piece->next;
			continue;
		}
		disk_apply(file, piece);
		*at = piece->next;
		free(piece->data);
		free(piece);
	}
}

static inline bool disk_is_fault(struct disk *disk, bool write)
{
	unsigned at = ++disk->ended;

	if (disk->fault_at == 0 || at < disk->fault_at ||
			(at > disk->fault_at && !disk->fault_stays))
		return false;
	if (disk->fault == DISK_SHORT && !write)
		return false;
	disk->faults++;
	return true;
}

static inline void disk_end_sync(struct disk *disk, const struct disk_op *op,
		struct wax_completion *sync, uint64_t began)
{
	if (disk_is_fault(disk, false)) {
		wax_loop_ended(&disk->loop, sync, disk->fault_code);
		return;
	}
	if (sync->kind & WAX_LOOP_WHOLE) {
		for (unsigned i = 0; i < DISK_FILES; i++)
			disk->files[i].listed |= op->listed[i];
	} else {
		disk_sync(disk_file_of(disk, sync->fd), began);
	}
	wax_loop_ended(&disk->loop, sync, 0);
}

static inline void disk_end_write(struct disk *disk, const struct disk_op *op)
{
	struct wax_completion *write = op->completion;
	size_t wanted = write->bytes;
	size_t bytes = wanted;
	int result;

	if (disk_is_fault(disk, true))
		bytes = disk->fault == DISK_FAILS ? 0 : disk->fault_bytes;
	if (bytes > wanted)
		bytes = wanted;
	if (bytes > 0)
		disk_write(disk, write, bytes);
	result = bytes > 0 ? (int)bytes : disk->fault_code;
	wax_loop_ended(&disk->loop, write, result);
	if (!op->sync)
		return;
	if (bytes == wanted)
		disk_end_sync(disk, op, op->sync, disk->writes_ended);
	else
		wax_loop_ended(&disk->loop, op->sync, -ECANCELED);
}

static inline void disk_reap(struct wax_loop *loop)
{
	struct disk *disk = disk_of(loop);
	unsigned index;
	struct disk_op op;

	if (disk->op_count == 0)
		return;
	index = (unsigned)(disk_random(disk) % disk->op_count);
	op = disk->ops[index];
	disk->ops[index] = disk->ops[--disk->op_count];
	if ((op.completion->kind & WAX_LOOP_KIND) == WAX_LOOP_WRITE)
		disk_end_write(disk, &op);
	else
		disk_end_sync(disk, &op, op.completion, op.began);
}

static inline void disk_wait(struct wax_loop *loop, int64_t timeout_ns)
{
	(void)timeout_ns;
	disk_reap(loop);
}

static inline void disk_list(struct disk *disk, struct disk_op *op)
{
	DIR *dir = fdopendir(openat(op->completion->fd, ".", O_RDONLY | O_CLOEXEC));
	struct dirent *entry;

	cr_assert_not_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			op->listed[disk_file(disk, entry->d_ino) - disk->files] = true;
	}
	closedir(dir);
}

static inline void disk_start_linked(struct wax_loop *loop, struct wax_completion *completion,
		struct wax_completion *sync)
{
	struct disk *disk = disk_of(loop);
	struct disk_op *op = &disk->ops[disk->op_count++];

	cr_assert_leq(disk->op_count, DISK_OPS);
	*op = (struct disk_op){.completion = completion, .sync = sync, .began = disk->writes_ended};
	if (completion->kind == (WAX_LOOP_SYNC | WAX_LOOP_WHOLE))
		disk_list(disk, op);
}

static inline void disk_start(struct wax_loop *loop, struct wax_completion *completion)
{
	disk_start_linked(loop, completion, NULL);
}

static inline void disk_cancel(struct wax_loop *loop, struct wax_completion *completion)
{
	struct disk *disk = disk_of(loop);

	for (unsigned i = 0; i < disk->op_count; i++) {
		struct disk_op *op = &disk->ops[i];

		if (op->sync == completion) {
			op->sync = NULL;
			return;
		}
		if (op->completion != completion)
			continue;
		if (op->sync)
			wax_loop_ended(loop, op->sync, -ECANCELED);
		*op = disk->ops[--disk->op_count];
		return;
	}
}

static inline void disk_close(struct wax_loop *loop)
{
	struct disk *disk = disk_of(loop);

	cr_assert_eq(disk->op_count, 0);
	for (unsigned i = 0; i < disk->file_count; i++) {
		disk_sync(&disk->files[i], UINT64_MAX);
		free(disk->files[i].image);
	}
}

/* Release with wax_loop_close(&disk->loop), when nothing is under way. */
static inline struct disk *disk_open(uint64_t seed)
{
	static const struct wax_loop_backend backend = {
			.name = "disk",
			.start = disk_start,
			.start_linked = disk_start_linked,
			.cancel = disk_cancel,
			.reap = disk_reap,
			.wait = disk_wait,
			.close = disk_close,
	};
	struct disk *disk = calloc(1, sizeof(*disk));

	disk->loop.backend = &backend;
	disk->random = seed * 2 + 1;
	disk->fault_code = -EIO;
	return disk;
}

#endif
