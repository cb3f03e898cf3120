/* SPDX-License-Identifier: Apache-2.0
 *
 * The key and its certificate: what is made, what an administrator may put there, what is told to
 * others.
 */
#include "roles/keyring/keyring_fixture.h"

struct refused {
	const char *name;
	struct key_kind kind;
};

static const struct refused refused_keys[] = {
	{ "P-521", { "EC", "P-521", 0 } },
	{ "secp256k1", { "EC", "secp256k1", 0 } },
	{ "RSA of 1024 bits", { "RSA", NULL, 1024 } },
	{ "X25519", { "X25519", NULL, 0 } },
	{ "Ed448", { "ED448", NULL, 0 } },
};

static const struct key_kind p384 = { "EC", "P-384", 0 };

static size_t count_of(struct text t, const char *what)
{
	struct text wanted = text_from_cstr(what);
	size_t n = 0;

	for (size_t i = 0; i + wanted.n <= t.n; i++)
		n += memcmp(t.p + i, wanted.p, wanted.n) == 0;
	return n;
}

/* A file whose content is `text`; the descriptor, as posternd would hand it over. */
static int put_chain(struct text text)
{
	FILE *f = fopen("chain.pem", "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
	fclose(f);
	return open("chain.pem", O_RDONLY);
}

/* keys/smtp.pem and its self-signed certificate, in `out`. */
static void make_own(struct buf *out)
{
	enter_fresh_directory();
	keys_free(load_from(-1));
	buf_init(out, KEYS_CHAIN_MAX);
	read_whole("keys/smtp.crt", out);
}

static void what_keyring_made_is_found_again(void **state)
{
	struct buf first;
	struct stat st;
	struct keys *k;

	(void)state;
	enter_fresh_directory();
	k = load_from(-1);
	assert_true(keys_was_made(k));
	buf_init(&first, KEYS_CHAIN_MAX);
	buf_add(&first, keys_chain(k));
	keys_free(k);
	assert_int_equal(stat("keys/smtp.pem", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	k = load_from(-1);
	assert_false(keys_was_made(k));
	assert_true(text_is_equal(buf_text(&first), keys_chain(k)));
	keys_free(k);
	buf_done(&first);
}

static void key_of_the_administrator_is_used(void **state)
{
	struct buf before, after;
	struct keys *k;

	(void)state;
	enter_fresh_directory();
	put_key(&p384);
	buf_init(&before, 65536);
	buf_init(&after, 65536);
	read_whole("keys/smtp.pem", &before);
	k = load_from(-1);
	read_whole("keys/smtp.pem", &after);
	assert_true(text_is_equal(buf_text(&before), buf_text(&after)));
	keys_free(k);
	buf_done(&before);
	buf_done(&after);
}

static void certificate_of_another_key_is_refused_with_the_cure(void **state)
{
	struct keys *k = keys_new();
	struct buf own, why;
	int fd;

	(void)state;
	make_own(&own);
	fd = put_chain(buf_text(&own));
	put_key(&p384);
	assert_false(try_load(k, fd, &why));
	assert_non_null(strstr(buf_cstr(&why), "belongs to another key than keys/smtp.pem"));
	buf_done(&why);
	buf_done(&own);
	keys_free(k);
	close(fd);
}

/* Files made for other servers hold both. */
static void private_key_beside_the_certificate_is_never_told(void **state)
{
	struct buf own;
	struct keys *k;
	int fd;

	(void)state;
	make_own(&own);
	read_whole("keys/smtp.pem", &own);
	assert_int_equal(count_of(buf_text(&own), "PRIVATE KEY"), 2);
	fd = put_chain(buf_text(&own));
	k = load_from(fd);
	assert_int_equal(count_of(keys_chain(k), "BEGIN CERTIFICATE"), 1);
	assert_int_equal(count_of(keys_chain(k), "PRIVATE KEY"), 0);
	keys_free(k);
	buf_done(&own);
	close(fd);
}

static void whole_chain_is_told_in_its_order(void **state)
{
	struct buf chain, other;
	struct keys *k;
	int fd;

	(void)state;
	make_own(&other);
	make_own(&chain);
	buf_add(&chain, buf_text(&other));
	fd = put_chain(buf_text(&chain));
	k = load_from(fd);
	assert_true(text_is_equal(keys_chain(k), buf_text(&chain)));
	keys_free(k);
	buf_done(&chain);
	buf_done(&other);
	close(fd);
}

static void damaged_certificate_in_the_chain_is_refused(void **state)
{
	struct keys *k = keys_new();
	struct buf chain, whole, why;
	size_t n;
	int fd;

	(void)state;
	make_own(&chain);
	buf_init(&whole, KEYS_CHAIN_MAX);
	buf_add(&whole, buf_text(&chain));
	buf_add(&whole, buf_text(&chain));
	n = chain.n;
	whole.p[n + 100] = whole.p[n + 100] == '*' ? '+' : '*'; /* not of base64 */
	fd = put_chain(buf_text(&whole));
	assert_false(try_load(k, fd, &why));
	close(fd);
	buf_done(&why);
	whole.p[n + 100] = 'A';
	fd = put_chain(text_slice(buf_text(&whole), 0, n + n / 2)); /* cut off */
	assert_false(try_load(k, fd, &why));
	close(fd);
	buf_done(&why);
	buf_done(&whole);
	buf_done(&chain);
	keys_free(k);
}

static void key_that_no_room_can_use_is_refused_with_the_cure(void **state)
{
	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(refused_keys); i++) {
		struct keys *k = keys_new();
		struct buf why;
		enter_fresh_directory();
		put_key(&refused_keys[i].kind);
		if (try_load(k, -1, &why))
			fail_msg("%s was taken", refused_keys[i].name);
		assert_non_null(strstr(buf_cstr(&why), "keys/smtp.pem"));
		assert_non_null(strstr(buf_cstr(&why), "P-256"));
		buf_done(&why);
		keys_free(k);
	}
}

static void what_cannot_be_loaded_replaces_nothing(void **state)
{
	struct buf before, why;
	struct keys *k;

	(void)state;
	enter_fresh_directory();
	k = load_from(-1);
	buf_init(&before, KEYS_CHAIN_MAX);
	buf_add(&before, keys_chain(k));
	put_key(&refused_keys[0].kind);
	assert_false(try_load(k, -1, &why));
	assert_true(text_is_equal(buf_text(&before), keys_chain(k)));
	buf_done(&why);
	buf_done(&before);
	keys_free(k);
}

static void scheme_of_another_kind_of_key_is_denied(void **state)
{
	struct keys *k;
	struct buf out;

	(void)state;
	enter_fresh_directory();
	k = load_from(-1);
	buf_init(&out, 1024);
	assert_int_equal(keys_sign(k, SESSION_KEYRING_SCHEME_RSA_PSS_SHA256, text_from_cstr("x"), &out),
			 ERROR_DENIED);
	assert_int_equal(keys_sign(k, SESSION_KEYRING_SCHEME_ED25519, text_from_cstr("x"), &out),
			 ERROR_DENIED);
	assert_int_equal(out.n, 0);
	buf_done(&out);
	keys_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_keyring_made_is_found_again),
		cmocka_unit_test(key_of_the_administrator_is_used),
		cmocka_unit_test(certificate_of_another_key_is_refused_with_the_cure),
		cmocka_unit_test(private_key_beside_the_certificate_is_never_told),
		cmocka_unit_test(whole_chain_is_told_in_its_order),
		cmocka_unit_test(damaged_certificate_in_the_chain_is_refused),
		cmocka_unit_test(key_that_no_room_can_use_is_refused_with_the_cure),
		cmocka_unit_test(what_cannot_be_loaded_replaces_nothing),
		cmocka_unit_test(scheme_of_another_kind_of_key_is_denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
