/* SPDX-License-Identifier: Apache-2.0
 *
 * Bump allocation in blocks that double from 1 KB to 64 KB. Invariant: used <= max; a block's bytes
 * are handed out once and never moved.
 */
#include "base/arena.h"

#include "base/ensure.h"

#include <stdlib.h>

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(16) char bytes[];
};

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

void arena_reset(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;
		free(a->blocks);
		a->blocks = next;
	}
	a->used = 0;
}

static struct arena_block *add_block(struct arena *a, size_t n)
{
	size_t size = a->blocks ? a->blocks->size * 2 : 1024;
	struct arena_block *block;

	if (size > 65536)
		size = 65536;
	if (size < n)
		size = n;
	block = mem_zalloc(1, sizeof *block + size);
	block->size = size;
	block->next = a->blocks;
	a->blocks = block;
	return block;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *block = a->blocks;
	void *p;

	if (n > a->max - a->used)
		return NULL;
	n = (n + 15) & ~(size_t)15;
	if (n > a->max - a->used)
		return NULL;
	if (!block || n > block->size - block->used)
		block = add_block(a, n);
	p = block->bytes + block->used;
	block->used += n;
	a->used += n;
	return p;
}

bool arena_copy(struct arena *a, struct text t, struct text *ret_copy)
{
	char *p = arena_cstr(a, t);

	if (!p)
		return false;
	*ret_copy = (struct text){ p, t.n };
	return true;
}

char *arena_cstr(struct arena *a, struct text t)
{
	char *p = arena_alloc(a, t.n + 1);

	if (p && t.n)
		memcpy(p, t.p, t.n);
	return p;
}
