/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/format.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/digits.h"
#include "runtime/step.h"

/* What one operation writes. The fixed ones have a longest text that is known beforehand. */
enum op_kind {
	OP_LITERAL,
	OP_TEXT, /* as it is */
	OP_HEX,
	OP_I32,
	OP_U32,
	OP_I64,
	OP_U64,
	OP_F64,
	OP_PRINT, /* by the printer of the type: how long shows when it has written */
};

struct op {
	enum op_kind kind;
	bool of_key;
	const struct wax_type *type; /* of the column */
	const char *literal;         /* in format->literals */
	size_t literal_bytes;
};

struct wax_format {
	bool keep_key;
	bool is_value;
	size_t fixed_bytes; /* longest text of all operations whose length depends on no item */
	char *literals;
	size_t op_count;
	struct op ops[];
};

/* Longest texts: "-2147483648", "-1.7976931348623157e+308" and so on, and a NUL where printed. */
enum { I32_BYTES = 11, U32_BYTES = 10, I64_BYTES = 20, U64_BYTES = 20, F64_BYTES = 25 };

/* First guess at what a printer of the user needs. */
enum { PRINT_BYTES = 128 };

/* Told by the printer and not by the name: a type of the user may print a number in its own way. */
static enum op_kind kind_of(const struct wax_type *type)
{
	static const struct {
		const struct wax_type *type;
		enum op_kind kind;
	} numbers[] = {{WAX_I32, OP_I32}, {WAX_U32, OP_U32}, {WAX_I64, OP_I64}, {WAX_U64, OP_U64},
			{WAX_F64, OP_F64}};

	if (type->shape != WAX_SHAPE_PLAIN)
		return OP_PRINT;
	if (!type->print || type->print == WAX_BYTES->print)
		return OP_HEX;
	if (type->print == WAX_TEXT->print)
		return OP_TEXT;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (type->print == numbers[i].type->print &&
				type->item_bytes == numbers[i].type->item_bytes)
			return numbers[i].kind;
	}
	return OP_PRINT;
}

static size_t fixed_bytes_of(const struct op *op)
{
	switch (op->kind) {
	case OP_LITERAL:
		return op->literal_bytes;
	case OP_I32:
		return I32_BYTES;
	case OP_U32:
		return U32_BYTES;
	case OP_I64:
		return I64_BYTES;
	case OP_U64:
		return U64_BYTES;
	case OP_F64:
		return F64_BYTES;
	case OP_TEXT:
	case OP_HEX:
	case OP_PRINT:
		break;
	}
	return 0;
}

static struct op column_op(const struct wax_type *type, bool of_key)
{
	return (struct op){.kind = kind_of(type), .of_key = of_key, .type = type};
}

/* Compile text into format->ops, which has room for one operation per byte of it. */
static int compile(struct wax_format *format, const char *text, const struct wax_type *type,
		struct wax_err *err)
{
	const struct wax_type *value = type->key ? type->value : type;
	char *literal = format->literals;
	const char *at = text;

	while (*at) {
		struct op *op = &format->ops[format->op_count];

		if (at[0] == '%' && at[1] == 'v') {
			*op = column_op(value, false);
			at += 2;
		} else if (at[0] == '%' && at[1] == 'k') {
			if (!type->key)
				return wax_err_set(err, -EINVAL,
						"format \"%s\" asks for the key with %%k, but the "
						"stream has none: give it one with wax_key_on, or "
						"leave %%k out",
						text);

			*op = column_op(type->key, true);
			at += 2;
		} else if (at[0] == '%' && at[1] == '\0') {
			return wax_err_set(err, -EINVAL,
					"format \"%s\" ends within a directive: write %%%% for a "
					"percent sign",
					text);
		} else if (at[0] == '%' && at[1] != '%') {
			return wax_err_set(err, -EINVAL,
					"format \"%s\" has the unknown directive %%%c: %%k is the "
					"key, %%v the value, %%%% a percent sign",
					text, at[1]);
		} else {
			*op = (struct op){.kind = OP_LITERAL, .literal = literal};
			for (; *at && (at[0] != '%' || at[1] == '%'); at++) {
				if (at[0] == '%')
					at++;
				*literal++ = *at;
			}
			op->literal_bytes = (size_t)(literal - op->literal);
		}
		format->fixed_bytes += fixed_bytes_of(op);
		format->op_count++;
	}
	return 0;
}

int wax_format_make(const char *text, const struct wax_type *type, bool keep_key,
		struct wax_format **ret_format, struct wax_err *err)
{
	struct wax_format *format;
	size_t text_bytes;
	int result;

	if (!text)
		text = type->key ? "%k\t%v" : "%v";
	text_bytes = strlen(text);

	format = calloc(1, sizeof(*format) + text_bytes * sizeof(struct op));
	if (!format)
		return wax_err_set(err, -ENOMEM, "no memory for format \"%s\"", text);

	format->keep_key = keep_key;
	format->literals = malloc(text_bytes + 1);
	if (!format->literals) {
		wax_format_free(format);
		return wax_err_set(err, -ENOMEM, "no memory for format \"%s\"", text);
	}

	result = compile(format, text, type, err);
	if (result < 0) {
		wax_format_free(format);
		return result;
	}

	format->is_value = format->op_count == 1 && format->ops[0].kind == OP_TEXT &&
			!format->ops[0].of_key;
	*ret_format = format;
	return 0;
}

void wax_format_free(struct wax_format *format)
{
	if (!format)
		return;
	free(format->literals);
	free(format);
}

bool wax_format_is_value(const struct wax_format *format)
{
	return format->is_value;
}

static char *put_hex(char *at, struct wax_bytes item)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = item.data;

	for (size_t i = 0; i < item.bytes; i++) {
		*at++ = digits[bytes[i] >> 4];
		*at++ = digits[bytes[i] & 15];
	}
	return at;
}

static char *put_bytes(char *at, const void *data, size_t bytes)
{
	/* An empty item may have no address. */
	if (bytes > 0)
		memcpy(at, data, bytes);
	return at + bytes;
}

#define READ_ITEM(T, item)                                                                         \
	({                                                                                         \
		T read_value;                                                                      \
		memcpy(&read_value, (item).data, sizeof(T));                                       \
		read_value;                                                                        \
	})

static struct wax_bytes column(const struct op *op, const struct wax_batch *batch, uint32_t index)
{
	return op->of_key ? wax_batch_key(batch, index) : wax_batch_value(batch, index);
}

/* The most that an item's text will need, when every printer of the user needs print_bytes. */
static size_t room_for(const struct wax_format *format, const struct wax_batch *batch,
		uint32_t index, size_t print_bytes)
{
	size_t room = format->fixed_bytes;

	for (size_t i = 0; i < format->op_count; i++) {
		const struct op *op = &format->ops[i];

		if (op->kind == OP_TEXT)
			room += column(op, batch, index).bytes;
		else if (op->kind == OP_HEX)
			room += 2 * column(op, batch, index).bytes;
		else if (op->kind == OP_PRINT)
			room += print_bytes;
	}
	return room;
}

/*
 * Write an item's text at `at`.
 *
 * @param print_bytes room for each printer of the user; raised to what one needs that needs more,
 *                    and then the text is not whole
 * @return the end of the text; NULL when a printer of the user failed
 */
static char *render(const struct wax_format *format, const struct wax_batch *batch, uint32_t index,
		char *at, size_t *print_bytes)
{
	size_t print_room = *print_bytes;

	for (size_t i = 0; i < format->op_count; i++) {
		const struct op *op = &format->ops[i];
		struct wax_bytes item;
		int length;

		if (op->kind == OP_LITERAL) {
			at = put_bytes(at, op->literal, op->literal_bytes);
			continue;
		}
		item = column(op, batch, index);
		switch (op->kind) {
		case OP_TEXT:
			at = put_bytes(at, item.data, item.bytes);
			break;
		case OP_HEX:
			at = put_hex(at, item);
			break;
		case OP_I32:
			at = wax_digits_i64(at, READ_ITEM(int32_t, item));
			break;
		case OP_U32:
			at = wax_digits_u64(at, READ_ITEM(uint32_t, item));
			break;
		case OP_I64:
			at = wax_digits_i64(at, READ_ITEM(int64_t, item));
			break;
		case OP_U64:
			at = wax_digits_u64(at, READ_ITEM(uint64_t, item));
			break;
		case OP_F64:
			at += op->type->print(at, F64_BYTES, item.data, item.bytes);
			break;
		case OP_PRINT:
			length = wax_type_print(
					op->type, at, print_room, item.data, item.bytes);
			if (length < 0)
				return NULL;
			if ((size_t)length < print_room)
				at += length;
			else if ((size_t)length >= *print_bytes)
				*print_bytes = (size_t)length + 1;
			break;
		case OP_LITERAL:
			break;
		}
	}
	return at;
}

/* Emit one item; the open claim is taken anew while a printer needs more room than there was. */
static int emit_item(const struct wax_format *format, struct wax_out *out,
		const struct wax_batch *batch, uint32_t index, size_t *print_bytes)
{
	struct wax_bytes key = {NULL, 0};

	if (format->keep_key)
		key = wax_batch_key(batch, index);
	/* NULL would mean that there is no key at all. */
	if (format->keep_key && !key.data)
		key.data = "";
	for (;;) {
		size_t room = room_for(format, batch, index, *print_bytes);
		size_t print_room = *print_bytes;
		char *text = wax_claim(out, key.data, key.bytes, room ? room : 1);
		char *end;

		/* Why is known to out, which stops the run. */
		if (!text)
			return -EIO;

		end = render(format, batch, index, text, print_bytes);
		if (!end)
			return wax_fail(out, "the printer of its type failed");
		if (*print_bytes == print_room)
			return wax_commit(out, (size_t)(end - text));
	}
}

/* The text is the value: it is passed on, where it may be lent without a copy. */
static int emit_value(const struct wax_format *format, struct wax_out *out,
		const struct wax_batch *batch, uint32_t index)
{
	struct wax_bytes value = wax_batch_value(batch, index);
	struct wax_bytes key;

	if (!format->keep_key)
		return wax_emit(out, value.data, value.bytes);
	key = wax_batch_key(batch, index);
	return wax_emit_kv(out, key.data, key.bytes, value.data, value.bytes);
}

int wax_format_batch(
		const struct wax_format *format, struct wax_out *out, const struct wax_batch *batch)
{
	size_t print_bytes = PRINT_BYTES;
	int result = 0;

	for (uint32_t i = 0; i < batch->count && result >= 0; i++) {
		result = format->is_value ? emit_value(format, out, batch, i)
					  : emit_item(format, out, batch, i, &print_bytes);
	}
	return result < 0 ? result : 0;
}
