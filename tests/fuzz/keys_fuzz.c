/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the file of certificates that an administrator names, read beside the key that the seeds
 * were made with. Checked beside memory safety: a refusal says why and leaves what was loaded; what is
 * given out is nothing but certificates.
 */
#include "place.h"

#include "roles/keyring/keys.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";

/* Lines between the marks are base64; between certificates there is nothing. */
static void check_chain(struct text chain)
{
	struct text line;
	bool is_inside = false;

	ASSERT(chain.n > 0 && chain.n <= KEYS_CHAIN_MAX);
	while (text_cut(chain, '\n', &line, &chain)) {
		if (!is_inside)
			ASSERT(text_is_cstr(line, begin));
		else if (!text_is_cstr(line, end))
			ASSERT(line.n > 0 && line.n <= 64 && text_find_byte(line, '-') == line.n);
		is_inside = !text_is_cstr(line, end);
	}
	ASSERT(!is_inside && chain.n == 0);
}

static bool load(struct keys *k, int fd)
{
	struct buf why;
	bool is_loaded;

	buf_init(&why, 1024);
	is_loaded = keys_load(k, text_from_cstr("fuzz"), text_from_cstr("mx.test.example"), fd, &why);
	ASSERT(is_loaded || why.n > 0);
	buf_done(&why);
	return is_loaded;
}

static void put_key(void)
{
	static const unsigned char raw[] = "the key of the seeds in corpus/k";
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw, 32);
	FILE *f = fopen("keys/fuzz.pem", "w");

	ASSERT(f && key && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(f);
	EVP_PKEY_free(key);
}

static struct keys *make_keys(void)
{
	static struct keys *k;

	if (k)
		return k;
	ASSERT(fchdir(fuzz_place()) == 0 && mkdir("keys", 0700) == 0);
	put_key();
	k = keys_new();
	ASSERT(load(k, -1));
	return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct keys *k = make_keys();
	int fd = memfd_create("chain", MFD_CLOEXEC);

	ASSERT(fd >= 0 && write(fd, data, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0);
	(void)load(k, fd);
	check_chain(keys_chain(k));
	close(fd);
	return 0;
}
