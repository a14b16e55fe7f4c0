/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PLAIN_H
#define BENCH_PLAIN_H

/** Part of the group exchange: items without a key, and large batches. */
void bench_plain(void);

#endif
