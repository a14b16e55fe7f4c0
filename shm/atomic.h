/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHM_ATOMIC_H
#define SHM_ATOMIC_H

#include <stdatomic.h>
#include <stdint.h>

/* The memory orders as names, so that one grep lists all uses. Each acquire and each release has
 * a label that stands at both ends. */
#define wax_load_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define wax_load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define wax_load_seq_cst(p) atomic_load_explicit((p), memory_order_seq_cst)
#define wax_store_relaxed(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define wax_store_release(p, v) atomic_store_explicit((p), (v), memory_order_release)
#define wax_store_seq_cst(p, v) atomic_store_explicit((p), (v), memory_order_seq_cst)
#define wax_exchange_seq_cst(p, v) atomic_exchange_explicit((p), (v), memory_order_seq_cst)
#define wax_fetch_or_release(p, v) atomic_fetch_or_explicit((p), (v), memory_order_release)

/* A counter that one process writes and any may read: no lock prefix. */
#define wax_count(p, n) wax_store_relaxed((p), wax_load_relaxed(p) + (n))

/**
 * Order all earlier stores before all later loads: the one full barrier of the exchange (see
 * shm/bell.h). ThreadSanitizer does not know free-standing fences, so under it a read-modify-write
 * of the word that is read next takes its place.
 */
#if defined(__SANITIZE_THREAD__)
#define WAX_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WAX_TSAN 1
#endif
#endif

#ifdef WAX_TSAN
#define wax_fence_before_load(p) ((void)atomic_fetch_or_explicit((p), 0, memory_order_seq_cst))
#else
#define wax_fence_before_load(p) ((void)(p), atomic_thread_fence(memory_order_seq_cst))
#endif

/** In a loop that waits for another core. */
static inline void wax_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#endif
}

#endif
