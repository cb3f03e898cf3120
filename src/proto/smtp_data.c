/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter of message bodies. Called by the session room with what the client sends after DATA or
 * BDAT; what comes out is what queue, scan and the next hop see. Trusts nothing. Invariants: the end
 * is CRLF "." CRLF and nothing else; the output is a function of the whole input, not of its pieces;
 * at most 2 bytes come out for each that goes in, and 2 more.
 *
 * How it is fast: between two changes bytes are passed in runs found by memchr, so an ordinary message
 * is copied in a few pieces however many lines it has.
 */
#include "proto/smtp_data.h"

#include "base/ensure.h"

static const char newline[] = "\r\n";

void smtp_data_init(struct smtp_data *d, enum smtp_newlines newlines, bool has_dots, uint64_t max_size,
		    uint64_t max_header)
{
	*d = (struct smtp_data){ .newlines = newlines,
				 .has_dots = has_dots,
				 .max_size = max_size,
				 .max_header = max_header,
				 .is_received = true };
}

static void set_problem(struct smtp_data *d, enum smtp_data_problem problem)
{
	if (!d->problem)
		d->problem = problem;
}

/* One byte of the header, as it is given out: counts the Received fields and finds the empty line. */
static void watch_header_byte(struct smtp_data *d, char c)
{
	static const char name[] = "received:";

	d->line_size++;
	if (c == '\n') {
		d->is_in_body = d->line_text == 0;
		if (!d->is_in_body)
			d->header_size += d->line_size;
		d->line_size = d->line_text = 0;
		d->is_received = true;
	} else if (c != '\r') {
		if (d->line_text < sizeof name - 1) {
			d->is_received = d->is_received && text_lower_byte(c) == name[d->line_text];
			d->hops += d->is_received && d->line_text == sizeof name - 2;
		}
		d->line_text++;
	}
	if (d->header_size + d->line_size > d->max_header)
		set_problem(d, SMTP_DATA_HEADER_TOO_LARGE);
}

static void watch(struct smtp_data *d, struct text t)
{
	const char *at = t.p, *end = t.p + t.n;

	for (size_t i = 0; i < t.n && !d->is_in_body; i++)
		watch_header_byte(d, t.p[i]);
	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		d->lines++;
		at++;
	}
	d->is_unended = end[-1] != '\n';
}

/* Gives out bytes that hold no NUL. */
static void give(struct smtp_data *d, struct text t, struct buf *out)
{
	if (t.n == 0 || d->problem)
		return;
	if (t.n > d->max_size - d->size) {
		set_problem(d, SMTP_DATA_TOO_LARGE);
		return;
	}
	watch(d, t);
	if (d->problem)
		return;
	d->size += t.n;
	ASSERT(buf_add(out, t));
}

/* Gives out bytes as they came, NUL by the mode. */
static void pass(struct smtp_data *d, struct text t, struct buf *out)
{
	size_t at;

	while ((at = text_find_byte(t, '\0')) < t.n) {
		give(d, text_slice(t, 0, at), out);
		d->nul_bytes++;
		if (d->newlines == SMTP_NEWLINES_REJECT)
			set_problem(d, SMTP_DATA_NUL);
		t = text_skip(t, at + 1);
	}
	give(d, t, out);
}

/* In the place of a CR or LF alone. */
static void pass_bare(struct smtp_data *d, struct buf *out)
{
	d->bare_newlines++;
	if (d->newlines == SMTP_NEWLINES_REJECT)
		set_problem(d, SMTP_DATA_BARE_NEWLINE);
	else
		give(d, text_from_bytes(newline, 2), out);
}

/* Gives out the bare CRs of in[at..end) with the text before them; a CR at the very end is left to
 * the caller. Moves `from`, the start of what is not given out yet. */
static void pass_bare_crs(struct smtp_data *d, struct text in, size_t at, size_t end, size_t *from,
			  struct buf *out)
{
	for (;;) {
		size_t cr = at + text_find_byte(text_slice(in, at, end), '\r');
		if (cr + 1 >= end)
			return;
		pass(d, text_slice(in, *from, cr), out);
		pass_bare(d, out);
		*from = at = cr + 1;
	}
}

/* Passes the text from the front of `in` to the next place where something must be decided: the
 * start of a line that begins with a dot, a CR at the end of the input, the end. Line by line, so that
 * each byte is looked at once for LF and once for CR whatever the input. */
static size_t pass_run(struct smtp_data *d, struct text in, struct buf *out)
{
	size_t from = 0, at = 0, lf;

	while ((lf = at + text_find_byte(text_skip(in, at), '\n')) < in.n) {
		bool is_crlf = lf > at && in.p[lf - 1] == '\r';
		pass_bare_crs(d, in, at, lf, &from, out);
		at = lf + 1;
		if (!is_crlf) {
			pass(d, text_slice(in, from, lf), out);
			pass_bare(d, out);
			from = at;
		} else if (at == in.n || in.p[at] == '.') {
			pass(d, text_slice(in, from, at), out);
			d->at = SMTP_DATA_AT_START;
			return at;
		}
	}
	pass_bare_crs(d, in, at, in.n, &from, out);
	if (from < in.n && in.p[in.n - 1] == '\r')
		d->at = SMTP_DATA_AT_CR;
	pass(d, text_slice(in, from, in.n - (d->at == SMTP_DATA_AT_CR)), out);
	return in.n;
}

/* The byte behind a CR. Returns how many bytes it used. */
static size_t pass_after_cr(struct smtp_data *d, char c, struct buf *out)
{
	if (c == '\n') {
		give(d, text_from_bytes(newline, 2), out);
		d->at = SMTP_DATA_AT_START;
		return 1;
	}
	pass_bare(d, out);
	d->at = SMTP_DATA_AT_TEXT;
	return 0;
}

/* Takes the front of `in` by the place where it stands. Returns how many bytes it used. */
static size_t step(struct smtp_data *d, struct text in, struct buf *out)
{
	char c = in.p[0];

	switch (d->at) {
	case SMTP_DATA_AT_START:
		d->at = d->has_dots && c == '.' ? SMTP_DATA_AT_DOT : SMTP_DATA_AT_TEXT;
		return d->at == SMTP_DATA_AT_DOT;
	case SMTP_DATA_AT_DOT: /* the dot itself is gone: rfc5321 4.5.2 */
		d->at = c == '\r' ? SMTP_DATA_AT_DOT_CR : SMTP_DATA_AT_TEXT;
		return c == '\r';
	case SMTP_DATA_AT_DOT_CR:
		if (c == '\n') {
			d->is_done = true;
			return 1;
		}
		return pass_after_cr(d, c, out);
	case SMTP_DATA_AT_CR:
		return pass_after_cr(d, c, out);
	case SMTP_DATA_AT_TEXT:
	default:
		return pass_run(d, in, out);
	}
}

/* Without an empty line the whole message is header. */
static void end_header(struct smtp_data *d)
{
	if (!d->is_in_body)
		d->header_size = d->size;
}

size_t smtp_data_feed(struct smtp_data *d, struct text in, struct buf *out)
{
	size_t at = 0;

	while (at < in.n && !d->is_done)
		at += step(d, text_skip(in, at), out);
	d->read += at;
	if (d->is_done)
		end_header(d);
	return at;
}

void smtp_data_finish(struct smtp_data *d, struct buf *out)
{
	if (d->at == SMTP_DATA_AT_CR)
		pass_bare(d, out);
	if (d->is_unended)
		give(d, text_from_bytes(newline, 2), out);
	d->is_done = true;
	end_header(d);
}
