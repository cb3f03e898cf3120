/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of servers and the refusal of dangerous ones. Called by job.c with answers of the resolver
 * and with hosts of the configuration. The records are a stranger's: they may name anything, so what
 * they lead to is refused when it is special (loopback, private ...) or this gateway itself.
 *
 * Invariants: hosts are tried in ascending preference; nothing that is no better than ourselves is
 * tried; at <= n <= ROUTE_HOSTS_MAX.
 */
#include "roles/deliver/route.h"

#include "base/ensure.h"

#include <stdlib.h>

void route_init(struct route *r, bool is_restricted)
{
	*r = (struct route){ .is_restricted = is_restricted };
}

void route_done(struct route *r)
{
	free(r->hosts);
	*r = (struct route){ 0 };
}

static struct route_host *add_host(struct route *r)
{
	if (r->n == ROUTE_HOSTS_MAX)
		return NULL;
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 4;
		r->hosts = mem_realloc(r->hosts, r->cap * sizeof *r->hosts);
	}
	r->hosts[r->n] = (struct route_host){ 0 };
	return &r->hosts[r->n++];
}

bool route_add_name(struct route *r, struct text name, uint16_t port, uint16_t preference, uint32_t key)
{
	struct route_host *h;

	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0)
		name = text_from_cstr("."); /* the root, however it is written */
	if (name.n > ROUTE_NAME_MAX)
		return false;
	h = add_host(r);
	if (!h)
		return false;
	memcpy(h->name, name.p, name.n);
	h->port = port;
	h->preference = preference;
	h->key = key;
	return true;
}

bool route_add_addr(struct route *r, const struct addr *addr, uint16_t port)
{
	struct route_host *h = add_host(r);

	if (!h)
		return false;
	h->addr = *addr;
	h->has_addr = true;
	h->port = port;
	return true;
}

static int compare_hosts(const void *a, const void *b)
{
	const struct route_host *x = a, *y = b;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return (x->key > y->key) - (x->key < y->key);
}

static bool is_root(const struct route_host *h)
{
	return !h->has_addr && strcmp(h->name, ".") == 0;
}

/* Drops every host of this preference or a worse one. */
static void cut_at_preference(struct route *r, uint16_t preference)
{
	size_t n = 0;

	while (n < r->n && r->hosts[n].preference < preference)
		n++;
	r->n = n;
}

enum route_mx route_sort_mx(struct route *r, struct text own_name, size_t max)
{
	size_t n = 0;

	if (r->n == 1 && is_root(&r->hosts[0]))
		return ROUTE_MX_NULL;
	for (size_t i = 0; i < r->n; i++)
		if (!is_root(&r->hosts[i]))
			r->hosts[n++] = r->hosts[i];
	r->n = n;
	if (n)
		qsort(r->hosts, n, sizeof *r->hosts, compare_hosts);
	for (size_t i = 0; i < r->n; i++)
		if (text_is_equal_nocase(text_from_cstr(r->hosts[i].name), own_name))
			cut_at_preference(r, r->hosts[i].preference);
	if (r->n > max)
		r->n = max;
	return r->n ? ROUTE_MX_OK : ROUTE_MX_NONE;
}

const struct route_host *route_next(struct route *r)
{
	return r->at < r->n ? &r->hosts[r->at++] : NULL;
}

bool route_has_more(const struct route *r)
{
	return r->at < r->n;
}

void route_stop_at_own(struct route *r)
{
	ASSERT(r->at > 0);
	cut_at_preference(r, r->hosts[r->at - 1].preference);
	if (r->at > r->n)
		r->at = r->n;
}

enum route_verdict route_check_addr(const struct route_rules *rules, const struct addr *a)
{
	if (conf_is_in(rules->allow, a))
		return ROUTE_OK;
	for (size_t i = 0; i < rules->n_own; i++)
		if (addr_is_equal(a, &rules->own[i]))
			return ROUTE_OWN;
	return addr_is_special(a) ? ROUTE_SPECIAL : ROUTE_OK;
}

bool route_parse_literal(struct text domain, struct addr *ret_addr)
{
	struct text inner, v6 = TEXT("IPv6:");

	if (domain.n < 3 || domain.p[0] != '[' || domain.p[domain.n - 1] != ']')
		return false;
	inner = text_slice(domain, 1, domain.n - 1);
	if (text_has_prefix_nocase(inner, v6))
		return addr_parse(text_skip(inner, v6.n), ret_addr) && !addr_is_v4(ret_addr);
	return addr_parse(inner, ret_addr) && addr_is_v4(ret_addr);
}

bool route_may_use_literal(const struct route_rules *rules, const struct addr *a)
{
	return conf_is_in(rules->allow, a);
}

void route_shuffle(struct addr *addrs, uint32_t *keys, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct addr a = addrs[i];
		uint32_t key = keys[i];
		size_t j = i;
		for (; j > 0 && keys[j - 1] > key; j--) {
			addrs[j] = addrs[j - 1];
			keys[j] = keys[j - 1];
		}
		addrs[j] = a;
		keys[j] = key;
	}
}
