/* SPDX-License-Identifier: Apache-2.0
 *
 * Growing buffers with a maximum. Invariants: n <= cap, cap <= max + 1 (one byte for buf_cstr's NUL),
 * p is NULL exactly when cap is 0.
 */
#include "base/buf.h"

#include "base/ensure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_done(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->overflow = false;
}

static void grow(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : 64;

	while (cap < need)
		cap *= 2;
	if (cap > b->max + 1)
		cap = b->max + 1;
	b->p = mem_realloc(b->p, cap);
	b->cap = cap;
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (n > b->max - b->n) {
		b->overflow = true;
		return NULL;
	}
	if (b->n + n + 1 > b->cap)
		grow(b, b->n + n + 1);
	return b->p + b->n;
}

bool buf_add(struct buf *b, struct text t)
{
	char *at = buf_reserve(b, t.n);

	if (!at)
		return false;
	if (t.n)
		memcpy(at, t.p, t.n);
	b->n += t.n;
	return true;
}

bool buf_add_cstr(struct buf *b, const char *s)
{
	return buf_add(b, text_from_cstr(s));
}

bool buf_add_byte(struct buf *b, char c)
{
	return buf_add(b, (struct text){ &c, 1 });
}

bool buf_add_number(struct buf *b, uint64_t n)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	return buf_add(b, text_from_bytes(digits + at, sizeof digits - at));
}

bool buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;
	char *at;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	ASSERT(n >= 0);
	at = buf_reserve(b, (size_t)n);
	if (!at)
		return false;
	va_start(ap, format);
	vsnprintf(at, (size_t)n + 1, format, ap);
	va_end(ap);
	b->n += (size_t)n;
	return true;
}

bool buf_add_escaped(struct buf *b, struct text t)
{
	if (text_is_utf8(t) && text_find_byte(t, '\\') == t.n)
		return buf_add(b, t);
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];
		if (c >= 0x20 && c < 0x7f && c != '\\')
			buf_add_byte(b, (char)c);
		else
			buf_printf(b, "\\x%02x", c);
	}
	return !b->overflow;
}

bool buf_add_json(struct buf *b, struct text t)
{
	bool utf8 = text_is_utf8(t);

	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];
		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f || (c > 0x7f && !utf8))
			buf_printf(b, "\\u%04x", c);
		else
			buf_add_byte(b, (char)c);
	}
	return !b->overflow;
}

bool buf_add_hex(struct buf *b, struct text bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		buf_printf(b, "%02x", (unsigned char)bytes.p[i]);
	return !b->overflow;
}

void buf_consume(struct buf *b, size_t n)
{
	ASSERT(n <= b->n);
	b->n -= n;
	if (b->n)
		memmove(b->p, b->p + n, b->n);
}

struct text buf_text(const struct buf *b)
{
	return (struct text){ b->p, b->n };
}

const char *buf_cstr(struct buf *b)
{
	if (b->n + 1 > b->cap)
		grow(b, b->n + 1);
	b->p[b->n] = 0;
	return b->p;
}
