/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_RUN_H
#define WAX_RUN_H

#include <wax/flow.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * All of waxrun: parse the command line, run the flow, report. Prints to standard error, and to
 * standard output what was asked for.
 *
 * @return the exit status, as waxrun(1) lists them
 */
WAX_API int wax_main(int argc, char **argv);

/** Version of the library that runs, "0.1.0". */
WAX_API const char *wax_version(void);

#ifdef __cplusplus
}
#endif

#endif
