/* SPDX-License-Identifier: Apache-2.0
 *
 * Views of bytes. Called from everywhere, also with strangers' bytes: every function is total, reads
 * only inside the view, and takes time linear in its length (text_find: in the product, so needles
 * come from us).
 */
#include "base/text.h"

struct text text_from_bytes(const void *p, size_t n)
{
	return (struct text){ p, n };
}

struct text text_from_cstr(const char *s)
{
	return (struct text){ s, s ? strlen(s) : 0 };
}

char text_lower_byte(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool text_is_equal(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool text_is_equal_nocase(struct text a, struct text b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (text_lower_byte(a.p[i]) != text_lower_byte(b.p[i]))
			return false;
	return true;
}

bool text_is_cstr(struct text a, const char *b)
{
	return text_is_equal(a, text_from_cstr(b));
}

bool text_is_cstr_nocase(struct text a, const char *b)
{
	return text_is_equal_nocase(a, text_from_cstr(b));
}

bool text_has_prefix(struct text t, struct text prefix)
{
	return t.n >= prefix.n && text_is_equal(text_slice(t, 0, prefix.n), prefix);
}

bool text_has_prefix_nocase(struct text t, struct text prefix)
{
	return t.n >= prefix.n && text_is_equal_nocase(text_slice(t, 0, prefix.n), prefix);
}

bool text_has_suffix_nocase(struct text t, struct text suffix)
{
	return t.n >= suffix.n && text_is_equal_nocase(text_slice(t, t.n - suffix.n, t.n), suffix);
}

struct text text_slice(struct text t, size_t from, size_t to)
{
	if (to > t.n)
		to = t.n;
	if (from >= to)
		return (struct text){ t.p, 0 };
	return (struct text){ t.p + from, to - from };
}

struct text text_skip(struct text t, size_t n)
{
	return text_slice(t, n, t.n);
}

size_t text_find_byte(struct text t, char c)
{
	const char *at = t.n ? memchr(t.p, c, t.n) : NULL;
	return at ? (size_t)(at - t.p) : t.n;
}

size_t text_find_last_byte(struct text t, char c)
{
	for (size_t i = t.n; i > 0; i--)
		if (t.p[i - 1] == c)
			return i - 1;
	return SIZE_MAX;
}

size_t text_find(struct text t, struct text needle)
{
	const char *at;

	if (needle.n == 0)
		return 0;
	at = t.n >= needle.n ? memmem(t.p, t.n, needle.p, needle.n) : NULL;
	return at ? (size_t)(at - t.p) : SIZE_MAX;
}

size_t text_find_nocase(struct text t, struct text needle)
{
	for (size_t i = 0; i + needle.n <= t.n; i++)
		if (text_is_equal_nocase(text_slice(t, i, i + needle.n), needle))
			return i;
	return SIZE_MAX;
}

bool text_cut(struct text t, char c, struct text *ret_head, struct text *ret_tail)
{
	size_t at = text_find_byte(t, c);

	*ret_head = text_slice(t, 0, at);
	*ret_tail = text_skip(t, at + 1);
	return at < t.n;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct text text_trim(struct text t)
{
	while (t.n && is_blank(t.p[0]))
		t = text_skip(t, 1);
	while (t.n && is_blank(t.p[t.n - 1]))
		t.n--;
	return t;
}

bool text_parse_u64(struct text t, uint64_t max, uint64_t *ret_value)
{
	uint64_t v = 0;

	if (t.n == 0)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(t.p[i] - '0'), &v))
			return false;
	}
	if (v > max)
		return false;
	*ret_value = v;
	return true;
}

bool text_is_printable(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] < 0x20 || t.p[i] > 0x7e)
			return false;
	return true;
}

bool text_is_ascii(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] > 0x7f)
			return false;
	return true;
}

/* Length of the well-formed sequence at the start, 0 for none. rfc3629 4 */
static size_t utf8_step(const unsigned char *p, size_t n)
{
	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f ? 1 : 0;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return n >= 2 && (p[1] & 0xc0) == 0x80 && (p[0] != 0xc2 || p[1] >= 0xa0) ? 2 : 0;
	if (p[0] >= 0xe0 && p[0] <= 0xef) {
		if (n < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
			return 0;
		if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
			return 0;
		return 3;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		if (n < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
			return 0;
		if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

bool text_is_utf8(struct text t)
{
	for (size_t i = 0; i < t.n;) {
		size_t step = utf8_step((const unsigned char *)t.p + i, t.n - i);
		if (step == 0)
			return false;
		i += step;
	}
	return true;
}

uint64_t text_hash(struct text t)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < t.n; i++)
		h = (h ^ (unsigned char)t.p[i]) * 1099511628211u;
	return h;
}
