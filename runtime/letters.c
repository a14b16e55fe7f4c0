/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/letters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/json.h"
#include "runtime/step.h"

enum { SCHEMA = 1 };

int wax_letter_box_open(struct wax_letter_box *box, struct wax_err *err)
{
	struct stat info;
	/* A pipe or device may lose them, or have open wait. */
	if (stat(box->path, &info) == 0 && !S_ISREG(info.st_mode))
		return wax_err_set(err, S_ISDIR(info.st_mode) ? -EISDIR : -EINVAL,
				"cannot write dead letters to '%s': it is not a regular file: name "
				"one",
				box->path);
	box->fd = open(box->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (box->fd < 0)
		return wax_err_set(err, -errno, "cannot write dead letters to '%s': %m", box->path);
	return 0;
}

void wax_letter_box_close(struct wax_letter_box *box)
{
	if (box->fd >= 0)
		close(box->fd);
	box->fd = -1;
}

/* ---- One letter */

/* What reads back as these very bytes: text where that can be, else digits. */
static void write_exact(struct wax_json *json, const char *name, const char *hex_name,
		const struct wax_type *type, struct wax_bytes bytes)
{
	if (type->item_bytes == 0 && wax_json_is_text(bytes))
		wax_json_bytes(json, name, bytes);
	else
		wax_json_hex(json, hex_name, bytes);
}

/* For people: as the type prints what is no text. */
static void write_shown(struct wax_json *json, const char *name, const struct wax_type *type,
		struct wax_bytes bytes)
{
	if (type->shape == WAX_SHAPE_PLAIN && (type->item_bytes == 0 || !type->print))
		return;
	int length = wax_type_print(type, NULL, 0, bytes.data, bytes.bytes);
	char *text = length < 0 ? NULL : malloc((size_t)length + 1);
	if (!text)
		return;
	length = wax_type_print(type, text, (size_t)length + 1, bytes.data, bytes.bytes);
	if (length >= 0)
		wax_json_text(json, name, text);
	free(text);
}

static void write_letter(struct wax_json *json, const struct wax_letter *letter)
{
	const struct wax_type *value = wax_type_value(letter->type);
	wax_json_object(json, NULL);
	wax_json_text(json, "type", "dead_letter");
	wax_json_u64(json, "schema", SCHEMA);
	wax_json_text(json, "flow", letter->flow);
	wax_json_text(json, "step", letter->step);
	wax_json_u64(json, "worker", letter->worker);
	wax_json_u64(json, "epoch", letter->epoch);
	if (letter->source[0]) {
		wax_json_text(json, "source", letter->source);
		wax_json_u64(json, "offset", letter->offset);
	}
	wax_json_text(json, "error", letter->error);
	wax_json_text(json, "item_type", letter->type->name);
	if (letter->type->key) {
		write_exact(json, "key", "key_hex", letter->type->key, letter->item.key);
		write_shown(json, "key_text", letter->type->key, letter->item.key);
	}
	write_exact(json, "value", "value_hex", value, letter->item.value);
	write_shown(json, "value_text", value, letter->item.value);
	wax_json_end(json);
}

int wax_letters_add(struct wax_letters *letters, const struct wax_letter *letter)
{
	struct wax_json json;
	if (!letters->stream)
		letters->stream = open_memstream(&letters->text, &letters->bytes);
	if (!letters->stream)
		return -ENOMEM;
	wax_json_init(&json, letters->stream);
	write_letter(&json, letter);
	return wax_json_finish(&json) < 0 ? -ENOMEM : 0;
}

/* ---- The file */

/* In one call if the disk has room: the kernel puts what one call appends in one piece. */
static int write_all(int fd, const char *text, size_t bytes)
{
	while (bytes > 0) {
		ssize_t written = write(fd, text, bytes);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		text += written;
		bytes -= (size_t)written;
	}
	return 0;
}

static void close_stream(struct wax_letters *letters)
{
	if (letters->stream)
		fclose(letters->stream);
	free(letters->text);
	letters->stream = NULL;
	letters->text = NULL;
	letters->bytes = 0;
}

static int fail(const struct wax_letter_box *box, int code, struct wax_err *err)
{
	return wax_err_set(err, code, "cannot write dead letters to '%s': %s", box->path,
			strerror(-code));
}

int wax_letters_flush(
		struct wax_letters *letters, const struct wax_letter_box *box, struct wax_err *err)
{
	if (letters->bytes == 0)
		return 0;
	int r = write_all(box->fd, letters->text, letters->bytes);
	if (r < 0)
		return fail(box, r, err);
	letters->written = true;
	close_stream(letters);
	return 0;
}

int wax_letters_sync(
		struct wax_letters *letters, const struct wax_letter_box *box, struct wax_err *err)
{
	int r = wax_letters_flush(letters, box, err);
	if (r == 0 && letters->written && fdatasync(box->fd) < 0)
		r = fail(box, -errno, err);
	return r;
}

void wax_letters_fini(struct wax_letters *letters)
{
	close_stream(letters);
}
