/* SPDX-License-Identifier: Apache-2.0
 *
 * keys - the private key of TLS and its certificate: found in the directory of keyring, or made.
 *
 *	keys/NAME.pem  the private key (PKCS#8, PEM, mode 0600); an administrator may put one there
 *	keys/NAME.crt  the self-signed certificate that was made with it
 *
 * Kinds: EC over P-256 or P-384, Ed25519, RSA of 2048 to 8192 bits; others are refused.
 * Keys are never exported: a rebuilt machine gets a new one, or the administrator's own again.
 */
#ifndef KEYRING_KEYS_H
#define KEYRING_KEYS_H

#include "base/buf.h"
#include "base/error.h"
#include "ipc/session_keyring.h"

#define KEYS_CHAIN_MAX 65536

struct keys;

/* Makes what OpenSSL needs; before the sandbox. */
struct keys *keys_new(void);
void keys_free(struct keys *k);

/* Loads keys/NAME.pem and its certificate: from chain_fd (-1: the self-signed one, made with a new key
 * where there is none). False: `why` says what is wrong and the cure; what was loaded before stays. */
bool keys_load(struct keys *k, struct text name, struct text hostname, int chain_fd, struct buf *why);
/* Was the key, or the certificate, made by the last keys_load? */
bool keys_was_made(const struct keys *k);
/* PEM, its own first: public certificates and nothing else, whatever the file held beside them. */
struct text keys_chain(const struct keys *k);

/* The form was checked. ERROR_DENIED: the scheme does not fit the key. */
enum error keys_sign(struct keys *k, enum session_keyring_scheme scheme, struct text data, struct buf *out);

#endif
