/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole handshakes: a server whose key is elsewhere, a keyring that checks what it signs, an ordinary
 * client. One process each for client and keyring, as in the gateway.
 */
#include "roles/keyring/keyring_fixture.h"

#include "base/clock.h"
#include "conf/conf.h"
#include "ipc/link.h"
#include "role/stream.h"
#include "role/tls.h"
#include "roles/keyring/form.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct handshake {
	const char *name;
	struct key_kind kind; /* without type: keyring makes its own */
	int version;
};

static const struct handshake handshakes[] = {
	{ "P-256 TLS 1.3", { NULL, NULL, 0 }, TLS1_3_VERSION },
	{ "P-256 TLS 1.2", { NULL, NULL, 0 }, TLS1_2_VERSION },
	{ "P-384 TLS 1.3", { "EC", "P-384", 0 }, TLS1_3_VERSION },
	{ "P-384 TLS 1.2", { "EC", "P-384", 0 }, TLS1_2_VERSION },
	{ "RSA TLS 1.3", { "RSA", NULL, 2048 }, TLS1_3_VERSION },
	{ "RSA TLS 1.2", { "RSA", NULL, 2048 }, TLS1_2_VERSION },
	{ "Ed25519 TLS 1.3", { "ED25519", NULL, 0 }, TLS1_3_VERSION },
	{ "Ed25519 TLS 1.2", { "ED25519", NULL, 0 }, TLS1_2_VERSION },
};

static const struct conf_tls conf = { .min_version = CONF_TLS_VERSION_1_2 };

/* One room's worth of keyring, in a child. */
static pid_t start_keyring(struct keys *k, int fd)
{
	pid_t pid = fork();
	const struct session_keyring_sign *m;
	struct session_keyring_signature answer;
	struct link l = link_of(fd, &session_keyring_edge, SESSION_KEYRING_SIDE_KEYRING);
	struct link_in in;
	struct buf out;

	if (pid)
		return pid;
	link_in_init(&in, &session_keyring_edge);
	m = link_body(&in);
	if (link_receive(&l, &in, clock_mono_ms() + 5000))
		_exit(1);
	buf_init(&out, 1024);
	if (form_find(m->scheme, m->data) == FORM_NONE || keys_sign(k, m->scheme, m->data, &out))
		_exit(2);
	answer.data = buf_text(&out);
	_exit(link_send(&l, SESSION_KEYRING_SIGNATURE, &answer, NULL, 0, clock_mono_ms() + 5000) ? 3 : 0);
}

static pid_t start_client(int fd, int version)
{
	pid_t pid = fork();
	SSL_CTX *c;
	SSL *ssl;
	char line[6] = "";

	if (pid)
		return pid;
	fcntl(fd, F_SETFL, 0);
	c = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(c, version);
	SSL_CTX_set_max_proto_version(c, version);
	ssl = SSL_new(c);
	SSL_set_fd(ssl, fd);
	_exit(SSL_connect(ssl) == 1 && SSL_read(ssl, line, 5) == 5 && strcmp(line, "hello") == 0 ? 0 : 1);
}

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* One connection: a client of this version, and a room with this context. Returns what tls_accept said;
 * *ret_client is the client's exit status. */
static enum error connect_once(struct tls_context *server, struct keys *k, int version, int *ret_client)
{
	int sockets[2], channel[2];
	struct stream stream;
	pid_t client, keyring;
	enum error e;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
	assert_int_equal(link_make_pair(&session_keyring_edge, channel), ERROR_NONE);
	client = start_client(sockets[1], version);
	keyring = start_keyring(k, channel[1]);
	close(sockets[1]);
	close(channel[1]);
	stream_init(&stream, sockets[0], 1024);
	e = tls_accept(server, &stream, channel[0], clock_mono_ms() + 5000);
	if (!e) {
		assert_string_equal(tls_version_name(&stream).p,
				    version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
		e = stream_write(&stream, text_from_cstr("hello"), clock_mono_ms() + 5000);
	}
	stream_done(&stream);
	close(sockets[0]);
	*ret_client = status_of(client);
	assert_int_equal(status_of(keyring) == 0, e == ERROR_NONE);
	return e;
}

static void shake_hands(const struct handshake *h)
{
	struct tls_context *server = tls_server_new(&conf);
	struct keys *k;
	int client;
	enum error e;

	enter_fresh_directory();
	if (h->kind.type)
		put_key(&h->kind);
	k = load_from(-1);
	assert_int_equal(tls_server_set_chain(server, keys_chain(k)), ERROR_NONE);
	e = connect_once(server, k, h->version, &client);
	if (e || client)
		fail_msg("%s: %s, client %d", h->name, error_text(e), client);
	tls_context_free(server);
	keys_free(k);
}

static void every_key_kind_shakes_hands_in_both_versions(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(handshakes); i++)
		shake_hands(&handshakes[i]);
}

/* A context that still knew the earlier one would offer it to whoever prefers its kind. */
static void later_chain_of_another_kind_replaces_the_earlier(void **state)
{
	static const struct key_kind rsa = { "RSA", NULL, 2048 };
	struct tls_context *server = tls_server_new(&conf);
	struct keys *k;
	int client;

	(void)state;
	enter_fresh_directory();
	k = load_from(-1);
	assert_int_equal(tls_server_set_chain(server, keys_chain(k)), ERROR_NONE);
	put_key(&rsa);
	keys_free(k);
	k = load_from(-1);
	assert_int_equal(tls_server_set_chain(server, keys_chain(k)), ERROR_NONE);
	assert_int_equal(connect_once(server, k, TLS1_3_VERSION, &client), ERROR_NONE);
	assert_int_equal(client, 0);
	tls_context_free(server);
	keys_free(k);
}

/* A self-signed certificate of any kind, as PEM. */
static void make_chain(const struct key_kind *kind, struct buf *out)
{
	EVP_PKEY *key = make_key(kind);
	X509 *x = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, x), 1);
	n = BIO_get_mem_data(bio, &p);
	buf_init(out, TLS_CHAIN_MAX);
	buf_add(out, text_from_bytes(p, (size_t)n));
	BIO_free(bio);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void chain_that_cannot_be_used_replaces_nothing(void **state)
{
	static const struct key_kind p521 = { "EC", "P-521", 0 };
	struct tls_context *server = tls_server_new(&conf);
	struct buf other;
	struct keys *k;
	int client;

	(void)state;
	make_chain(&p521, &other);
	assert_int_equal(tls_server_set_chain(server, buf_text(&other)), ERROR_UNSUPPORTED);
	assert_int_equal(tls_server_set_chain(server, text_from_cstr("")), ERROR_MALFORMED);
	assert_false(tls_has_chain(server));
	enter_fresh_directory();
	k = load_from(-1);
	assert_int_equal(tls_server_set_chain(server, keys_chain(k)), ERROR_NONE);
	assert_int_equal(tls_server_set_chain(server, buf_text(&other)), ERROR_UNSUPPORTED);
	assert_int_equal(tls_server_set_chain(server, text_from_cstr("nothing")), ERROR_MALFORMED);
	assert_true(tls_has_chain(server));
	assert_int_equal(connect_once(server, k, TLS1_3_VERSION, &client), ERROR_NONE);
	assert_int_equal(client, 0);
	buf_done(&other);
	tls_context_free(server);
	keys_free(k);
}

/* A room whose keyring holds another key gets no signature, and its client no connection. */
static void keyring_that_refuses_ends_the_handshake(void **state)
{
	static const struct key_kind rsa = { "RSA", NULL, 2048 };
	struct tls_context *server = tls_server_new(&conf);
	struct keys *k, *other;
	int client;

	(void)state;
	enter_fresh_directory();
	k = load_from(-1);
	put_key(&rsa);
	other = load_from(-1);
	assert_int_equal(tls_server_set_chain(server, keys_chain(k)), ERROR_NONE);
	assert_int_equal(connect_once(server, other, TLS1_3_VERSION, &client), ERROR_TLS);
	assert_int_equal(client, 1);
	tls_context_free(server);
	keys_free(k);
	keys_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_kind_shakes_hands_in_both_versions),
		cmocka_unit_test(later_chain_of_another_kind_replaces_the_earlier),
		cmocka_unit_test(chain_that_cannot_be_used_replaces_nothing),
		cmocka_unit_test(keyring_that_refuses_ends_the_handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
