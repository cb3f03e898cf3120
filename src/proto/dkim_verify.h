/* SPDX-License-Identifier: Apache-2.0
 *
 * dkim_verify - verifies the DKIM signatures of a message. rfc6376 6, rfc8301, rfc8463
 *
 * Each signature gets a result of rfc8601 2.7.1 and a reason:
 *
 *	pass       valid
 *	fail       the body or the signed fields are not those that were signed
 *	policy     valid, but not to our rules: a short key, l= over a part of the body
 *	permerror  cannot be verified, ever: malformed, expired, no such key, revoked
 *	temperror  the key could not be had now
 *
 * A key that says "testing" (t=y) changes no result: it is told beside it. A message may carry many
 * signatures; which of them counts for whom (alignment) is for DMARC to say.
 */
#ifndef PROTO_DKIM_VERIFY_H
#define PROTO_DKIM_VERIFY_H

#include "proto/auth_result.h"
#include "proto/dkim_message.h"
#include "proto/dkim_reason.h"

/* All texts are checked before they come here, or empty: a domain, selector or identity has no byte that is
 * not of a name. */
struct dkim_result {
	enum auth_result result;
	enum dkim_reason reason;
	struct text domain;   /* d=, as A-labels, in lower case: header.d */
	struct text selector; /* s=: header.s */
	struct text identity; /* i=, "@" and d= when there is none: header.i */
	struct text b;        /* the first 8 characters of b= (rfc6008 4): header.b */
	enum dkim_algorithm algorithm;
	const char *algorithm_word; /* "rsa-sha256": header.a; "" when it is unknown */
	enum dkim_canon header_canon, body_canon;
	unsigned key_bits; /* 0: no key was found */
	bool is_testing;   /* t=y in the key */
	bool is_secure;    /* the key came with a proof of DNSSEC */
	bool has_length;   /* l= is there */
	uint64_t length;   /* its value */
	int64_t signed_at; /* t=, seconds since 1970; -1: not there */
	int64_t expires;   /* x=; -1 */
};

struct dkim_report {
	enum auth_result
		result; /* the best of pass, policy, temperror, fail, permerror; none: no signature */
	struct dkim_result *signatures; /* from the top of the header; in the message's arena */
	size_t n;
	size_t n_left; /* signatures above the limit, not looked at */
	enum mime_trouble trouble;
};

/* `now`: seconds since 1970. When the arena is full, what was not reached is temperror. */
void dkim_verify(struct dkim_message *m, const struct dns_source *dns, int64_t now,
		 struct dkim_report *ret_report);

/* ---- for ARC, whose signatures differ only in what they cover ---- */

void dkim_result_begin(const struct dkim_signature *s, struct dkim_result *ret_result);
/* One signature over fields and body. */
void dkim_verify_one(struct dkim_message *m, const struct dkim_signature *s, const struct dns_source *dns,
		     int64_t now, struct dkim_result *ret_result);
/* One signature over this digest. */
void dkim_verify_digest(struct dkim_message *m, const struct dkim_signature *s, const unsigned char *digest,
			const struct dns_source *dns, struct dkim_result *ret_result);

#endif
