/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_FLOW_H
#define RUNTIME_FLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <wax/err.h>
#include <wax/flow.h>

#include "runtime/capture.h"
#include "runtime/letters.h"
#include "runtime/perturb.h"
#include "runtime/step.h"

/* A flow while it is described and after: the steps, the streams, the arguments, the mistakes. */

enum wax_arg_kind {
	WAX_ARG_TEXT,
	WAX_ARG_PATH,
	WAX_ARG_INT,
	WAX_ARG_FLOAT,
	WAX_ARG_SIZE,
	WAX_ARG_DURATION,
	WAX_ARG_FLAG,
};

/** An argument that the flow declared. */
struct wax_arg {
	const char *name;
	const char *help;
	const char *fallback; /* wax_required, NULL, or text */
	enum wax_arg_kind kind;
};

/** A group of steps under one id, as wax_scope_begin and wax_scope_end make it. */
struct wax_scope {
	const char *id;          /* full: "wordcount.clean" */
	struct wax_scope *outer; /* NULL: the flow itself */
	struct wax_scope *next;  /* in the order in which they began */
};

struct wax_flow {
	const char *name;
	const char *about;

	struct wax_step **steps;
	uint32_t step_count;
	uint32_t step_capacity;
	struct wax_scope *scopes; /* all */
	struct wax_scope *scope;  /* the innermost that is open; NULL: none */
	struct wax_stream_info *streams;
	uint32_t stream_count;
	uint32_t stream_capacity;

	struct wax_arg *args;
	uint32_t arg_count;
	uint32_t arg_capacity;
	int given_count; /* what stands behind `--` */
	char **given;
	bool *given_used;

	struct wax_letter_box *letter_boxes;
	uint32_t letter_box_count;

	char **mistakes;
	uint32_t mistake_count;
	uint32_t usage_mistake_count; /* of these: in the arguments, not in the graph */

	/* Of a trial, set before the flow is prepared; NULL: none. */
	const struct wax_perturb *perturb;
	const struct wax_capture *capture; /* takes what reaches the outputs, in place of sinks */

	void **allocations;
	uint32_t allocation_count;
	uint32_t allocation_capacity;
};

/**
 * Build a flow: check what it was compiled against, run its build function, check its arguments and
 * its graph.
 *
 * @param entry    what wax_flow_entry of the shared object gave
 * @param given    the flow's arguments; borrows until wax_flow_free
 * @param ret_flow gives, also when there are mistakes (see wax_flow_mistake)
 * @return 0; -EINVAL when the entry is unusable, with a sentence
 */
int wax_flow_make(const struct wax_flow_entry *entry, int given_count, char **given,
		struct wax_flow **ret_flow, struct wax_err *err);
void wax_flow_free(struct wax_flow *flow);

/** Print the flow's own arguments as a help text. */
void wax_flow_print_help(const struct wax_flow *flow, FILE *to, const char *path);

/** Was --help among the flow's arguments? */
bool wax_flow_wants_help(const struct wax_flow *flow);

/** Report a mistake in the flow's arguments. */
void wax_flow_fail_usage(struct wax_flow *flow, const char *fmt, ...) WAX_PRINTF(2, 3);

/**
 * Set policies as a command line gives them: POLICY for all steps, or STEP=POLICY, which counts
 * more, whatever their order. POLICY is fail, skip or dlq:PATH; STEP is an id with or without the
 * name of the flow, of a step or of a scope and so all in it.
 *
 * @param rules borrows until return
 * @return 0; -EINVAL with a sentence
 */
int wax_flow_set_policies(struct wax_flow *flow, const char *const *rules, uint32_t rule_count,
		struct wax_err *err);

/** Open the files for dead letters. @return 0, or a negative errno with a sentence */
int wax_flow_open_letters(struct wax_flow *flow, struct wax_err *err);

/** In flow arguments: report every given one that was not declared. */
void wax_args_check(struct wax_flow *flow);

static inline struct wax_stream_info *wax_flow_stream(const struct wax_flow *flow, uint32_t id)
{
	return &flow->streams[id];
}

#endif
