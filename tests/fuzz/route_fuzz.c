/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a domain that may be an address literal, and MX records: the lines of the input, of each
 * the first two bytes are the preference. Checked beside memory safety: a literal prints to one that is
 * the same; hosts come in rising preference, at most as many as allowed, none of them the root, ourselves
 * or no better than ourselves.
 */
#include "base/ensure.h"
#include "roles/deliver/route.h"

#define HOSTS_MAX 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char own_name[] = "mx.test.example";

static void check_literal(struct text domain)
{
	char printed[ADDR_TEXT_SIZE + 8];
	struct addr addr, again;

	if (!route_parse_literal(domain, &addr))
		return;
	addr_print_literal(&addr, printed);
	ASSERT(route_parse_literal(text_from_cstr(printed), &again) && addr_is_equal(&addr, &again));
}

/* Returns the best preference with which we are named ourselves. */
static unsigned add_hosts(struct route *r, struct text lines)
{
	unsigned own = 65536;
	struct text line;
	bool more;

	do {
		unsigned preference = 0;
		struct text name;
		more = text_cut(lines, '\n', &line, &lines);
		name = text_skip(line, 2);
		if (line.n < 2 || memchr(name.p, 0, name.n))
			continue; /* answer.c lets no NUL through */
		preference = (uint8_t)line.p[0] << 8 | (uint8_t)line.p[1];
		if (!route_add_name(r, name, 25, (uint16_t)preference, (uint32_t)name.n))
			continue;
		if (text_is_cstr_nocase(text_from_cstr(r->hosts[r->n - 1].name), own_name) &&
		    preference < own)
			own = preference;
	} while (more);
	return own;
}

static void check_hosts(struct route *r, unsigned own)
{
	const struct route_host *h;
	unsigned before = 0, count = 0;

	while ((h = route_next(r))) {
		ASSERT(h->preference >= before && h->preference < own && strcmp(h->name, ".") != 0);
		ASSERT(h->name[0] && !h->has_addr && h->port == 25);
		before = h->preference;
		count++;
	}
	ASSERT(count > 0 && count <= HOSTS_MAX && !route_has_more(r));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text in = text_from_bytes(data, n);
	struct route r;
	unsigned own;

	check_literal(in);
	route_init(&r, true);
	own = add_hosts(&r, in);
	switch (route_sort_mx(&r, text_from_cstr(own_name), HOSTS_MAX)) {
	case ROUTE_MX_OK:
		check_hosts(&r, own);
		break;
	case ROUTE_MX_NULL:
		ASSERT(r.n == 1 && strcmp(r.hosts[0].name, ".") == 0);
		break;
	case ROUTE_MX_NONE:
		ASSERT(r.n == 0);
		break;
	}
	route_done(&r);
	return 0;
}
