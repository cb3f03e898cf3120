/* SPDX-License-Identifier: Apache-2.0
 *
 * The private key is nowhere in a room's memory: not before, in or after a handshake. The memory of
 * keyring, a room and a client is searched from outside for every form that the key has; that keyring's
 * holds it shows that the search finds what is there.
 */
#include "roles/keyring/keyring_fixture.h"

#include "base/clock.h"
#include "conf/conf.h"
#include "ipc/link.h"
#include "role/stream.h"
#include "role/tls.h"
#include "roles/keyring/form.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PATIENCE   10000
#define SECRET_MAX 512
#define FORMS      3
#define RANGE_MAX  ((size_t)1 << 27) /* larger: a sanitizer's shadow */

struct secret {
	unsigned char bytes[FORMS][SECRET_MAX]; /* big-endian, as OpenSSL holds numbers, as in the PEM file */
	size_t n[FORMS];
};

static const struct key_kind kinds[] = {
	{ "EC", "P-256", 0 },
	{ "RSA", NULL, 2048 },
	{ "ED25519", NULL, 0 },
};

static const struct conf_tls conf = { .min_version = CONF_TLS_VERSION_1_2 };

/* ---- the three processes: each writes a byte when it is where its memory is to be searched ---- */

static void show_and_wait(int fd)
{
	bool is_told = write(fd, "x", 1) == 1;

	alarm(PATIENCE / 1000); /* not to outlive a test that failed */
	while (is_told)
		pause();
	_exit(1);
}

static void run_keyring(int out, int channel)
{
	struct link l = link_of(channel, &session_keyring_edge, SESSION_KEYRING_SIDE_KEYRING);
	struct keys *k = load_from(-1);
	struct text chain = keys_chain(k);
	const struct session_keyring_sign *m;
	struct session_keyring_signature answer;
	struct link_in in;
	struct buf signature;

	if (write(out, chain.p, chain.n) != (ssize_t)chain.n)
		_exit(2);
	link_in_init(&in, &session_keyring_edge);
	m = link_body(&in);
	buf_init(&signature, 1024);
	if (link_receive(&l, &in, clock_mono_ms() + PATIENCE) || form_find(m->scheme, m->data) == FORM_NONE ||
	    keys_sign(k, m->scheme, m->data, &signature))
		_exit(3);
	answer.data = buf_text(&signature);
	if (link_send(&l, SESSION_KEYRING_SIGNATURE, &answer, NULL, 0, clock_mono_ms() + PATIENCE))
		_exit(4);
	show_and_wait(out);
}

static void run_client(int out, int fd)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(c);

	fcntl(fd, F_SETFL, 0);
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1)
		_exit(2);
	show_and_wait(out);
}

static void run_room(int out, struct text chain, int fd, int channel)
{
	struct tls_context *server = tls_server_new(&conf);
	struct stream s;

	stream_init(&s, fd, 1024);
	if (tls_server_set_chain(server, chain) ||
	    tls_accept(server, &s, channel, clock_mono_ms() + PATIENCE))
		_exit(2);
	show_and_wait(out);
}

/* ---- the search ---- */

static void fill_secret(struct secret *s)
{
	FILE *f = fopen("keys/smtp.pem", "r");
	EVP_PKEY *key;
	BIGNUM *number = NULL;
	char pem[4096] = "";
	const char *line;

	assert_non_null(f);
	assert_true(fread(pem, 1, sizeof pem - 1, f) > 0);
	rewind(f);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	assert_non_null(key);
	s->n[0] = SECRET_MAX;
	if (EVP_PKEY_is_a(key, "ED25519")) {
		assert_int_equal(EVP_PKEY_get_raw_private_key(key, s->bytes[0], &s->n[0]), 1);
	} else {
		const char *name =
			EVP_PKEY_is_a(key, "RSA") ? OSSL_PKEY_PARAM_RSA_FACTOR1 : OSSL_PKEY_PARAM_PRIV_KEY;
		assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
		s->n[0] = (size_t)BN_bn2bin(number, s->bytes[0]);
	}
	for (size_t i = 0; i < s->n[0]; i++)
		s->bytes[1][i] = s->bytes[0][s->n[0] - 1 - i];
	s->n[1] = s->n[0];
	line = strchr(pem, '\n') + 1;
	line += EVP_PKEY_is_a(key, "RSA") ? 65 * 5 : 40; /* past what all keys of the kind begin with */
	s->n[2] = 20;
	memcpy(s->bytes[2], line, s->n[2]);
	BN_clear_free(number);
	EVP_PKEY_free(key);
}

static bool is_in(const struct secret *s, const char *p, size_t n)
{
	for (size_t i = 0; i < FORMS; i++)
		if (memmem(p, n, s->bytes[i], s->n[i]))
			return true;
	return false;
}

static bool search_range(int memory, unsigned long from, unsigned long to, const struct secret *s)
{
	size_t n = to - from;
	char *copy = malloc(n);
	ssize_t got = copy ? pread(memory, copy, n, (off_t)from) : -1;
	bool is_found = got > 0 && is_in(s, copy, (size_t)got);

	free(copy);
	return is_found;
}

/* All that the process can read and that is its own. *ret_searched: bytes. */
static bool has_secret(pid_t pid, const struct secret *s, size_t *ret_searched)
{
	char path[64], line[512], *rest;
	unsigned long from, to;
	bool is_found = false;
	int memory;
	FILE *maps;

	snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	memory = open(path, O_RDONLY);
	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	maps = fopen(path, "r");
	if (memory < 0 || !maps)
		skip(); /* where /proc is closed */
	*ret_searched = 0;
	while (fgets(line, sizeof line, maps)) {
		from = strtoul(line, &rest, 16);
		to = strtoul(rest + 1, &rest, 16);
		if (rest[1] != 'r' || strstr(line, "[v") || to - from > RANGE_MAX)
			continue;
		*ret_searched += to - from;
		is_found = is_found || search_range(memory, from, to, s);
	}
	fclose(maps);
	close(memory);
	return is_found;
}

/* ---- the test ---- */

static int read_end(int ends[2], pid_t pid)
{
	assert_true(pid > 0);
	close(ends[1]);
	return ends[0];
}

static void wait_until_there(int fd)
{
	char byte;

	assert_int_equal(read(fd, &byte, 1), 1);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void search_all(pid_t keyring, pid_t room, pid_t client)
{
	struct secret secret;
	size_t searched;

	fill_secret(&secret);
	assert_true(has_secret(keyring, &secret, &searched));
	assert_false(has_secret(room, &secret, &searched));
	assert_true(searched > 1 << 20);
	assert_false(has_secret(client, &secret, &searched));
}

static void shake_hands_and_search(const struct key_kind *kind)
{
	int sockets[2], channel[2], keyring_ends[2], room_ends[2], client_ends[2];
	char chain[8192];
	pid_t keyring, room, client;
	ssize_t n;

	enter_fresh_directory();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
	assert_int_equal(link_make_pair(&session_keyring_edge, channel), ERROR_NONE);
	assert_true(pipe(keyring_ends) == 0 && pipe(room_ends) == 0 && pipe(client_ends) == 0);
	keyring = fork(); /* the key is made there: forked from here, the room would have it */
	if (keyring == 0) {
		put_key(kind);
		run_keyring(keyring_ends[1], channel[1]);
	}
	n = read(read_end(keyring_ends, keyring), chain, sizeof chain);
	assert_true(n > 0);
	client = fork();
	if (client == 0)
		run_client(client_ends[1], sockets[1]);
	room = fork();
	if (room == 0)
		run_room(room_ends[1], text_from_bytes(chain, (size_t)n), sockets[0], channel[0]);
	wait_until_there(keyring_ends[0]);
	wait_until_there(read_end(room_ends, room));
	wait_until_there(read_end(client_ends, client));
	search_all(keyring, room, client);
	end(keyring);
	end(room);
	end(client);
	for (size_t i = 0; i < 2; i++) {
		close(sockets[i]);
		close(channel[i]);
	}
}

static void only_keyring_holds_the_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(kinds); i++)
		shake_hands_and_search(&kinds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_keyring_holds_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
