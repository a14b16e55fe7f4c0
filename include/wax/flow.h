/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_FLOW_H
#define WAX_FLOW_H

#include <wax/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wax_flow;

/**
 * A handle of a stream: what one step gives and others take. It may be used any number of times;
 * each use sees every item. A stream of a step that was wrong is accepted everywhere, so that one
 * mistake is reported once.
 */
struct wax_stream {
	struct wax_flow *flow;
	uint32_t id;
};

/**
 * Begin a composite: the ids of the steps that are added until wax_scope_end have its id in front
 * ("wordcount.clean.parse"), and are unique within it. Scopes may be nested. A function from
 * streams to streams that wraps its steps so is an operator of one's own, which can be used many
 * times under different ids; graphs show it as a group.
 *
 *     struct wax_stream clean(struct wax_stream up, const char *id)
 *     {
 *             wax_scope_begin(up.flow, id);
 *             struct wax_stream rows = wax_map(up, "parse", ...);
 *             struct wax_stream good = wax_filter(rows, "check", ...);
 *             wax_scope_end(up.flow);
 *             return good;
 *     }
 *
 * @param id as that of a step: unique in the flow or scope around it, without a dot; borrows until
 *           the process ends
 */
WAX_API void wax_scope_begin(struct wax_flow *flow, const char *id);

/** End the composite that was begun last. */
WAX_API void wax_scope_end(struct wax_flow *flow);

/**
 * What becomes of an item at which a callback of a step fails: calls wax_fail, or gives back a
 * negative number. Without a policy the run ends. --on-error of waxrun goes before what the flow
 * says. Whatever the policy, the run ends when the callback broke the rules of its step (emitted
 * a wrong size or number of items), and when a source or sink fails.
 */
enum wax_policy {
	WAX_FAIL = 0, /* the run ends with exit status 1; the report shows the item */
	WAX_SKIP = 1, /* the item is dropped and counted; what was emitted for it is withdrawn */
	WAX_DLQ = 2,  /* the same, and it is written to a file: set by wax_on_error_dlq */
};

/**
 * Set the policy of the step that gives `of`; not of a source.
 *
 * @param policy WAX_FAIL or WAX_SKIP
 */
WAX_API void wax_on_error(struct wax_stream of, enum wax_policy policy);

/**
 * Have items at which the step that gives `of` fails written to a file, as JSON lines at its end.
 * Steps may share one. Their format is in docs/reference/dead-letters.md.
 *
 * @param path copied; a regular file, made if missing
 */
WAX_API void wax_on_error_dlq(struct wax_stream of, const char *path);

/** What a flow's shared object exports: see WAX_FLOW. */
struct wax_flow_entry {
	size_t size_bytes;
	uint32_t version_major; /* of the headers it was compiled with */
	uint32_t version_minor;
	const char *name;
	const char *about;
	void (*build)(struct wax_flow *flow);
};

/**
 * Define the flow of this shared object. The body describes the graph through `flow`; it runs
 * once, in the launcher, before the workers are forked, and opens nothing. No call in it needs
 * its result checked: mistakes are collected and printed together, with their step ids.
 *
 *     WAX_FLOW(wordcount, "Count the words of a text")
 *     {
 *             const char *in = wax_arg_path(flow, "in", "text to read", WAX_REQUIRED);
 *             ...
 *     }
 */
#ifdef __cplusplus
#define WAX_FLOW_LINKAGE extern "C"
#else
#define WAX_FLOW_LINKAGE
#endif
#define WAX_FLOW(flow_name, flow_about)                                                         \
	static void wax_build_##flow_name(struct wax_flow *flow);                               \
	WAX_FLOW_LINKAGE WAX_API const struct wax_flow_entry *wax_flow_entry(void);             \
	WAX_FLOW_LINKAGE WAX_API const struct wax_flow_entry *wax_flow_entry(void)              \
	{                                                                                       \
		static const struct wax_flow_entry entry = {sizeof(struct wax_flow_entry),      \
				WAX_VERSION_MAJOR, WAX_VERSION_MINOR, #flow_name, flow_about,   \
				wax_build_##flow_name};                                         \
		return &entry;                                                                  \
	}                                                                                       \
	static void wax_build_##flow_name(struct wax_flow *flow)

/** As the default of an argument: it must be given. */
WAX_API extern const char wax_required[];
#define WAX_REQUIRED wax_required

/**
 * The flow's own arguments, given after `--` as `--name value` or `--name=value`, listed by
 * `waxrun FLOW -- --help`.
 *
 * @param name     without dashes; letters, digits and dashes. Borrows, as all texts here, until
 *                 the flow is freed.
 * @param help     a phrase
 * @param fallback what is parsed when it is not given; WAX_REQUIRED; NULL gives NULL or 0
 * @return the value; NULL or 0 when it is missing or wrong, which is reported
 */
WAX_API const char *wax_arg_text(
		struct wax_flow *flow, const char *name, const char *help, const char *fallback);
/** A path; otherwise as wax_arg_text. */
WAX_API const char *wax_arg_path(
		struct wax_flow *flow, const char *name, const char *help, const char *fallback);
/** A whole number; K, M, G behind it mean thousands, millions, milliards. */
WAX_API int64_t wax_arg_int(
		struct wax_flow *flow, const char *name, const char *help, const char *fallback);
WAX_API double wax_arg_float(
		struct wax_flow *flow, const char *name, const char *help, const char *fallback);
/** A size in bytes: 64K, 512KiB, 4G. */
WAX_API uint64_t wax_arg_size(
		struct wax_flow *flow, const char *name, const char *help, const char *fallback);
/** A duration in ns: 250ms, 10s. */
WAX_API int64_t wax_arg_duration(
		struct wax_flow *flow, const char *name, const char *help, const char *fallback);
/** A switch: 1 when `--name` is given, else 0. */
WAX_API int wax_arg_flag(struct wax_flow *flow, const char *name, const char *help);

/** Report a mistake of one's own while the flow is built, as the library does. */
WAX_API void wax_flow_fail(struct wax_flow *flow, const char *fmt, ...) WAX_PRINTF(2, 3);

/**
 * Memory for what a callback's ctx points to. Every worker has its own copy of it (they are
 * forked), so a callback may write there, but what it writes is neither shared nor saved.
 *
 * @return lends, zeroed, until the process ends; never NULL
 */
WAX_API void *wax_flow_alloc(struct wax_flow *flow, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
