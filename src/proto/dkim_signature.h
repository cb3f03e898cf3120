/* SPDX-License-Identifier: Apache-2.0
 *
 * dkim_signature - one signature field: DKIM-Signature, ARC-Message-Signature, ARC-Seal. rfc6376 3.5 and
 * 6.1.1, rfc8617 4.1
 *
 * All that can be said of it without the message and without its key. What is readable is filled in even when
 * the field is not valid, so that a report can name its domain; a text that is not well-formed stays empty.
 */
#ifndef PROTO_DKIM_SIGNATURE_H
#define PROTO_DKIM_SIGNATURE_H

#include "proto/dkim_canon.h"
#include "proto/dkim_key.h"
#include "proto/dkim_reason.h"

#define ARC_SETS_MAX 50 /* rfc8617 4.2.1 */

enum dkim_field_kind { DKIM_FIELD_DKIM, DKIM_FIELD_AMS, DKIM_FIELD_SEAL };
enum arc_cv { ARC_CV_NONE, ARC_CV_PASS, ARC_CV_FAIL };

struct dkim_signature {
#define ARC_SETS_MAX 50 /* rfc8617 4.2.1 */

	enum dkim_field_kind kind;
	size_t field; /* its index in the header */
	enum dkim_reason reason;
	enum dkim_algorithm algorithm;
	const char *algorithm_word;       /* "" when unknown */
	struct text domain, selector;     /* A-labels, lower case */
	struct text identity;             /* decoded; "@domain" without an i= */
	struct text identity_domain;      /* the part behind the "@", as A-labels, lower case */
	struct text b_prefix;             /* at most 8 characters */
	struct text b_value;              /* where b= lies in the field: to be cut out for the hash */
	struct text signature, body_hash; /* decoded */
	enum dkim_canon header_canon, body_canon;
	struct text *names; /* h=, in order */
	size_t n_names;
	bool has_length;
	uint64_t length;
	int64_t signed_at, expires; /* -1: not there */
	unsigned instance;          /* i= of ARC, 1..50; 0: not there */
	enum arc_cv cv;             /* of a seal */
};

struct dkim_limits;

/* `field`: with its name. False: the arena is full. Otherwise ret_signature->reason says how it went; times
 * are parsed, not compared with a clock. */
bool dkim_signature_parse(enum dkim_field_kind kind, struct text field, const struct dkim_limits *limits,
			  struct arena *arena, struct dkim_signature *ret_signature);

/* EXPIRED, FUTURE or NONE. */
enum dkim_reason dkim_signature_check_time(const struct dkim_signature *s, int64_t now, int64_t skew);

#endif
