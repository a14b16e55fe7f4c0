/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_OPEN_LOOP_H
#define BENCH_OPEN_LOOP_H

/** Part of the group latency: items at a rate. Needs two CPUs. */
void open_loop(void);

#endif
