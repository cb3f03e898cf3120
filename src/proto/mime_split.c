/* SPDX-License-Identifier: Apache-2.0
 *
 * Cuts multiparts. Called by mime_part.c on a stranger's bytes. Linear in the body, which is passed over
 * by looking for '-' alone: most lines are never seen. Invariant: `at` stands at the start of a line or
 * at the end, and only grows.
 */
#include "proto/mime_split.h"

#define GUESS_MAX 200 /* a longer line is no delimiter; the standard allows 70 */

enum line_kind { LINE_OTHER, LINE_DELIMITER, LINE_CLOSE };

static struct text trim_end(struct text t)
{
	while (t.n &&
	       (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t' || t.p[t.n - 1] == '\r' || t.p[t.n - 1] == '\n'))
		t.n--;
	return t;
}

struct mime_splitter mime_splitter_of(struct text body, struct text boundary, bool is_loose)
{
	return (struct mime_splitter){
		.body = body, .boundary = trim_end(boundary), .is_loose = is_loose, .close_at = SIZE_MAX
	};
}

/* The next "--" at or behind `at` that begins a line, or the end. */
static size_t find_dashes(struct mime_splitter *s, size_t at)
{
	struct text t = s->body;

	while (at < t.n) {
		at += text_find_byte(text_skip(t, at), '-');
		s->n_looks++;
		if (at + 1 >= t.n)
			break;
		if (t.p[at + 1] == '-' && (at == 0 || t.p[at - 1] == '\n' || t.p[at - 1] == '\r'))
			return at;
		while (at < t.n && t.p[at] == '-')
			at++;
	}
	return t.n;
}

/* Where the line that begins at `at` ends, behind its LF; for a loose splitter also behind a bare CR. */
static size_t line_end(const struct mime_splitter *s, size_t at)
{
	struct text rest = text_skip(s->body, at);
	size_t end = text_find_byte(rest, '\n');
	size_t cr = s->is_loose ? text_find_byte(text_slice(rest, 0, end), '\r') : end;

	if (cr + 1 < end)
		return at + cr + 1;
	return at + (end < rest.n ? end + 1 : rest.n);
}

/* Lines that are named as boundary somewhere else are none of ours; the caller knows. */
static void note_longer(struct mime_splitter *s, struct text line)
{
	static const struct text dashes = TEXT("--");

	if (line.n > s->boundary.n + 2 && text_is_equal(text_skip(line, line.n - 2), dashes))
		line.n -= 2;
	for (size_t i = 0; i < s->n_longer && i < MIME_LONGER_MAX; i++)
		if (text_is_equal(s->longer[i], line))
			return;
	if (s->n_longer < MIME_LONGER_MAX)
		s->longer[s->n_longer] = line;
	if (s->n_longer <= MIME_LONGER_MAX)
		s->n_longer++;
}

/* The line at `at`, which begins with "--"; ret_next: the start of the next one. */
static enum line_kind kind_of(struct mime_splitter *s, size_t at, size_t *ret_next)
{
	static const struct text dashes = TEXT("--");
	struct text line = text_skip(s->body, at + 2), rest;
	bool is_behind_cr = at > 0 && s->body.p[at - 1] == '\r';

	*ret_next = at + 2;
	if (!text_has_prefix(line, s->boundary))
		return LINE_OTHER;
	*ret_next = line_end(s, at);
	line = trim_end(text_slice(s->body, at + 2, *ret_next));
	rest = text_skip(line, s->boundary.n);
	if (is_behind_cr)
		s->has_bare_cr = s->has_bare_cr || s->boundary.n > 0;
	if (is_behind_cr && !s->is_loose)
		return LINE_OTHER;
	if (rest.n == 0)
		return LINE_DELIMITER;
	if (text_is_equal(rest, dashes))
		return LINE_CLOSE;
	if (s->boundary.n == 0) /* every "--" would be longer */
		return LINE_OTHER;
	if (s->is_loose)
		return text_has_prefix(rest, dashes) ? LINE_CLOSE : LINE_DELIMITER;
	note_longer(s, line);
	return LINE_OTHER;
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

static void note_delimiter(struct mime_splitter *s, enum line_kind kind, size_t next)
{
	if (s->is_closed && kind == LINE_DELIMITER)
		s->has_after_close = true;
	if (next >= 2 && s->body.p[next - 1] == '\n' && s->body.p[next - 2] != '\r')
		s->has_bare_lf = true;
	if (kind == LINE_CLOSE && !s->is_closed)
		s->close_at = next;
	s->n_delimiters++;
}

/* The piece before the next delimiter, which is passed; or the last piece. */
static struct mime_piece take_piece(struct mime_splitter *s)
{
	struct mime_piece piece = { .is_part = s->in_part };
	size_t from = s->at, at = from, next = from;
	enum line_kind kind = LINE_OTHER;

	for (;;) {
		at = find_dashes(s, next);
		if (at == s->body.n)
			break;
		kind = kind_of(s, at, &next);
		if (kind == LINE_OTHER)
			continue;
		note_delimiter(s, kind, next);
		if (!s->is_closed || s->is_loose)
			break;
	}
	piece.text = text_slice(s->body, from, at);
	s->done = at == s->body.n;
	s->at = s->done ? at : next;
	if (s->done)
		return piece;
	piece.is_part =
		piece.is_part && piece.text.n > 0; /* rfc2046 5.1.1: each delimiter has its line end */
	piece.text = without_line_end(piece.text);
	piece.is_followed = kind == LINE_DELIMITER;
	s->in_part = kind == LINE_DELIMITER;
	s->is_closed = s->is_closed || kind == LINE_CLOSE;
	s->done = s->is_closed && s->ends_at_close;
	return piece;
}

bool mime_split_next(struct mime_splitter *s, struct mime_piece *ret_piece)
{
	while (!s->done) {
		*ret_piece = take_piece(s);
		if (ret_piece->is_part ? !s->done || ret_piece->text.n || s->is_closed
				       : text_trim(ret_piece->text).n)
			return true;
	}
	return false;
}

bool mime_split_guess(struct text body, struct text *ret_boundary)
{
	struct mime_splitter s = mime_splitter_of(body, (struct text){ 0 }, false);
	size_t at = 0;

	while ((at = find_dashes(&s, at)) < body.n) {
		size_t next = line_end(&s, at);
		struct text line = trim_end(text_slice(body, at, next));
		if (line.n > 2 && line.n <= GUESS_MAX) {
			*ret_boundary = text_skip(line, 2);
			return true;
		}
		at = next;
	}
	return false;
}
