/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of replies and its printer. Called by the session room for every reply, by receive for
 * clients that get no room. Trusts the table; the argument may hold any byte (a host name from the
 * configuration, an id from queue, nothing of the stranger's today) and is made harmless here.
 * Invariant: whatever the argument, what is printed is one well-formed reply of lines of at most
 * SMTP_REPLY_LINE_MAX bytes.
 */
#include "proto/smtp_reply.h"

struct row {
	unsigned code;
	const char *enhanced;
	const char *text;
};

static const struct row rows[] = {
#define REPLY(name, code, enhanced, text) { code, enhanced, text },
#include "proto/smtp_reply.def"
#undef REPLY
};

struct smtp_reply smtp_reply_of_with(enum smtp_reply_id id, struct text argument)
{
	const struct row *row = &rows[id < SMTP_REPLY_COUNT ? id : SMTP_REPLY_INTERNAL];

	return (struct smtp_reply){ row->code, row->enhanced, row->text, argument };
}

struct smtp_reply smtp_reply_of(enum smtp_reply_id id)
{
	return smtp_reply_of_with(id, (struct text){ NULL, 0 });
}

bool smtp_reply_is_error(const struct smtp_reply *r)
{
	return r->code >= 400;
}

bool smtp_reply_is_permanent(const struct smtp_reply *r)
{
	return r->code >= 500;
}

bool smtp_reply_is_last(enum smtp_reply_id id)
{
	switch (id) {
	case SMTP_REPLY_BYE:
	case SMTP_REPLY_NOT_SMTP:
	case SMTP_REPLY_PIPELINING:
	case SMTP_REPLY_BAD_CHUNK:
	case SMTP_REPLY_CLIENT_BLOCKED:
	case SMTP_REPLY_CLIENT_EARLY:
		return true;
	default:
		return smtp_reply_of(id).code == 421;
	}
}

/* The text with its argument; control bytes other than LF become '?'. */
static void expand(const struct smtp_reply *r, struct buf *out)
{
	struct text text = text_from_cstr(r->text);
	size_t at = text_find(text, text_from_cstr("{}"));

	buf_add(out, text_slice(text, 0, at));
	if (at != SIZE_MAX) {
		buf_add(out, r->argument);
		buf_add(out, text_skip(text, at + 2));
	}
	for (size_t i = 0; i < out->n; i++)
		if (((unsigned char)out->p[i] < ' ' && out->p[i] != '\n') || out->p[i] == 0x7f)
			out->p[i] = '?';
}

/* Of a number below 1000, without printf: many pages of the C library for each room. */
static char digit(unsigned n)
{
	return (char)('0' + n % 10);
}

static void print_line(const struct smtp_reply *r, struct text line, bool is_last, struct buf *out)
{
	size_t head = 4 + (r->enhanced[0] ? strlen(r->enhanced) + 1 : 0);
	const char code[] = { digit(r->code / 100), digit(r->code / 10), digit(r->code),
			      is_last ? ' ' : '-' };

	if (line.n > SMTP_REPLY_LINE_MAX - 2 - head)
		line.n = SMTP_REPLY_LINE_MAX - 2 - head;
	buf_add(out, text_from_bytes(code, sizeof code));
	buf_add_cstr(out, r->enhanced);
	if (r->enhanced[0])
		buf_add_byte(out, ' ');
	buf_add(out, line);
	buf_add_cstr(out, "\r\n");
}

bool smtp_reply_print(const struct smtp_reply *r, struct buf *out)
{
	struct buf all;
	struct text line, rest;
	bool more;

	buf_init(&all, 16 * SMTP_REPLY_LINE_MAX);
	expand(r, &all);
	rest = buf_text(&all);
	do {
		more = text_cut(rest, '\n', &line, &rest);
		print_line(r, line, !more, out);
	} while (more);
	buf_done(&all);
	return !out->overflow;
}
