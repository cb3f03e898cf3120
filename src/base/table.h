/* SPDX-License-Identifier: Apache-2.0
 *
 * table - a hash table from 64-bit keys to pointers, and a heap of deadlines.
 *
 * Keys are our own numbers (ids, descriptors), never a stranger's hash. A table owns its slots, not
 * what they point to. A value is never NULL.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot {
	uint64_t key;
	void *value; /* NULL: free */
};

struct table {
	struct table_slot *slots;
	size_t cap; /* 0 or a power of two */
	size_t n;
};

void table_init(struct table *t);
void table_done(struct table *t);
void *table_get(const struct table *t, uint64_t key);       /* NULL: not there */
void table_put(struct table *t, uint64_t key, void *value); /* replaces */
void *table_remove(struct table *t, uint64_t key);          /* what was there, or NULL */
/* Walks all: start with *at = 0, ends with NULL. No put or remove meanwhile. */
void *table_next(const struct table *t, size_t *at);

/* A binary heap, smallest `when` first. Entries are (when, key) pairs; stale ones are the caller's
 * to recognise. */
struct heap_entry {
	int64_t when;
	uint64_t key;
};

struct heap {
	struct heap_entry *entries;
	size_t n, cap;
};

void heap_init(struct heap *h);
void heap_done(struct heap *h);
void heap_push(struct heap *h, int64_t when, uint64_t key);
bool heap_peek(const struct heap *h, struct heap_entry *ret_entry);
void heap_pop(struct heap *h); /* the smallest; the heap must not be empty */

#endif
