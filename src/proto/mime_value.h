/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_value - a structured field of MIME: a value and its parameters. rfc2045 5.1, rfc2183 2,
 * rfc2231 3 and 4
 *
 * Reads what strangers wrote as mail readers would: a missing semicolon, a quote that is never closed,
 * unquoted values with special characters are all taken. Of parameters that are there several times
 * all are kept, since readers disagree which one counts.
 */
#ifndef PROTO_MIME_VALUE_H
#define PROTO_MIME_VALUE_H

#include "base/arena.h"
#include "proto/mime_limits.h"

/* One parameter as written: "filename*1*" is name "filename", section 1, extended. */
struct mime_param {
	struct text name;
	struct text value; /* unquoted */
	int section;       /* -1: the whole value */
	bool is_extended;  /* percent-coded; the first section begins with charset'language' */
};

/* "multipart/mixed; boundary=x", "attachment; filename=y", "base64". */
struct mime_value {
	struct text value; /* what stands first, without comments and blanks: "multipart/mixed" */
	struct mime_param *params;
	size_t n_params;
	unsigned defects; /* MIME_DEFECT_VALUE */
};

/* The body of a field, folded or not. Views point into it or into the arena. Gives
 * MIME_TROUBLE_PARAMS (with those read up to there) or MIME_TROUBLE_MEMORY. */
enum mime_trouble mime_value_parse(struct text body, const struct mime_limits *limits, struct arena *arena,
				   struct mime_value *ret_value);

/* The nth (from 0) plain parameter of this name. */
bool mime_value_find_param(const struct mime_value *value, const char *name, size_t nth,
			   struct text *ret_text);
/* The parameter made of rfc2231 sections or of one extended value: percent-coding undone, in bytes of
 * the charset it names (not converted). False when there is none, or no memory for it. */
bool mime_value_join_param(const struct mime_value *value, const char *name, struct arena *arena,
			   struct text *ret_text);

/* The charset that such a parameter names, in its first section; empty: none. rfc2231 4 */
struct text mime_value_charset(const struct mime_value *value, const char *name);

/* An extended value behind its charset'language'; without both quotes all of it, and no charset. */
struct text mime_value_cut_charset(struct text t, struct text *ret_charset);
/* Writes t with its percent codes undone at `at`, where t.n bytes must be free, and gives how many it
 * wrote. What is no code stays. */
size_t mime_value_undo_percent(struct text t, char *at);

/* "type/subtype" apart; without a slash the subtype is empty. */
void mime_value_split_type(struct text value, struct text *ret_type, struct text *ret_subtype);

#endif
