/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing of any message, with all its fields, and what a verifier makes of it. The first byte chooses the
 * forms. Held to: the prepared form is one that keyring takes, the field is well-formed, names the domain
 * that was given, and the hash that a verifier finds is the one that was signed.
 */
#include "base/ensure.h"
#include "proto/dkim_sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The signature is the digest. */
static bool give_digest(void *context, struct text digest, struct buf *out)
{
	(void)context;
	return buf_add(out, digest);
}

static void verify(struct text bytes, const struct dkim_limits *limits, const struct dkim_sign_spec *spec)
{
	unsigned char digest[DKIM_DIGEST_BYTES];
	struct dkim_message m;
	struct arena arena;

	arena_init(&arena, 64 << 20);
	ASSERT(dkim_message_read(&m, bytes, limits, &arena));
	if (!m.trouble) {
		ASSERT(m.n_dkim > 0 && m.dkim[0].reason == DKIM_REASON_NONE);
		ASSERT(text_is_equal(m.dkim[0].domain, spec->domain) && m.dkim[0].n_names == spec->n_names);
		dkim_message_hash_header(&m, &m.dkim[0], digest);
		ASSERT(text_is_equal(m.dkim[0].signature, text_from_bytes(digest, sizeof digest)));
		ASSERT(text_is_equal(
			m.dkim[0].body_hash,
			text_from_bytes(dkim_message_hash_body(&m, &m.dkim[0])->digest, DKIM_DIGEST_BYTES)));
	}
	dkim_message_done(&m);
	arena_reset(&arena);
}

static void sign(struct dkim_message *m, struct dkim_sign_spec *spec, struct buf *out)
{
	struct dkim_body_hash hash = { .canon = spec->body_canon, .length = UINT64_MAX };
	struct dkim_signer signer = { NULL, give_digest };
	struct buf covered;

	buf_init(&covered, 1 << 20);
	dkim_hash_body(m->body, &hash, 1);
	ASSERT(dkim_sign_cover(m, spec->names, spec->n_names, spec->header_canon, &covered));
	ASSERT(spec->header_canon == DKIM_CANON_SIMPLE || text_find_byte(m->bytes, '\0') != m->bytes.n ||
	       !text_is_ascii(m->bytes) ||
	       dkim_sign_check(spec->header_canon, spec->names, spec->n_names, buf_text(&covered)) ||
	       text_find(buf_text(&covered), text_from_cstr("\r")) != SIZE_MAX);
	ASSERT(dkim_sign_field(spec, buf_text(&covered), hash.digest, &signer, out));
	buf_done(&covered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dkim_limits limits = dkim_limits_default();
	struct dkim_sign_choice choice = { .is_all = true };
	struct dkim_sign_spec spec = {
		.domain = text_from_cstr("example.com"),
		.selector = text_from_cstr("s1"),
		.signed_at = 1,
		.expires = -1,
	};
	struct dkim_message m;
	struct arena arena;
	struct buf out;

	if (size == 0)
		return 0;
	spec.header_canon = data[0] & 1;
	spec.body_canon = (data[0] >> 1) & 1;
	arena_init(&arena, 64 << 20);
	buf_init(&out, 64 << 20);
	ASSERT(dkim_message_read(&m, text_from_bytes(data + 1, size - 1), &limits, &arena));
	if (!m.trouble && dkim_sign_choose(&m, &choice, &arena, &spec.names, &spec.n_names)) {
		sign(&m, &spec, &out);
		buf_add_cstr(
			&out,
			"Received: x\r\n"); /* a message may begin with what continues the field before it */
		buf_add(&out, m.bytes);
		verify(buf_text(&out), &limits, &spec);
	}
	dkim_message_done(&m);
	arena_reset(&arena);
	buf_done(&out);
	return 0;
}
