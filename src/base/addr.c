/* SPDX-License-Identifier: Apache-2.0
 *
 * IP addresses in one form. Called with strangers' texts; total, no allocation.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, v4_mapped, 12) == 0;
}

bool addr_is_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, 16) == 0;
}

bool addr_parse(struct text t, struct addr *ret_addr)
{
	char s[ADDR_TEXT_SIZE];
	struct addr a = { { 0 } };

	if (t.n == 0 || t.n >= sizeof s || memchr(t.p, 0, t.n))
		return false;
	memcpy(s, t.p, t.n);
	s[t.n] = 0;
	if (inet_pton(AF_INET, s, a.b + 12) == 1)
		memcpy(a.b, v4_mapped, 12);
	else if (inet_pton(AF_INET6, s, a.b) != 1)
		return false;
	*ret_addr = a;
	return true;
}

bool addr_parse_prefix(struct text t, struct addr_prefix *ret_prefix)
{
	struct text host, bits;
	struct addr_prefix p;
	uint64_t n;
	bool cut = text_cut(t, '/', &host, &bits);

	if (!addr_parse(host, &p.addr))
		return false;
	n = addr_is_v4(&p.addr) ? 32 : 128;
	if (cut && !text_parse_u64(bits, n, &n))
		return false;
	p.bits = (uint8_t)(addr_is_v4(&p.addr) ? 96 + n : n);
	*ret_prefix = p;
	return true;
}

void addr_print(const struct addr *a, char out[ADDR_TEXT_SIZE])
{
	if (addr_is_v4(a))
		inet_ntop(AF_INET, a->b + 12, out, ADDR_TEXT_SIZE);
	else
		inet_ntop(AF_INET6, a->b, out, ADDR_TEXT_SIZE);
}

void addr_print_literal(const struct addr *a, char out[ADDR_TEXT_SIZE + 8])
{
	char s[ADDR_TEXT_SIZE];

	addr_print(a, s);
	snprintf(out, ADDR_TEXT_SIZE + 8, addr_is_v4(a) ? "[%s]" : "[IPv6:%s]", s);
}

bool addr_is_in(const struct addr *a, const struct addr_prefix *prefix)
{
	unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;

	if (memcmp(a->b, prefix->addr.b, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	return ((a->b[whole] ^ prefix->addr.b[whole]) >> (8 - rest)) == 0;
}

static bool is_in_any(const struct addr *a, const char *const *prefixes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct addr_prefix p;
		if (addr_parse_prefix(text_from_cstr(prefixes[i]), &p) && addr_is_in(a, &p))
			return true;
	}
	return false;
}

bool addr_is_special(const struct addr *a)
{
	static const char *const v4[] = { "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",
					  "127.0.0.0/8",   "169.254.0.0/16",  "172.16.0.0/12",
					  "192.0.0.0/24",  "192.0.2.0/24",    "192.168.0.0/16",
					  "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
					  "224.0.0.0/3" };
	static const char *const v6[] = { "::/127",   "64:ff9b:1::/48", "100::/64",  "2001:db8::/32",
					  "fc00::/7", "fe80::/10",      "fec0::/10", "ff00::/8" };

	if (addr_is_v4(a))
		return is_in_any(a, v4, sizeof v4 / sizeof *v4);
	return is_in_any(a, v6, sizeof v6 / sizeof *v6);
}

bool addr_is_loopback(const struct addr *a)
{
	static const char *const loopback[] = { "127.0.0.0/8", "::1/128" };

	return is_in_any(a, loopback, 2);
}

bool addr_of_sockaddr(const struct sockaddr_storage *ss, struct addr *ret_addr, uint16_t *ret_port)
{
	if (ss->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
		memcpy(ret_addr->b, v4_mapped, 12);
		memcpy(ret_addr->b + 12, &in->sin_addr, 4);
		*ret_port = ntohs(in->sin_port);
		return true;
	}
	if (ss->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
		memcpy(ret_addr->b, &in6->sin6_addr, 16);
		*ret_port = ntohs(in6->sin6_port);
		return true;
	}
	return false;
}

unsigned addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ret_ss)
{
	memset(ret_ss, 0, sizeof *ret_ss);
	if (addr_is_v4(a)) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret_ss;
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->b + 12, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_ss;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, a->b, 16);
	return sizeof *in6;
}
