/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of DKIM and what is done with them. Called by keyring's main. Trusts the files of its own directory;
 * what is to be signed comes from a room and is looked at before it is signed.
 *
 * Invariants: the signature is over a header block that is built and hashed here, for the domain of the
 * profile that queue vouches for, and names no field but those that were named; a key does nothing but that.
 */
#include "roles/keyring/dkim_keys.h"

#include "base/ensure.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_BYTES   16384
#define RSA_BITS_MIN 1024
#define RSA_BITS_MAX 4096
#define PATH_BYTES   256

struct dkim_key_file {
	char selector[DKIM_SELECTOR_MAX + 1];
	EVP_PKEY *key;
};

struct profile {
	uint64_t id;
	struct dkim_key_file keys[DKIM_KEYS_MAX];
	size_t n;
};

struct dkim_keys {
	struct profile *profiles;
	size_t n;
};

struct dkim_keys *dkim_keys_new(void)
{
	return mem_zalloc(1, sizeof(struct dkim_keys));
}

static void forget(struct dkim_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		for (size_t j = 0; j < k->profiles[i].n; j++)
			EVP_PKEY_free(k->profiles[i].keys[j].key);
	free(k->profiles);
	*k = (struct dkim_keys){ 0 };
}

void dkim_keys_free(struct dkim_keys *k)
{
	if (!k)
		return;
	forget(k);
	free(k);
}

size_t dkim_keys_count(const struct dkim_keys *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		n += k->profiles[i].n;
	return n;
}

/* ---- files ---- */

static bool is_usable(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	return EVP_PKEY_is_a(key, "ED25519") ||
	       (EVP_PKEY_is_a(key, "RSA") && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX);
}

/* The bytes are wiped behind it. */
static EVP_PKEY *parse_key(char *bytes, size_t n)
{
	BIO *bio = BIO_new_mem_buf(bytes, (int)n);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");

	BIO_free(bio);
	OPENSSL_cleanse(bytes, n);
	ERR_clear_error();
	if (key && is_usable(key))
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static EVP_PKEY *read_key(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char bytes[FILE_BYTES];
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, bytes, sizeof bytes);
	close(fd);
	return n > 0 && n < (ssize_t)sizeof bytes ? parse_key(bytes, (size_t)n) : NULL;
}

/* "SELECTOR.pem", where the selector is one label of letters, digits and "-". */
static bool find_selector(struct text file, char selector[DKIM_SELECTOR_MAX + 1])
{
	static const struct text suffix = TEXT(".pem");
	size_t n = file.n - suffix.n;

	if (file.n <= suffix.n || n > DKIM_SELECTOR_MAX || !text_has_suffix_nocase(file, suffix))
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = file.p[i];
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_')
			return false;
	}
	memcpy(selector, file.p, n);
	selector[n] = '\0';
	return true;
}

/* Keeps the list in the order of selectors. */
static void add_key(struct profile *p, const struct dkim_key_file *key)
{
	size_t at = p->n++;

	for (; at > 0 && strcmp(p->keys[at - 1].selector, key->selector) > 0; at--)
		p->keys[at] = p->keys[at - 1];
	p->keys[at] = *key;
}

static bool load_file(struct profile *p, const char *folder, const char *name, struct buf *why)
{
	struct dkim_key_file file;
	char path[PATH_BYTES + 256];

	if (!find_selector(text_from_cstr(name), file.selector))
		return true;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (p->n == DKIM_KEYS_MAX) {
		buf_printf(why, "%s: a profile has at most %d keys; take one away\n", path, DKIM_KEYS_MAX);
		return false;
	}
	file.key = read_key(path);
	if (file.key) {
		add_key(p, &file);
		return true;
	}
	buf_printf(why,
		   "%s is not a private key in PEM, RSA of %d to %d bits or Ed25519; make one with 'postern "
		   "dkim rotate'\n",
		   path, RSA_BITS_MIN, RSA_BITS_MAX);
	return false;
}

static bool load_profile(struct profile *p, struct text name, struct buf *why)
{
	char folder[PATH_BYTES];
	const struct dirent *entry;
	bool ok = true;
	DIR *d;

	snprintf(folder, sizeof folder, "keys/dkim/%.*s", TEXT_ARGS(name));
	d = opendir(folder);
	if (!d)
		return true; /* no key yet */
	while ((entry = readdir(d)))
		ok = load_file(p, folder, entry->d_name, why) && ok;
	closedir(d);
	return ok;
}

bool dkim_keys_load(struct dkim_keys *k, const struct conf *conf, struct buf *why)
{
	struct dkim_keys fresh = { mem_zalloc(conf->dkim.n ? conf->dkim.n : 1, sizeof *fresh.profiles),
				   conf->dkim.n };
	bool ok = true;

	for (size_t i = 0; i < conf->dkim.n; i++) {
		fresh.profiles[i].id = conf->dkim.v[i].id;
		ok = load_profile(&fresh.profiles[i], conf->dkim.v[i].name, why) && ok;
	}
	forget(k);
	*k = fresh;
	return ok;
}

/* ---- signing ---- */

static const struct profile *find_profile(const struct dkim_keys *k, uint64_t id)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->profiles[i].id == id)
			return &k->profiles[i];
	return NULL;
}

static bool sign_with(void *context, struct text digest, struct buf *out)
{
	return dkim_key_sign(context, digest, out);
}

static struct dkim_sign_spec spec_of(const struct dkim_keys_job *job)
{
	const struct conf_dkim *p = job->profile;
	bool is_simple_header = p->canonicalization == CONF_CANONICALIZATION_SIMPLE_RELAXED ||
				p->canonicalization == CONF_CANONICALIZATION_SIMPLE_SIMPLE;
	bool is_simple_body = p->canonicalization == CONF_CANONICALIZATION_RELAXED_SIMPLE ||
			      p->canonicalization == CONF_CANONICALIZATION_SIMPLE_SIMPLE;

	return (struct dkim_sign_spec){
		.kind = DKIM_FIELD_DKIM,
		.header_canon = is_simple_header ? DKIM_CANON_SIMPLE : DKIM_CANON_RELAXED,
		.body_canon = is_simple_body ? DKIM_CANON_SIMPLE : DKIM_CANON_RELAXED,
		.domain = p->domain,
		.identity = p->identity,
		.signed_at = job->now,
		.expires = p->signature_expire > 0 ? job->now + p->signature_expire / 1000 : -1,
		.names = job->names,
		.n_names = job->n_names,
	};
}

static bool names_from(const struct dkim_keys_job *job)
{
	for (size_t i = 0; i < job->n_names; i++)
		if (text_is_cstr_nocase(job->names[i], "from"))
			return true;
	return false;
}

bool dkim_keys_sign(struct dkim_keys *k, const struct dkim_keys_job *job, struct buf *out)
{
	const struct profile *p = find_profile(k, job->profile->id);
	struct dkim_sign_spec spec = spec_of(job);
	size_t start = out->n;
	bool ok = p && p->n > 0 && names_from(job) &&
		  dkim_sign_check(spec.header_canon, job->names, job->n_names, job->covered);

	for (size_t i = 0; ok && i < p->n; i++) {
		struct dkim_signer signer = { p->keys[i].key, sign_with };
		spec.algorithm = EVP_PKEY_is_a(p->keys[i].key, "RSA") ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256;
		spec.selector = text_from_cstr(p->keys[i].selector);
		ok = dkim_sign_field(&spec, job->covered, job->body_hash, &signer, out);
	}
	ERR_clear_error();
	if (!ok)
		out->n = start;
	return ok;
}
