/* SPDX-License-Identifier: Apache-2.0
 *
 * The quoted-printable decoder. Called by the MIME reader on a stranger's bytes. Goes over the text
 * line by line; within a line nothing but "=XX" changes. Total and linear, and the output is never longer
 * than the input: an invariant that the single reservation relies on.
 */
#include "proto/quoted_printable.h"

/* The digit of each byte; 16: none. */
static const unsigned char digits[256] = {
	16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
	16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
	0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  16, 16, 16, 16, 16, 16, 16, 10, 11, 12, 13, 14, 15, 16,
	16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
	16, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
	16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
	16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
	16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
	16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
	16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
	16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
};

/* The byte that "=XX" stands for, with n bytes from its "=" on; or -1. */
static int code_of(const char *p, size_t n)
{
	unsigned high, low;

	if (n < 3)
		return -1;
	high = digits[(unsigned char)p[1]];
	low = digits[(unsigned char)p[2]];
	return (high | low) < 16 ? (int)(high << 4 | low) : -1;
}

/* The codes of a line undone; the number of bytes written. Most lines have a few codes or many: byte by
 * byte is fast enough for both. */
static size_t decode_line(struct text line, char *at)
{
	size_t n = 0;

	for (size_t i = 0; i < line.n; i++) {
		int code = line.p[i] == '=' ? code_of(line.p + i, line.n - i) : -1;
		at[n++] = code < 0 ? line.p[i] : (char)code;
		i += code < 0 ? 0 : 2;
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

/* Only blanks behind the "=" up to the line end or the end. */
static bool is_soft_break(struct text in, size_t at)
{
	at++;
	while (at < in.n && (in.p[at] == ' ' || in.p[at] == '\t' || in.p[at] == '\r'))
		at++;
	return at == in.n || in.p[at] == '\n';
}

/* "=" and a letter or digit that make no code: some decoders give up there. "==" or "= " stay as they are
 * for all. */
static bool is_junk(struct text in, size_t at)
{
	char c = at + 1 < in.n ? text_lower_byte(in.p[at + 1]) : ' ';

	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

size_t quoted_printable_count_junk(struct text in, size_t *ret_codes)
{
	size_t n = 0, n_codes = 0;

	for (size_t at = 0; at < in.n; at++) {
		if (in.p[at] != '=')
			continue;
		if (code_of(in.p + at, in.n - at) >= 0 || is_soft_break(in, at))
			n_codes++;
		else
			n += is_junk(in, at);
	}
	*ret_codes = n_codes;
	return n;
}
