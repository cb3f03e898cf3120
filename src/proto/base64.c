/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64 both ways. Called by the MIME reader, SMTP authentication and whoever writes MIME; the input
 * of the decoder is a stranger's. Total and linear: every input decodes to something, at most three
 * bytes for four. Invariant: between pieces `bits` holds only the digits counted by `n_digits`.
 */
#include "proto/base64.h"

#define LINE_GROUPS 19 /* 76 characters; rfc2045 6.8 */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { DIGIT_JUNK = 64, DIGIT_PAD = 65 };

static unsigned digit_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return c == '=' ? DIGIT_PAD : DIGIT_JUNK;
}

/* Writes the whole bytes of a group; their number. */
static size_t flush_group(struct base64_decoder *d, char *at)
{
	uint32_t bits = d->bits << (6 * (4 - d->n_digits));
	size_t n = d->n_digits ? d->n_digits - 1 : 0;

	for (size_t i = 0; i < n; i++)
		at[i] = (char)(bits >> (16 - 8 * i) & 0xff);
	*d = (struct base64_decoder){ 0 };
	return n;
}

bool base64_decode_piece(struct base64_decoder *d, struct text in, struct buf *out)
{
	char *at = buf_reserve(out, in.n / 4 * 3 + 6);
	size_t n = 0;

	if (!at)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		unsigned digit = digit_of((unsigned char)in.p[i]);
		if (digit == DIGIT_JUNK)
			continue;
		if (digit != DIGIT_PAD) {
			d->bits = d->bits << 6 | digit;
			d->n_digits++;
		}
		if (digit == DIGIT_PAD || d->n_digits == 4)
			n += flush_group(d, at + n);
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
