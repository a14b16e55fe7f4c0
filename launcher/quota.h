/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCHER_QUOTA_H
#define LAUNCHER_QUOTA_H

#include <stdint.h>

/**
 * How much CPU time the control groups of this process grant, of version 1 and 2 alike: the least
 * quota on the way from its own group up to the root, because a parent's limit binds its children.
 *
 * @param root put before "/sys" and "/proc"; "" for the real ones
 * @return thousandths of a CPU, 1500 for one and a half, at least 1; 0 when there is no quota or
 *         none can be read
 */
uint32_t wax_quota_read(const char *root);

#endif
