/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CONFORMANCE_RUNNER_H
#define TESTS_CONFORMANCE_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wax/test.h>
#include <wax/wax.h>

/*
 * Cases of another stream processor, Bytewax, as tables: what goes in, which steps, what comes out.
 * Each runs in this process and with 1, 2 and 3 forked workers. Where wax answers differently, what
 * stands in the table is its own answer, and docs/reference/conformance.md says why.
 *
 * Items are written in one line: "0;1;2", with keys "a=1;b=2". Among those of an input "!" is an
 * abort, "|" an end of input, "~8" a pause of 8 s, "~0.2" one of 200 ms. What is expected has " | " between several outputs
 * and " / " between several runs.
 */

enum standing {
	SAME = 0,
	DIFFERENT, /* wax answers as the row says, the other one as the docs say */
	ABSENT,    /* nothing to run; the docs say why */
};

enum order {
	FREE = 0, /* no order is promised */
	ORDERED,  /* with one worker this one, with several none */
	ALONE,    /* the case is one of one worker, and this is the order */
};

/** Types of the items of an input: WAX_I64, WAX_TEXT, and both under keys that are texts. */
enum items {
	NUMBERS = 0,
	TEXTS,
	PAIRS,
	TEXT_PAIRS,
};

struct row {
	const char *id; /* of the catalogue; NULL ends a table */
	enum standing standing;
	enum order order;

	/* A flow: an input, what `steps` makes of it, a sink. Or all that `build` says. */
	enum items items;
	const char *input;                                /* NULL: none */
	uint32_t batch;                                   /* 0: 1 item */
	struct wax_stream (*steps)(struct wax_stream up); /* NULL: nothing */
	void (*build)(struct wax_flow *flow);
	const void *ctx; /* for either: see row_ctx */

	const char *expected;    /* NULL: not looked at */
	int status;              /* of the first run */
	int next_status;         /* of the last of several; others end with 0 */
	const char *sentence;    /* a part of what the first reports; NULL: not looked at */
	const char *failed_step; /* NULL: not looked at */

	/* How it runs. */
	uint32_t runs; /* 0: once. Later ones go on at the position of the source that the one before
			* kept, and that of the sink that the first one did; in this process alone.
			* With recovery: from what waxrun has saved; with forked workers only */
	bool recovery;           /* in row_path("state") */
	const uint32_t *workers; /* of each run; NULL: in all of them the same */
	uint32_t keep_until; /* position behind so many calls of the source in the first run, though
			      * that goes on; 0: the last one */
	bool clock;          /* one that is turned by hand; one worker only */
	const char *interval; /* of epochs; NULL: none. With forked workers only */
	bool rehearse;

	/* Called before each run and behind it, where files are made and looked at. `check` gives
	 * text to compare with `expected`, in place of what reached the sinks. Alone, without a flow,
	 * it is all of the row. */
	void (*prepare)(void);
	const char *(*check)(void);
};

extern const struct row stateless_rows[], keyed_rows[], collect_rows[], join_rows[], enrich_rows[],
		input_rows[], output_rows[], execution_rows[], recovery_rows[];

/* ---- For build functions and callbacks */

/** A source of what such a line says. */
struct wax_source *row_source(enum items items, const char *input, uint32_t batch);
struct wax_stream row_input(
		struct wax_flow *flow, const char *id, enum items items, const char *input);
/** End a stream in what is expected; up to four times in a flow. */
void row_output(struct wax_stream stream);
/** A stream of what happened, as text, for rows that look at batches: "[0, 1]". */
struct wax_stream row_batches(struct wax_stream up);
/** Have the position of a sink kept for the next run, and begin there. One in a flow. */
struct wax_sink *row_keep_sink(struct wax_sink *sink);
/** The ctx of this row. */
const void *row_ctx(void);
/** Which run of the row this is, from 0 on. */
uint32_t row_run(void);
/** The clock of this row. */
struct wax_test_clock *row_clock(void);
/** "DIRECTORY/NAME" in a directory that is empty when the row begins; lends until the process ends. */
const char *row_path(const char *name);
/** Memory that all workers share, 4 KiB, zeroed when the row begins. */
void *row_shared(void);
void row_write(const char *name, const char *text);
void row_append(const char *name, const char *text);
/** What a file holds; "(no file)" */
const char *row_read(const char *name);

static inline int64_t row_number(const struct wax_item *item)
{
	int64_t number;

	memcpy(&number, item->value.data, sizeof(number));
	return number;
}

#endif
