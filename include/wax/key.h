/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_KEY_H
#define WAX_KEY_H

#include <wax/batch.h>
#include <wax/type.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Keys of several parts. Keys are compared as bytes, so that two must have the same bytes when, and
 * only when, their parts are equal. For parts of fixed size a struct does, and is the fastest:
 *
 *     struct place { uint32_t country; uint32_t town; };
 *     WAX_KEY_FIELDS(struct place, country, town);
 *     WAX_KEY(place_of, struct order, order, struct place, place) { ... }
 *
 * For text, and for numbers and text together, put the parts together:
 *
 *     const struct wax_part parts[] = {wax_part_text(name, name_bytes), wax_part_u64(day)};
 *     return wax_emit_parts(out, parts, 2);
 */

/**
 * At file scope: does not compile unless these fields, at most 8, are all of the struct, without
 * holes between them. Bytes in holes are compared too, and nobody sets them: the key of one item
 * would be now this, now that. Floating-point fields are compared as bytes as well: 0.0 is not -0.0.
 */
#define WAX_KEY_FIELDS(T, ...)                                                                  \
	WAX_STATIC_ASSERT(WAX_KEY_PICK(__VA_ARGS__, WAX_KEY_8, WAX_KEY_7, WAX_KEY_6, WAX_KEY_5, \
				  WAX_KEY_4, WAX_KEY_3, WAX_KEY_2, WAX_KEY_1, 0)(T, __VA_ARGS__) ==  \
					sizeof(T),                                              \
			"a key with holes, or with fields that are not named: order the fields by " \
			"size, and fill what is left with a field that is set to 0")
#define WAX_KEY_PICK(a, b, c, d, e, f, g, h, n, ...) n
#define WAX_KEY_1(T, a) sizeof(((T *)0)->a)
#define WAX_KEY_2(T, a, b) (WAX_KEY_1(T, a) + WAX_KEY_1(T, b))
#define WAX_KEY_3(T, a, b, c) (WAX_KEY_2(T, a, b) + WAX_KEY_1(T, c))
#define WAX_KEY_4(T, a, b, c, d) (WAX_KEY_3(T, a, b, c) + WAX_KEY_1(T, d))
#define WAX_KEY_5(T, a, b, c, d, e) (WAX_KEY_4(T, a, b, c, d) + WAX_KEY_1(T, e))
#define WAX_KEY_6(T, a, b, c, d, e, f) (WAX_KEY_5(T, a, b, c, d, e) + WAX_KEY_1(T, f))
#define WAX_KEY_7(T, a, b, c, d, e, f, g) (WAX_KEY_6(T, a, b, c, d, e, f) + WAX_KEY_1(T, g))
#define WAX_KEY_8(T, a, b, c, d, e, f, g, h) (WAX_KEY_7(T, a, b, c, d, e, f, g) + WAX_KEY_1(T, h))

enum wax_part_kind {
	WAX_PART_TEXT = 1, /* any bytes */
	WAX_PART_I64,
	WAX_PART_U64,
	WAX_PART_F64,
};

/** One part of a key. */
struct wax_part {
	uint32_t kind; /* enum wax_part_kind */
	union {
		/* In a part that was read: as it stands in the key, with FF behind each byte that
		 * is zero. See wax_part_read. */
		struct wax_bytes text;
		int64_t i64;
		uint64_t u64;
		double f64;
	} as;
};

/** @param data borrows as long as the part is used */
static inline struct wax_part wax_part_text(const void *data, size_t bytes)
{
	struct wax_part part;
	part.kind = WAX_PART_TEXT;
	part.as.text.data = data;
	part.as.text.bytes = bytes;
	return part;
}

static inline struct wax_part wax_part_i64(int64_t number)
{
	struct wax_part part;
	part.kind = WAX_PART_I64;
	part.as.i64 = number;
	return part;
}

static inline struct wax_part wax_part_u64(uint64_t number)
{
	struct wax_part part;
	part.kind = WAX_PART_U64;
	part.as.u64 = number;
	return part;
}

/** 0.0 and -0.0 make the same key, and so do all that are not numbers. */
static inline struct wax_part wax_part_f64(double number)
{
	struct wax_part part;
	part.kind = WAX_PART_F64;
	part.as.f64 = number;
	return part;
}

/** Type of keys that are put together from parts; they print as "(ann, 7)". */
WAX_API extern const struct wax_type wax_type_parts;
#define WAX_PARTS (&wax_type_parts)

/**
 * Put parts together. Different parts give different bytes, whatever is in them; and bytes compare,
 * with memcmp, as the parts do one after the other, where these are of the same kinds.
 *
 * @param to borrows during the call; room for to_bytes
 * @return how many bytes it takes: more than to_bytes when there is not room enough, and then what
 *         stands in `to` means nothing. A number takes 9, a text 2 more than it has bytes, and one
 *         more for each that is zero
 */
WAX_API size_t wax_parts_write(
		void *to, size_t to_bytes, const struct wax_part *parts, size_t count);

/** Emit such a key in the callback of wax_key_on, whose type of key is WAX_PARTS.
 *  @return as wax_emit */
WAX_API int wax_emit_parts(struct wax_out *out, const struct wax_part *parts, size_t count);

/**
 * Take the first part off a key.
 *
 * @param key      written: what is left
 * @param ret_part written; its text lends as long as the key
 * @return 1; 0: none is left; -EBADMSG: it was not put together from parts
 */
WAX_API int wax_parts_next(struct wax_bytes *key, struct wax_part *ret_part);

/** Copy the text of a part that was read, as it was when it was put in.
 *  @return how many bytes it has; of more than to_bytes only those are copied */
WAX_API size_t wax_part_read(const struct wax_part *part, void *to, size_t to_bytes);

#ifdef __cplusplus
}
#endif

#endif
