/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration as text again: canonical, for one role each, and the defaults as a commented file.
 * Called by posternd (what a role is told, what a reload may not change), by `postern check` and by tests.
 * Trusts the struct conf.
 *
 * The canonical text has one setting a line, every value written out, and only rows that one of the
 * readers may see. Invariant: it parses by CONF_PART to the same values, and printing that again gives the
 * same bytes.
 */
#include "base/ensure.h"
#include "conf/conf.h"
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>

static const void *value_at(const struct conf_row *row, const void *data)
{
	return (const char *)data + row->offset;
}

/* Values that cannot be written stand for an unset default. */
static bool is_unset(const struct conf_row *row, const void *data)
{
	const struct conf_kind *kind = conf_kind_of(row);
	struct text t;

	if (*row->initial || !(kind->is_list || kind->size == sizeof t))
		return false;
	memcpy(&t, value_at(row, data), sizeof t);
	return t.n == 0;
}

/* Lists are cut into lines well below CONF_MAX_LINE. */
static void print_list(const struct conf_row *row, const void *data, const char *indent, struct buf *out)
{
	const struct conf_kind *kind = conf_kind_of(row);
	struct conf_list list;
	size_t line = out->n;

	memcpy(&list, value_at(row, data), sizeof list);
	for (size_t i = 0; i < list.n; i++) {
		if (i > 0 && out->n - line > CONF_MAX_LINE / 4 && (row->use & CONF_USE_REPEAT)) {
			line = out->n;
			buf_printf(out, "\n%s%s", indent, row->name);
		}
		buf_add_byte(out, ' ');
		conf_value_print(row, (const char *)list.v + i * kind->size, out);
	}
	buf_add_byte(out, '\n');
}

static void print_row(const struct conf_row *row, const void *data, const char *indent, struct buf *out)
{
	if (is_unset(row, data))
		return;
	buf_printf(out, "%s%s", indent, row->name);
	if (conf_kind_of(row)->is_list) {
		print_list(row, data, indent, out);
		return;
	}
	buf_add_byte(out, ' ');
	conf_value_print(row, value_at(row, data), out);
	buf_add_byte(out, '\n');
}

static bool is_visible(const struct conf_block *block, unsigned readers)
{
	unsigned any = 0;

	for (size_t i = 0; i < block->n_rows; i++)
		any |= block->rows[i].readers;
	return any & readers;
}

static void print_rows(const struct conf_block *block, const void *data, unsigned readers, const char *indent,
		       struct buf *out)
{
	for (size_t i = 0; i < block->n_rows; i++)
		if (block->rows[i].readers & readers)
			print_row(&block->rows[i], data, indent, out);
}

static void print_block(const struct conf *c, const struct conf_block *block, unsigned readers,
			struct buf *out)
{
	const char *place = (const char *)c + block->offset;
	struct conf_list list = { place, 1 };
	struct conf_head head;

	if (block->shape == CONF_SHAPE_TOP) {
		print_rows(block, place, readers, "", out);
		return;
	}
	if (block->shape == CONF_SHAPE_MANY)
		memcpy(&list, place, sizeof list);
	for (size_t i = 0; i < list.n; i++) {
		const char *data = (const char *)list.v + i * block->size;
		buf_add_cstr(out, block->name);
		if (block->shape == CONF_SHAPE_MANY) {
			memcpy(&head, data, sizeof head);
			buf_add_byte(out, ' ');
			conf_word_print(head.name, out);
		}
		buf_add_cstr(out, " {\n");
		print_rows(block, data, readers, "\t", out);
		buf_add_cstr(out, "}\n");
	}
}

bool conf_print(const struct conf *c, unsigned readers, struct buf *out)
{
	for (size_t i = 0; i < CONF_N_BLOCKS; i++)
		if (is_visible(&conf_blocks[i], readers))
			print_block(c, &conf_blocks[i], readers, out);
	return !out->overflow;
}

static void add_to_list(struct buf *list, const char *words, struct text name, const char *last)
{
	buf_add_cstr(list, list->n ? ", " : "");
	buf_printf(list, "%s%s%.*s%s%s", words, *words && name.n ? " " : "", TEXT_ARGS(name),
		   *words ? " " : "", last);
}

static bool is_same_row(const struct conf_row *row, const void *a, const void *b)
{
	struct buf x, y;
	bool is_same;

	buf_init(&x, CONF_MAX_PRINT);
	buf_init(&y, CONF_MAX_PRINT);
	print_row(row, a, "", &x);
	print_row(row, b, "", &y);
	is_same = !x.overflow && text_is_equal(buf_text(&x), buf_text(&y));
	buf_done(&x);
	buf_done(&y);
	return is_same;
}

static void compare_rows(const struct conf_block *block, struct text name, const void *a, const void *b,
			 struct buf *list)
{
	for (size_t i = 0; i < block->n_rows; i++) {
		const struct conf_row *row = &block->rows[i];
		if ((row->use & CONF_USE_RESTART) && !is_same_row(row, a, b))
			add_to_list(list, block->name, name, row->name);
	}
}

static struct text name_at(const struct conf_block *block, struct conf_list list, size_t i)
{
	struct conf_head head;

	memcpy(&head, (const char *)list.v + i * block->size, sizeof head);
	return head.name;
}

/* Listeners have sockets, and processes name them to each other by number: they must stay the same. */
static bool is_same_list(const struct conf_block *block, struct conf_list a, struct conf_list b)
{
	bool is_same = a.n == b.n;

	for (size_t i = 0; is_same && i < a.n; i++)
		is_same = text_is_equal(name_at(block, a, i), name_at(block, b, i));
	return is_same;
}

static const char *find_block(const struct conf_block *block, struct conf_list list, struct text name)
{
	for (size_t i = 0; i < list.n; i++)
		if (text_is_equal(name_at(block, list, i), name))
			return (const char *)list.v + i * block->size;
	return NULL;
}

static void compare_blocks(const struct conf_block *block, struct conf_list a, struct conf_list b,
			   struct buf *list)
{
	char *nothing = mem_zalloc(1, block->size); /* in which no such setting is made */

	if (strcmp(block->name, "listener") == 0 && !is_same_list(block, a, b)) {
		buf_printf(list, "%sthe blocks %s", list->n ? ", " : "", block->name);
		b.n = 0;
	}
	for (size_t i = 0; i < b.n; i++) {
		const char *was = find_block(block, a, name_at(block, b, i));
		compare_rows(block, name_at(block, b, i), was ? was : nothing,
			     (const char *)b.v + i * block->size, list);
	}
	free(nothing);
}

void conf_list_restarts(const struct conf *a, const struct conf *b, struct buf *ret_list)
{
	for (size_t i = 0; i < CONF_N_BLOCKS; i++) {
		const struct conf_block *block = &conf_blocks[i];
		const char *at_a = (const char *)a + block->offset, *at_b = (const char *)b + block->offset;
		struct conf_list list_a, list_b;
		if (block->shape != CONF_SHAPE_MANY) {
			compare_rows(block, (struct text){ NULL, 0 }, at_a, at_b, ret_list);
			continue;
		}
		memcpy(&list_a, at_a, sizeof list_a);
		memcpy(&list_b, at_b, sizeof list_b);
		compare_blocks(block, list_a, list_b, ret_list);
	}
}

/* Help, broken into comment lines. */
static void print_comment(const char *help, const char *indent, struct buf *out)
{
	struct text rest = text_from_cstr(help), word;
	size_t width = 0;

	while (rest.n) {
		text_cut(rest, ' ', &word, &rest);
		if (width == 0 || width + word.n > 90) {
			buf_printf(out, "%s%s#", width ? "\n" : "", indent);
			width = 1;
		}
		buf_printf(out, " %.*s", TEXT_ARGS(word));
		width += word.n + 1;
	}
	buf_add_byte(out, '\n');
}

static void print_default(const struct conf_row *row, const char *indent, struct buf *out)
{
	struct text initial = text_from_cstr(row->initial);

	print_comment(row->help, indent, out);
	buf_printf(out, "%s#%s", indent, row->name);
	buf_add_byte(out, ' ');
	if (initial.n == 0)
		buf_add_cstr(out, row->use & CONF_USE_NEEDED ? "... (must be set)" : "...");
	else if (row->type == CONF_TYPE_TEXT)
		conf_word_print(initial, out);
	else
		buf_add(out, initial);
	buf_add_byte(out, '\n');
}

bool conf_print_defaults(struct buf *out)
{
	for (size_t i = 0; i < CONF_N_BLOCKS; i++) {
		const struct conf_block *block = &conf_blocks[i];
		bool is_top = block->shape == CONF_SHAPE_TOP;
		if (!is_top) {
			buf_add_byte(out, '\n');
			print_comment(block->help, "", out);
			buf_printf(out, "#%s%s {\n", block->name,
				   block->shape == CONF_SHAPE_MANY ? " NAME" : "");
		}
		for (size_t j = 0; j < block->n_rows; j++)
			print_default(&block->rows[j], is_top ? "" : "\t", out);
		if (!is_top)
			buf_add_cstr(out, "#}\n");
	}
	return !out->overflow;
}
