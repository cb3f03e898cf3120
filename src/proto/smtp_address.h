/* SPDX-License-Identifier: Apache-2.0
 *
 * smtp_address - the addresses of an SMTP envelope. rfc5321 4.1.2 and 4.1.3, rfc6531 3.3.
 *
 * A parsed address is canonical: quoting and source route are gone, the domain is in lower case
 * (ASCII), an address literal in its one spelling. Both texts live in the arena given. Three shapes:
 *
 *	<>              local and domain empty: the null reverse-path
 *	<postmaster>    domain empty: the postmaster of the server asked
 *	user@domain     domain is a name or "[192.0.2.1]" / "[IPv6:2001:db8::1]"
 *
 * Bytes above 0x7f are accepted where rfc6531 has them (valid UTF-8 only); whether the client may use
 * them is the caller's question: smtp_address_is_ascii. Domain names are checked by form and bounds,
 * not converted. Underscores in labels are accepted, as every mail server does.
 *
 * Errors: ERROR_MALFORMED; ERROR_TOO_LARGE for a local part above 64 bytes, a domain above 255 or a
 * path above 256 (rfc5321 4.5.3.1.1 to 3), as sent, or when the arena is full.
 */
#ifndef PROTO_SMTP_ADDRESS_H
#define PROTO_SMTP_ADDRESS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#define SMTP_LOCAL_MAX   64
#define SMTP_DOMAIN_MAX  255
#define SMTP_PATH_MAX    256  /* with the angle brackets */
#define SMTP_ADDRESS_MAX 320  /* printed: local, @, domain */
#define SMTP_ROUTE_MAX   1024 /* a source route, which is skipped */

struct smtp_address {
	struct text local;  /* any printable byte, unquoted */
	struct text domain; /* lower case */
};

/* The path at the front of t: "<user@domain>" or, as many clients send it, user@domain without the
 * brackets. Gives what follows the path (empty, or beginning with SP). The reverse one may be <>, the
 * forward one <postmaster>. rfc5321 4.1.2 */
enum error smtp_address_parse_reverse(struct text t, struct arena *a, struct smtp_address *ret_address,
				      struct text *ret_rest);
enum error smtp_address_parse_forward(struct text t, struct arena *a, struct smtp_address *ret_address,
				      struct text *ret_rest);
/* All of t is one mailbox, without brackets. */
enum error smtp_address_parse(struct text t, struct arena *a, struct smtp_address *ret_address);

bool smtp_address_is_null(const struct smtp_address *address);
bool smtp_address_is_ascii(const struct smtp_address *address);
/* Domains by letters, local parts byte by byte (rfc5321 2.4), only "postmaster" without case. */
bool smtp_address_is_equal(const struct smtp_address *a, const struct smtp_address *b);
bool smtp_address_is_postmaster(const struct smtp_address *address);

/* "user@domain", local part quoted where it must be; no brackets; nothing for the null path;
 * at most SMTP_ADDRESS_MAX bytes. */
bool smtp_address_print(const struct smtp_address *address, struct buf *out);

/* One domain name by form: labels of 1 to 63 bytes, letters, digits, hyphen inside, underscore, UTF-8. */
bool smtp_domain_is_valid(struct text t);
/* What may follow HELO and stand in a Received field: a domain, a literal, or at least one word of
 * letters, digits, UTF-8 and . - _ : [ ]. rfc5321 4.1.1.1 */
bool smtp_hello_is_valid(struct text t);

#endif
