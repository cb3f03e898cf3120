/* SPDX-License-Identifier: Apache-2.0
 *
 * Key files and signatures. Called by keyring's main. Trusts the files of its own directory and the
 * administrator's certificate, as far as they fit together; never gives out a key.
 *
 * Invariants: a key is written with mode 0600, synced, and under its name only when complete; nothing
 * but signing is done with it. What keys_chain gives out was written by copy_certificates: whatever else
 * stands in an administrator's file (the private key, often) stays here.
 */
#include "roles/keyring/keys.h"

#include "base/ensure.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX      65536
#define PATH_MAX_SIZE 160
#define TEN_YEARS     ((long)10 * 365 * 24 * 3600)
#define RSA_BITS_MIN  2048
#define RSA_BITS_MAX  8192 /* its signatures fill session_keyring's `data` */

struct keys {
	EVP_PKEY *key;
	struct buf chain;
	bool was_made;
};

struct keys *keys_new(void)
{
	struct keys *k = mem_zalloc(1, sizeof *k);

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	buf_init(&k->chain, KEYS_CHAIN_MAX);
	return k;
}

void keys_free(struct keys *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->key);
	buf_done(&k->chain);
	free(k);
}

bool keys_was_made(const struct keys *k)
{
	return k->was_made;
}

struct text keys_chain(const struct keys *k)
{
	return buf_text(&k->chain);
}

/* ---- files ---- */

static bool read_fd(int fd, struct buf *out)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		buf_add(out, text_from_bytes(bytes, (size_t)n));
	OPENSSL_cleanse(bytes, sizeof bytes);
	return n == 0 && !out->overflow;
}

/* For what may hold a key: wiped before it is given back. One block from the start, so that growing
 * leaves no copies behind. */
static void secret_init(struct buf *b)
{
	buf_init(b, FILE_MAX);
	buf_reserve(b, FILE_MAX);
}

static void secret_done(struct buf *b)
{
	OPENSSL_cleanse(b->p, b->cap);
	buf_done(b);
}

/* ERROR_NOT_FOUND: there is none. */
static enum error read_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool is_read;

	if (fd < 0)
		return errno == ENOENT ? ERROR_NOT_FOUND : error_of_errno(errno);
	is_read = read_fd(fd, out);
	close(fd);
	return is_read ? ERROR_NONE : ERROR_IO;
}

static bool write_file(const char *path, mode_t mode, struct text t)
{
	char draft[PATH_MAX_SIZE + 8];
	int fd;
	bool is_written;

	snprintf(draft, sizeof draft, "%s.new", path);
	unlink(draft);
	fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return false;
	is_written = write(fd, t.p, t.n) == (ssize_t)t.n && fsync(fd) == 0;
	close(fd);
	return is_written && rename(draft, path) == 0;
}

static bool sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_synced = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return is_synced;
}

/* ---- PEM ---- */

static EVP_PKEY *parse_key(struct text pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");

	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static void take_bio(BIO *bio, struct buf *out)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);

	buf_add(out, text_from_bytes(p, (size_t)n));
	BIO_free(bio);
}

/* The certificates of `pem`, written anew: nothing else that stands beside them is given out. Returns
 * the first; NULL: there is none, or one of them is damaged. */
static X509 *copy_certificates(struct text pem, struct buf *out)
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n), *copy = BIO_new(BIO_s_mem());
	X509 *first = NULL, *x;
	bool is_good = true;

	ERR_clear_error();
	while (is_good && (x = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
		is_good = PEM_write_bio_X509(copy, x) == 1;
		if (first)
			X509_free(x);
		else
			first = x;
	}
	is_good = is_good && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(in);
	take_bio(copy, out);
	if (is_good && !out->overflow)
		return first;
	X509_free(first);
	return NULL;
}

/* ---- making ---- */

static bool add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool is_added = e && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return is_added;
}

static X509 *make_certificate(EVP_PKEY *key, struct text hostname)
{
	char name[256], alternative[300];
	X509 *x = X509_new();
	X509_NAME *subject = x ? X509_get_subject_name(x) : NULL;
	uint64_t serial = 0;
	bool is_good;

	snprintf(name, sizeof name, "%.*s", TEXT_ARGS(hostname));
	snprintf(alternative, sizeof alternative, "DNS:%s", name);
	is_good = subject && RAND_bytes((unsigned char *)&serial, 7) == 1 && X509_set_version(x, 2) == 1 &&
		  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial) == 1 &&
		  X509_gmtime_adj(X509_getm_notBefore(x), -3600) &&
		  X509_gmtime_adj(X509_getm_notAfter(x), TEN_YEARS) &&
		  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (unsigned char *)name,
					     hostname.n > 64 ? 64 : -1, -1, 0) == 1 &&
		  X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, key) == 1 &&
		  add_extension(x, NID_subject_alt_name, alternative) &&
		  add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
		  X509_sign(x, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()) > 0;
	if (is_good)
		return x;
	X509_free(x);
	return NULL;
}

static bool write_key(const char *path, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	struct buf pem;
	bool is_written;

	secret_init(&pem);
	is_written = PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
	take_bio(bio, &pem);
	is_written = is_written && write_file(path, 0600, buf_text(&pem)) && sync_directory("keys");
	secret_done(&pem);
	return is_written;
}

/* A kind that rooms can offer and clients know. */
static bool is_usable(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);
	char group[32] = "";

	if (EVP_PKEY_is_a(key, "RSA"))
		return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
	if (EVP_PKEY_is_a(key, "ED25519"))
		return true;
	return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
	       (strcmp(group, SN_X9_62_prime256v1) == 0 || strcmp(group, SN_secp384r1) == 0);
}

/* The key of an administrator, or the one that was made before. */
static EVP_PKEY *read_key(const char *path, struct text pem, struct buf *why)
{
	EVP_PKEY *key = parse_key(pem);

	if (!key)
		buf_printf(why, "%s is not a private key in PEM without a passphrase", path);
	if (!key || is_usable(key))
		return key;
	buf_printf(why,
		   "%s is of a kind that cannot be used; put there one of EC P-256 or P-384, Ed25519, or RSA "
		   "of %d to %d bits, and its certificate",
		   path, RSA_BITS_MIN, RSA_BITS_MAX);
	EVP_PKEY_free(key);
	return NULL;
}

static EVP_PKEY *load_key(const char *path, bool may_make, bool *ret_was_made, struct buf *why)
{
	EVP_PKEY *key = NULL;
	struct buf pem;
	enum error e;

	secret_init(&pem);
	e = read_file(path, &pem);
	if (!e) {
		key = read_key(path, buf_text(&pem), why);
	} else if (e == ERROR_NOT_FOUND && may_make) {
		key = EVP_EC_gen("P-256");
		*ret_was_made = true;
		if (key && !write_key(path, key)) {
			buf_printf(why, "%s cannot be written: %s", path, error_text(error_of_errno(errno)));
			EVP_PKEY_free(key);
			key = NULL;
		}
	} else {
		buf_printf(why,
			   "%s: %s; put the key of the certificate there, with mode 0600 and the owner of "
			   "its directory",
			   path, error_text(e));
	}
	secret_done(&pem);
	return key;
}

/* The self-signed certificate of this key: the one that is there, if it still fits, or a new one. */
static bool load_own_certificate(const char *path, EVP_PKEY *key, struct text hostname, bool *was_made,
				 struct buf *out, struct buf *why)
{
	char name[256];
	struct buf pem;
	BIO *bio;
	X509 *x;
	bool is_good;

	secret_init(&pem);
	x = read_file(path, &pem) == ERROR_NONE ? copy_certificates(buf_text(&pem), out) : NULL;
	secret_done(&pem);
	snprintf(name, sizeof name, "%.*s", TEXT_ARGS(hostname));
	is_good = x && X509_check_private_key(x, key) == 1 && X509_check_host(x, name, 0, 0, NULL) == 1;
	ERR_clear_error();
	if (is_good) {
		X509_free(x);
		return true;
	}
	X509_free(x);
	x = make_certificate(key, hostname);
	buf_reset(out);
	bio = BIO_new(BIO_s_mem());
	is_good = x && PEM_write_bio_X509(bio, x) == 1;
	take_bio(bio, out);
	X509_free(x);
	*was_made = true;
	is_good = is_good && write_file(path, 0644, buf_text(out)) && sync_directory("keys");
	if (!is_good)
		buf_printf(why, "%s cannot be made: %s", path, error_text(error_of_errno(errno)));
	return is_good;
}

static bool read_chain(int fd, EVP_PKEY *key, const char *key_path, struct buf *out, struct buf *why)
{
	struct buf pem;
	X509 *x = NULL;
	bool is_read, is_good;

	secret_init(&pem);
	is_read = lseek(fd, 0, SEEK_SET) == 0 && read_fd(fd, &pem);
	if (is_read)
		x = copy_certificates(buf_text(&pem), out);
	secret_done(&pem);
	is_good = x && X509_check_private_key(x, key) == 1;
	if (!is_read)
		buf_add_cstr(why, "tls certificate: the file cannot be read or is larger than 64K");
	else if (!x)
		buf_add_cstr(why,
			     "tls certificate: the file holds no certificate in PEM, or a damaged one; put "
			     "there the server's own, then those that lead to its issuer");
	else if (!is_good)
		buf_printf(
			why,
			"tls certificate: it belongs to another key than %s; put its key there, or name the "
			"right one by 'key'",
			key_path);
	ERR_clear_error();
	X509_free(x);
	return is_good;
}

bool keys_load(struct keys *k, struct text name, struct text hostname, int chain_fd, struct buf *why)
{
	char key_path[PATH_MAX_SIZE], certificate_path[PATH_MAX_SIZE];
	bool was_made = false, is_good;
	EVP_PKEY *key;
	struct buf chain;

	snprintf(key_path, sizeof key_path, "keys/%.*s.pem", TEXT_ARGS(name));
	snprintf(certificate_path, sizeof certificate_path, "keys/%.*s.crt", TEXT_ARGS(name));
	if (mkdir("keys", 0700) < 0 && errno != EEXIST) {
		buf_printf(why, "the directory keys cannot be made: %s", error_text(error_of_errno(errno)));
		return false;
	}
	key = load_key(key_path, chain_fd < 0, &was_made, why);
	if (!key)
		return false;
	buf_init(&chain, KEYS_CHAIN_MAX);
	is_good = chain_fd < 0 ? load_own_certificate(certificate_path, key, hostname, &was_made, &chain, why)
			       : read_chain(chain_fd, key, key_path, &chain, why);
	if (!is_good) {
		EVP_PKEY_free(key);
		buf_done(&chain);
		return false;
	}
	EVP_PKEY_free(k->key);
	buf_done(&k->chain);
	k->key = key;
	k->chain = chain;
	k->was_made = was_made;
	return true;
}

/* ---- signing ---- */

struct scheme {
	const char *type;
	const EVP_MD *(*digest)(void);
	bool is_pss;
};

/* TLS 1.2 binds no curve to a hash, so the group is not looked at. */
static const struct scheme schemes[] = {
	[SESSION_KEYRING_SCHEME_ECDSA_SECP256R1_SHA256] = { "EC", EVP_sha256, false },
	[SESSION_KEYRING_SCHEME_ECDSA_SECP384R1_SHA384] = { "EC", EVP_sha384, false },
	[SESSION_KEYRING_SCHEME_ED25519] = { "ED25519", NULL, false },
	[SESSION_KEYRING_SCHEME_RSA_PSS_SHA256] = { "RSA", EVP_sha256, true },
	[SESSION_KEYRING_SCHEME_RSA_PSS_SHA384] = { "RSA", EVP_sha384, true },
	[SESSION_KEYRING_SCHEME_RSA_PSS_SHA512] = { "RSA", EVP_sha512, true },
	[SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA256] = { "RSA", EVP_sha256, false },
	[SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA384] = { "RSA", EVP_sha384, false },
	[SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA512] = { "RSA", EVP_sha512, false },
};

static bool set_pss(EVP_PKEY_CTX *c)
{
	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) == 1;
}

enum error keys_sign(struct keys *k, enum session_keyring_scheme scheme, struct text data, struct buf *out)
{
	const struct scheme *s = &schemes[scheme];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_context = NULL;
	size_t n = 0;
	bool is_signed;

	is_signed = k->key && EVP_PKEY_is_a(k->key, s->type) == 1 &&
		    EVP_DigestSignInit(c, &key_context, s->digest ? s->digest() : NULL, NULL, k->key) == 1 &&
		    (!s->is_pss || set_pss(key_context)) &&
		    EVP_DigestSign(c, NULL, &n, (const unsigned char *)data.p, data.n) == 1 &&
		    buf_reserve(out, n) &&
		    EVP_DigestSign(c, (unsigned char *)out->p + out->n, &n, (const unsigned char *)data.p,
				   data.n) == 1;
	if (is_signed)
		out->n += n;
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return is_signed ? ERROR_NONE : ERROR_DENIED;
}
