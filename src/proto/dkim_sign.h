/* SPDX-License-Identifier: Apache-2.0
 *
 * dkim_sign - builds signature fields: DKIM-Signature, and the two of ARC. rfc6376 5, rfc8617 5.1
 *
 * Signing is in three steps, so that whoever holds the key need not see the message:
 *
 *	dkim_sign_choose(&m, &choice, arena, &spec.names, &spec.n_names);     which fields
 *	dkim_sign_cover(&m, spec.names, spec.n_names, spec.header_canon, &covered);  their canonical form
 *	dkim_sign_field(&spec, covered, body_hash, &signer, &out);             the field
 *
 * The third needs nothing but what the first two made and the hash of the body; it may be done elsewhere,
 *after dkim_sign_check has seen that the form is one that the second step makes.
 */
#ifndef PROTO_DKIM_SIGN_H
#define PROTO_DKIM_SIGN_H

#include "proto/dkim_message.h"

/* Whoever has the private key: adds the signature of a SHA-256 digest to out. */
struct dkim_signer {
	void *context;
	bool (*sign)(void *context, struct text digest, struct buf *out);
};

struct dkim_sign_choice {
	bool is_all;              /* every field but those that change on the way; else the standard ones */
	const struct text *extra; /* more names */
	size_t n_extra;
	const struct text *oversigned; /* named once more than they are there: nobody can add another */
	size_t n_oversigned;
};

struct dkim_sign_spec {
	enum dkim_field_kind kind;
	enum dkim_algorithm algorithm;
	enum dkim_canon header_canon, body_canon;
	struct text domain, selector;
	struct text identity;       /* i=; empty: none */
	int64_t signed_at, expires; /* t=, x=; -1: none */
	struct text *names;         /* h=, each as often as it is to be taken */
	size_t n_names;
	unsigned instance; /* i= of ARC */
	enum arc_cv cv;    /* of a seal */
};

/* The names of the fields to be signed; From is always among them. The standard ones are those of
 * rfc6376 5.4.1. False: the arena is full, or more names than the limit of the message. */
bool dkim_sign_choose(struct dkim_message *m, const struct dkim_sign_choice *choice, struct arena *arena,
		      struct text **ret_names, size_t *ret_n);

/* The fields in their canonical form, one after another, as a verifier would select them. */
bool dkim_sign_cover(struct dkim_message *m, const struct text *names, size_t n, enum dkim_canon canon,
		     struct buf *out);

/* Whether `covered` is made of fields in this form, whose names are those of the list, in its order, where a
 * name of the list may have no field; and whether a name is nothing but a name. */
bool dkim_sign_check(enum dkim_canon canon, const struct text *names, size_t n, struct text covered);

/* The whole field, with CRLF, folded. `covered` is what stands before the field in what is hashed; body_hash
 * is NULL for a seal. False: out is full, or the signer could not. */
bool dkim_sign_field(const struct dkim_sign_spec *spec, struct text covered, const unsigned char *body_hash,
		     const struct dkim_signer *signer, struct buf *out);

#endif
