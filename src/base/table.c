/* SPDX-License-Identifier: Apache-2.0
 *
 * Open addressing with linear probing and backward-shift removal, at most 2/3 full; a binary heap.
 * Invariant of the table: no free slot between a key's home and its place.
 */
#include "base/table.h"

#include "base/ensure.h"

#include <stdlib.h>

void table_init(struct table *t)
{
	*t = (struct table){ 0 };
}

void table_done(struct table *t)
{
	free(t->slots);
	*t = (struct table){ 0 };
}

static size_t home_of(const struct table *t, uint64_t key)
{
	key ^= key >> 33;
	key *= 0xff51afd7ed558ccdu;
	key ^= key >> 33;
	return (size_t)key & (t->cap - 1);
}

static size_t find_slot(const struct table *t, uint64_t key)
{
	size_t i = home_of(t, key);

	while (t->slots[i].value && t->slots[i].key != key)
		i = (i + 1) & (t->cap - 1);
	return i;
}

void *table_get(const struct table *t, uint64_t key)
{
	return t->cap ? t->slots[find_slot(t, key)].value : NULL;
}

static void grow(struct table *t)
{
	struct table bigger = { .cap = t->cap ? t->cap * 2 : 16 };

	bigger.slots = mem_zalloc(bigger.cap, sizeof *bigger.slots);
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i].value)
			bigger.slots[find_slot(&bigger, t->slots[i].key)] = t->slots[i];
	bigger.n = t->n;
	free(t->slots);
	*t = bigger;
}

void table_put(struct table *t, uint64_t key, void *value)
{
	struct table_slot *slot;

	ASSERT(value != NULL);
	if (3 * (t->n + 1) > 2 * t->cap)
		grow(t);
	slot = &t->slots[find_slot(t, key)];
	if (!slot->value)
		t->n++;
	*slot = (struct table_slot){ key, value };
}

void *table_remove(struct table *t, uint64_t key)
{
	size_t mask = t->cap - 1, hole, i;
	void *value;

	if (!t->cap)
		return NULL;
	hole = find_slot(t, key);
	value = t->slots[hole].value;
	if (!value)
		return NULL;
	for (i = (hole + 1) & mask; t->slots[i].value; i = (i + 1) & mask) {
		size_t home = home_of(t, t->slots[i].key);
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole].value = NULL;
	t->n--;
	return value;
}

void *table_next(const struct table *t, size_t *at)
{
	while (*at < t->cap) {
		void *value = t->slots[(*at)++].value;
		if (value)
			return value;
	}
	return NULL;
}

void heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void heap_done(struct heap *h)
{
	free(h->entries);
	*h = (struct heap){ 0 };
}

void heap_push(struct heap *h, int64_t when, uint64_t key)
{
	size_t i = h->n++;

	if (h->n > h->cap) {
		h->cap = h->cap ? h->cap * 2 : 16;
		h->entries = mem_realloc(h->entries, h->cap * sizeof *h->entries);
	}
	for (; i > 0 && h->entries[(i - 1) / 2].when > when; i = (i - 1) / 2)
		h->entries[i] = h->entries[(i - 1) / 2];
	h->entries[i] = (struct heap_entry){ when, key };
}

bool heap_peek(const struct heap *h, struct heap_entry *ret_entry)
{
	if (h->n == 0)
		return false;
	*ret_entry = h->entries[0];
	return true;
}

void heap_pop(struct heap *h)
{
	struct heap_entry last;
	size_t i = 0, child;

	ASSERT(h->n > 0);
	last = h->entries[--h->n];
	for (; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && h->entries[child + 1].when < h->entries[child].when)
			child++;
		if (h->entries[child].when >= last.when)
			break;
		h->entries[i] = h->entries[child];
	}
	h->entries[i] = last;
}
