/* SPDX-License-Identifier: Apache-2.0
 *
 * addr - an IP address, and what kind of address it is.
 *
 * Always 16 bytes; IPv4 is kept as ::ffff:a.b.c.d. No names, no look-ups.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include "base/text.h"

struct sockaddr;
struct sockaddr_storage;

struct addr {
	uint8_t b[16];
};

struct addr_prefix {
	struct addr addr;
	uint8_t bits; /* 0..128, counted in the 16-byte form */
};

#define ADDR_TEXT_SIZE 46

bool addr_parse(struct text t, struct addr *ret_addr);                 /* "192.0.2.1", "2001:db8::1" */
bool addr_parse_prefix(struct text t, struct addr_prefix *ret_prefix); /* the same, or with "/24" */
void addr_print(const struct addr *a, char out[ADDR_TEXT_SIZE]);
/* "[192.0.2.1]" or "[IPv6:2001:db8::1]". rfc5321 4.1.3 */
void addr_print_literal(const struct addr *a, char out[ADDR_TEXT_SIZE + 8]);

bool addr_is_v4(const struct addr *a);
bool addr_is_equal(const struct addr *a, const struct addr *b);
bool addr_is_in(const struct addr *a, const struct addr_prefix *prefix);
/* Loopback, private, link-local, shared, multicast, documentation, unspecified or reserved: an
 * address that no public MX may name. (IANA special-purpose registries) */
bool addr_is_special(const struct addr *a);
bool addr_is_loopback(const struct addr *a);

bool addr_of_sockaddr(const struct sockaddr_storage *ss, struct addr *ret_addr, uint16_t *ret_port);
/* Returns the length to give to connect or bind. */
unsigned addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ret_ss);

#endif
