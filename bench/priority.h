/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PRIORITY_H
#define BENCH_PRIORITY_H

/** As far as it is allowed (as root): whoever else uses this machine shall disturb little. The
 *  session's share is raised too, where the kernel deals by session; priority_restore takes that
 *  back. */
void priority_raise(void);
void priority_restore(void);

#endif
