/* SPDX-License-Identifier: Apache-2.0
 *
 * Cuts multiparts. Called by mime_part.c on a stranger's bytes. Linear in the body: each line is looked
 * at once, and most only at their first two bytes. Invariant: `at` stands at the start of a line or at
 * the end, and only grows.
 */
#include "proto/mime_split.h"

#define GUESS_MAX 200 /* a longer line is no delimiter; the standard allows 70 */

enum line_kind { LINE_OTHER, LINE_DELIMITER, LINE_CLOSE, LINE_LONGER };

static struct text trim_end(struct text t)
{
	while (t.n &&
	       (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t' || t.p[t.n - 1] == '\r' || t.p[t.n - 1] == '\n'))
		t.n--;
	return t;
}

struct mime_splitter mime_splitter_of(struct text body, struct text boundary, bool is_loose)
{
	return (struct mime_splitter){ .body = body, .boundary = trim_end(boundary), .is_loose = is_loose };
}

static bool is_dashed(struct text line)
{
	return line.n >= 2 && line.p[0] == '-' && line.p[1] == '-';
}

static enum line_kind kind_of(const struct mime_splitter *s, struct text line)
{
	static const struct text dashes = TEXT("--");
	struct text rest;
	bool is_longer;

	if (!is_dashed(line))
		return LINE_OTHER;
	line = trim_end(text_skip(line, 2));
	if (!text_has_prefix(line, s->boundary))
		return LINE_OTHER;
	rest = text_skip(line, s->boundary.n);
	if (rest.n == 0)
		return LINE_DELIMITER;
	if (text_is_equal(rest, dashes))
		return LINE_CLOSE;
	is_longer = s->boundary.n > 0; /* with an empty one every "--" would be */
	if (is_longer && s->is_loose)
		return text_has_prefix(rest, dashes) ? LINE_CLOSE : LINE_DELIMITER;
	return is_longer ? LINE_LONGER : LINE_OTHER;
}

/* Where the line that begins at `at` ends, behind its LF. */
static size_t line_end(struct text t, size_t at)
{
	size_t end = at + text_find_byte(text_skip(t, at), '\n');

	return end < t.n ? end + 1 : t.n;
}

/* Without the one line end that belongs to the delimiter behind it. */
static struct text without_line_end(struct text t)
{
	if (t.n && t.p[t.n - 1] == '\n')
		t.n--;
	if (t.n && t.p[t.n - 1] == '\r')
		t.n--;
	return t;
}

/* The piece before the next delimiter, which is passed; or the last piece. */
static struct mime_piece take_piece(struct mime_splitter *s)
{
	struct mime_piece piece = { .is_part = s->in_part };
	enum line_kind kind = LINE_OTHER;
	size_t from = s->at, at = s->at, next = s->at;

	while (at < s->body.n) {
		next = line_end(s->body, at);
		kind = kind_of(s, text_slice(s->body, at, next));
		if (kind == LINE_DELIMITER || kind == LINE_CLOSE)
			break;
		if (kind == LINE_LONGER)
			s->defects |= MIME_DEFECT_LONGER_BOUNDARY;
		at = next;
	}
	piece.text = text_slice(s->body, from, at);
	s->at = next;
	s->done = at == s->body.n;
	if (s->done)
		return piece;
	piece.text = without_line_end(piece.text);
	if (s->is_closed && kind == LINE_DELIMITER)
		s->defects |= MIME_DEFECT_AFTER_CLOSE;
	s->n_delimiters++;
	s->in_part = kind == LINE_DELIMITER;
	s->is_closed = s->is_closed || kind == LINE_CLOSE;
	return piece;
}

bool mime_split_next(struct mime_splitter *s, struct mime_piece *ret_piece)
{
	while (!s->done) {
		*ret_piece = take_piece(s);
		if (s->done && !s->is_closed)
			s->defects |= MIME_DEFECT_NOT_CLOSED;
		if (ret_piece->is_part || text_trim(ret_piece->text).n)
			return true;
	}
	return false;
}

bool mime_split_guess(struct text body, struct text *ret_boundary)
{
	size_t at = 0;

	while (at < body.n) {
		size_t next = line_end(body, at);
		struct text line = trim_end(text_slice(body, at, next));
		if (is_dashed(line) && line.n > 2 && line.n <= GUESS_MAX) {
			*ret_boundary = text_skip(line, 2);
			return true;
		}
		at = next;
	}
	return false;
}
