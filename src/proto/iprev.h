/* SPDX-License-Identifier: Apache-2.0
 *
 * iprev - does the client's address have a name that leads back to it? rfc8601 3
 *
 * Asks for the names of the address, then for the addresses of the first `max_names` of them, one after
 * another, until one has it. AUTH_PASS: so it is. AUTH_FAIL: it has names, and none does. AUTH_PERMERROR: it
 * has no name. AUTH_TEMPERROR: DNS did not answer, and no name led back.
 */
#ifndef PROTO_IPREV_H
#define PROTO_IPREV_H

#include "proto/auth_result.h"
#include "proto/dns_source.h"

struct iprev_result {
	enum auth_result result;
	struct text name;   /* that leads back; of a fail the first that was given; else empty */
	const char *reason; /* for people; NULL: none */
};

/* Texts live in the arena. */
void iprev_check(const struct addr *client, unsigned max_names, const struct dns_source *dns,
		 struct arena *arena, struct iprev_result *ret_result);

#endif
