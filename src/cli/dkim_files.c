/* SPDX-License-Identifier: Apache-2.0
 *
 * Key files of DKIM. Called by dkim.c. Invariants: a key has its name only when it is complete and on disk,
 * with mode 0600; none is overwritten; nothing is done as root in a directory that is another's.
 */
#include "cli/dkim_files.h"

#include "base/ensure.h"
#include "proto/base64.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_MAX 4096
#define NAME_BYTES 80

/* ---- the folder ---- */

static bool step_down(const char *directory, struct buf *why)
{
	struct stat owner;

	if (chdir(directory) < 0 || stat(".", &owner) < 0) {
		buf_printf(why, "%s: %s", directory, strerror(errno));
		return false;
	}
	if (geteuid() != 0 ||
	    (setgroups(0, NULL) == 0 && setresgid(owner.st_gid, owner.st_gid, owner.st_gid) == 0 &&
	     setresuid(owner.st_uid, owner.st_uid, owner.st_uid) == 0))
		return true;
	buf_printf(why, "%s: cannot become its owner: %s", directory, strerror(errno));
	return false;
}

static bool enter(const char *name, struct buf *why)
{
	if ((mkdir(name, 0700) == 0 || errno == EEXIST) && chdir(name) == 0)
		return true;
	buf_printf(why, "%s: %s", name, strerror(errno));
	return false;
}

bool dkim_files_enter(const char *keyring_directory, struct text profile, struct buf *why)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof name, "%.*s", TEXT_ARGS(profile));
	return step_down(keyring_directory, why) && enter("keys", why) && enter("dkim", why) &&
	       enter(name, why);
}

/* ---- reading ---- */

static EVP_PKEY *read_key(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, (void *)"") : NULL;

	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
	return key;
}

static void print_record(EVP_PKEY *key, struct dkim_file *f)
{
	unsigned char *der = NULL, raw[32];
	size_t n = sizeof raw;

	buf_init(&f->record, RECORD_MAX);
	buf_printf(&f->record, "v=DKIM1; k=%s; p=", f->kind);
	if (f->bits == 256 && EVP_PKEY_get_raw_public_key(key, raw, &n) == 1) {
		base64_encode(text_from_bytes(raw, n), false, &f->record);
		return;
	}
	n = (size_t)i2d_PUBKEY(key, &der);
	base64_encode(text_from_bytes(der, n), false, &f->record);
	OPENSSL_free(der);
}

/* "SELECTOR.pem" or "SELECTOR.new" */
static bool read_file(const char *name, struct dkim_file *ret_file)
{
	struct text t = text_from_cstr(name);
	bool is_active = text_has_suffix_nocase(t, text_from_cstr(".pem"));
	EVP_PKEY *key;

	if (t.n < 5 || t.n - 4 > DKIM_SELECTOR_MAX ||
	    (!is_active && !text_has_suffix_nocase(t, text_from_cstr(".new"))))
		return false;
	key = read_key(name);
	if (!key)
		return false;
	*ret_file = (struct dkim_file){ .is_active = is_active };
	memcpy(ret_file->selector, name, t.n - 4);
	ret_file->kind = EVP_PKEY_is_a(key, "RSA") ? "rsa" : "ed25519";
	ret_file->bits = (unsigned)EVP_PKEY_get_bits(key);
	if (EVP_PKEY_is_a(key, "ED25519"))
		ret_file->bits = 256;
	print_record(key, ret_file);
	EVP_PKEY_free(key);
	return true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct dkim_file *)a)->selector, ((const struct dkim_file *)b)->selector);
}

size_t dkim_files_list(struct dkim_file *ret_files)
{
	DIR *d = opendir(".");
	const struct dirent *entry;
	size_t n = 0;

	while (d && n < DKIM_FILES_MAX && (entry = readdir(d)))
		n += read_file(entry->d_name, &ret_files[n]);
	if (d)
		closedir(d);
	qsort(ret_files, n, sizeof *ret_files, compare);
	return n;
}

void dkim_file_done(struct dkim_file *f)
{
	buf_done(&f->record);
}

/* ---- changing ---- */

static bool sync_folder(void)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool write_key(const char *draft, EVP_PKEY *key)
{
	int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	bool ok;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	ok = PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 && fflush(f) == 0 &&
	     fsync(fd) == 0;
	return fclose(f) == 0 && ok;
}

bool dkim_files_make(const char *selector, unsigned bits, struct buf *why)
{
	EVP_PKEY *key = bits ? EVP_RSA_gen(bits) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	char name[NAME_BYTES], draft[NAME_BYTES], active[NAME_BYTES];
	bool ok;

	snprintf(name, sizeof name, "%s.new", selector);
	snprintf(active, sizeof active, "%s.pem", selector);
	snprintf(draft, sizeof draft, "%s.draft", selector);
	if (access(name, F_OK) == 0 || access(active, F_OK) == 0) {
		buf_printf(why, "there is a key with the selector %s already: name another with --selector",
			   selector);
		EVP_PKEY_free(key);
		return false;
	}
	unlink(draft);
	ok = key && write_key(draft, key) && rename(draft, name) == 0 && sync_folder();
	if (!ok)
		buf_printf(why, "%s: %s", name, strerror(errno));
	EVP_PKEY_free(key);
	return ok;
}

bool dkim_files_rename(const char *selector, const char *from, const char *to, struct buf *why)
{
	char old[NAME_BYTES], fresh[NAME_BYTES];

	snprintf(old, sizeof old, "%s%s", selector, from);
	snprintf(fresh, sizeof fresh, "%s%s", selector, to);
	if (access(old, F_OK) == 0 && access(fresh, F_OK) < 0 && rename(old, fresh) == 0 && sync_folder())
		return true;
	buf_printf(why, "%s cannot become %s: %s", old, fresh,
		   access(fresh, F_OK) == 0 ? "it exists" : strerror(errno));
	return false;
}
