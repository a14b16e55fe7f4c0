/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_BASE_H
#define WAX_BASE_H

#include <stddef.h>
#include <stdint.h>

/** Version of the interface that a flow is compiled against: see wax_flow_entry. */
#define WAX_VERSION_MAJOR 0
#define WAX_VERSION_MINOR 1
#define WAX_VERSION_PATCH 0

#if defined(__GNUC__)
#define WAX_API __attribute__((visibility("default")))
#define WAX_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define WAX_UNUSED __attribute__((unused))
#else
#define WAX_API
#define WAX_PRINTF(fmt, args)
#define WAX_UNUSED
#endif

#ifdef __cplusplus
#define WAX_ALIGNOF(T) alignof(T)
#define WAX_RESTRICT __restrict
#define WAX_STATIC_ASSERT(condition, sentence) static_assert(condition, sentence)
#else
#define WAX_ALIGNOF(T) _Alignof(T)
#define WAX_RESTRICT restrict
#define WAX_STATIC_ASSERT(condition, sentence) _Static_assert(condition, sentence)
#endif

/** A point in time, ns since the Unix epoch, or a duration in ns; WAX_NEVER is later than any. */
#define WAX_NEVER INT64_MAX

#endif
