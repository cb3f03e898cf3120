/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole handshakes: a server whose key is elsewhere, a keyring that checks what it signs, an ordinary
 * client. One process each for client and keyring, as in the gateway.
 */
#include "unit.h"

#include "base/clock.h"
#include "ipc/link.h"
#include "role/stream.h"
#include "role/tls.h"
#include "roles/keyring/form.h"
#include "roles/keyring/keys.h"

#include "conf/conf.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct handshake {
	const char *name, *type; /* EVP_PKEY_Q_keygen's; NULL: keyring makes its own */
	const char *argument;
	size_t bits;
	int version;
};

static const struct handshake handshakes[] = {
	{ "P-256 TLS 1.3", NULL, NULL, 0, TLS1_3_VERSION },
	{ "P-256 TLS 1.2", NULL, NULL, 0, TLS1_2_VERSION },
	{ "P-384 TLS 1.3", "EC", "P-384", 0, TLS1_3_VERSION },
	{ "P-384 TLS 1.2", "EC", "P-384", 0, TLS1_2_VERSION },
	{ "RSA TLS 1.3", "RSA", NULL, 2048, TLS1_3_VERSION },
	{ "RSA TLS 1.2", "RSA", NULL, 2048, TLS1_2_VERSION },
	{ "Ed25519 TLS 1.3", "ED25519", NULL, 0, TLS1_3_VERSION },
};

static void enter_fresh_directory(void)
{
	char path[] = "/tmp/keyring-test-XXXXXX";

	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
	assert_int_equal(mkdir("keys", 0700), 0);
}

static void put_key(const struct handshake *h)
{
	EVP_PKEY *key;
	FILE *f;

	if (!h->type)
		return;
	if (strcmp(h->type, "RSA") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", h->bits);
	else if (h->argument)
		key = EVP_PKEY_Q_keygen(NULL, NULL, h->type, h->argument);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, h->type);
	assert_non_null(key);
	f = fopen("keys/smtp.pem", "w");
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	EVP_PKEY_free(key);
}

static struct keys *load(void)
{
	struct keys *k = keys_new();
	struct buf why;

	buf_init(&why, 1024);
	if (!keys_load(k, text_from_cstr("smtp"), text_from_cstr("mx.example.com"), -1, &why))
		fail_msg("%s", buf_cstr(&why));
	buf_done(&why);
	return k;
}

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

static void shake_hands(const struct handshake *h)
{
	struct conf_tls conf = { .min_version = CONF_TLS_VERSION_1_2 };
	int sockets[2], channel[2];
	struct tls_context *server;
	struct stream stream;
	struct keys *k;
	pid_t client, keyring;
	enum error e;

	enter_fresh_directory();
	put_key(h);
	k = load();
	server = tls_server_new(&conf);
	assert_int_equal(tls_server_set_chain(server, keys_chain(k)), ERROR_NONE);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
	assert_int_equal(link_make_pair(&session_keyring_edge, channel), ERROR_NONE);
	client = start_client(sockets[1], h->version);
	keyring = start_keyring(k, channel[1]);
	close(sockets[1]);
	close(channel[1]);
	stream_init(&stream, sockets[0], 1024);
	e = tls_accept(server, &stream, channel[0], clock_mono_ms() + 5000);
	if (e)
		print_message("%s: %s\n", h->name, error_text(e));
	assert_int_equal(e, ERROR_NONE);
	assert_string_equal(tls_version_name(&stream).p,
			    h->version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
	assert_int_equal(stream_write(&stream, text_from_cstr("hello"), clock_mono_ms() + 5000), ERROR_NONE);
	assert_int_equal(status_of(client), 0);
	assert_int_equal(status_of(keyring), 0);
	stream_done(&stream);
	tls_context_free(server);
	keys_free(k);
}

static void every_key_kind_shakes_hands_in_both_versions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof handshakes / sizeof *handshakes; i++)
		shake_hands(&handshakes[i]);
}

static void what_keyring_made_is_found_again(void **state)
{
	struct keys *k;
	struct buf first;

	(void)state;
	enter_fresh_directory();
	k = load();
	assert_true(keys_was_made(k));
	buf_init(&first, KEYS_CHAIN_MAX);
	buf_add(&first, keys_chain(k));
	keys_free(k);
	k = load();
	assert_false(keys_was_made(k));
	assert_true(text_is_equal(buf_text(&first), keys_chain(k)));
	keys_free(k);
	buf_done(&first);
}

static void certificate_of_another_key_is_refused_with_the_cure(void **state)
{
	struct keys *k = NULL;
	struct buf why;
	int fd;

	(void)state;
	enter_fresh_directory();
	keys_free(load());
	fd = open("keys/smtp.crt", O_RDONLY);
	assert_int_equal(rename("keys/smtp.pem", "keys/old.pem"), 0);
	put_key(&handshakes[4]);
	k = keys_new();
	buf_init(&why, 1024);
	assert_false(keys_load(k, text_from_cstr("smtp"), text_from_cstr("mx.example.com"), fd, &why));
	assert_non_null(strstr(buf_cstr(&why), "belongs to another key than keys/smtp.pem"));
	buf_done(&why);
	keys_free(k);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_kind_shakes_hands_in_both_versions),
		cmocka_unit_test(what_keyring_made_is_found_again),
		cmocka_unit_test(certificate_of_another_key_is_refused_with_the_cure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
