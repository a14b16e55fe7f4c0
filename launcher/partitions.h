/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_PARTITIONS_H
#define LAUNCHER_PARTITIONS_H

#include <stdint.h>
#include <stdio.h>

#include "runtime/flow.h"

/**
 * Print which worker has which partition of each source and sink: --report-partitions.
 *
 * @param flow was prepared for so many workers
 */
void wax_partitions_print(const struct wax_flow *flow, uint32_t worker_count, FILE *out);

#endif
