/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCATTER_H
#define BENCH_SCATTER_H

/** Writing items to many destinations against two: part of the group exchange. */
void bench_scatter(void);

#endif
