/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_STEP_H
#define RUNTIME_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/batch.h>
#include <wax/flow.h>
#include <wax/type.h>

#include "runtime/op.h"

/* The graph as the flow describes it: steps and streams. Built once, in the launcher, before the
 * fork; read-only afterwards. */

/** How items get from the worker where they are to the one that runs the step. */
enum wax_route {
	WAX_ROUTE_LOCAL = 0, /* they stay */
	WAX_ROUTE_KEY,       /* to the worker that owns the key */
	WAX_ROUTE_BATCHES,   /* whole batches in turn */
	WAX_ROUTE_ITEMS,     /* single items in turn */
	WAX_ROUTE_PART,      /* to the worker that owns the sink partition of the key */
	WAX_ROUTE_ALL,       /* a copy to every worker */
};

/** Where the items of a step come from. */
struct wax_step_input {
	uint32_t stream;
};

struct wax_saved_parts; /* runtime/connector.h */

/** How a sink chooses among its partitions. */
struct wax_part_choice {
	uint32_t (*part)(void *sink, struct wax_bytes key, uint32_t part_count); /* NULL: by hash */
	void *sink;
};

struct wax_step {
	uint32_t index;   /* in the flow, in the order of construction: a topological order */
	const char *id;   /* full: "wordcount.split" */
	const struct wax_op_class *class;
	void *params;     /* class->params_bytes */
	const char *connector; /* of an input or output: "file_lines"; else NULL */
	const char *label;     /* what it reads or writes: "in.csv"; or NULL */
	enum wax_policy policy;        /* of items at which a callback fails */
	uint32_t letter_box;           /* WAX_DLQ: index in the flow's */
	const struct wax_scope *scope; /* that it stands in; NULL: none */
	struct wax_step *owner;        /* of a part of another step: that one; else NULL */
	bool internal;    /* a part of another step, not shown in the graph: "wordcount.count.local" */
	bool failed;      /* a mistake was reported: its streams are accepted and ignored */

	uint32_t input_count;
	uint32_t *inputs; /* ids of streams */
	uint32_t output_count;
	uint32_t first_output; /* id of its first stream; the others follow */

	enum wax_route route;
	uint32_t state_version; /* of what is saved of it: wax_state_version; 1 at first */
	int64_t ttl_ns;      /* how long a key lives without an item: wax_ttl; 0: for ever */
	uint32_t part_count; /* ROUTE_PART: partitions of the sink; partition p is worker p % count's */
	struct wax_part_choice part_choice; /* ROUTE_PART */
	/* Of a source or sink: what an earlier run, that this one goes on from, has saved of it. Set
	 * before the flow is prepared, borrowed; NULL: nothing. */
	const struct wax_saved_parts *saved;
};

struct wax_stream_info {
	uint32_t step;
	uint32_t port;
	const struct wax_type *type; /* NULL: of a failed step */
	bool by_key;                 /* each key is on the worker that owns it */
};

/**
 * Add a step. Checks the id; a mistake is remembered in the flow and in step->failed.
 *
 * @param up  a stream of the flow that the step belongs to; its id is not looked at
 * @param id  borrows until the process ends
 * @return lends until the flow is freed; never NULL
 */
struct wax_step *wax_step_add(struct wax_flow *flow, const char *id,
		const struct wax_op_class *class);

/** Add a step that is a part of `owner`, the last step that was added: its id is "owner.name". It
 *  comes before the owner when that is not connected yet, else behind it. */
struct wax_step *wax_step_add_inner(struct wax_flow *flow, struct wax_step *owner,
		const char *name, const struct wax_op_class *class);

/**
 * Connect the next input of a step.
 *
 * @return the type of the stream; NULL when it comes from a failed step or another flow (then the
 *         step has failed too, and what was wrong is already reported)
 */
const struct wax_type *wax_step_input(struct wax_flow *flow, struct wax_step *step,
		struct wax_stream up);

/** The same, and it must be keyed; reports and gives NULL when it is not. */
const struct wax_type *wax_step_input_keyed(struct wax_flow *flow, struct wax_step *step,
		struct wax_stream up);

/**
 * Add an output port of a type. All inputs must have been connected, all outputs of a step are
 * added before the next step is.
 *
 * @param by_key each item is on the worker that owns its key
 * @param type   NULL: the step has failed, or its user gave no type, which is reported
 */
struct wax_stream wax_step_output(struct wax_flow *flow, struct wax_step *step,
		const struct wax_type *type, bool by_key);

/** Report a mistake: 'step "wordcount.split": sentence'. */
void wax_step_fail(struct wax_flow *flow, struct wax_step *step, const char *fmt, ...)
		WAX_PRINTF(3, 4);

/** Memory that lives as long as the flow; zeroed; never NULL. */
#define WAX_FLOW_NEW(flow, T) ((T *)wax_flow_alloc(flow, sizeof(T)))

/** Are the items of a stream each on the worker that owns their key? */
bool wax_stream_by_key(struct wax_stream stream);
/** Type of a stream; NULL: of a failed step. */
const struct wax_type *wax_stream_type(struct wax_stream stream);

/** The types of the columns of a type: keyed types have a key; value is the type itself else. */
static inline const struct wax_type *wax_type_key(const struct wax_type *type)
{
	return type->key;
}

static inline const struct wax_type *wax_type_value(const struct wax_type *type)
{
	return type->key ? type->value : type;
}

/** Write an item as snprintf would: as its type prints it, in hexadecimal digits where that has no
 *  printer; lists as [a, b], rows as (a, -). @return the length; negative: the printer failed */
int wax_type_print(const struct wax_type *type, char *text, size_t text_bytes, const void *item,
		size_t item_bytes);

/** Same name and same size, columns likewise. */
bool wax_type_same(const struct wax_type *a, const struct wax_type *b);

#endif
