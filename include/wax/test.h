/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_TEST_H
#define WAX_TEST_H

#include <wax/batch.h>
#include <wax/connector.h>
#include <wax/flow.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Testing a flow, or a part of one, from any test framework: a source that gives what an array
 * says, a sink that gathers what reaches it, a clock turned by hand, and a run from within the test,
 * in its own process or with forked workers.
 *
 * A test includes this beside <wax/wax.h>, which leaves it out. Calls of one run belong to one
 * thread.
 */

/* ---- A source */

/** What an entry of a source is. */
enum wax_test_mark {
	WAX_TEST_MARK_ITEM = 0,
	/** End the batch; the next call ends the source, whatever entries follow. The position is
	 *  behind the mark: a source opened there goes on with what follows. */
	WAX_TEST_MARK_EOF,
	/** End the batch; the next call fails the run, exit status 5: the epoch is not finished,
	 *  sinks are closed as after a failure. Passed over where *fired is 1 already. */
	WAX_TEST_MARK_ABORT,
	/** End the batch and give nothing for duration_ns. Not counted by the position. */
	WAX_TEST_MARK_PAUSE,
	/** End the batch and turn the clock forward by duration_ns: see wax_test_clock_make. */
	WAX_TEST_MARK_TURN,
};

/** One entry of a source. Best written with the macros below. */
struct wax_test_entry {
	enum wax_test_mark mark;
	struct wax_bytes key; /* of an item of a keyed stream */
	struct wax_bytes value;
	int64_t duration_ns; /* PAUSE, TURN */
	int *fired; /* ABORT: set to 1 by it, so it must lie in wax_test_shared_make; NULL: none */
};

/** An item: a C string; an lvalue; a key and a value that are either. */
#define WAX_TEST_BYTES_OF_TEXT(text) {(text), sizeof(text) - 1}
#define WAX_TEST_BYTES_OF(lvalue) {&(lvalue), sizeof(lvalue)}
#define WAX_TEST_NOTHING {NULL, 0}
/** `WAX_TEST_TEXT("a line")`: the text is a literal. */
#define WAX_TEST_TEXT(text)                                                                     \
	{WAX_TEST_MARK_ITEM, WAX_TEST_NOTHING, WAX_TEST_BYTES_OF_TEXT(text), 0, NULL}
/** `WAX_TEST_VALUE(reading)`: the bytes of a variable. */
#define WAX_TEST_VALUE(lvalue)                                                                  \
	{WAX_TEST_MARK_ITEM, WAX_TEST_NOTHING, WAX_TEST_BYTES_OF(lvalue), 0, NULL}
/** `WAX_TEST_KEYED("key", reading)`: a literal and a variable. */
#define WAX_TEST_KEYED(text, lvalue)                                                            \
	{WAX_TEST_MARK_ITEM, WAX_TEST_BYTES_OF_TEXT(text), WAX_TEST_BYTES_OF(lvalue), 0, NULL}
/** `WAX_TEST_KEYED_TEXT("key", "value")`: two literals. */
#define WAX_TEST_KEYED_TEXT(text, value)                                                        \
	{WAX_TEST_MARK_ITEM, WAX_TEST_BYTES_OF_TEXT(text), WAX_TEST_BYTES_OF_TEXT(value), 0,    \
			NULL}
#define WAX_TEST_EOF {WAX_TEST_MARK_EOF, WAX_TEST_NOTHING, WAX_TEST_NOTHING, 0, NULL}
#define WAX_TEST_ABORT(fired) {WAX_TEST_MARK_ABORT, WAX_TEST_NOTHING, WAX_TEST_NOTHING, 0, (fired)}
#define WAX_TEST_PAUSE(duration_ns)                                                             \
	{WAX_TEST_MARK_PAUSE, WAX_TEST_NOTHING, WAX_TEST_NOTHING, (duration_ns), NULL}
#define WAX_TEST_TURN(duration_ns)                                                              \
	{WAX_TEST_MARK_TURN, WAX_TEST_NOTHING, WAX_TEST_NOTHING, (duration_ns), NULL}

/**
 * A source with one partition, "entries", which worker 0 reads: what the entries say, in batches of
 * at most batch_size items. Its position, as struct wax_source_ops has it, is a uint64_t: how many
 * entries were consumed.
 *
 * @param type    of the items; a keyed type where they have keys
 * @param entries copied, with the bytes that they point to
 * @param batch_size at least 1
 * @return gives; wax_input takes it, and reports NULL
 */
WAX_API struct wax_source *wax_test_source(const struct wax_type *type,
		const struct wax_test_entry *entries, size_t count, size_t batch_size);

/** The same of an array of values of fixed size, as wax_type_u64 or a struct has it.
 *  @param values copied; count times type->item_bytes */
WAX_API struct wax_source *wax_test_values(const struct wax_type *type, const void *values,
		size_t count, size_t batch_size);

/** The same of C strings, as WAX_TEXT. @param texts copied; ends at NULL */
WAX_API struct wax_source *wax_test_texts(const char *const *texts, size_t batch_size);

/* ---- A sink */

/** What reached a sink, of all workers, in the order in which it did. */
struct wax_test_list;

/** @return gives; release with wax_test_list_free, behind the last run. NULL: out of memory or
 *          file descriptors */
WAX_API struct wax_test_list *wax_test_list_make(void);
WAX_API void wax_test_list_free(struct wax_test_list *list);

/**
 * A sink, one in each worker, that adds what it is given to the list; it takes any type. Forked
 * workers write to memory that the test shares. Items of one worker are in their order; a batch is
 * not torn apart.
 *
 * @param list borrows until the run is over; several sinks, and runs, may add to one
 * @return gives; wax_output takes it, and reports NULL
 */
WAX_API struct wax_sink *wax_test_sink(struct wax_test_list *list);

/** How many items it has. Call this and what follows behind a run, not during one. */
WAX_API size_t wax_test_list_count(struct wax_test_list *list);
/** An item; aligned to 16 bytes. Lends until the next run, wax_test_list_clear or _free.
 *  @param index below the count */
WAX_API struct wax_item wax_test_list_at(struct wax_test_list *list, size_t index);
/** Which worker added it. */
WAX_API uint32_t wax_test_list_worker(struct wax_test_list *list, size_t index);
/** Put the items in the order of their text: what several workers add comes in any order.
 *  @param type of the items */
WAX_API void wax_test_list_sort(struct wax_test_list *list, const struct wax_type *type);
/**
 * The items as text, each as `type` prints it, key and value with a tab between, a line each.
 *
 * @return lends, as wax_test_list_at, until the next call; NULL when out of memory
 */
WAX_API const char *wax_test_list_text(struct wax_test_list *list, const struct wax_type *type);
/** Forget all items. */
WAX_API void wax_test_list_clear(struct wax_test_list *list);

/* ---- Memory and time */

/**
 * Memory that forked workers share with the test, zeroed; callbacks may count in it, with
 * atomics where there are several workers.
 *
 * @return gives; release with wax_test_shared_free. NULL: out of memory
 */
WAX_API void *wax_test_shared_make(size_t bytes);
WAX_API void wax_test_shared_free(void *memory);

/** The wall clock as sources, sinks and operators see it. */
struct wax_test_clock;

/**
 * A clock that stands until it is turned: by the calls below, from the test or from a callback, or
 * by a mark of a source. One worker alone turns it to the time of the next timer, or the end of
 * a pause, when it has nothing else to do: no test waits. With several workers it stands.
 *
 * @param now ns since the Unix epoch
 * @return gives; release with wax_test_clock_free, behind the last run. NULL: out of memory
 */
WAX_API struct wax_test_clock *wax_test_clock_make(int64_t now);
WAX_API void wax_test_clock_free(struct wax_test_clock *clock);
WAX_API int64_t wax_test_clock_now(const struct wax_test_clock *clock);
WAX_API void wax_test_clock_set(struct wax_test_clock *clock, int64_t now);
WAX_API void wax_test_clock_advance(struct wax_test_clock *clock, int64_t duration_ns);

/* ---- A run */

struct wax_test_options {
	size_t size_bytes; /* sizeof(struct wax_test_options) */
	/** 0: one worker, in this process: breakpoints hit, and there are no epochs. Else forked
	 *  ones. */
	uint32_t workers;
	/** Of the flow, as behind `--`; ends at NULL; NULL: none. */
	const char *const *args;
	/** As on the command line: "--rehearse", "--slab=512"; ends at NULL; NULL: none. What is not
	 *  said here is: no epochs, --timeout=60s, no binding. Has no effect in this process, but
	 *  for --io. */
	const char *const *waxrun;
	struct wax_test_clock *clock; /* borrows until return; NULL: the time it is */
};

struct wax_test_result {
	int status; /* exit status, as waxrun's */
	/** Why, without the place; mistakes of the flow, a line each. "" when all went well. */
	const char *sentence;
	const char *step; /* id of the step that failed; "": none */
	const char *item; /* that it failed at; "": none */
	uint32_t worker;  /* that failed */
};

/**
 * Run a flow to its end.
 *
 * @param build   describes the flow, as the body of WAX_FLOW does; its name is "test"
 * @param options borrows until return; NULL: defaults
 * @return gives; release with wax_test_result_free. NULL: out of memory
 */
WAX_API struct wax_test_result *wax_test_run(
		void (*build)(struct wax_flow *flow), const struct wax_test_options *options);

/** The same of a flow that WAX_FLOW defines: `wax_test_run_flow(wax_flow_entry(), NULL)`. */
WAX_API struct wax_test_result *wax_test_run_flow(
		const struct wax_flow_entry *entry, const struct wax_test_options *options);

/**
 * A counter of a step, of all workers: items_in, bytes_in, batches_in, items_out, bytes_out.
 *
 * @param step full id, "test.count"
 * @return UINT64_MAX when there is no such step, or counter, or the flow did not run
 */
WAX_API uint64_t wax_test_counter(
		const struct wax_test_result *result, const char *step, const char *name);

WAX_API void wax_test_result_free(struct wax_test_result *result);

#ifdef __cplusplus
}
#endif

#endif
