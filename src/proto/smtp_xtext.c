/* SPDX-License-Identifier: Apache-2.0
 *
 * xtext of rfc3461 4, both ways. Decoding is called with a client's bytes and trusts nothing; encoding
 * with values that were decoded here once, on their way to the next server. Invariant: decoding gives
 * only bytes from 0x20 to 0x7e, so a decoded value can be written into a header field of a report.
 */
#include "proto/smtp_xtext.h"

static bool is_xchar(unsigned char c)
{
	return c >= '!' && c <= '~' && c != '+' && c != '=';
}

/* Upper case only; -1 for no digit. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum error smtp_xtext_decode(struct text t, struct arena *a, struct text *ret_plain)
{
	char *plain = arena_alloc(a, t.n + 1);
	size_t n = 0;

	if (!plain)
		return ERROR_TOO_LARGE;
	for (size_t i = 0; i < t.n; i++) {
		int high, low;
		if (is_xchar((unsigned char)t.p[i])) {
			plain[n++] = t.p[i];
			continue;
		}
		if (t.p[i] != '+' || t.n - i < 3)
			return ERROR_MALFORMED;
		high = hex_value(t.p[i + 1]);
		low = hex_value(t.p[i + 2]);
		if (high < 2 || high > 7 || low < 0 || (high == 7 && low == 15))
			return ERROR_MALFORMED;
		plain[n++] = (char)(high * 16 + low);
		i += 2;
	}
	*ret_plain = text_from_bytes(plain, n);
	return ERROR_NONE;
}

bool smtp_xtext_encode(struct text plain, struct buf *out)
{
	for (size_t i = 0; i < plain.n; i++) {
		unsigned char c = (unsigned char)plain.p[i];
		if (is_xchar(c))
			buf_add_byte(out, (char)c);
		else
			buf_printf(out, "+%02X", (unsigned)c);
	}
	return !out->overflow;
}
