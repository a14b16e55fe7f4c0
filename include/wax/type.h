/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_TYPE_H
#define WAX_TYPE_H

#include <wax/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What the items of a stream are. An item is flat bytes: a plain struct of fixed size, or a run of
 * bytes of any length. It holds no pointers, because it is read in another process.
 *
 * Two types are the same when their names and sizes are. Steps say what they take and give, and a
 * mismatch is an error when the flow is built.
 */
struct wax_type {
	size_t size_bytes; /* sizeof(struct wax_type) where it was compiled */
	const char *name;
	uint32_t item_bytes; /* of an item of fixed size; 0: any length */
	uint32_t align;      /* of the item in memory; a power of two up to 64 */

	/**
	 * Write an item as text, as snprintf would: give back the length without the final NUL,
	 * even where it does not fit. NULL: hexadecimal digits.
	 */
	int (*print)(char *text, size_t text_bytes, const void *item, size_t item_bytes);

	/* Both set: a keyed type, made by wax_type_keyed. */
	const struct wax_type *key;
	const struct wax_type *value;

	/* Of a list (wax_type_list) the type of its items, of a row (wax_type_row) those of its
	 * sides; both print themselves. */
	const struct wax_type *const *parts;
	uint32_t part_count;
	uint32_t shape; /* enum wax_shape */
};

enum wax_shape {
	WAX_SHAPE_PLAIN = 0,
	WAX_SHAPE_LIST,
	WAX_SHAPE_ROW,
};

WAX_API extern const struct wax_type wax_type_bytes, wax_type_text;
WAX_API extern const struct wax_type wax_type_i32, wax_type_u32, wax_type_i64, wax_type_u64;
WAX_API extern const struct wax_type wax_type_f64;

#define WAX_BYTES (&wax_type_bytes) /* any length; printed as hexadecimal digits */
#define WAX_TEXT (&wax_type_text)   /* any length; printed as it is */
#define WAX_I32 (&wax_type_i32)
#define WAX_U32 (&wax_type_u32)
#define WAX_I64 (&wax_type_i64)
#define WAX_U64 (&wax_type_u64)
#define WAX_F64 (&wax_type_f64)

/**
 * The type of a plain struct. Types are remembered by name: asking twice gives the same pointer.
 *
 * @param name  borrows during the call
 * @param bytes sizeof, in [1, 65536]
 * @param align a power of two up to 64
 * @param print see struct wax_type; may be NULL
 * @return lends; valid until the process ends. NULL when a bound is broken, or when the name is
 *         known with another size; the step that is given it says so.
 */
WAX_API const struct wax_type *wax_type_struct(const char *name, size_t bytes, size_t align,
		int (*print)(char *, size_t, const void *, size_t));

/** The type of items that have a key and a value. Both lend as above; NULL if either is. */
WAX_API const struct wax_type *wax_type_keyed(
		const struct wax_type *key, const struct wax_type *value);

#define WAX_STRUCT(T) wax_type_struct(#T, sizeof(T), WAX_ALIGNOF(T), NULL)
#define WAX_STRUCT_PRINT(T, print) wax_type_struct(#T, sizeof(T), WAX_ALIGNOF(T), print)
#define WAX_KEYED(key, value) wax_type_keyed(key, value)

#ifdef __cplusplus
}
#endif

#endif
