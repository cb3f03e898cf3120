/* SPDX-License-Identifier: Apache-2.0
 *
 * arena - the memory of one unit of work: a connection, a transaction, a message.
 *
 * Everything parsed lives in the arena of its unit of work and is forgotten with it. An arena has a
 * cap: above it arena_alloc gives NULL (a stranger's limit, an error value), below it never (memory
 * exhausted ends the process). Memory is zeroed and aligned for any type.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/text.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used;                /* bytes handed out */
	size_t max;
};

void arena_init(struct arena *a, size_t max);
void arena_reset(struct arena *a); /* frees all, ready for the next unit of work */

void *arena_alloc(struct arena *a, size_t n);
/* A copy, also of the empty text (never NULL p then). False when above the cap. */
bool arena_copy(struct arena *a, struct text t, struct text *ret_copy);
/* The same with a NUL behind it; NULL when above the cap. */
char *arena_cstr(struct arena *a, struct text t);

#endif
