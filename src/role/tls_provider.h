/* SPDX-License-Identifier: Apache-2.0
 *
 * tls_provider - private keys that are not here: an OpenSSL provider whose keys have only their public
 * half, and whose signatures are made by keyring.
 *
 * OpenSSL hands the whole of the bytes to be signed to a provider (a digest to its older methods), so
 * keyring can see what it signs. Kinds: RSA (PKCS#1 and PSS, SHA-256 to SHA-512), EC over P-256 with
 * SHA-256 and P-384 with SHA-384, Ed25519. Nothing but signing is offered: no decryption, no key
 * agreement, no export.
 *
 * The provider lives in a library context of its own, so that none of OpenSSL's ordinary operations can
 * meet it by chance.
 */
#ifndef ROLE_TLS_PROVIDER_H
#define ROLE_TLS_PROVIDER_H

#include "base/error.h"

#include <openssl/types.h>
#include <stdint.h>

/* Loads the provider; before the sandbox. More calls do nothing. */
void tls_provider_open(void);
/* The context that it lives in, beside the default provider. */
OSSL_LIB_CTX *tls_provider_library(void);

/* A key that signs by the channel, for this public key. NULL: not one of the kinds above. The caller
 * frees it. */
EVP_PKEY *tls_provider_make_key(EVP_PKEY *public_key);

/* Where signatures are asked for from now on, and how long to wait (clock_mono_ms): one for the whole
 * process, as a room has one handshake. -1: nowhere, signing fails. The descriptor stays the caller's
 * and serves one signature. */
void tls_provider_set_channel(int fd, int64_t deadline);
/* What became of the last signature: ERROR_NONE, or why it failed (ERROR_DENIED: keyring refused). */
enum error tls_provider_last_error(void);

#endif
