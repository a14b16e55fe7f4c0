/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHM_PID_H
#define SHM_PID_H

#include <stdint.h>
#include <sys/types.h>

/** When a process started, in clock ticks since boot (field 22 of /proc/PID/stat): with the pid it
 *  names a process for good. 0 when there is none. */
uint64_t wax_pid_start(pid_t pid);

#endif
