/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the first byte is a scheme, the rest what a room wants signed. Checked beside memory
 * safety: what is accepted has one of the lengths that a handshake can have, is no longer accepted with
 * a byte less at either end, and is TLS 1.3 only with a scheme of TLS 1.3.
 */
#include "base/ensure.h"
#include "roles/keyring/form.h"

#include <stdint.h>

#define SCHEMES (SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA512 + 1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* 64 spaces, label with its NUL, SHA-256 or SHA-384 */
static bool is_length_of_1_3(size_t n)
{
	return n == 64 + 34 + 32 || n == 64 + 34 + 48;
}

/* Two randoms, curve, length, X25519 or P-256 or P-384 */
static bool is_length_of_1_2(size_t n)
{
	return n == 68 + 32 || n == 68 + 65 || n == 68 + 97;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum session_keyring_scheme scheme = n ? data[0] % SCHEMES : 0;
	struct text t = n ? text_from_bytes(data + 1, n - 1) : text_from_cstr("");
	enum form form = form_find(scheme, t);

	if (form == FORM_NONE)
		return 0;
	ASSERT(form == FORM_TLS_1_3 ? is_length_of_1_3(t.n) : is_length_of_1_2(t.n));
	ASSERT(form != FORM_TLS_1_3 || scheme < SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA256);
	ASSERT(form_find(scheme, text_slice(t, 0, t.n - 1)) == FORM_NONE);
	ASSERT(form_find(scheme, text_slice(t, 1, t.n)) == FORM_NONE);
	return 0;
}
