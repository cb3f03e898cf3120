/* SPDX-License-Identifier: Apache-2.0
 *
 * auth_results - the Authentication-Results header field: written, read, recognised. rfc8601 2.2
 *
 * Writing takes typed results and a stranger's bytes as values: whatever they are, the field stays one field.
 * Control bytes and what is no UTF-8 become "?", values are quoted where they must be, comments escaped, long
 * values cut, and lines folded at 78 bytes where there is a place to fold, never longer than 998.
 *
 *	auth_results_begin(&w, &out, "Authentication-Results", 0, authserv_id);
 *	auth_results_add_method(&w, "spf", AUTH_PASS);
 *	auth_results_add_property(&w, "smtp", "mailfrom", sender);
 *	auth_results_end(&w);
 *
 * gives
 *
 *	Authentication-Results: mx.example.org;
 *	 spf=pass smtp.mailfrom=a@example.com
 */
#ifndef PROTO_AUTH_RESULTS_H
#define PROTO_AUTH_RESULTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "proto/auth_result.h"

/* --- writing --- */

/* A value, reason or comment is cut to this many bytes, and ends in "..." then. */
#define AUTH_RESULTS_VALUE_MAX 255

struct auth_results_writer {
	struct buf *out; /* ask its overflow at the end */
	size_t column;
	bool has_method;
};

/* The name of the field, static. Of ARC's: "ARC-Authentication-Results", and instance above 0. */
void auth_results_begin(struct auth_results_writer *w, struct buf *out, const char *field, unsigned instance,
			struct text authserv_id);
/* method and result: keywords, static. */
void auth_results_add_method(struct auth_results_writer *w, const char *method, enum auth_result result);
/* Of the last method, in this order and each at most once: comment, reason; then properties. Empty text adds
 * nothing. ptype and property: keywords, static. */
void auth_results_add_comment(struct auth_results_writer *w, struct text comment);
void auth_results_add_reason(struct auth_results_writer *w, struct text reason);
void auth_results_add_property(struct auth_results_writer *w, const char *ptype, const char *property,
			       struct text value);
/* Without a method it says "none". Ends with CRLF. */
void auth_results_end(struct auth_results_writer *w);

/* --- reading --- */

#define AUTH_RESULTS_METHODS_MAX    64
#define AUTH_RESULTS_PROPERTIES_MAX 32 /* of one method */

struct auth_results_property {
	struct text ptype, property, value;
};

struct auth_results_method {
	struct text method;
	unsigned version; /* 1 unless said */
	struct text result;
	struct text reason;
	struct auth_results_property *properties;
	size_t n_properties;
};

struct auth_results {
	struct text authserv_id;
	unsigned version; /* 1 unless said */
	struct auth_results_method *methods;
	size_t n_methods; /* 0: "none" */
};

/* The body of a field, folded or not; of ARC's what follows "i=1;". Comments are dropped, values unquoted,
 * views point into the body or the arena. False: not well-formed, above a maximum, or the arena is full. */
bool auth_results_parse(struct text body, struct arena *arena, struct auth_results *ret_results);

/* The next method of this name behind `after` (NULL: the first), or NULL. */
const struct auth_results_method *auth_results_find(const struct auth_results *results, const char *method,
						    const struct auth_results_method *after);
/* The value of a property, or {NULL, 0}. */
struct text auth_results_property(const struct auth_results_method *method, const char *ptype,
				  const char *property);

/* Does this field claim to be of authserv_id? For removing foreign fields of our name (rfc8601 5), so in
 * doubt yes: whatever a reader could take for the identifier counts, with comments, quotes, blanks, a version
 * behind it, in any case, as U- or A-label, or in a field that is otherwise broken. */
bool auth_results_is_of(struct text body, struct text authserv_id);

#endif
