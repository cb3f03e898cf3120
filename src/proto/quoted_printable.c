/* SPDX-License-Identifier: Apache-2.0
 *
 * The quoted-printable decoder. Called by the MIME reader on a stranger's bytes. Goes over the text
 * line by line; within a line nothing but "=XX" changes. Total and linear, and the output is never
 * longer than the input: an invariant that the single reservation relies on.
 */
#include "proto/quoted_printable.h"

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* The codes of a line undone; the number of bytes written. */
static size_t decode_line(struct text line, char *at)
{
	size_t n = 0;

	for (size_t i = 0; i < line.n; i++) {
		int high = -1, low = -1;
		if (line.p[i] == '=' && line.n - i >= 3) {
			high = hex_of(line.p[i + 1]);
			low = hex_of(line.p[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			at[n++] = (char)(high << 4 | low);
			i += 2;
			continue;
		}
		at[n++] = line.p[i];
	}
	return n;
}

/* Without blanks at the end, and without the CR of a CRLF. */
static struct text trim_end(struct text line)
{
	while (line.n && strchr(" \t\r", line.p[line.n - 1]) && line.p[line.n - 1])
		line.n--;
	return line;
}

bool quoted_printable_decode(struct text in, struct buf *out)
{
	char *at = buf_reserve(out, in.n);
	size_t n = 0;

	if (!at)
		return false;
	while (in.n) {
		size_t end = text_find_byte(in, '\n');
		bool has_end = end < in.n;
		bool has_cr = has_end && end && in.p[end - 1] == '\r';
		struct text line = trim_end(text_slice(in, 0, end));
		bool is_soft = line.n && line.p[line.n - 1] == '=';

		in = text_skip(in, end + 1);
		if (is_soft)
			line.n--;
		n += decode_line(line, at + n);
		if (is_soft || !has_end)
			continue;
		if (has_cr)
			at[n++] = '\r';
		at[n++] = '\n';
	}
	out->n += n;
	return true;
}
