/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RUN_FLOW_H
#define TESTS_SUPPORT_RUN_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include <wax/test.h>
#include <wax/wax.h>

/*
 * Run a flow in a test, with real workers: what waxrun does, without its command line.
 *
 *     static void doubles(struct wax_flow *flow) { ...; run_flow_output(stream, "%v"); }
 *
 *     struct run_flow_result result = run_flow(doubles, 3, NULL);
 *     cr_assert_eq(result.status, 0, "%s", result.sentence);
 *     cr_assert_str_eq(result.output, "2\n4\n6\n");
 *     run_flow_free(&result);
 *
 * With WAX_TEST_EXCHANGE=least in the environment a flow that chooses neither slabs nor memory of the
 * exchange is run with the least that is possible.
 */

struct run_flow_options {
	const char *slab;         /* "512"; NULL: chosen */
	const char *exchange_mem; /* NULL: chosen */
	const char *interval;     /* of epochs, "1ms"; NULL: none */
	const char *io;           /* "posix"; NULL: auto */
	bool rehearse;
	struct wax_test_clock *clock; /* in place of the wall clock; NULL: the time it is */
	const char *const *args; /* of the flow; ends in NULL; NULL: none */
};

struct run_flow_result {
	int status;          /* as waxrun's */
	char sentence[1024]; /* why it failed; the mistakes of the flow, a line each */
	char item[256];      /* at which */
	char step[128];      /* id of the step that failed */
	char *output;        /* what run_flow_output wrote: its lines, sorted; never NULL */
	char *unsorted;      /* as it was written */
	uint64_t exchange_bytes; /* of shared memory that the exchange has laid out */
	uint64_t exchange_taken; /* bytes of these in pages that some worker has touched */
};

/** @param options NULL: defaults */
struct run_flow_result run_flow(void (*build)(struct wax_flow *flow), uint32_t worker_count,
		const struct run_flow_options *options);
void run_flow_free(struct run_flow_result *result);

/** In the build function: end a stream in the output of the result. Once in a flow. */
void run_flow_output(struct wax_stream stream, const char *format);

#endif
