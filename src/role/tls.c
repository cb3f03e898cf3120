/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS for rooms: contexts made once by a zygote, handshakes run by its rooms. Called by the session and
 * delivery rooms and their zygotes. Trusts OpenSSL and the configuration; the other side with nothing.
 * Invariants: no context holds a private key; what a handshake needs is in memory before the sandbox.
 */
#include "role/tls.h"

#include "base/ensure.h"
#include "base/log.h"
#include "conf/conf.h"
#include "role/stream.h"
#include "role/tls_provider.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define GROUPS "X25519:P-256:P-384"
#define SIGNATURES                                                                                           \
	"ECDSA+SHA256:ECDSA+SHA384:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+"     \
	"SHA384:"                                                                                            \
	"RSA+SHA512"
#define SERVER_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define NAME_MAX_SIZE  256

struct tls_context {
	const struct conf_tls *conf;
	SSL_CTX *ssl;
	bool has_chain;
};

static void set_ciphers(SSL_CTX *ssl, const struct conf_tls *conf, const char *initial, const char *behind)
{
	char list[1200];

	if (conf->ciphers.n == 0 && !initial)
		return;
	if (conf->ciphers.n)
		snprintf(list, sizeof list, "%.*s%s", TEXT_ARGS(conf->ciphers), behind);
	else
		snprintf(list, sizeof list, "%s", initial);
	if (SSL_CTX_set_cipher_list(ssl, list) != 1)
		log_fatal(EX_CONFIG, "tls ciphers: OpenSSL does not know '%s'", list);
}

static SSL_CTX *make(const struct conf_tls *conf, const SSL_METHOD *method)
{
	int oldest = conf->min_version == CONF_TLS_VERSION_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
	SSL_CTX *ssl = SSL_CTX_new_ex(tls_provider_library(), NULL, method);

	ASSERT(ssl && SSL_CTX_set_min_proto_version(ssl, oldest) == 1);
	SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	ASSERT(SSL_CTX_set1_groups_list(ssl, GROUPS) == 1);
	return ssl;
}

static SSL_CTX *make_server(const struct conf_tls *conf)
{
	SSL_CTX *ssl = make(conf, TLS_server_method());

	SSL_CTX_set_num_tickets(ssl, 0);
	set_ciphers(ssl, conf, SERVER_CIPHERS, ":!kRSA:!kDHE:!kPSK:!aNULL");
	ASSERT(SSL_CTX_set1_sigalgs_list(ssl, SIGNATURES) == 1);
	return ssl;
}

static struct tls_context *open_context(const struct conf_tls *conf)
{
	struct tls_context *c = mem_zalloc(1, sizeof *c);

	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	tls_provider_open();
	c->conf = conf;
	return c;
}

struct tls_context *tls_server_new(const struct conf_tls *conf)
{
	struct tls_context *c = open_context(conf);

	c->ssl = make_server(conf);
	return c;
}

struct tls_context *tls_client_new(const struct conf_tls *conf)
{
	struct tls_context *c = open_context(conf);

	c->ssl = make(conf, TLS_client_method());
	set_ciphers(c->ssl, conf, NULL, "");
	SSL_CTX_set_verify(c->ssl, SSL_VERIFY_NONE, NULL);
	return c;
}

void tls_context_free(struct tls_context *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->ssl);
	free(c);
}

static bool set_leaf(SSL_CTX *ssl, X509 *leaf)
{
	EVP_PKEY *public_key = X509_get0_pubkey(leaf);
	EVP_PKEY *key = public_key ? tls_provider_make_key(public_key) : NULL;
	bool is_set = key && SSL_CTX_use_cert_and_key(ssl, leaf, key, NULL, 1) == 1;

	EVP_PKEY_free(key);
	return is_set;
}

static enum error fill_chain(SSL_CTX *ssl, BIO *pem)
{
	X509 *leaf = X509_new_ex(tls_provider_library(), NULL), *next;
	enum error e = ERROR_NONE;

	ASSERT(leaf != NULL);
	if (!PEM_read_bio_X509(pem, &leaf, NULL, NULL))
		e = ERROR_MALFORMED;
	else if (!set_leaf(ssl, leaf))
		e = ERROR_UNSUPPORTED;
	while (!e && (next = PEM_read_bio_X509(pem, NULL, NULL, NULL)))
		if (SSL_CTX_add0_chain_cert(ssl, next) != 1)
			X509_free(next);
	X509_free(leaf);
	return e;
}

/* Into a context of its own each time: OpenSSL keeps one certificate for each kind of key and forgets
 * none, so an earlier one of another kind would still be offered. */
enum error tls_server_set_chain(struct tls_context *c, struct text chain_pem)
{
	BIO *bio = chain_pem.n ? BIO_new_mem_buf(chain_pem.p, (int)chain_pem.n) : NULL;
	SSL_CTX *fresh = bio ? make_server(c->conf) : NULL;
	enum error e = bio ? fill_chain(fresh, bio) : ERROR_MALFORMED;

	ERR_clear_error();
	BIO_free(bio);
	if (e) {
		SSL_CTX_free(fresh);
		return e;
	}
	SSL_CTX_free(c->ssl);
	c->ssl = fresh;
	c->has_chain = true;
	return ERROR_NONE;
}

bool tls_has_chain(const struct tls_context *c)
{
	return c->has_chain;
}

enum error tls_accept(struct tls_context *c, struct stream *s, int keyring_fd, int64_t deadline)
{
	SSL *ssl = c->has_chain ? SSL_new(c->ssl) : NULL;
	enum error e = ERROR_TLS;

	if (ssl) {
		SSL_set_accept_state(ssl);
		tls_provider_set_channel(keyring_fd, deadline);
		e = stream_start_tls(s, ssl, deadline);
		tls_provider_set_channel(-1, 0);
	}
	close(keyring_fd);
	return e;
}

enum error tls_connect(struct tls_context *c, struct stream *s, struct text server_name, int64_t deadline)
{
	SSL *ssl = SSL_new(c->ssl);
	char name[NAME_MAX_SIZE];

	ASSERT(ssl);
	SSL_set_connect_state(ssl);
	if (server_name.n && server_name.n < sizeof name) {
		snprintf(name, sizeof name, "%.*s", TEXT_ARGS(server_name));
		SSL_set_tlsext_host_name(ssl, name);
	}
	return stream_start_tls(s, ssl, deadline);
}

struct text tls_version_name(const struct stream *s)
{
	return text_from_cstr(s->ssl ? SSL_get_version(s->ssl) : "");
}

struct text tls_cipher_name(const struct stream *s)
{
	return text_from_cstr(s->ssl ? SSL_get_cipher_name(s->ssl) : "");
}

unsigned tls_cipher_bits(const struct stream *s)
{
	return s->ssl ? (unsigned)SSL_get_cipher_bits(s->ssl, NULL) : 0;
}
