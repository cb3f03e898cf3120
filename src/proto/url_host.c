/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts of URLs. Called by url.c and by whoever reads texts that name a host, with what strangers wrote.
 * WHATWG URL 3.5; rfc3986 3.2.2. Invariants: what is given back is what a browser would ask DNS for or
 * connect to, in lower case and ASCII; it is no longer than HOST_MAX; numbers in any form are four decimal
 * ones.
 */
#include "proto/url.h"

#include "base/addr.h"
#include "base/buf.h"
#include "proto/domain.h"

#define HOST_MAX 1024

static unsigned hex_of(char c)
{
	c = text_lower_byte(c);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

static bool is_escape(struct text t, size_t at)
{
	return t.p[at] == '%' && at + 2 < t.n && hex_of(t.p[at + 1]) < 16 && hex_of(t.p[at + 2]) < 16;
}

/* Percent-coding undone. */
static struct text undo_percent(struct text t, char bytes[HOST_MAX], unsigned *oddities)
{
	size_t n = 0;

	for (size_t at = 0; at < t.n; at++) {
		if (!is_escape(t, at)) {
			bytes[n++] = t.p[at];
			continue;
		}
		bytes[n++] = (char)(hex_of(t.p[at + 1]) * 16 + hex_of(t.p[at + 2]));
		at += 2;
		*oddities |= URL_ODD_ENCODED_HOST;
	}
	return text_from_bytes(bytes, n);
}

static bool is_forbidden(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f || memchr("#/:<>?@[\\]^|%\"`{}", c, 17) != NULL;
}

/* A number of an IPv4 address: decimal, 0x and hex, 0 and octal. */
static bool parse_number(struct text t, uint64_t *ret_number, bool *ret_is_odd)
{
	unsigned base = 10;
	uint64_t number = 0;

	if (t.n == 0)
		return false;
	if (t.n > 1 && t.p[0] == '0') {
		base = t.p[1] == 'x' ? 16 : 8;
		t = text_skip(t, base == 16 ? 2 : 1);
		*ret_is_odd = true;
	}
	for (size_t i = 0; i < t.n; i++) {
		if (hex_of(t.p[i]) >= base || number > UINT32_MAX)
			return false;
		number = number * base + hex_of(t.p[i]);
	}
	*ret_number = number;
	return true;
}

/* A host whose last label is a number must be an address. */
static bool ends_in_number(struct text host)
{
	size_t dot = text_find_last_byte(host, '.');
	struct text label = dot == SIZE_MAX ? host : text_skip(host, dot + 1);
	uint64_t number;
	bool is_odd, is_decimal = label.n > 0;

	for (size_t i = 0; i < label.n; i++)
		is_decimal = is_decimal && label.p[i] >= '0' && label.p[i] <= '9';
	return is_decimal || (label.n > 1 && label.p[1] == 'x' && parse_number(label, &number, &is_odd));
}

/* Four numbers, or fewer of which the last fills the bytes that are left. */
static bool parse_ipv4(struct text host, uint32_t *ret_address, bool *ret_is_odd)
{
	uint64_t address = 0, number = 0;
	unsigned n = 0;
	struct text part;

	*ret_is_odd = false;
	while (host.n) {
		text_cut(host, '.', &part, &host);
		if (n++ == 4 || !parse_number(part, &number, ret_is_odd))
			return false;
		if (host.n && number > 255)
			return false;
		if (host.n)
			address |= number << (8 * (4 - n));
	}
	if (n == 0 || number >= (uint64_t)1 << (8 * (5 - n)))
		return false;
	*ret_is_odd |= n < 4;
	*ret_address = (uint32_t)(address | number);
	return true;
}

static bool take_ipv4(struct text host, struct arena *a, struct text *ret_host, unsigned *oddities)
{
	uint32_t address = 0;
	bool is_odd = false;
	char plain[16];

	if (!parse_ipv4(host, &address, &is_odd))
		return false;
	if (is_odd)
		*oddities |= URL_ODD_IP_FORM;
	snprintf(plain, sizeof plain, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
		 address & 255);
	return arena_copy(a, text_from_cstr(plain), ret_host);
}

static bool take_ipv6(struct text inside, struct arena *a, struct text *ret_host)
{
	char plain[ADDR_TEXT_SIZE], host[ADDR_TEXT_SIZE + 16];
	struct addr addr;

	if (text_find_byte(inside, ':') == inside.n || !addr_parse(inside, &addr))
		return false;
	addr_print(&addr, plain);
	snprintf(host, sizeof host, "[%s%s]", addr_is_v4(&addr) ? "::ffff:" : "", plain);
	return arena_copy(a, text_from_cstr(host), ret_host);
}

static bool is_international(struct text host)
{
	static const struct text mark = TEXT("xn--");

	return text_find(host, mark) != SIZE_MAX;
}

static bool take_domain(struct text raw, struct arena *a, struct text *ret_host, unsigned *oddities)
{
	struct text ascii;
	char *lower;

	if (!domain_to_ascii(raw, a, &ascii) || !ascii.n)
		return false;
	if (!text_is_ascii(raw) && !is_international(ascii))
		*oddities |= URL_ODD_MAPPED_HOST;
	lower = arena_cstr(a, ascii);
	if (!lower)
		return false;
	for (size_t i = 0; i < ascii.n; i++) {
		if (is_forbidden(lower[i]))
			return false;
		lower[i] = text_lower_byte(lower[i]);
	}
	*ret_host = text_from_bytes(lower, ascii.n);
	return true;
}

bool url_host_parse(struct text raw, struct arena *a, struct text *ret_host, enum url_host_kind *ret_kind,
		    unsigned *ret_oddities)
{
	char bytes[HOST_MAX];
	struct text host, name;
	unsigned oddities = 0;

	if (raw.n == 0 || raw.n > HOST_MAX)
		return false;
	if (raw.p[0] == '[') {
		*ret_kind = URL_HOST_IPV6;
		*ret_oddities = 0;
		return raw.p[raw.n - 1] == ']' && take_ipv6(text_slice(raw, 1, raw.n - 1), a, ret_host);
	}
	host = undo_percent(raw, bytes, &oddities);
	if (!take_domain(host, a, ret_host, &oddities))
		return false;
	name = *ret_host;
	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	*ret_kind = URL_HOST_DOMAIN;
	if (ends_in_number(name)) {
		*ret_kind = URL_HOST_IPV4;
		if (!take_ipv4(name, a, ret_host, &oddities))
			return false;
	}
	*ret_oddities = oddities;
	return true;
}
