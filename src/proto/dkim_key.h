/* SPDX-License-Identifier: Apache-2.0
 *
 * dkim_key - the key record in the DNS, and one verification with it. rfc6376 3.6.1, rfc8463
 *
 * An RSA key is read as SubjectPublicKeyInfo, as all the world writes it, or as the bare RSAPublicKey of
 * rfc6376's letter.
 */
#ifndef PROTO_DKIM_KEY_H
#define PROTO_DKIM_KEY_H

#include "base/arena.h"
#include "base/buf.h"
#include "proto/dkim_reason.h"

#include <openssl/types.h>

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256, DKIM_RSA_SHA1, DKIM_ALGORITHM_COUNT };
enum dkim_key_type { DKIM_KEY_RSA, DKIM_KEY_ED25519 };

const char *dkim_algorithm_word(enum dkim_algorithm algorithm); /* "rsa-sha256" */
enum dkim_key_type dkim_algorithm_key_type(enum dkim_algorithm algorithm);

struct dkim_key {
	enum dkim_key_type type;
	unsigned bits;
	bool is_testing;      /* t=y */
	bool is_strict;       /* t=s: i= must be in d= itself */
	bool allows_sha256;   /* h= */
	bool is_for_mail;     /* s= */
	EVP_PKEY *public_key; /* NULL: longer than bits_max, not made */
};

/* One record. DKIM_REASON_NONE, _NO_KEY (another version or not of this kind at all), _KEY_SYNTAX,
 * _KEY_REVOKED, _KEY_TYPE (a type that is unknown). After NONE the caller calls dkim_key_done. */
enum dkim_reason dkim_key_parse(struct text record, unsigned bits_max, struct dkim_key *ret_key);
void dkim_key_done(struct dkim_key *key);

/* Over a SHA-256 digest: PKCS#1 v1.5 (rfc8017 8.2.2), or Ed25519 of the digest as message (rfc8463 3). */
bool dkim_key_verify(const struct dkim_key *key, struct text digest, struct text signature);

/* The other direction, for whoever holds a private key (RSA or Ed25519): adds the signature to out. */
bool dkim_key_sign(EVP_PKEY *private_key, struct text digest, struct buf *out);

#endif
