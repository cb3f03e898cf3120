/* SPDX-License-Identifier: Apache-2.0
 *
 * spf - may this client send mail for this domain? rfc7208
 *
 * spf_check is the function check_host() of rfc7208 4, asked once for each identity: the name that the
 * client said in HELO, and the address of MAIL FROM. It asks DNS through the source given and nothing
 * else: no clock, no network, no global. Every answer that is temporary gives AUTH_TEMPERROR.
 *
 * What a stranger's record may cost is bounded by struct spf_limits; time is the source's to bound. The
 * texts of the result live in the arena, which needs a few times the size of the records that are read;
 * when it is full the result is AUTH_PERMERROR, as for any other limit.
 *
 * Internationalised domains may be given in any form; a local part beyond ASCII never matches a
 * mechanism that uses it. rfc8616 4
 */
#ifndef PROTO_SPF_H
#define PROTO_SPF_H

#include "proto/auth_result.h"
#include "proto/dns_source.h"

/* rfc7208 4.6.4 */
struct spf_limits {
	unsigned lookups;      /* terms that ask DNS, in all records together: 10 */
	unsigned void_lookups; /* questions without an answer that may be used: 2 */
	unsigned names; /* servers of one "mx" (more: permerror), names of a client (more: left out): 10 */
	unsigned terms; /* of one record: 256 */
	size_t record;  /* bytes of one record: 4096 */
	size_t explanation; /* bytes of an expanded explanation; a longer one is not given: 512 */
};

#define SPF_LOOKUPS_MAX 100 /* no setting may be above: records include each other to this depth */

struct spf_limits spf_limits_default(void);

/* rfc7208 2.3 and 2.4 */
enum spf_identity { SPF_HELO, SPF_MAILFROM };

const char *spf_identity_word(enum spf_identity identity); /* "helo" "mailfrom" */

struct spf_query {
	enum spf_identity identity;
	struct addr client;
	struct text helo;      /* as said */
	struct text mail_from; /* without brackets; empty: the null reverse-path */
	struct text receiver;  /* our name, for the macro r; empty: "unknown" */
	int64_t now;           /* seconds since 1970, for the macro t */
};

/* Why a result is an error: one row each in spf_problems.def. */
enum spf_problem {
#define PROBLEM(name, text) SPF_PROBLEM_##name,
#include "proto/spf_problems.def"
#undef PROBLEM
	SPF_PROBLEM_COUNT
};

const char *spf_problem_text(enum spf_problem problem); /* "" for SPF_PROBLEM_NONE */

struct spf_result {
	enum auth_result result;  /* any but AUTH_POLICY */
	struct text domain;       /* whose record was asked for; lower case; empty: there is none */
	struct text sender;       /* the identity as an address: "postmaster@" stands in for no local part */
	struct text mechanism;    /* that gave the result, as written; empty when none did */
	struct text record_owner; /* of the record in which it, or the problem, stands */
	struct text explanation;  /* of a fail, when its domain gives a proper one: US-ASCII */
	enum spf_problem problem; /* of temperror and permerror; of none: why nothing was asked */
	struct text problem_at;   /* the term or name that has it */
	unsigned lookups;         /* terms that asked */
	unsigned void_lookups;
};

void spf_check(const struct spf_query *query, const struct spf_limits *limits, const struct dns_source *dns,
	       struct arena *arena, struct spf_result *ret_result);

#endif
