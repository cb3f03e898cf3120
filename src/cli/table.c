/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables for people and JSON for programs, from the same rows. Cells may hold what strangers wrote
 * (addresses, replies): escaped on the way out. Used by every subcommand that lists.
 */
#include "base/ensure.h"
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CELL_MAX 65536

struct table_view {
	const struct table_column *columns;
	size_t n_columns, n_cells, cap;
	char **cells; /* row by row */
};

struct table_view *table_view_new(const struct table_column *columns, size_t n)
{
	struct table_view *t = mem_zalloc(1, sizeof *t);

	t->columns = columns;
	t->n_columns = n;
	return t;
}

static void add_cell(struct table_view *t, char *cell)
{
	if (t->n_cells == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->cells = mem_realloc(t->cells, t->cap * sizeof *t->cells);
	}
	t->cells[t->n_cells++] = cell;
}

void table_view_text(struct table_view *t, struct text value)
{
	struct buf b;

	buf_init(&b, CELL_MAX * 4);
	buf_add_escaped(&b, text_slice(value, 0, CELL_MAX));
	buf_cstr(&b);
	add_cell(t, b.p);
}

void table_view_number(struct table_view *t, int64_t value)
{
	table_view_printf(t, "%lld", (long long)value);
}

void table_view_printf(struct table_view *t, const char *format, ...)
{
	va_list ap;
	char *cell = NULL;

	va_start(ap, format);
	ASSERT(vasprintf(&cell, format, ap) >= 0);
	va_end(ap);
	add_cell(t, cell);
}

static void table_view_free(struct table_view *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

static void add_key(struct buf *out, const char *title)
{
	buf_add_byte(out, '"');
	for (; *title; title++)
		buf_add_byte(out, *title == ' ' ? '_' : text_lower_byte(*title));
	buf_add_cstr(out, "\": ");
}

static void add_json_cell(struct buf *out, enum table_kind kind, const char *cell)
{
	if (kind == TABLE_TEXT) {
		buf_add_byte(out, '"');
		buf_add_json(out, text_from_cstr(cell));
		buf_add_byte(out, '"');
	} else if (kind == TABLE_NUMBER) {
		buf_add_cstr(out, *cell ? cell : "null");
	} else {
		buf_add_cstr(out, strcmp(cell, "yes") == 0 ? "true" : "false");
	}
}

void table_view_json(struct table_view *t, struct buf *out)
{
	buf_add_byte(out, '[');
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t column = i % t->n_columns;
		buf_add_cstr(out, column ? ", " : i ? ",\n  { " : "\n  { ");
		add_key(out, t->columns[column].title);
		add_json_cell(out, t->columns[column].kind, t->cells[i]);
		if (column + 1 == t->n_columns)
			buf_add_cstr(out, " }");
	}
	buf_add_cstr(out, t->n_cells ? "\n]" : "]");
	table_view_free(t);
}

/* Columns on the screen: bytes that begin a character. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void print_cell(const struct table_view *t, const char *cell, size_t column, size_t width)
{
	size_t pad = width > width_of(cell) ? width - width_of(cell) : 0;
	bool right = t->columns[column].kind == TABLE_NUMBER, last = column + 1 == t->n_columns;

	if (right)
		printf("%*s", (int)pad, "");
	fputs(cell, stdout);
	if (!right && !last)
		printf("%*s", (int)pad, "");
	fputs(last ? "\n" : "  ", stdout);
}

void table_view_print(struct table_view *t, const char *when_empty)
{
	size_t *widths = mem_zalloc(t->n_columns, sizeof *widths);

	for (size_t i = 0; i < t->n_columns; i++)
		widths[i] = width_of(t->columns[i].title);
	for (size_t i = 0; i < t->n_cells; i++)
		if (width_of(t->cells[i]) > widths[i % t->n_columns])
			widths[i % t->n_columns] = width_of(t->cells[i]);
	if (t->n_cells == 0)
		puts(when_empty);
	for (size_t i = 0; t->n_cells && i < t->n_columns; i++)
		print_cell(t, t->columns[i].title, i, widths[i]);
	for (size_t i = 0; i < t->n_cells; i++)
		print_cell(t, t->cells[i], i % t->n_columns, widths[i % t->n_columns]);
	free(widths);
	table_view_free(t);
}

void cli_print_span(int64_t ms, char out[32])
{
	long long s = ms < 0 ? 0 : ms / 1000;

	if (s < 60)
		snprintf(out, 32, "%llds", s);
	else if (s < 3600)
		snprintf(out, 32, "%lldm %llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, 32, "%lldh %lldm", s / 3600, s / 60 % 60);
	else
		snprintf(out, 32, "%lldd %lldh", s / 86400, s / 3600 % 24);
}

void cli_print_size(uint64_t bytes, char out[32])
{
	if (bytes < 10000)
		snprintf(out, 32, "%llu", (unsigned long long)bytes);
	else if (bytes < 10000ull << 10)
		snprintf(out, 32, "%lluK", (unsigned long long)bytes >> 10);
	else
		snprintf(out, 32, "%lluM", (unsigned long long)bytes >> 20);
}
