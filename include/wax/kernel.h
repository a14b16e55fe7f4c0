/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_KERNEL_H
#define WAX_KERNEL_H

#include <wax/operators.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Typed steps. The macros define a kernel: the body of one item, inlined by the compiler into the
 * loop over a batch, so that an item costs the loop and not a call through a pointer. The types
 * are plain structs or numbers of fixed size, given by one identifier or `struct x`.
 *
 *     WAX_MAP(to_celsius, struct reading, in, struct celsius, out)
 *     {
 *             out->station = in->station;
 *             out->degrees = in->tenths / 10.0;
 *     }
 *     ...
 *     wax_map_typed(readings, "to_celsius", &to_celsius);
 */

enum wax_kernel_kind {
	WAX_KERNEL_MAP = 1,
	WAX_KERNEL_FILTER = 2,
	WAX_KERNEL_KEY = 3,
	WAX_KERNEL_FOLD = 4,
	WAX_KERNEL_STATEFUL_MAP = 5,
};

/** Made by the macros below; opaque in spirit. */
struct wax_kernel {
	size_t size_bytes;
	uint32_t kind;
	const char *in_name; /* type of a value of the batch */
	uint32_t in_bytes, in_align;
	const char *out_name; /* type of what is made; as in for a filter */
	uint32_t out_bytes, out_align;

	/* MAP: out is an array of out_type; KEY: likewise; count items. */
	void (*map)(const void *in, void *out, uint32_t count);
	/* FILTER: write the indexes of what is kept, give back how many. */
	uint32_t (*filter)(const void *in, uint32_t *kept, uint32_t count);
	/* FOLD: add value i to the accumulator that accs[i] points to. */
	void (*fold)(const void *in, void *const *accs, uint32_t count);
	/* STATEFUL_MAP: states[i] points to the state of the key of value i, out as for MAP. */
	uint32_t state_bytes, state_align;
	void (*stateful_map)(const void *in, void *const *states, void *out, uint32_t count);
};

#define WAX_KERNEL_HEAD(kind, I, O)                                                             \
	sizeof(struct wax_kernel), kind, #I, (uint32_t)sizeof(I), (uint32_t)WAX_ALIGNOF(I), #O, \
			(uint32_t)sizeof(O), (uint32_t)WAX_ALIGNOF(O)

#define WAX_KERNEL_MAPPING(kind, name, I, in, O, out)                                           \
	static inline void name##_item(const I *WAX_RESTRICT in, O *WAX_RESTRICT out);          \
	static void name##_items(const void *wax_in, void *wax_out, uint32_t count)             \
	{                                                                                       \
		const I *WAX_RESTRICT from = (const I *)wax_in;                                 \
		O *WAX_RESTRICT to = (O *)wax_out;                                              \
		for (uint32_t i = 0; i < count; i++)                                            \
			name##_item(&from[i], &to[i]);                                          \
	}                                                                                       \
	static const struct wax_kernel name = {                                                 \
			WAX_KERNEL_HEAD(kind, I, O), name##_items, NULL, NULL, 0, 0, NULL};                 \
	static inline void name##_item(const I *WAX_RESTRICT in, O *WAX_RESTRICT out)

/** `WAX_MAP(name, I, in, O, out) { ... }`: fill *out, which is not zeroed, from *in. */
#define WAX_MAP(name, I, in, O, out) WAX_KERNEL_MAPPING(WAX_KERNEL_MAP, name, I, in, O, out)

/** `WAX_KEY(name, I, in, K, key) { ... }`: fill *key from *in. */
#define WAX_KEY(name, I, in, K, key) WAX_KERNEL_MAPPING(WAX_KERNEL_KEY, name, I, in, K, key)

/** `WAX_FILTER(name, I, in) { ... }`: give back 1 to keep *in, else 0. */
#define WAX_FILTER(name, I, in)                                                                 \
	static inline int name##_item(const I *in);                                             \
	static uint32_t name##_items(const void *wax_in, uint32_t *kept, uint32_t count)        \
	{                                                                                       \
		const I *from = (const I *)wax_in;                                              \
		uint32_t kept_count = 0;                                                        \
		for (uint32_t i = 0; i < count; i++) {                                          \
			kept[kept_count] = i;                                                   \
			kept_count += name##_item(&from[i]) != 0;                               \
		}                                                                               \
		return kept_count;                                                              \
	}                                                                                       \
	static const struct wax_kernel name = {                                                 \
			WAX_KERNEL_HEAD(WAX_KERNEL_FILTER, I, I), NULL, name##_items, NULL, 0, 0, \
			NULL};    \
	static inline int name##_item(const I *in)

/** `WAX_FOLD(name, I, in, A, acc) { ... }`: add *in to *acc, which is zero at first. */
#define WAX_FOLD(name, I, in, A, acc)                                                           \
	static inline void name##_item(const I *in, A *acc);                                    \
	static void name##_items(const void *wax_in, void *const *accs, uint32_t count)         \
	{                                                                                       \
		const I *from = (const I *)wax_in;                                              \
		for (uint32_t i = 0; i < count; i++)                                            \
			name##_item(&from[i], (A *)accs[i]);                                    \
	}                                                                                       \
	static const struct wax_kernel name = {                                                 \
			WAX_KERNEL_HEAD(WAX_KERNEL_FOLD, I, A), NULL, NULL, name##_items, 0, 0, \
			NULL};      \
	static inline void name##_item(const I *in, A *acc)

/** `WAX_STATEFUL_MAP(name, I, in, S, state, O, out) { ... }`: fill *out, which is not zeroed, from *in
 *  and *state, which is zero at first. */
#define WAX_STATEFUL_MAP(name, I, in, S, state, O, out)                                         \
	static inline void name##_item(                                                         \
			const I *WAX_RESTRICT in, S *WAX_RESTRICT state, O *WAX_RESTRICT out);  \
	static void name##_items(const void *wax_in, void *const *states, void *wax_out,        \
			uint32_t count)                                                         \
	{                                                                                       \
		const I *WAX_RESTRICT from = (const I *)wax_in;                                 \
		O *WAX_RESTRICT to = (O *)wax_out;                                              \
		for (uint32_t i = 0; i < count; i++)                                            \
			name##_item(&from[i], (S *)states[i], &to[i]);                          \
	}                                                                                       \
	static const struct wax_kernel name = {WAX_KERNEL_HEAD(WAX_KERNEL_STATEFUL_MAP, I, O),  \
			NULL, NULL, NULL, (uint32_t)sizeof(S), (uint32_t)WAX_ALIGNOF(S),        \
			name##_items};                                                          \
	static inline void name##_item(                                                         \
			const I *WAX_RESTRICT in, S *WAX_RESTRICT state, O *WAX_RESTRICT out)

/** wax_map with a kernel of WAX_MAP; on a keyed stream it is wax_map_value: the key stays. */
WAX_API struct wax_stream wax_map_typed(
		struct wax_stream up, const char *id, const struct wax_kernel *kernel);
/** wax_filter with a kernel of WAX_FILTER, which sees the value. */
WAX_API struct wax_stream wax_filter_typed(
		struct wax_stream up, const char *id, const struct wax_kernel *kernel);
/** wax_key_on with a kernel of WAX_KEY, which sees the value. */
WAX_API struct wax_stream wax_key_on_typed(
		struct wax_stream up, const char *id, const struct wax_kernel *kernel);
/** wax_stateful_map with a kernel of WAX_STATEFUL_MAP, which sees the value; a key is never
 *  forgotten. */
WAX_API struct wax_stream wax_stateful_map_typed(
		struct wax_stream up, const char *id, const struct wax_kernel *kernel);
/** wax_fold_final with a kernel of WAX_FOLD. */
WAX_API struct wax_stream wax_fold_final_typed(
		struct wax_stream up, const char *id, const struct wax_kernel *kernel);
/** wax_fold_merge_final with a kernel of WAX_FOLD, and one of WAX_FOLD that adds accumulators:
 *  `WAX_FOLD(merge, A, other, A, acc) { ... }`. */
WAX_API struct wax_stream wax_fold_merge_final_typed(struct wax_stream up, const char *id,
		const struct wax_kernel *kernel, const struct wax_kernel *merger);

#ifdef __cplusplus
}
#endif

#endif
