/* SPDX-License-Identifier: Apache-2.0
 *
 * route - which servers to try for a delivery, in which order, and which never. rfc5321 5.1, rfc7505.
 *
 * Pure: names and addresses in, an order out; randomness is given as a number per entry. A route is
 * first filled with hosts (from the configuration, in its order; or from MX records, then sorted), and
 * is then walked host by host.
 */
#ifndef ROLES_DELIVER_ROUTE_H
#define ROLES_DELIVER_ROUTE_H

#include "conf/conf.h"

#define ROUTE_NAME_MAX  255
#define ROUTE_HOSTS_MAX 256 /* MX records looked at; the rest is forgotten */

struct route_host {
	char name[ROUTE_NAME_MAX + 1]; /* empty when only the address is known */
	struct addr addr;
	bool has_addr;
	uint16_t port;
	uint16_t preference;
	uint32_t key; /* random: the order among equals */
};

struct route {
	struct route_host *hosts;
	size_t n, cap;
	size_t at;          /* hosts before it were taken */
	bool is_restricted; /* strangers named the hosts: route_may_connect decides */
};

/* What restricts addresses that strangers name. */
struct route_rules {
	const struct conf_prefixes *allow;
	const struct addr *own; /* addresses of this machine */
	size_t n_own;
};

enum route_verdict { ROUTE_OK, ROUTE_SPECIAL, ROUTE_OWN };
enum route_mx { ROUTE_MX_OK, ROUTE_MX_NULL, ROUTE_MX_NONE };

void route_init(struct route *r, bool is_restricted);
void route_done(struct route *r);

/* False above ROUTE_HOSTS_MAX or when the name is empty or too long. A last dot is dropped. */
bool route_add_name(struct route *r, struct text name, uint16_t port, uint16_t preference, uint32_t key);
bool route_add_addr(struct route *r, const struct addr *addr, uint16_t port);

/* Sorts MX records by preference, equals by key; drops the root, those that are `own_name` with all that
 * are no better (rfc5321 5.1: no loop), and what is above max. ROUTE_MX_NULL: the only record names the
 * root, the domain takes no mail (rfc7505 3). ROUTE_MX_NONE: there is none left. */
enum route_mx route_sort_mx(struct route *r, struct text own_name, size_t max);

/* NULL: no more. */
const struct route_host *route_next(struct route *r);
bool route_has_more(const struct route *r);
/* An address of the host taken last is our own: all that are no better than it would loop. */
void route_stop_at_own(struct route *r);

/* May an address that a stranger's MX record named be connected to? Whatever is in `allow` may. */
enum route_verdict route_check_addr(const struct route_rules *rules, const struct addr *a);
/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" as a domain. rfc5321 4.1.3 */
bool route_parse_literal(struct text domain, struct addr *ret_addr);
/* Only a literal that `allow` lists is delivered to. */
bool route_may_use_literal(const struct route_rules *rules, const struct addr *a);

/* Puts addresses into the order of their keys; both arrays have n elements. */
void route_shuffle(struct addr *addrs, uint32_t *keys, size_t n);

#endif
