/* SPDX-License-Identifier: Apache-2.0
 *
 * The quoted-printable decoder. Called by the MIME reader on a stranger's bytes. Goes over the text
 * line by line; within a line nothing but "=XX" changes, and what stands between two of them is copied
 * at once. Total and linear, and the output is never longer than the input: an invariant that the
 * single reservation relies on.
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

/* The byte that "=XX" at the start of t stands for, or -1. */
static int code_of(struct text t)
{
	int high, low;

	if (t.n < 3)
		return -1;
	high = hex_of(t.p[1]);
	low = hex_of(t.p[2]);
	return high >= 0 && low >= 0 ? high << 4 | low : -1;
}

/* The codes of a line undone; the number of bytes written. */
static size_t decode_line(struct text line, char *at)
{
	size_t n = 0;

	while (line.n) {
		size_t plain = text_find_byte(line, '=');
		int code;
		memcpy(at + n, line.p, plain);
		n += plain;
		line = text_skip(line, plain);
		if (line.n == 0)
			break;
		code = code_of(line);
		at[n++] = code < 0 ? '=' : (char)code;
		line = text_skip(line, code < 0 ? 1 : 3);
	}
	return n;
}

/* Without blanks at the end, and without the CR of a CRLF. */
static struct text trim_end(struct text line)
{
	while (line.n &&
	       (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t' || line.p[line.n - 1] == '\r'))
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

/* Only blanks up to the line end or the end. */
static bool is_soft_break(struct text t)
{
	size_t i = 1;

	while (i < t.n && (t.p[i] == ' ' || t.p[i] == '\t' || t.p[i] == '\r'))
		i++;
	return i == t.n || t.p[i] == '\n';
}

/* "=" and a letter or digit that make no code: some decoders give up there. "==" or "= " stay as they are
 * for all. */
static bool is_junk(struct text t)
{
	char c = t.n > 1 ? text_lower_byte(t.p[1]) : ' ';

	return code_of(t) < 0 && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
}

size_t quoted_printable_count_junk(struct text in, size_t *ret_codes)
{
	size_t n = 0, n_codes = 0;

	for (size_t at = text_find_byte(in, '='); at < in.n; at += text_find_byte(text_skip(in, at), '=')) {
		struct text rest = text_skip(in, at);
		n_codes += code_of(rest) >= 0 || is_soft_break(rest);
		n += is_junk(rest);
		at++;
	}
	*ret_codes = n_codes;
	return n;
}
