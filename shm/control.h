/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHM_CONTROL_H
#define SHM_CONTROL_H

#include <assert.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <wax/err.h>

#include "shm/layout.h"

/*
 * The control page of a run: what the launcher and the workers say about themselves. A file in a
 * directory of the user's (0700), so that tools can map it read-only while the run lasts; it is
 * removed when the run ends, however it ends, and one that a killed launcher left is removed by
 * the next run.
 *
 *     header | worker records | step counters, workers x steps | edge counters, workers x edges
 *
 * Each record has one writer. Numbers are relaxed atomics: a reader may see some a little older
 * than others.
 */

#define WAX_CONTROL_MAGIC UINT64_C(0x31306c7463786177) /* "waxctl01" */

enum {
	WAX_CONTROL_VERSION = 3,
	WAX_CONTROL_NAME_BYTES = 64,
	WAX_CONTROL_SOURCE_BYTES = 192,
	WAX_CONTROL_SENTENCE_BYTES = 1024,
	WAX_CONTROL_ITEM_BYTES = 256,
};

/* Declared once: struct, summary, --json and the manual. X(name, unit, help) */
#define WAX_STEP_COUNTERS(X)                                                                    \
	X(items_in, "items", "items that the step was given")                                   \
	X(bytes_in, "bytes", "bytes of their keys and values")                                  \
	X(batches_in, "batches", "batches that they came in")                                   \
	X(items_out, "items", "items that the step emitted")                                    \
	X(bytes_out, "bytes", "bytes of their keys and values")                                 \
	X(items_dropped, "items", "items dropped because a callback failed")                    \
	X(keys_expired, "keys", "keys that were forgotten because their time to live was over")    \
	X(cache_misses, "lookups", "lookups that a cache had no answer for")

#define WAX_EDGE_COUNTERS(X)                                                                    \
	X(items_out, "items", "items sent to all workers, this one included")                   \
	X(items_crossed, "items", "of these, items sent to other workers")                      \
	X(bytes_crossed, "bytes", "bytes of their batches")                               \
	X(messages, "messages", "batches sent to other workers")                                \
	X(items_in, "items", "items received from all workers, this one included")              \
	X(blocked, "times", "times that the sender ran out of credit")                          \
	X(blocked_ns, "ns", "time that it waited for credit")

#define WAX_WORKER_COUNTERS(X)                                                                  \
	X(calls, "calls", "times that a step was called")                                       \
	X(turns, "turns", "turns of the loop that found work")                                  \
	X(sleeps, "times", "times that the worker went to sleep")                               \
	X(slept_ns, "ns", "time asleep")                                                        \
	X(rings, "times", "times that it woke another worker")                                  \
	X(first_item_ns, "ns", "from the launcher's start to the first item")                   \
	X(state_bytes_max, "bytes", "most memory of keyed state, looked at now and then")        \
	X(keys_loaded, "keys", "keys that an earlier run had saved")                            \
	X(load_ns, "ns", "time to load them")                                                   \
	X(log_bytes, "bytes", "bytes written to the log of the recovery directory")             \
	X(live_bytes, "bytes", "bytes of all keys and states, as they are saved")               \
	X(save_ns, "ns", "time spent saving")                                                   \
	X(save_ns_max, "ns", "longest time that saving held the worker at a stretch")

#define WAX_COUNTER_FIELD(name, unit, help) _Atomic uint64_t name;

struct wax_step_counters {
	WAX_STEP_COUNTERS(WAX_COUNTER_FIELD)
};

struct wax_edge_counters {
	WAX_EDGE_COUNTERS(WAX_COUNTER_FIELD)
	uint64_t reserved[1];
};

static_assert(sizeof(struct wax_step_counters) == 64, "control layout v3");
static_assert(sizeof(struct wax_edge_counters) == 64, "control layout v3");

enum wax_worker_state {
	WAX_WORKER_STARTING = 0,
	WAX_WORKER_RUNNING = 1,
	WAX_WORKER_DONE = 2,
	WAX_WORKER_FAILED = 3,
};

enum { WAX_NO_STEP = 0xffffffffu };

/** How a run is to end. It only ever grows. */
enum wax_stop {
	WAX_STOP_NOT = 0,
	WAX_STOP_INPUT = 1,   /* as if the input had ended: sources give no more, the rest is finished */
	WAX_STOP_SUSPEND = 2, /* sources and timers give no more: the run is to go on later */
	WAX_STOP_QUIT = 3,    /* all is saved: go, as soon as what was committed is visible */
};

/** What a worker does, for those who look from outside. The edge is in the lower 16 bits. */
enum wax_doing {
	WAX_DOING_STEPS = 0, /* what step_now says; without a step, what the runtime has to do */
	WAX_DOING_SENDING = 1 << 16,
	WAX_DOING_RECEIVING = 2 << 16,
	WAX_DOING_SPINNING = 3 << 16, /* looking for work before sleep */
};

/** What a worker says about itself; the worker writes it. */
struct wax_worker_record {
	alignas(WAX_APART) _Atomic uint32_t state; /* enum wax_worker_state */
	_Atomic uint32_t pid;
	_Atomic uint32_t step_now; /* the step whose callback runs; WAX_NO_STEP: none */
	_Atomic uint32_t doing_now; /* in that step, or besides: enum wax_doing, and an edge */
	_Atomic uint64_t epoch_done; /* the last epoch that all of this worker has finished; where the
				      * run keeps state: and that is durable in its log */
	_Atomic uint64_t item_now; /* hash of the item that a suspected step is given; 0: none: see
				    * struct wax_quarantine */
	_Atomic uint64_t commit_told; /* the last committed epoch that all of its sinks know of */
	_Atomic uint64_t base_segment; /* of its log: the first that this epoch needs */
	_Atomic uint32_t own_base;     /* 1: and it needs nothing of an earlier generation */
	_Atomic uint32_t finished;     /* 1: the input has ended, and nothing is left to do */
	_Atomic uint64_t turn_started_ns; /* of CLOCK_MONOTONIC; 0: asleep */
	WAX_WORKER_COUNTERS(WAX_COUNTER_FIELD)

	/* Where its sources are: the last that emitted, and how far it had come. */
	_Atomic uint64_t source_offset;
	char source[WAX_CONTROL_SOURCE_BYTES]; /* "" none; always ends in a NUL */

	/* Why it failed; complete when state says failed. */
	int32_t fail_status; /* exit status of the run */
	uint32_t fail_step;  /* or WAX_NO_STEP */
	uint64_t fail_epoch;
	char fail_sentence[WAX_CONTROL_SENTENCE_BYTES];
	char fail_item[WAX_CONTROL_ITEM_BYTES]; /* "" none */
};

static_assert(sizeof(struct wax_worker_record) == 1664, "control layout v3");
static_assert(offsetof(struct wax_worker_record, source_offset) == 168, "control layout v3");
static_assert(offsetof(struct wax_worker_record, fail_status) == 368, "control layout v3");

struct wax_control_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_bytes;
	uint64_t bytes;
	uint64_t launcher_start; /* see wax_pid_start */
	uint32_t launcher_pid;
	uint32_t worker_count;
	uint32_t step_count;
	uint32_t edge_count;
	uint64_t started_ns;     /* CLOCK_MONOTONIC */
	uint64_t workers_offset;
	uint64_t steps_offset;
	uint64_t edges_offset;
	char flow[WAX_CONTROL_NAME_BYTES];

	/* Written by the launcher. */
	alignas(WAX_APART) _Atomic uint64_t epoch; /* the current one; from 1 on */
	_Atomic uint64_t committed; /* the last that all workers have made durable; 0: none */
	_Atomic uint32_t stop;      /* enum wax_stop */
};

static_assert(sizeof(struct wax_control_header) == 384, "control layout v3");
static_assert(offsetof(struct wax_control_header, epoch) == 256, "control layout v3");

struct wax_control {
	struct wax_control_header *header;
	uint64_t bytes;
	/* Copies of the header's, which any worker can write over. */
	uint64_t workers_offset;
	uint64_t steps_offset;
	uint64_t edges_offset;
	uint32_t worker_count;
	uint32_t step_count;
	uint32_t edge_count;
	pid_t maker; /* who removes the file; 0: attached */
	char path[512]; /* "": no directory could be made, so tools cannot see the run */
};

/** What a control page is made for. */
struct wax_control_plan {
	const char *flow;
	uint32_t worker_count;
	uint32_t step_count;
	uint32_t edge_count;
};

/**
 * Make and map the control page, in XDG_RUNTIME_DIR/wax or /tmp/wax-UID. Removes pages whose
 * launcher is gone. Where no such directory can be had, the page is memory without a name.
 *
 * @return 0; -ENOMEM, -EMFILE with a sentence
 */
int wax_control_make(const struct wax_control_plan *plan, struct wax_control *control,
		struct wax_err *err);
/** Unmap, and remove the file if this process made it; a forked child only unmaps. */
void wax_control_free(struct wax_control *control);

/** Map the page of another run read-only, for tools. @return 0, -ENOENT, -EBADMSG ... */
int wax_control_attach(const char *path, struct wax_control *control, struct wax_err *err);

static inline struct wax_worker_record *wax_control_worker(
		const struct wax_control *control, uint32_t worker)
{
	return (struct wax_worker_record *)((char *)control->header +
			       control->workers_offset) +
			worker;
}

/** Say what this worker does from now on: a store, whether anybody looks or not. Relaxed, since
 *  nothing is read by its order. */
static inline void wax_worker_does(struct wax_worker_record *record, uint32_t doing)
{
	wax_store_relaxed(&record->doing_now, doing);
}

static inline struct wax_step_counters *wax_control_step(
		const struct wax_control *control, uint32_t worker, uint32_t step)
{
	return (struct wax_step_counters *)((char *)control->header +
			       control->steps_offset) +
			(uint64_t)worker * control->step_count + step;
}

static inline struct wax_edge_counters *wax_control_edge(
		const struct wax_control *control, uint32_t worker, uint32_t edge)
{
	return (struct wax_edge_counters *)((char *)control->header +
			       control->edges_offset) +
			(uint64_t)worker * control->edge_count + edge;
}

#endif
