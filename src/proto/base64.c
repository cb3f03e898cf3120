/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64 both ways. Called by the MIME reader, SMTP authentication and whoever writes MIME; the input
 * of the decoder is a stranger's. Total and linear: every input decodes to something, at most three
 * bytes for four. Groups of four digits go by one look at the table each, or by base64_avx2.c; all else
 * goes byte by byte. Invariant: between pieces `bits` holds only the digits counted by `n_digits`.
 */
#include "proto/base64.h"

#include "proto/base64_avx2.h"

#define LINE_GROUPS 19 /* 76 characters; rfc2045 6.8 */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Values above 63 are no digits. */
enum {
	J = 64,
	/* junk */ P = 65,
	/* padding */ B = 66,
	/* blank or line end */ M = 67,
	U = 68 /* '-' '_' */
};

static const unsigned char values[256] = {
	J,  J,  J,  J,  J,  J,  J,  J,  J,  B,  B,  J,  J,  B,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,
	J,  J,  J,  J,  J,  J,  J,  J,  B,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  62, J,  M,  J,  63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, J,  J,  J,  P,  J,  J,  J,  0,  1,  2,  3,  4,  5,  6,
	7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, J,  J,  J,  J,  U,
	J,  26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
	49, 50, 51, J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,
	J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,
	J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,
	J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,
	J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,
	J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,  J,
};

static unsigned value_of(char c)
{
	return values[(unsigned char)c];
}

/* Writes the whole bytes of a group; their number. */
static size_t flush_group(struct base64_decoder *d, char *at)
{
	uint32_t bits = d->bits << (6 * (4 - d->n_digits));
	size_t n = d->n_digits ? d->n_digits - 1 : 0;

	for (size_t i = 0; i < n; i++)
		at[i] = (char)(bits >> (16 - 8 * i) & 0xff);
	d->bits = 0;
	d->n_digits = 0;
	return n;
}

/* Whole groups of digits from the start of in; the number of bytes written, and of those read. */
static size_t decode_groups(struct text in, char *at, size_t *ret_read)
{
	size_t i = 0, n = 0;

	for (; in.n - i >= 4; i += 4) {
		unsigned a = value_of(in.p[i]), b = value_of(in.p[i + 1]), c = value_of(in.p[i + 2]),
			 e = value_of(in.p[i + 3]);
		uint32_t bits = a << 18 | b << 12 | c << 6 | e;
		if ((a | b | c | e) > 63)
			break;
		at[n] = (char)(bits >> 16 & 0xff);
		at[n + 1] = (char)(bits >> 8 & 0xff);
		at[n + 2] = (char)(bits & 0xff);
		n += 3;
	}
	*ret_read = i;
	return n;
}

static size_t decode_run(const struct base64_decoder *d, struct text in, char *at, size_t *ret_read)
{
	size_t fast = 0, n = 0;

	if (!d->is_plain && base64_avx2_is_there())
		n = base64_avx2_decode(in, at, &fast);
	n += decode_groups(text_skip(in, fast), at + n, ret_read);
	*ret_read += fast;
	return n;
}

/* The digit that c is, or 64: it ends or changes nothing, or is_done was set. */
static unsigned digit_of(struct base64_decoder *d, char c)
{
	unsigned value = value_of(c);

	if (value < 64)
		return value;
	if (d->is_url && value >= M)
		return value == M ? 62 : 63;
	if (value == P)
		d->is_done = d->end == BASE64_TO_PADDING;
	else if (value != B)
		d->is_done = d->end == BASE64_TO_JUNK;
	return 64;
}

/* One byte; the number of bytes written. */
static size_t decode_byte(struct base64_decoder *d, char c, char *at)
{
	unsigned digit = digit_of(d, c);

	if (digit < 64) {
		d->bits = d->bits << 6 | digit;
		d->n_digits++;
		return d->n_digits == 4 ? flush_group(d, at) : 0;
	}
	if (d->is_done || (c == '=' && d->end != BASE64_RUN_ON))
		return flush_group(d, at);
	return 0;
}

bool base64_decode_piece(struct base64_decoder *d, struct text in, struct buf *out)
{
	char *at = buf_reserve(out, in.n / 4 * 3 + BASE64_SLACK);
	size_t n = 0, i = 0;

	if (!at)
		return false;
	while (i < in.n && !d->is_done) {
		size_t n_read = 0;
		if (d->n_digits == 0)
			n += decode_run(d, text_skip(in, i), at + n, &n_read);
		i += n_read;
		if (i < in.n)
			n += decode_byte(d, in.p[i++], at + n);
	}
	out->n += n;
	return true;
}

bool base64_decode_end(struct base64_decoder *d, struct buf *out)
{
	char group[3];

	return buf_add(out, text_from_bytes(group, flush_group(d, group)));
}

bool base64_decode(struct text in, struct buf *out)
{
	struct base64_decoder d = { 0 };

	return base64_decode_piece(&d, in, out) && base64_decode_end(&d, out);
}

/* How many digits and line ends of lines of digits stand at the start: what most of base64 is. */
static size_t plain_run(struct text in)
{
	size_t i = base64_avx2_is_there() ? base64_avx2_span(in) : 0;

	while (i < in.n && (value_of(in.p[i]) < 64 || value_of(in.p[i]) == B))
		i++;
	return i;
}

struct base64_survey base64_survey(struct text in)
{
	struct base64_survey s = { .tail_at = SIZE_MAX };
	bool is_padded = false;

	for (size_t i = 0; i < in.n;) {
		size_t n = plain_run(text_skip(in, i));
		size_t from = i;
		while (is_padded && from < i + n && value_of(in.p[from]) == B)
			from++;
		if (is_padded && from < i + n) {
			s.has_inner_pad = true;
			s.tail_at = s.tail_at < from ? s.tail_at : from;
			is_padded = false;
		}
		i += n;
		if (i == in.n)
			break;
		is_padded = is_padded || in.p[i] == '=';
		s.has_url = s.has_url || value_of(in.p[i]) >= M;
		if (in.p[i] != '=') {
			s.has_junk = true;
			s.tail_at = s.tail_at < i ? s.tail_at : i;
		}
		i++;
	}
	return s;
}

static void encode_group(struct text group, char out[4])
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 3; i++)
		bits = bits << 8 | (i < group.n ? (unsigned char)group.p[i] : 0);
	for (size_t i = 0; i < 4; i++)
		out[i] = i <= group.n ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
}

bool base64_encode(struct text in, bool is_mail, struct buf *out)
{
	size_t groups = 0;

	for (size_t i = 0; i < in.n; i += 3) {
		char four[4];
		encode_group(text_slice(in, i, i + 3), four);
		buf_add(out, text_from_bytes(four, sizeof four));
		groups++;
		if (is_mail && (groups % LINE_GROUPS == 0 || i + 3 >= in.n))
			buf_add_cstr(out, "\r\n");
	}
	return !out->overflow;
}
