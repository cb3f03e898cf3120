/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a process that must not go on. Uses write(2) and abort(3) only, so that it works in
 * every sandbox (there the abort signal itself may be what kills us: that is as good).
 */
#include "base/ensure.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void ensure_failed(const char *what, const char *file, int line)
{
	char text[256];
	int n = snprintf(text, sizeof text, "error broken invariant at %s:%d: %s\n", file, line, what);

	if (n > 0 && write(2, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1) < 0)
		_exit(70);
	abort();
}

void *mem_alloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	ASSERT(p != NULL);
	return p;
}

void *mem_zalloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	ASSERT(p != NULL);
	return p;
}

void *mem_realloc(void *old, size_t n)
{
	void *p = realloc(old, n ? n : 1);

	ASSERT(p != NULL);
	return p;
}
