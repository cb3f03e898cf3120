/* SPDX-License-Identifier: Apache-2.0
 *
 * tls - TLS for rooms: contexts that a zygote makes before its sandbox, handshakes that its rooms run
 * over a stream.
 *
 *	zygote:  open      context = tls_server_new(&conf->tls)     (or tls_client_new)
 *	         material  tls_server_set_chain(context, chain_pem)
 *	room:    error = tls_accept(context, stream, keyring_fd, deadline)
 *	         error = tls_connect(context, stream, server_name, deadline)
 *
 * after which the stream reads and writes under TLS. A room never has a private key: the one signature
 * of a server's handshake is asked of keyring over `keyring_fd` (edge session_keyring).
 *
 * Both kinds: TLS of the configured version and above (rfc8996: never below 1.2); no compression, no
 * renegotiation, no tickets and no session cache (each connection is a room, which has nothing to
 * resume from); record buffers are given back while a connection idles. The server speaks only key
 * exchanges with forward secrecy (ECDHE over X25519, P-256, P-384: what keyring recognises), in TLS 1.2
 * too, so no RSA key ever decrypts. The client takes any certificate (rfc7435: encrypted is better than
 * clear; whether that is enough is the caller's question) and names the server (SNI) when it has a name.
 * The system's openssl.cnf is not read.
 *
 * Everything that OpenSSL would open or load later is made by tls_*_new; the other functions need no
 * file and run in every room's sandbox.
 */
#ifndef ROLE_TLS_H
#define ROLE_TLS_H

#include "base/error.h"
#include "base/text.h"

struct conf_tls;
struct stream;
struct tls_context;

/* The largest certificate chain, as text. */
#define TLS_CHAIN_MAX 65536

/* Never NULL: a cipher list that OpenSSL refuses is logged and ends the process (EX_CONFIG). One context
 * serves all rooms of a zygote, each with its own copy after the fork. `conf` must live as long. */
struct tls_context *tls_server_new(const struct conf_tls *conf);
struct tls_context *tls_client_new(const struct conf_tls *conf);
void tls_context_free(struct tls_context *c); /* NULL is allowed */

/* The public certificates of the server, PEM, its own first; replaces earlier ones. ERROR_MALFORMED (no
 * certificate in it) or ERROR_UNSUPPORTED (a key that is neither RSA, P-256, P-384 nor Ed25519); the
 * earlier ones stay then. */
enum error tls_server_set_chain(struct tls_context *c, struct text chain_pem);
/* Without a chain there is no TLS to offer. */
bool tls_has_chain(const struct tls_context *c);

/* The handshakes. The stream must have nothing buffered in either direction (ASSERT): the caller deals
 * with bytes that were sent ahead of the handshake, which is an attack (CVE-2011-0411). keyring_fd is
 * taken and closed in every case. After an error the stream is of no further use. ERROR_TLS,
 * ERROR_CLOSED, ERROR_TIMEOUT, ERROR_IO. */
enum error tls_accept(struct tls_context *c, struct stream *s, int keyring_fd, int64_t deadline);
/* server_name: a host name, or empty (an address: rfc6066 3 forbids those). */
enum error tls_connect(struct tls_context *c, struct stream *s, struct text server_name, int64_t deadline);

/* For Received: fields and records: "TLSv1.3", "TLS_AES_256_GCM_SHA384"; "" in clear. Static texts. */
struct text tls_version_name(const struct stream *s);
struct text tls_cipher_name(const struct stream *s);
/* Strength of the cipher in bits; 0 in clear. */
unsigned tls_cipher_bits(const struct stream *s);

#endif
