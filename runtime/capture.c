/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/assert.h"

/* An item in the file: this, the key, the value, each from a multiple of RECORD_ALIGN on. */
struct record {
	uint32_t step;
	uint32_t worker;
	uint32_t key_bytes;
	uint32_t value_bytes;
	uint32_t keyed;
	uint32_t unused[3];
};

enum { RECORD_ALIGN = 16 };

static size_t padded(size_t bytes)
{
	return (bytes + RECORD_ALIGN - 1) & ~(size_t)(RECORD_ALIGN - 1);
}

int wax_capture_open(struct wax_capture *capture, struct wax_err *err)
{
	*capture = (struct wax_capture){.fd = memfd_create("wax-capture", MFD_CLOEXEC)};
	/* Each write goes to the end as one, whoever writes beside it. */
	if (capture->fd < 0 || fcntl(capture->fd, F_SETFL, O_APPEND) < 0)
		return wax_err_set(err, -errno, "memory for results (memfd_create): %m");
	return 0;
}

void wax_capture_close(struct wax_capture *capture)
{
	if (capture->fd >= 0)
		close(capture->fd);
	capture->fd = -1;
}

void wax_capture_clear(struct wax_capture *capture)
{
	/* To nothing, which needs no room and so cannot fail. */
	int r = ftruncate(capture->fd, 0);
	WAX_ASSERT(r == 0);
}

static size_t item_bytes(const struct wax_item *item)
{
	return sizeof(struct record) + padded(item->key.bytes) + padded(item->value.bytes);
}

static char *put_bytes(char *to, struct wax_bytes bytes)
{
	if (bytes.bytes > 0)
		memcpy(to, bytes.data, bytes.bytes);
	return to + padded(bytes.bytes);
}

static int check_limit(const struct wax_capture *capture, struct wax_err *err)
{
	struct stat status;
	if (capture->bytes_limit == 0 || fstat(capture->fd, &status) < 0 ||
			(uint64_t)status.st_size <= capture->bytes_limit)
		return 0;
	return wax_err_set(err, -EFBIG,
			"more than %llu MiB of results are to be kept: give the flow less input",
			(unsigned long long)(capture->bytes_limit >> 20));
}

int wax_capture_add(const struct wax_capture *capture, uint32_t step, uint32_t worker,
		const struct wax_batch *batch, struct wax_err *err)
{
	size_t bytes = 0;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_item item = wax_batch_item(batch, i);
		bytes += item_bytes(&item);
	}
	char *records = calloc(1, bytes + 1);
	if (!records)
		return wax_err_set(err, -ENOMEM, "no memory for results of %zu bytes", bytes);
	char *to = records;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wax_item item = wax_batch_item(batch, i);
		*(struct record *)(void *)to = (struct record){
				.step = step,
				.worker = worker,
				.key_bytes = (uint32_t)item.key.bytes,
				.value_bytes = (uint32_t)item.value.bytes,
				.keyed = batch->keyed,
		};
		to = put_bytes(to + sizeof(struct record), item.key);
		to = put_bytes(to, item.value);
	}
	ssize_t written = write(capture->fd, records, bytes);
	int code = errno;
	free(records);
	if (written == (ssize_t)bytes)
		return check_limit(capture, err);
	code = written < 0 ? code : ENOSPC;
	return wax_err_set(err, -code, "keep %zu bytes of results: %s", bytes, strerror(code));
}

static bool read_all(int fd, char *to, size_t bytes)
{
	for (size_t have = 0; have < bytes;) {
		ssize_t got = pread(fd, to + have, bytes - have, (off_t)have);
		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return true;
}

static size_t list_records(const struct wax_capture_view *view, struct wax_captured *items)
{
	size_t count = 0;
	for (size_t at = 0; at < view->memory_bytes; count++) {
		const struct record *record = (const void *)((const char *)view->memory + at);
		at += sizeof(*record);
		const char *key = (const char *)view->memory + at;
		at += padded(record->key_bytes);
		const char *value = (const char *)view->memory + at;
		at += padded(record->value_bytes);
		if (items)
			items[count] = (struct wax_captured){
					.step = record->step,
					.worker = record->worker,
					.key = {record->keyed ? key : NULL, record->key_bytes},
					.value = {value, record->value_bytes},
			};
	}
	return count;
}

int wax_capture_view_init(const struct wax_capture *capture, struct wax_capture_view *ret_view,
		struct wax_err *err)
{
	struct stat status;
	*ret_view = (struct wax_capture_view){0};
	if (fstat(capture->fd, &status) < 0)
		return wax_err_set(err, -errno, "look at the results: %m");
	if (status.st_size == 0)
		return 0;
	struct wax_capture_view view = {.memory_bytes = (size_t)status.st_size};
	/* A copy: it is to stay when the capture is cleared. */
	view.memory = aligned_alloc(RECORD_ALIGN, padded(view.memory_bytes));
	if (!view.memory || !read_all(capture->fd, view.memory, view.memory_bytes)) {
		wax_capture_view_fini(&view);
		return wax_err_set(err, -ENOMEM, "no memory for the results");
	}
	view.count = list_records(&view, NULL);
	view.items = calloc(view.count, sizeof(*view.items));
	if (!view.items) {
		wax_capture_view_fini(&view);
		return wax_err_set(err, -ENOMEM, "no memory for a list of the results");
	}
	list_records(&view, view.items);
	*ret_view = view;
	return 0;
}

void wax_capture_view_fini(struct wax_capture_view *view)
{
	free(view->memory);
	free(view->items);
	*view = (struct wax_capture_view){0};
}
