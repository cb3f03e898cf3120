/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes a body for several signatures at once. Called by dkim_message and by whoever signs. The body goes by
 * in pieces that stay in the processor's cache while each canonicalisation looks at them. Trusts OpenSSL.
 * Invariant: `next` of a stream is the least length wanted that has not been reached.
 */
#include "proto/dkim_hash.h"

#include "base/ensure.h"

#include <openssl/evp.h>

#define PIECE (64 << 10)

struct stream {
	enum dkim_canon canon;
	bool is_wanted;
	EVP_MD_CTX *md;
	uint64_t n;    /* bytes hashed */
	uint64_t next; /* where the next digest is due; UINT64_MAX: at the end */
	struct dkim_body_hash *hashes;
	size_t n_hashes;
	struct dkim_body body;
};

static void finish_digest(const EVP_MD_CTX *md, unsigned char *ret_digest)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();

	ASSERT(copy && EVP_MD_CTX_copy_ex(copy, md) == 1 && EVP_DigestFinal_ex(copy, ret_digest, NULL) == 1);
	EVP_MD_CTX_free(copy);
}

static void find_next(struct stream *s, uint64_t least)
{
	s->next = UINT64_MAX;
	for (size_t i = 0; i < s->n_hashes; i++)
		if (s->hashes[i].canon == s->canon && s->hashes[i].length >= least &&
		    s->hashes[i].length < s->next)
			s->next = s->hashes[i].length;
}

/* All digests that are due at this length. */
static void take_digests(struct stream *s, uint64_t length)
{
	unsigned char digest[DKIM_DIGEST_BYTES];

	finish_digest(s->md, digest);
	for (size_t i = 0; i < s->n_hashes; i++)
		if (s->hashes[i].canon == s->canon && s->hashes[i].length == length)
			memcpy(s->hashes[i].digest, digest, sizeof digest);
}

static void update(struct stream *s, struct text bytes)
{
	ASSERT(EVP_DigestUpdate(s->md, bytes.p, bytes.n) == 1);
	s->n += bytes.n;
}

static void hash(void *context, struct text bytes)
{
	struct stream *s = context;

	while (s->next - s->n <= bytes.n) {
		struct text head = text_slice(bytes, 0, (size_t)(s->next - s->n));
		update(s, head);
		bytes = text_skip(bytes, head.n);
		take_digests(s, s->next);
		find_next(s, s->next + 1);
	}
	update(s, bytes);
}

static void begin(struct stream *s)
{
	s->md = EVP_MD_CTX_new();
	ASSERT(s->md && EVP_DigestInit_ex(s->md, EVP_sha256(), NULL) == 1);
	find_next(s, 0);
	dkim_body_init(&s->body, s->canon, hash, s);
}

static void end(struct stream *s)
{
	unsigned char digest[DKIM_DIGEST_BYTES];

	dkim_body_end(&s->body);
	finish_digest(s->md, digest);
	for (size_t i = 0; i < s->n_hashes; i++) {
		if (s->hashes[i].canon != s->canon)
			continue;
		s->hashes[i].total = s->n;
		if (s->hashes[i].length >= s->n)
			memcpy(s->hashes[i].digest, digest, sizeof digest);
	}
	EVP_MD_CTX_free(s->md);
}

void dkim_hash_body(struct text body, struct dkim_body_hash *hashes, size_t n)
{
	struct stream streams[DKIM_CANON_COUNT] = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct stream *s = &streams[hashes[i].canon];
		if (!s->is_wanted)
			*s = (struct stream){ hashes[i].canon, .is_wanted = true, .hashes = hashes,
					      .n_hashes = n };
	}
	for (unsigned c = 0; c < DKIM_CANON_COUNT; c++)
		if (streams[c].is_wanted)
			begin(&streams[c]);
	for (size_t at = 0; at < body.n; at += PIECE)
		for (unsigned c = 0; c < DKIM_CANON_COUNT; c++)
			if (streams[c].is_wanted)
				dkim_body_add(&streams[c].body, text_slice(body, at, at + PIECE));
	for (unsigned c = 0; c < DKIM_CANON_COUNT; c++)
		if (streams[c].is_wanted)
			end(&streams[c]);
}

void dkim_hash_bytes(struct text bytes, unsigned char ret_digest[DKIM_DIGEST_BYTES])
{
	ASSERT(EVP_Digest(bytes.p, bytes.n, ret_digest, NULL, EVP_sha256(), NULL) == 1);
}
