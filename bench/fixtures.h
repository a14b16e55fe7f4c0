/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FIXTURES_H
#define BENCH_FIXTURES_H

#include <stdint.h>

/** Generated files, in TMPDIR; kept for the next run and made anew when their size does not fit.
 *  Each lends its path until the program ends. After it the file is in the page cache. */
const char *fixture_text(uint64_t bytes);
const char *fixture_brc(uint64_t rows);

uint64_t fixture_bytes(const char *path);

/** A program or flow of the build, such as "examples/brc.so". Lends until the program ends; NULL,
 *  having said that `what` is skipped, when it is not there. */
const char *fixture_built(const char *name, const char *what);

/** Run a program with its output thrown away; wall time in ns. @param ret_rss_kib of the largest
 *  process; may be NULL */
double fixture_spawn(const char *const *argv, uint64_t *ret_rss_kib, uint64_t *ret_preempted);

#endif
