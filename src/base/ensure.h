/* SPDX-License-Identifier: Apache-2.0
 *
 * ensure - ends the process when an invariant is broken or memory is exhausted.
 *
 * Always compiled in. The process is restarted by its supervisor; going on with a broken invariant
 * is worse. Never used on what a stranger sent: that gets an error value.
 */
#ifndef BASE_ENSURE_H
#define BASE_ENSURE_H

#include <stdbool.h>
#include <stddef.h>

#define ASSERT(condition) ensure_true(__builtin_expect(!!(condition), 1), #condition, __FILE__, __LINE__)

_Noreturn void ensure_failed(const char *what, const char *file, int line);

static inline void ensure_true(bool ok, const char *what, const char *file, int line)
{
	if (!ok)
		ensure_failed(what, file, line);
}

/* malloc, calloc, realloc that never return NULL. calloc: zeroed, product checked. */
void *mem_alloc(size_t n);
void *mem_zalloc(size_t count, size_t size);
void *mem_realloc(void *p, size_t n);

#endif
