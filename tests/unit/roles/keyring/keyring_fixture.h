/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of keyring share: a directory of their own, key files of any kind, files, loading.
 */
#ifndef UNIT_KEYRING_FIXTURE_H
#define UNIT_KEYRING_FIXTURE_H

#include "unit.h"

#include "roles/keyring/keys.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct key_kind {
	const char *type, *group; /* group: of EC */
	size_t bits;              /* of RSA */
};

static inline void enter_fresh_directory(void)
{
	char path[] = "/tmp/keyring-test-XXXXXX";

	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
	assert_int_equal(mkdir("keys", 0700), 0);
}

static inline EVP_PKEY *make_key(const struct key_kind *kind)
{
	EVP_PKEY *key;

	if (kind->bits)
		key = EVP_PKEY_Q_keygen(NULL, NULL, kind->type, kind->bits);
	else if (kind->group)
		key = EVP_PKEY_Q_keygen(NULL, NULL, kind->type, kind->group);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, kind->type);
	assert_non_null(key);
	return key;
}

/* As an administrator does it. */
static inline void put_key(const struct key_kind *kind)
{
	EVP_PKEY *key = make_key(kind);
	FILE *f = fopen("keys/smtp.pem", "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	EVP_PKEY_free(key);
}

static inline void read_whole(const char *path, struct buf *out)
{
	char bytes[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	while ((n = fread(bytes, 1, sizeof bytes, f)))
		assert_true(buf_add(out, text_from_bytes(bytes, n)));
	fclose(f);
}

static inline bool try_load(struct keys *k, int chain_fd, struct buf *why)
{
	buf_init(why, 1024);
	return keys_load(k, text_from_cstr("smtp"), text_from_cstr("mx.example.com"), chain_fd, why);
}

static inline struct keys *load_from(int chain_fd)
{
	struct keys *k = keys_new();
	struct buf why;

	if (!try_load(k, chain_fd, &why))
		fail_msg("%s", buf_cstr(&why));
	buf_done(&why);
	return k;
}

#endif
