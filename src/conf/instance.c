/* SPDX-License-Identifier: Apache-2.0
 *
 * The blocks of a file while it is read: defaults first, then what is set, with the place of each value.
 * Called by grammar.c and conf.c. Values and structs live in the arena of the configuration; slots are
 * of the parser and are forgotten after it.
 *
 * Invariants: a struct has the default of every row before its first setting; a list's values stay in the
 * order of the file; struct conf is written once, at the end.
 */
#include "conf/parser.h"

#include "base/ensure.h"

#include <stdio.h>
#include <stdlib.h>

static void *value_at(const struct conf_instance *in, const struct conf_row *row)
{
	return (char *)in->data + row->offset;
}

struct conf_slot *conf_slot_of(const struct conf_instance *in, const struct conf_row *row)
{
	return &in->slots[row - in->block->rows];
}

void conf_slot_start(struct conf_slot *slot, struct conf_place at)
{
	if (slot->at.line)
		return;
	slot->at = at;
	slot->n = 0;
	table_done(&slot->seen);
}

/* Room for one more value; the old array stays in the arena. */
static void grow(struct arena *arena, struct conf_slot *slot, size_t size)
{
	size_t cap = slot->cap ? slot->cap * 2 : 4;
	char *values = arena_alloc(arena, cap * size);
	struct conf_place *places = arena_alloc(arena, cap * sizeof *places);

	ASSERT(values != NULL && places != NULL);
	if (slot->n) {
		memcpy(values, slot->values, slot->n * size);
		memcpy(places, slot->places, slot->n * sizeof *places);
	}
	slot->values = values;
	slot->places = places;
	slot->cap = cap;
}

/* Whether the list has this value already; if not, remembers it. */
static bool is_twice(struct conf_slot *slot, const struct conf_row *row, const union conf_any *value,
		     struct conf_place *ret_earlier)
{
	struct buf printed;
	uint64_t key;
	uintptr_t number;

	buf_init(&printed, 1024);
	conf_value_print(row, value, &printed);
	key = text_hash(buf_text(&printed));
	buf_done(&printed);
	number = (uintptr_t)table_get(&slot->seen, key);
	if (number) {
		*ret_earlier = slot->places[number - 1];
		return true;
	}
	table_put(&slot->seen, key, (void *)(uintptr_t)(slot->n + 1));
	return false;
}

bool conf_instance_set(struct conf_parser *p, struct conf_instance *in, const struct conf_row *row,
		       const union conf_any *value, struct conf_place at, struct conf_place *ret_earlier)
{
	const struct conf_kind *kind = conf_kind_of(row);
	struct conf_slot *slot = conf_slot_of(in, row);

	if (!kind->is_list) {
		memcpy(value_at(in, row), value, kind->size);
		return true;
	}
	if (kind->is_set && is_twice(slot, row, value, ret_earlier))
		return false;
	if (slot->n == slot->cap)
		grow(&p->owner->arena, slot, kind->size);
	memcpy(slot->values + slot->n * kind->size, value, kind->size);
	slot->places[slot->n++] = at;
	return true;
}

static void set_default(struct conf_parser *p, struct conf_instance *in, const struct conf_row *row)
{
	const struct conf_kind *kind = conf_kind_of(row);
	struct text rest = text_from_cstr(row->initial), word;
	struct conf_place nowhere = { 0, 0 };
	union conf_any value;

	while (rest.n) {
		if (kind->is_list)
			text_cut(rest, ' ', &word, &rest);
		else
			word = rest, rest.n = 0;
		ASSERT(conf_value_parse(row, &p->owner->arena, word, &value, &p->why));
		ASSERT(conf_instance_set(p, in, row, &value, nowhere, &nowhere));
	}
}

static uint64_t key_of(const struct conf_block *block, struct text name)
{
	return text_hash(name) * 31 + (uint64_t)(block - conf_blocks);
}

struct conf_instance *conf_instance_find(const struct conf_parser *p, const struct conf_block *block,
					 struct text name)
{
	return table_get(&p->by_name, key_of(block, name));
}

static struct conf_instance *make(struct conf_parser *p, const struct conf_block *block, struct text name,
				  struct conf_place at)
{
	struct conf_instance *in = mem_zalloc(1, sizeof *in);

	*in = (struct conf_instance){ .block = block, .name = name, .at = at };
	in->data = arena_alloc(&p->owner->arena, block->size);
	ASSERT(in->data != NULL);
	in->slots = mem_zalloc(block->n_rows, sizeof *in->slots);
	for (size_t i = 0; i < block->n_rows; i++)
		set_default(p, in, &block->rows[i]);
	if (block->shape == CONF_SHAPE_MANY)
		memcpy(in->data, &(struct conf_head){ name, at }, sizeof(struct conf_head));
	if (p->last)
		p->last->next = in;
	else
		p->first = in;
	p->last = in;
	return in;
}

struct conf_instance *conf_instance_add(struct conf_parser *p, const struct conf_block *block,
					struct text name, struct conf_place at)
{
	struct conf_instance *in = make(p, block, name, at);

	table_put(&p->by_name, key_of(block, name), in);
	return in;
}

struct conf_instance *conf_instance_add_stray(struct conf_parser *p, const struct conf_block *block,
					      struct conf_place at)
{
	struct conf_instance *in = make(p, block, (struct text){ NULL, 0 }, at);

	in->is_stray = true;
	return in;
}

static void close_lists(struct conf_instance *in)
{
	for (size_t i = 0; i < in->block->n_rows; i++) {
		const struct conf_row *row = &in->block->rows[i];
		struct conf_list list = { in->slots[i].values, in->slots[i].n };
		if (conf_kind_of(row)->is_list)
			memcpy(value_at(in, row), &list, sizeof list);
	}
}

void conf_instances_close(struct conf_parser *p)
{
	for (struct conf_instance *in = p->first; in; in = in->next)
		close_lists(in);
}

struct conf_label conf_instance_label(const struct conf_instance *in)
{
	struct conf_label l;

	if (in->name.n)
		snprintf(l.s, sizeof l.s, "%s %s", in->block->name, conf_quote(in->name).s);
	else
		snprintf(l.s, sizeof l.s, "%s", in->block->name);
	return l;
}

static size_t count(const struct conf_parser *p, const struct conf_block *block)
{
	size_t n = 0;

	for (const struct conf_instance *in = p->first; in; in = in->next)
		n += in->block == block;
	return n;
}

static void finish_block(struct conf_parser *p, const struct conf_block *block)
{
	char *place = (char *)&p->owner->conf + block->offset, *v;
	struct conf_list list = { NULL, count(p, block) };
	size_t n = 0;

	if (block->shape == CONF_SHAPE_MANY) {
		v = arena_alloc(&p->owner->arena, list.n * block->size);
		ASSERT(v != NULL);
		list.v = v;
		memcpy(place, &list, sizeof list);
		place = v;
	}
	for (const struct conf_instance *in = p->first; in; in = in->next)
		if (in->block == block)
			memcpy(place + n++ * block->size, in->data, block->size);
}

void conf_instances_finish(struct conf_parser *p)
{
	struct conf_owner *o = p->owner;

	for (size_t i = 0; i < CONF_N_BLOCKS; i++)
		finish_block(p, &conf_blocks[i]);
	for (size_t i = 0; i < o->conf.domain.n; i++) {
		const struct conf_domain *d = &o->conf.domain.v[i];
		table_put(&o->domains, d->id, (void *)(uintptr_t)d);
	}
}

void conf_instances_done(struct conf_parser *p)
{
	struct conf_instance *in = p->first, *next;

	for (; in; in = next) {
		next = in->next;
		for (size_t i = 0; i < in->block->n_rows; i++)
			table_done(&in->slots[i].seen);
		free(in->slots);
		free(in);
	}
	p->first = p->last = NULL;
	table_done(&p->by_name);
}
