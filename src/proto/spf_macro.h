/* SPDX-License-Identifier: Apache-2.0
 *
 * spf_macro - the macro language of SPF records and explanations. rfc7208 7
 *
 * Two steps, as the RFC asks: the form of a macro-string is checked when the record is read, before
 * anything is evaluated; spf_macro_expand takes only what has been found right. Neither asks DNS: who
 * expands a text with the macro p has found the client's name before (spf_macro_has).
 */
#ifndef PROTO_SPF_MACRO_H
#define PROTO_SPF_MACRO_H

#include "base/addr.h"
#include "base/buf.h"

enum spf_macro_place {
	SPF_MACRO_DOMAIN,      /* of a mechanism or modifier: no c, r, t */
	SPF_MACRO_EXPLANATION, /* the text itself, with blanks */
};

/* What the letters stand for. rfc7208 7.2 */
struct spf_macro_values {
	struct text sender;        /* s: local@domain */
	struct text local;         /* l */
	struct text sender_domain; /* o */
	struct text domain;        /* d: whose record is being evaluated */
	struct addr client;        /* i, c, v */
	struct text client_name;   /* p: "unknown" if there is none */
	struct text helo;          /* h */
	struct text receiver;      /* r */
	int64_t now;               /* t */
};

/* Of the grammar, for this place, to its end? */
bool spf_macro_is_valid(struct text macro_string, enum spf_macro_place place);

/* Is there a macro of this letter (lower case)? */
bool spf_macro_has(struct text macro_string, char letter);

/* Adds the expansion of a valid macro-string; out->overflow when it is larger than its maximum. */
void spf_macro_expand(struct text macro_string, const struct spf_macro_values *values, struct buf *out);

/* A domain-spec: a valid macro-string that ends as a domain does, with a macro or a top label.
 * rfc7208 7.1 */
bool spf_macro_is_domain_spec(struct text t);

#endif
