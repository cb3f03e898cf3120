/* SPDX-License-Identifier: Apache-2.0
 *
 * spf_work - what the parts of one SPF check share: spf.c, which walks through records, and
 * spf_match.c, which compares one mechanism with the client. Private to them.
 */
#ifndef PROTO_SPF_WORK_H
#define PROTO_SPF_WORK_H

#include "proto/spf_macro.h"
#include "proto/spf_record.h"

#define SPF_CLIENT_NAMES_MAX 64 /* no setting of `names` has more of a client's names looked at */

struct spf_work {
	const struct spf_query *query;
	const struct spf_limits *limits;
	const struct dns_source *dns;
	struct arena *arena;
	struct spf_result *result;
	struct spf_macro_values values; /* `domain` is whose record is being evaluated */
	bool has_client_names;          /* the client's names were asked for */
	bool is_explaining;             /* the result is there: no question in vain changes it */
	struct text client_names[SPF_CLIENT_NAMES_MAX]; /* those that lead back to it */
	size_t n_client_names;
};

enum spf_match {
	SPF_NO_MATCH,
	SPF_MATCH,
	SPF_STOP, /* the check ends: result and problem are set */
};

/* Ends the check with an error. Always SPF_STOP. */
enum spf_match spf_stop(struct spf_work *w, enum spf_problem problem, struct text where);

/* Counts one term that asks. False: the check has ended. */
bool spf_count_lookup(struct spf_work *w, struct text term);

/* Does the mechanism match? Every one but "include", which is a check of its own. */
enum spf_match spf_match_term(struct spf_work *w, const struct spf_term *term);

/* A domain-spec with its macros undone, cut to what DNS can hold; the empty one is the domain itself.
 * SPF_NO_MATCH: it can lead to no name. */
enum spf_match spf_expand_domain(struct spf_work *w, struct text spec, struct text term,
				 struct text *ret_domain);

/* The text for people of a record's exp=, or the empty text. Never ends the check. rfc7208 6.2 */
struct text spf_explain(struct spf_work *w, const struct spf_record *record);

#endif
