/* SPDX-License-Identifier: Apache-2.0
 *
 * Mistakes are found in three walks (lines, settings, checks across settings), and an administrator reads
 * them from the top of the file: so they are kept and sorted. Called by everything in src/conf.
 *
 * Invariants: at most CONF_MAX_ERRORS are kept; the texts are printable and of one line, whatever bytes
 * the file has, because pieces of the file enter by conf_quote only.
 */
#include "conf/report.h"

#include "base/ensure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PIECE_MAX   48
#define MESSAGE_MAX 400

struct conf_quoted conf_quote(struct text t)
{
	struct conf_quoted q;
	struct text piece = text_slice(t, 0, PIECE_MAX);
	struct buf b;

	while (piece.n < t.n && piece.n > 0 && (t.p[piece.n] & 0xc0) == 0x80)
		piece.n--; /* not within a character */
	buf_init(&b, sizeof q.s - 8);
	buf_add_escaped(&b, piece);
	snprintf(q.s, sizeof q.s, "'%s%s'", buf_cstr(&b), piece.n < t.n || b.overflow ? "..." : "");
	buf_done(&b);
	return q;
}

bool conf_expected(struct buf *why, const char *expected, struct text word)
{
	buf_printf(why, "expected %s, found %s", expected, conf_quote(word).s);
	return false;
}

void conf_report(struct conf_report *r, struct conf_place at, const char *format, ...)
{
	va_list ap;
	char *text;

	if (r->n == CONF_MAX_ERRORS) {
		r->more++;
		return;
	}
	text = mem_alloc(MESSAGE_MAX);
	va_start(ap, format);
	vsnprintf(text, MESSAGE_MAX, format, ap);
	va_end(ap);
	r->v[r->n++] = (struct conf_mistake){ at, text };
}

bool conf_report_is_empty(const struct conf_report *r)
{
	return r->n == 0;
}

static bool is_before(struct conf_place a, struct conf_place b)
{
	return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* Insertion: stable, and short enough. */
static void sort(struct conf_report *r)
{
	for (size_t i = 1; i < r->n; i++) {
		struct conf_mistake m = r->v[i];
		size_t j = i;
		for (; j > 0 && is_before(m.at, r->v[j - 1].at); j--)
			r->v[j] = r->v[j - 1];
		r->v[j] = m;
	}
}

void conf_report_print(struct conf_report *r, const char *file_name, struct buf *errors)
{
	sort(r);
	for (size_t i = 0; i < r->n; i++)
		buf_printf(errors, "%s:%u:%u: %s\n", file_name, r->v[i].at.line, r->v[i].at.column,
			   r->v[i].text);
	if (r->more)
		buf_printf(errors, "%s: %zu more mistakes\n", file_name, r->more);
}

void conf_report_done(struct conf_report *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].text);
	r->n = 0;
}
