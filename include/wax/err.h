/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_ERR_H
#define WAX_ERR_H

#include <wax/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * One failure: a code for programs, a sentence for people. The innermost function that knows what
 * went wrong writes the sentence, callers that know more put words in front of it, and only main
 * prints it. A sentence for users says what to do.
 */
struct wax_err {
	int code; /* negative errno; 0 while nothing failed */
	char text[1020];
};

/**
 * Say what failed.
 *
 * @param err  written; NULL is allowed and then only the code is given back
 * @param code negative errno
 * @param fmt  printf format of the sentence, no full stop, no newline; %m is errno's text
 * @return code, so that a caller can write `return wax_err_set(err, -EINVAL, ...)`
 */
WAX_API int wax_err_set(struct wax_err *err, int code, const char *fmt, ...)
		WAX_PRINTF(3, 4);

/**
 * Put words in front of the sentence: "fmt: what was there".
 *
 * @param err NULL is allowed
 * @return the code that is in err; -EIO when err is NULL
 */
WAX_API int wax_err_wrap(struct wax_err *err, const char *fmt, ...) WAX_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif

#endif
