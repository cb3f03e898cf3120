/* SPDX-License-Identifier: Apache-2.0
 *
 * spf_record - one SPF record, read whole before any of it is evaluated. rfc7208 4.5, 4.6 and 5
 *
 * A mistake anywhere makes the record as a whole wrong (rfc7208 4.6). The texts of a record point into
 * what it was read from; its terms live in the arena.
 */
#ifndef PROTO_SPF_RECORD_H
#define PROTO_SPF_RECORD_H

#include "proto/spf.h"

enum spf_argument { SPF_TAKES_NOTHING, SPF_TAKES_DOMAIN, SPF_MAY_TAKE_DOMAIN, SPF_TAKES_NETWORK };

enum spf_mechanism {
#define MECHANISM(name, word, argument, has_prefix, is_lookup) SPF_MECHANISM_##name,
#include "proto/spf_mechanisms.def"
#undef MECHANISM
	SPF_MECHANISM_COUNT
};

struct spf_term {
	struct text source; /* as written */
	enum spf_mechanism mechanism;
	enum auth_result result;    /* its qualifier, as the result of a match */
	struct text domain_spec;    /* not expanded; empty: the domain itself */
	struct addr_prefix network; /* ip4, ip6 */
	uint8_t bits_v4, bits_v6;   /* a, mx: of the prefix, in each family's own count */
	bool is_lookup;             /* counts against spf_limits.lookups */
};

struct spf_record {
	struct spf_term *terms; /* mechanisms in their order */
	size_t n;
	struct text redirect, explain;               /* domain-specs; empty: not there */
	struct text redirect_source, explain_source; /* the modifiers as written */
};

/* The version section is exactly "v=spf1", ended by a blank or the record's end. rfc7208 4.5 */
bool spf_record_is_spf(struct text txt);

/* Where it is wrong: the problem, and the term as written. */
enum spf_problem spf_record_parse(struct text txt, const struct spf_limits *limits, struct arena *arena,
				  struct spf_record *ret_record, struct text *ret_where);

#endif
