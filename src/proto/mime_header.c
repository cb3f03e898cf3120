/* SPDX-License-Identifier: Apache-2.0
 *
 * Walks over the header of a message. Called by the MIME reader, by engines and by the writer of
 * notices, on a stranger's bytes. Linear, copies nothing, allocates nothing. Invariant: `at` only
 * grows and stands at the start of a line; every byte before it is in a field given out, was passed
 * over (then junk_at is at or before it), or is the empty line.
 */
#include "proto/mime_header.h"

struct mime_header_reader mime_header_reader_of(struct text t, const struct mime_limits *limits)
{
	return (struct mime_header_reader){ .text = t, .limits = limits, .junk_at = SIZE_MAX };
}

/* Where the line that begins at `at` ends, behind its LF. */
static size_t line_end(struct text t, size_t at)
{
	size_t end = at + text_find_byte(text_skip(t, at), '\n');

	return end < t.n ? end + 1 : t.n;
}

static struct text without_line_end(struct text line)
{
	if (line.n && line.p[line.n - 1] == '\n')
		line.n--;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool is_continued(struct text t, size_t at)
{
	return at < t.n && (t.p[at] == ' ' || t.p[at] == '\t');
}

/* field = name *WSP ":" body; name = 1*(33..57 / 59..126). rfc5322 2.2 and 4.5 */
static bool split_field(struct text line, struct text *ret_name)
{
	size_t n = 0;
	size_t colon;

	while (n < line.n && line.p[n] > 32 && line.p[n] < 127 && line.p[n] != ':')
		n++;
	for (colon = n; colon < line.n && (line.p[colon] == ' ' || line.p[colon] == '\t');)
		colon++;
	if (n == 0 || colon == line.n || line.p[colon] != ':')
		return false;
	*ret_name = text_slice(line, 0, n);
	return true;
}

static void note_junk(struct mime_header_reader *r, size_t at, unsigned defect)
{
	r->defects |= defect;
	if (r->junk_at == SIZE_MAX)
		r->junk_at = at;
}

/* The end of the field or junk that begins at `at`, with its continuation lines. A line of blanks ends
 * the header for some readers. */
static size_t field_end(struct mime_header_reader *r, size_t at)
{
	size_t end = line_end(r->text, at);

	while (is_continued(r->text, end)) {
		size_t next = line_end(r->text, end);
		if (text_trim(text_slice(r->text, end, next)).n == 0)
			note_junk(r, end, MIME_DEFECT_BLANK_LINE);
		end = next;
	}
	return end;
}

static bool stop(struct mime_header_reader *r, enum mime_trouble trouble)
{
	r->trouble = trouble;
	r->done = true;
	return false;
}

static bool end_header(struct mime_header_reader *r, size_t at, bool has_end)
{
	r->at = at;
	r->has_end = has_end;
	if (!has_end)
		r->defects |= MIME_DEFECT_NO_HEADER_END;
	return stop(r, MIME_TROUBLE_NONE);
}

/* The first line that is a field, or the end. */
bool mime_header_next(struct mime_header_reader *r, struct mime_field *ret_field)
{
	while (!r->done) {
		size_t first = line_end(r->text, r->at);
		struct text line = without_line_end(text_slice(r->text, r->at, first));
		size_t end;

		if (r->at == r->text.n)
			return end_header(r, r->at, false);
		if (line.n == 0)
			return end_header(r, first, true);
		end = field_end(r, r->at);
		if (end > r->limits->header_bytes)
			return stop(r, MIME_TROUBLE_HEADER_BYTES);
		if (!split_field(line, &ret_field->name)) {
			note_junk(r, r->at, MIME_DEFECT_JUNK_LINE);
			r->at = end;
			continue;
		}
		if (r->n_fields++ == r->limits->header_fields)
			return stop(r, MIME_TROUBLE_HEADER_FIELDS);
		ret_field->raw = text_slice(r->text, r->at, end);
		ret_field->body = without_line_end(ret_field->raw);
		ret_field->body = text_skip(ret_field->body, text_find_byte(ret_field->body, ':') + 1);
		r->at = end;
		return true;
	}
	return false;
}
