/* SPDX-License-Identifier: Apache-2.0
 *
 * dkim_hash - the hashes of a body, as many as are wanted, in one pass over it. rfc6376 3.7
 *
 * Each canonicalisation is made and hashed once; the hash of a first part (l=) is what that hash is at that
 * point. So it matters little how many hashes are wanted.
 */
#ifndef PROTO_DKIM_HASH_H
#define PROTO_DKIM_HASH_H

#include "proto/dkim_canon.h"

#define DKIM_DIGEST_BYTES 32 /* SHA-256: the only hash that may be verified; rfc8301 3.1 */

struct dkim_body_hash {
	enum dkim_canon canon;
	uint64_t length; /* bytes of the form that are hashed; UINT64_MAX: all */
	/* found */
	uint64_t total;                          /* bytes of the form in all */
	unsigned char digest[DKIM_DIGEST_BYTES]; /* of all, when the length is beyond it */
};

void dkim_hash_body(struct text body, struct dkim_body_hash *hashes, size_t n);

void dkim_hash_bytes(struct text bytes, unsigned char ret_digest[DKIM_DIGEST_BYTES]);

#endif
