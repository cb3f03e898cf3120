/* SPDX-License-Identifier: Apache-2.0
 *
 * dkim_message - a message as its signatures see it: an index of its header, and one pass over its body.
 *
 * DKIM and ARC share one such reading. Every signature field is found and parsed when the message is read;
 * then the body is hashed once for all of them, at the first question for a hash: at most one SHA-256 for
 * each canonicalisation, however many signatures and lengths (l=) there are. Keys are asked for once each.
 *
 *	if (!dkim_message_read(&m, bytes, &limits, arena)) ...no memory: temperror...
 *	dkim_verify(&m, dns, now, &dkim);
 *	arc_validate(&m, dns, now, &arc);
 *	dkim_message_done(&m);
 *
 * The message must stay where it is until then; what reports point to lives in the message and in the arena.
 */
#ifndef PROTO_DKIM_MESSAGE_H
#define PROTO_DKIM_MESSAGE_H

#include "proto/dkim_hash.h"
#include "proto/dkim_key.h"
#include "proto/dkim_signature.h"
#include "proto/dns_source.h"
#include "proto/mime_header.h"

struct dkim_limits {
	struct mime_limits mime; /* header_bytes, header_fields: of the header as a whole */
	size_t signatures;       /* DKIM signatures verified, from the top; the rest is counted */
	size_t field_bytes;      /* of one signature field */
	size_t names;            /* in one h= */
	size_t keys;             /* records looked at for one selector */
	unsigned rsa_bits_min;   /* below: policy; rfc8301 3.2 */
	unsigned rsa_bits_max;   /* above: policy, not even tried */
	int64_t clock_skew;      /* seconds that another's clock may be wrong, for t= and x= */
	bool takes_part;         /* l= that leaves out a part of the body may pass; else: policy */
};

/* 8 signatures of 64 KB, 256 names, 4 keys of 1024 to 8192 bits, 60 s, no part of a body. */
struct dkim_limits dkim_limits_default(void);

struct dkim_header_field {
	struct text raw, name; /* as in struct mime_field */
	uint32_t hash;         /* of the name in lower case */
	uint32_t taken_by;     /* the last selection that took it */
};

struct dkim_key_answer; /* in dkim_verify.c */

struct dkim_message {
	const struct dkim_limits *limits;
	struct arena *arena;
	struct text bytes, body;
	enum mime_trouble trouble; /* a limit of the header was met: nothing can be verified */
	struct dkim_header_field *fields;
	size_t n_fields;
	struct dkim_signature *dkim; /* n_dkim of them, at most limits->signatures, in order from the top */
	size_t n_dkim, n_dkim_left;  /* left: there, but not looked at */
	struct dkim_signature *ams, *seals;
	size_t n_ams, n_seals; /* at most ARC_SETS_MAX + 1: more than that is no chain */
	/* private */
	uint32_t n_selections;
	struct dkim_body_hash *hashes;
	size_t n_hashes;
	bool is_hashed;
	struct dkim_key_answer *keys;
};

/* False: the arena is full; it needs about ten times the header. A limit of the header that is met is
 * `trouble`. */
bool dkim_message_read(struct dkim_message *m, struct text bytes, const struct dkim_limits *limits,
		       struct arena *arena);
void dkim_message_done(struct dkim_message *m); /* frees what OpenSSL made */

/* The hash of the body that this signature is about. NULL: it is none of the message's. */
const struct dkim_body_hash *dkim_message_hash_body(struct dkim_message *m, const struct dkim_signature *s);

/* The hash of the fields that a signature names, from the bottom up, and of its own without b=. A name for
 * which no field is left adds nothing. rfc6376 3.7 and 5.4.2 */
void dkim_message_hash_header(struct dkim_message *m, const struct dkim_signature *s,
			      unsigned char ret_digest[DKIM_DIGEST_BYTES]);

/* Starts a selection of fields; then the lowest field of a name that it has not taken yet and that is not
 * `but`; NULL: none left. */
void dkim_message_select(struct dkim_message *m);
const struct dkim_header_field *dkim_message_take(struct dkim_message *m, struct text name, size_t but);

#endif
