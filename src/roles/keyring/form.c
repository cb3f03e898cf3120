/* SPDX-License-Identifier: Apache-2.0
 *
 * The two forms, byte by byte. Called by keyring for every signature; the bytes come from a room and are
 * as hostile as its client. Invariant: what is accepted has exactly one reading and no room for bytes
 * of the asker's choice but randoms, a hash, or a point.
 */
#include "roles/keyring/form.h"

#include <string.h>

#define RANDOMS     64
#define SPACES      64
#define NAMED_CURVE 3

static const char label[] = "TLS 1.3, server CertificateVerify"; /* with its NUL */

static bool is_hash_size(size_t n)
{
	return n == 32 || n == 48; /* of the two hashes that TLS 1.3's cipher suites use */
}

/* rfc8446 4.4.3 */
static bool is_certificate_verify(struct text t)
{
	if (t.n < SPACES + sizeof label || !is_hash_size(t.n - SPACES - sizeof label))
		return false;
	for (size_t i = 0; i < SPACES; i++)
		if (t.p[i] != ' ')
			return false;
	return memcmp(t.p + SPACES, label, sizeof label) == 0;
}

/* ECPoint of each group: uncompressed points of P-256 and P-384, 32 bytes of X25519. rfc8422 5.4, 5.4.1 */
static bool is_point(unsigned group, struct text point)
{
	switch (group) {
	case 23:
		return point.n == 65 && point.p[0] == 4;
	case 24:
		return point.n == 97 && point.p[0] == 4;
	case 29:
		return point.n == 32;
	default:
		return false;
	}
}

/* rfc8422 5.4 */
static bool is_key_exchange(struct text t)
{
	const unsigned char *p = (const unsigned char *)t.p + RANDOMS;

	if (t.n < RANDOMS + 4 || p[0] != NAMED_CURVE || t.n != RANDOMS + 4u + p[3])
		return false;
	return is_point((unsigned)p[1] << 8 | p[2], text_skip(t, RANDOMS + 4));
}

static bool is_pkcs1(enum session_keyring_scheme scheme)
{
	return scheme == SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA256 ||
	       scheme == SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA384 ||
	       scheme == SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA512;
}

enum form form_find(enum session_keyring_scheme scheme, struct text data)
{
	if (is_certificate_verify(data))
		return is_pkcs1(scheme) ? FORM_NONE : FORM_TLS_1_3;
	return is_key_exchange(data) ? FORM_TLS_1_2 : FORM_NONE;
}
