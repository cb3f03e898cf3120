/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys, a zone and a signer for tests of DKIM and ARC. One key of each kind is made per program.
 */
#ifndef TESTS_UNIT_PROTO_DKIM_FIXTURE_H
#define TESTS_UNIT_PROTO_DKIM_FIXTURE_H

#include "unit/unit.h"

#include "proto/base64.h"
#include "proto/dkim_sign.h"
#include "proto/dkim_verify.h"
#include "proto/dns_zone.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define DKIM_NOW 1700000000

struct dkim_fixture {
	EVP_PKEY *rsa, *ed25519;
	struct dns_zone *zone;
	struct dkim_limits limits;
	struct arena arena;
	struct dkim_message m;
	struct dkim_report report;
	struct buf message;
	unsigned n_asked;
	struct dns_source zone_source;
};

/* "v=DKIM1; k=...; p=..." of a key. */
static inline void dkim_fixture_record(EVP_PKEY *key, const char *before, struct buf *out)
{
	unsigned char *der = NULL, raw[32];
	size_t n = sizeof raw;

	buf_reset(out);
	buf_add_cstr(out, before);
	if (EVP_PKEY_is_a(key, "RSA")) {
		n = (size_t)i2d_PUBKEY(key, &der);
		buf_add_cstr(out, "p=");
		base64_encode(text_from_bytes(der, n), false, out);
		OPENSSL_free(der);
	} else {
		EVP_PKEY_get_raw_public_key(key, raw, &n);
		buf_add_cstr(out, "k=ed25519; p=");
		base64_encode(text_from_bytes(raw, n), false, out);
	}
}

static inline void dkim_fixture_publish(struct dkim_fixture *f, const char *name, struct text record)
{
	struct dns_record r = { .ttl = 60, .data = record };

	assert_int_equal(dns_zone_add(f->zone, text_from_cstr(name), DNS_TXT, &r), ERROR_NONE);
}

static inline void dkim_fixture_publish_key(struct dkim_fixture *f, const char *name, EVP_PKEY *key,
					    const char *before)
{
	struct buf record;

	buf_init(&record, 8192);
	dkim_fixture_record(key, before, &record);
	dkim_fixture_publish(f, name, buf_text(&record));
	buf_done(&record);
}

static inline int dkim_fixture_open(void **state)
{
	static struct dkim_fixture f;

	if (!f.rsa) {
		f.rsa = EVP_RSA_gen(1024);
		f.ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	}
	f.limits = dkim_limits_default();
	f.zone = dns_zone_new(1 << 20);
	f.zone_source = dns_zone_source(f.zone);
	f.n_asked = 0;
	dkim_fixture_publish_key(&f, "rsa._domainkey.example.com", f.rsa, "v=DKIM1; ");
	dkim_fixture_publish_key(&f, "ed._domainkey.example.com", f.ed25519, "v=DKIM1; ");
	arena_init(&f.arena, 16 << 20);
	buf_init(&f.message, 16 << 20);
	*state = &f;
	return 0;
}

static inline int dkim_fixture_close(void **state)
{
	struct dkim_fixture *f = *state;

	dkim_message_done(&f->m);
	arena_reset(&f->arena);
	buf_done(&f->message);
	dns_zone_free(f->zone);
	return 0;
}

static inline bool dkim_fixture_sign_with(void *context, struct text digest, struct buf *out)
{
	return dkim_key_sign(context, digest, out);
}

static inline struct dkim_sign_spec dkim_fixture_spec(void)
{
	return (struct dkim_sign_spec){
		.kind = DKIM_FIELD_DKIM,
		.algorithm = DKIM_RSA_SHA256,
		.header_canon = DKIM_CANON_RELAXED,
		.body_canon = DKIM_CANON_RELAXED,
		.domain = text_from_cstr("example.com"),
		.selector = text_from_cstr("rsa"),
		.signed_at = DKIM_NOW,
		.expires = -1,
	};
}

/* f->message becomes `message` with a signature on top, over the standard fields and those oversigned. */
static inline void dkim_fixture_sign(struct dkim_fixture *f, const struct dkim_sign_spec *spec,
				     const char *oversigned, const char *message)
{
	struct text over = text_from_cstr(oversigned);
	struct dkim_sign_choice choice = { .oversigned = &over, .n_oversigned = over.n > 0 };
	struct dkim_body_hash hash = { .canon = spec->body_canon, .length = UINT64_MAX };
	struct dkim_signer signer = { spec->algorithm == DKIM_RSA_SHA256 ? f->rsa : f->ed25519,
				      dkim_fixture_sign_with };
	struct dkim_sign_spec s = *spec;
	struct buf covered;

	dkim_message_done(&f->m);
	assert_true(dkim_message_read(&f->m, text_from_cstr(message), &f->limits, &f->arena));
	assert_true(dkim_sign_choose(&f->m, &choice, &f->arena, &s.names, &s.n_names));
	buf_init(&covered, 1 << 20);
	dkim_hash_body(f->m.body, &hash, 1);
	assert_true(dkim_sign_cover(&f->m, s.names, s.n_names, s.header_canon, &covered));
	buf_reset(&f->message);
	assert_true(dkim_sign_field(&s, buf_text(&covered), hash.digest, &signer, &f->message));
	buf_add_cstr(&f->message, message);
	buf_done(&covered);
}

static inline void dkim_fixture_count(void *context, enum dns_type type, struct text name,
				      struct arena *arena, struct dns_answer *ret_answer)
{
	struct dkim_fixture *f = context;

	f->n_asked++;
	f->zone_source.ask(f->zone_source.context, type, name, arena, ret_answer);
}

static inline struct dns_source dkim_fixture_dns(struct dkim_fixture *f)
{
	return (struct dns_source){ f, dkim_fixture_count };
}

/* Verifies f->message; the first signature's result, or NULL. */
static inline const struct dkim_result *dkim_fixture_verify(struct dkim_fixture *f)
{
	struct dns_source dns = dkim_fixture_dns(f);

	dkim_message_done(&f->m);
	assert_true(dkim_message_read(&f->m, buf_text(&f->message), &f->limits, &f->arena));
	dkim_verify(&f->m, &dns, DKIM_NOW, &f->report);
	return f->report.n ? &f->report.signatures[0] : NULL;
}

static inline const struct dkim_result *dkim_fixture_verify_text(struct dkim_fixture *f, const char *message)
{
	buf_reset(&f->message);
	buf_add_cstr(&f->message, message);
	return dkim_fixture_verify(f);
}

/* Replaces the first such text of f->message. */
static inline void dkim_fixture_replace(struct dkim_fixture *f, const char *from, const char *to)
{
	size_t at = text_find(buf_text(&f->message), text_from_cstr(from));
	struct buf b;

	assert_true(at != SIZE_MAX);
	buf_init(&b, 16 << 20);
	buf_add(&b, text_slice(buf_text(&f->message), 0, at));
	buf_add_cstr(&b, to);
	buf_add(&b, text_skip(buf_text(&f->message), at + strlen(from)));
	buf_done(&f->message);
	f->message = b;
}

#endif
