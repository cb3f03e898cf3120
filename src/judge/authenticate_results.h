/* SPDX-License-Identifier: Apache-2.0
 *
 * authenticate_results - a report as the list of methods, results and properties that rfc8601 2.7 names.
 *
 * From this one list come the JSON of `postern authenticate`, the typed messages to whoever writes headers,
 * and the field Authentication-Results.
 */
#ifndef JUDGE_AUTHENTICATE_RESULTS_H
#define JUDGE_AUTHENTICATE_RESULTS_H

#include "judge/authenticate.h"

#define AUTHENTICATE_PROPERTIES_MAX 6

struct authenticate_property {
	const char *ptype, *property; /* static: "smtp", "mailfrom" */
	struct text value;
};

struct authenticate_method {
	const char *method; /* static */
	enum auth_result result;
	struct text reason; /* ours, but for an SPF term; for people; may be empty */
	struct authenticate_property properties[AUTHENTICATE_PROPERTIES_MAX];
	size_t n_properties;
	size_t index; /* of spf: the enum spf_identity; of dkim: in report->dkim.signatures */
};

/* In the order of the checks: iprev, spf (helo, mailfrom), dkim (one for each signature, or none), arc,
 * dmarc. False: the arena is full. */
bool authenticate_list_methods(const struct authenticate_report *report, struct arena *arena,
			       struct authenticate_method **ret_methods, size_t *ret_n);

/* The field Authentication-Results with its last CRLF. */
void authenticate_print_results(const struct authenticate_method *methods, size_t n, struct text authserv_id,
				struct buf *out);

#endif
