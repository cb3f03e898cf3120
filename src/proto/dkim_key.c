/* SPDX-License-Identifier: Apache-2.0
 *
 * Key records and one verification. Called by dkim_verify and arc with what a stranger's DNS said. The DER of
 * an RSA key is read here, so that only two numbers of a bounded size get to OpenSSL; building the key of
 * them costs a tenth of what its own reader takes. Trusts OpenSSL with the arithmetic. Invariant: a key with
 * public_key set has at most bits_max bits.
 */
#include "proto/dkim_key.h"

#include "base/wire.h"
#include "proto/tag_list.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#define RECORD_MEMORY 65536 /* a record is a stranger's; a key of 8192 bits takes 1.4 KB */
#define ED25519_BYTES 32
#define EXPONENT_MAX  8 /* bytes; 65537 takes 3 */
#define DER_INTEGER   0x02
#define DER_BITS      0x03
#define DER_SEQUENCE  0x30

const char *dkim_algorithm_word(enum dkim_algorithm algorithm)
{
	static const char *const words[DKIM_ALGORITHM_COUNT] = { "rsa-sha256", "ed25519-sha256", "rsa-sha1" };

	return words[algorithm];
}

enum dkim_key_type dkim_algorithm_key_type(enum dkim_algorithm algorithm)
{
	return algorithm == DKIM_ED25519_SHA256 ? DKIM_KEY_ED25519 : DKIM_KEY_RSA;
}

/* ---- DER ---- */

/* The contents of the next element, which must have this tag; the reader goes bad otherwise. */
static struct wire_reader der_get(struct wire_reader *r, uint8_t tag)
{
	uint64_t n;

	if (wire_get_int(r, 1) != tag)
		r->bad = true;
	n = wire_get_be(r, 1);
	if (n == 0x81)
		n = wire_get_be(r, 1);
	else if (n == 0x82)
		n = wire_get_be(r, 2);
	else if (n > 0x7f)
		r->bad = true;
	return wire_reader_of(wire_get_bytes(r, (size_t)n));
}

/* A positive number, without zeros in front. */
static struct text der_get_number(struct wire_reader *r)
{
	struct wire_reader in = der_get(r, DER_INTEGER);
	struct text number = wire_get_bytes(&in, wire_left(&in));

	if (number.n == 0 || (number.p[0] & 0x80))
		r->bad = true;
	while (number.n > 0 && number.p[0] == 0)
		number = text_skip(number, 1);
	return number;
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }; rfc8017 A.1.1 */
static bool read_public_key(struct wire_reader in, struct text *ret_modulus, struct text *ret_exponent)
{
	struct wire_reader sequence = der_get(&in, DER_SEQUENCE);

	*ret_modulus = der_get_number(&sequence);
	*ret_exponent = der_get_number(&sequence);
	return wire_is_done(&in) && wire_is_done(&sequence);
}

/* SubjectPublicKeyInfo ::= SEQUENCE { SEQUENCE { OID, NULL }, BIT STRING { RSAPublicKey } }; rfc3279 2.3.1 */
static bool read_key_info(struct wire_reader in, struct text *ret_modulus, struct text *ret_exponent)
{
	static const struct text oid = TEXT("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
	struct wire_reader sequence = der_get(&in, DER_SEQUENCE);
	struct wire_reader algorithm = der_get(&sequence, DER_SEQUENCE);
	struct wire_reader bits = der_get(&sequence, DER_BITS);

	if (!text_is_equal(wire_get_bytes(&algorithm, oid.n), oid) || wire_get_int(&bits, 1) != 0)
		return false;
	return wire_is_done(&in) && wire_is_done(&sequence) &&
	       read_public_key(bits, ret_modulus, ret_exponent);
}

/* ---- the key of OpenSSL ---- */

static unsigned count_bits(struct text number)
{
	return number.n == 0
		       ? 0
		       : (unsigned)(8 * number.n) - (unsigned)__builtin_clz((unsigned char)number.p[0]) + 24;
}

/* OpenSSL wants numbers in the machine's order of bytes. */
static OSSL_PARAM number_param(const char *name, struct text number, unsigned char *room)
{
	for (size_t i = 0; i < number.n; i++)
		room[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? number.n - 1 - i : i] =
			(unsigned char)number.p[i];
	return OSSL_PARAM_construct_BN(name, room, number.n);
}

static EVP_PKEY *make_rsa(struct text modulus, struct text exponent, struct arena *arena)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	unsigned char *n = arena_alloc(arena, modulus.n), *e = arena_alloc(arena, exponent.n);
	EVP_PKEY *key = NULL;

	if (c && n && e) {
		OSSL_PARAM params[] = { number_param(OSSL_PKEY_PARAM_RSA_N, modulus, n),
					number_param(OSSL_PKEY_PARAM_RSA_E, exponent, e), OSSL_PARAM_END };
		if (EVP_PKEY_fromdata_init(c) != 1 ||
		    EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
			key = NULL;
	}
	EVP_PKEY_CTX_free(c);
	return key;
}

static enum dkim_reason read_rsa(struct text der, unsigned bits_max, struct arena *arena,
				 struct dkim_key *key)
{
	struct wire_reader in = wire_reader_of(der);
	struct text modulus, exponent;

	if (!read_key_info(in, &modulus, &exponent) && !read_public_key(in, &modulus, &exponent))
		return DKIM_REASON_KEY_SYNTAX;
	if (modulus.n == 0 || exponent.n == 0 || exponent.n > EXPONENT_MAX)
		return DKIM_REASON_KEY_SYNTAX;
	key->bits = count_bits(modulus);
	if (key->bits > bits_max)
		return DKIM_REASON_NONE;
	key->public_key = make_rsa(modulus, exponent, arena);
	return key->public_key ? DKIM_REASON_NONE : DKIM_REASON_KEY_SYNTAX;
}

static enum dkim_reason read_ed25519(struct text bytes, struct dkim_key *key)
{
	if (bytes.n != ED25519_BYTES)
		return DKIM_REASON_KEY_SYNTAX;
	key->bits = 8 * ED25519_BYTES;
	key->public_key =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)bytes.p, bytes.n);
	return key->public_key ? DKIM_REASON_NONE : DKIM_REASON_KEY_SYNTAX;
}

/* ---- the record ---- */

/* A list with ":" that has one of two words. rfc6376 3.6.1 */
static bool has_word(const struct tag *tag, const char *word, const char *other)
{
	struct text rest = tag ? tag->value : (struct text){ NULL, 0 }, item;

	while (tag_value_next(&rest, ':', &item))
		if (text_is_cstr(item, word) || (other && text_is_cstr(item, other)))
			return true;
	return false;
}

static bool is_ours(const struct tag_list *list)
{
	const struct tag *version = tag_list_find(list, "v");

	return !version || (version == list->tags && text_is_cstr(version->value, "DKIM1"));
}

static enum dkim_reason read_record(const struct tag_list *list, unsigned bits_max, struct arena *arena,
				    struct dkim_key *key)
{
	const struct tag *p = tag_list_find(list, "p"), *k = tag_list_find(list, "k");
	const struct tag *h = tag_list_find(list, "h"), *s = tag_list_find(list, "s");
	const struct tag *t = tag_list_find(list, "t");
	struct text bytes;

	if (!is_ours(list))
		return DKIM_REASON_NO_KEY;
	if (!p)
		return DKIM_REASON_KEY_SYNTAX;
	if (k && !text_is_cstr(k->value, "rsa") && !text_is_cstr(k->value, "ed25519"))
		return DKIM_REASON_KEY_TYPE;
	key->type = k && text_is_cstr(k->value, "ed25519") ? DKIM_KEY_ED25519 : DKIM_KEY_RSA;
	key->is_testing = has_word(t, "y", NULL);
	key->is_strict = has_word(t, "s", NULL);
	key->allows_sha256 = !h || has_word(h, "sha256", NULL);
	key->is_for_mail = !s || has_word(s, "*", "email");
	if (p->value.n == 0)
		return DKIM_REASON_KEY_REVOKED;
	if (!tag_value_base64(p->value, arena, &bytes))
		return DKIM_REASON_KEY_SYNTAX;
	return key->type == DKIM_KEY_RSA ? read_rsa(bytes, bits_max, arena, key) : read_ed25519(bytes, key);
}

enum dkim_reason dkim_key_parse(struct text record, unsigned bits_max, struct dkim_key *ret_key)
{
	struct tag_list list;
	struct arena arena;
	enum dkim_reason reason;

	*ret_key = (struct dkim_key){ 0 };
	if (tag_list_parse(record, &list) != TAG_LIST_OK)
		return DKIM_REASON_KEY_SYNTAX;
	arena_init(&arena, RECORD_MEMORY);
	reason = read_record(&list, bits_max, &arena, ret_key);
	arena_reset(&arena);
	return reason;
}

void dkim_key_done(struct dkim_key *key)
{
	EVP_PKEY_free(key->public_key);
	key->public_key = NULL;
}

/* ---- verification ---- */

static bool verify_rsa(EVP_PKEY *key, struct text digest, struct text signature)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	bool ok = c && EVP_PKEY_verify_init(c) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1 &&
		  EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
		  EVP_PKEY_verify(c, (const unsigned char *)signature.p, signature.n,
				  (const unsigned char *)digest.p, digest.n) == 1;

	EVP_PKEY_CTX_free(c);
	return ok;
}

static bool verify_ed25519(EVP_PKEY *key, struct text digest, struct text signature)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, key) == 1 &&
		  EVP_DigestVerify(c, (const unsigned char *)signature.p, signature.n,
				   (const unsigned char *)digest.p, digest.n) == 1;

	EVP_MD_CTX_free(c);
	return ok;
}

bool dkim_key_verify(const struct dkim_key *key, struct text digest, struct text signature)
{
	if (!key->public_key)
		return false;
	return key->type == DKIM_KEY_RSA ? verify_rsa(key->public_key, digest, signature)
					 : verify_ed25519(key->public_key, digest, signature);
}

/* ---- signing ---- */

static bool sign_rsa(EVP_PKEY *key, struct text digest, unsigned char *out, size_t *n)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	bool ok = c && EVP_PKEY_sign_init(c) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1 &&
		  EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
		  EVP_PKEY_sign(c, out, n, (const unsigned char *)digest.p, digest.n) == 1;

	EVP_PKEY_CTX_free(c);
	return ok;
}

static bool sign_ed25519(EVP_PKEY *key, struct text digest, unsigned char *out, size_t *n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestSignInit(c, NULL, NULL, NULL, key) == 1 &&
		  EVP_DigestSign(c, out, n, (const unsigned char *)digest.p, digest.n) == 1;

	EVP_MD_CTX_free(c);
	return ok;
}

bool dkim_key_sign(EVP_PKEY *private_key, struct text digest, struct buf *out)
{
	size_t n = (size_t)EVP_PKEY_get_size(private_key);
	unsigned char *at = (unsigned char *)buf_reserve(out, n);
	bool ok = at && (EVP_PKEY_is_a(private_key, "RSA") ? sign_rsa(private_key, digest, at, &n)
							   : sign_ed25519(private_key, digest, at, &n));

	out->n += ok ? n : 0;
	return ok;
}
