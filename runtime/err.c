/* SPDX-License-Identifier: Apache-2.0 */
#include <wax/err.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES sizeof(((struct wax_err *)0)->text)
static const char cut_mark[] = "...";

/* Take `length` bytes of text, or as many as fit before the mark; never half a UTF-8 letter. */
static void store(struct wax_err *err, const char *text, size_t length)
{
	size_t kept = length;

	if (length >= TEXT_BYTES) {
		kept = TEXT_BYTES - sizeof(cut_mark);
		while (kept > 0 && ((unsigned char)text[kept] & 0xc0) == 0x80)
			kept--;
	}
	memcpy(err->text, text, kept);
	if (kept < length)
		memcpy(err->text + kept, cut_mark, sizeof(cut_mark));
	else
		err->text[kept] = '\0';
}

/* One byte more than fits is enough to see that a text is too long. */
static size_t written(int length, size_t room)
{
	if (length < 0)
		return 0;
	return (size_t)length < room ? (size_t)length : room - 1;
}

int wax_err_set(struct wax_err *err, int code, const char *fmt, ...)
{
	int errno_kept = errno;
	/* Not straight into err->text: that may be among the arguments. */
	char text[TEXT_BYTES + 1];
	va_list args;
	int length;

	if (!err)
		return code;

	/* First of all that could change errno, which %m prints. */
	va_start(args, fmt);
	length = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	err->code = code;
	store(err, text, written(length, sizeof(text)));
	errno = errno_kept;
	return code;
}

int wax_err_wrap(struct wax_err *err, const char *fmt, ...)
{
	int errno_kept = errno;
	char text[2 * TEXT_BYTES];
	va_list args;
	size_t used;

	if (!err)
		return -EIO;

	va_start(args, fmt);
	/* Half of the room, so that what was there always fits behind it before the cut. */
	used = written(vsnprintf(text, TEXT_BYTES, fmt, args), TEXT_BYTES);
	va_end(args);

	used += written(snprintf(text + used, sizeof(text) - used, ": %s", err->text),
			sizeof(text) - used);
	store(err, text, used);
	errno = errno_kept;
	return err->code;
}
