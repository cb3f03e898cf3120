/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "roles/keyring/form.h"

#include <string.h>

struct sample {
	const char *name;
	enum session_keyring_scheme scheme;
	enum form form;
	size_t hash;           /* TLS 1.3: bytes of the hash; 0: TLS 1.2 */
	unsigned group, point; /* TLS 1.2 */
	size_t break_at;       /* this byte is changed; 0: none */
	size_t more;           /* bytes too many */
};

static const struct sample samples[] = {
	{ "1.3 SHA-256", SESSION_KEYRING_SCHEME_ECDSA_SECP256R1_SHA256, FORM_TLS_1_3, 32, 0, 0, 0, 0 },
	{ "1.3 SHA-384", SESSION_KEYRING_SCHEME_RSA_PSS_SHA384, FORM_TLS_1_3, 48, 0, 0, 0, 0 },
	{ "1.3 with PKCS#1", SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA256, FORM_NONE, 32, 0, 0, 0, 0 },
	{ "1.3 short hash", SESSION_KEYRING_SCHEME_ED25519, FORM_NONE, 31, 0, 0, 0, 0 },
	{ "1.3 long hash", SESSION_KEYRING_SCHEME_ED25519, FORM_NONE, 64, 0, 0, 0, 0 },
	{ "1.3 changed space", SESSION_KEYRING_SCHEME_ED25519, FORM_NONE, 32, 0, 0, 10, 0 },
	{ "1.3 client's label", SESSION_KEYRING_SCHEME_ED25519, FORM_NONE, 32, 0, 0, 73, 0 },
	{ "1.3 label without NUL", SESSION_KEYRING_SCHEME_ED25519, FORM_NONE, 32, 0, 0, 97, 0 },
	{ "1.2 X25519", SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA256, FORM_TLS_1_2, 0, 29, 32, 0, 0 },
	{ "1.2 P-256", SESSION_KEYRING_SCHEME_ECDSA_SECP256R1_SHA256, FORM_TLS_1_2, 0, 23, 65, 0, 0 },
	{ "1.2 P-384", SESSION_KEYRING_SCHEME_RSA_PSS_SHA256, FORM_TLS_1_2, 0, 24, 97, 0, 0 },
	{ "1.2 unknown group", SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA256, FORM_NONE, 0, 22, 65, 0, 0 },
	{ "1.2 wrong point length", SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA256, FORM_NONE, 0, 23, 64, 0, 0 },
	{ "1.2 compressed point", SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA256, FORM_NONE, 0, 23, 65, 68, 0 },
	{ "1.2 explicit curve", SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA256, FORM_NONE, 0, 29, 32, 64, 0 },
	{ "1.2 more behind", SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA256, FORM_NONE, 0, 29, 32, 0, 1 },
};

static size_t make(const struct sample *s, unsigned char *out)
{
	static const char label[] = "TLS 1.3, server CertificateVerify";
	size_t n = 64;

	memset(out, 'h', 512);
	if (s->hash) {
		memset(out, ' ', 64);
		memcpy(out + 64, label, sizeof label);
		n += sizeof label + s->hash;
	} else {
		out[64] = 3;
		out[65] = 0;
		out[66] = (unsigned char)s->group;
		out[67] = (unsigned char)s->point;
		out[68] = 4;
		n += 4 + s->point;
	}
	if (s->break_at)
		out[s->break_at] ^= 1;
	return n + s->more;
}

static void only_bytes_of_a_handshake_have_a_form(void **state)
{
	unsigned char bytes[512];

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(samples); i++) {
		size_t n = make(&samples[i], bytes);
		enum form form = form_find(samples[i].scheme, text_from_bytes(bytes, n));
		if (form != samples[i].form)
			fail_msg("%s: form %d, wanted %d", samples[i].name, form, samples[i].form);
	}
}

static void nothing_and_fragments_have_none(void **state)
{
	unsigned char bytes[512];
	size_t n = make(&samples[0], bytes);

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(form_find(SESSION_KEYRING_SCHEME_ED25519, text_from_bytes(bytes, i)),
				 FORM_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_bytes_of_a_handshake_have_a_form),
		cmocka_unit_test(nothing_and_fragments_have_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
