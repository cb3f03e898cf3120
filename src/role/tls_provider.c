/* SPDX-License-Identifier: Apache-2.0
 *
 * An OpenSSL provider for keys whose private half is in keyring. Called by OpenSSL in the middle of a
 * server's handshake in a session room; opened by the zygote. Trusts OpenSSL; the signature that comes
 * back is given on as it is, since the client checks it.
 *
 * A key here is the public key, held as an ordinary one of the default provider, which does all that
 * needs no secret: comparing, sizes, names. Invariant: the only operation is one signature over bytes
 * that are all there (one-shot), which are sent as they are.
 */
#include "role/tls_provider.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "ipc/link.h"
#include "ipc/session_keyring.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <string.h>

#define SIGNATURE_MAX 1024

enum kind { KIND_RSA, KIND_EC, KIND_ED25519 };

struct key {
	enum kind kind;
	EVP_PKEY *public; /* NULL until imported */
};

struct signing {
	struct key *key;
	char digest[16];
	bool is_pss;
};

static OSSL_LIB_CTX *library;
static int channel_fd = -1;
static int64_t channel_deadline;
static enum error last_error;

/* ---- keys ---- */

static void *key_new(enum kind kind)
{
	struct key *k = OPENSSL_zalloc(sizeof *k);

	if (k)
		k->kind = kind;
	return k;
}

static void *key_new_rsa(void *provider)
{
	(void)provider;
	return key_new(KIND_RSA);
}

static void *key_new_ec(void *provider)
{
	(void)provider;
	return key_new(KIND_EC);
}

static void *key_new_ed25519(void *provider)
{
	(void)provider;
	return key_new(KIND_ED25519);
}

static void key_free(void *key)
{
	struct key *k = key;

	if (!k)
		return;
	EVP_PKEY_free(k->public);
	OPENSSL_free(k);
}

/* Says yes to the private half too: it can sign. */
static int key_has(const void *key, int selection)
{
	const struct key *k = key;

	(void)selection;
	return k->public != NULL;
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct key *x = a, *y = b;

	(void)selection;
	return x->public && y->public && EVP_PKEY_eq(x->public, y->public) == 1;
}

static int key_import(void *key, int selection, const OSSL_PARAM *params)
{
	static const char *const names[] = { "RSA", "EC", "ED25519" };
	struct key *k = key;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(library, names[k->kind], "provider=default");
	int result = c && (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) && EVP_PKEY_fromdata_init(c) == 1 &&
		     EVP_PKEY_fromdata(c, &k->public, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)params) == 1;

	EVP_PKEY_CTX_free(c);
	return result;
}

/* Whoever wants the private half too (another provider, to sign with it) gets nothing: then OpenSSL
 * comes back to this provider. */
static int key_export(void *key, int selection, OSSL_CALLBACK *callback, void *arg)
{
	struct key *k = key;
	OSSL_PARAM *params = NULL;
	int result;

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) || !k->public)
		return 0;
	if (EVP_PKEY_todata(k->public, EVP_PKEY_PUBLIC_KEY, &params) != 1)
		return 0;
	result = callback(params, arg);
	OSSL_PARAM_free(params);
	return result;
}

static const OSSL_PARAM *key_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_END,
	};

	return selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY ? types : NULL;
}

static int key_get_params(void *key, OSSL_PARAM params[])
{
	struct key *k = key;

	return k->public && EVP_PKEY_get_params(k->public, params) == 1;
}

static const OSSL_PARAM *key_gettable_params(void *provider)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)provider;
	return gettable;
}

static const char *ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define KEY_FUNCTIONS(make)                                                                                  \
	{ OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))make },                                                     \
		{ OSSL_FUNC_KEYMGMT_FREE, (void (*)(void))key_free },                                        \
		{ OSSL_FUNC_KEYMGMT_HAS, (void (*)(void))key_has },                                          \
		{ OSSL_FUNC_KEYMGMT_MATCH, (void (*)(void))key_match },                                      \
		{ OSSL_FUNC_KEYMGMT_IMPORT, (void (*)(void))key_import },                                    \
		{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))key_types },                               \
		{ OSSL_FUNC_KEYMGMT_EXPORT, (void (*)(void))key_export },                                    \
		{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void))key_types },                               \
		{ OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void))key_get_params },                            \
	{                                                                                                    \
		OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))key_gettable_params                       \
	}

static const OSSL_DISPATCH rsa_keys[] = { KEY_FUNCTIONS(key_new_rsa), { 0, NULL } };
static const OSSL_DISPATCH ec_keys[] = {
	KEY_FUNCTIONS(key_new_ec),
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void))ec_operation },
	{ 0, NULL },
};
static const OSSL_DISPATCH ed25519_keys[] = { KEY_FUNCTIONS(key_new_ed25519), { 0, NULL } };

/* ---- signatures ---- */

static void *signing_new(void *provider, const char *properties)
{
	(void)provider;
	(void)properties;
	return OPENSSL_zalloc(sizeof(struct signing));
}

static void signing_free(void *signing)
{
	OPENSSL_free(signing);
}

static int set_digest(struct signing *s, const char *name)
{
	size_t n = strlen(name);

	if (n >= sizeof s->digest)
		return 0;
	memcpy(s->digest, name, n + 1);
	return 1;
}

static int signing_set_params(void *signing, const OSSL_PARAM params[])
{
	struct signing *s = signing;
	const OSSL_PARAM *p = params ? OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE) : NULL;
	int mode = 0;

	if (!p)
		return 1; /* salt length and MGF1 digest: as the scheme says */
	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		s->is_pss = strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
	else if (OSSL_PARAM_get_int(p, &mode))
		s->is_pss = mode == RSA_PKCS1_PSS_PADDING;
	return 1;
}

static const OSSL_PARAM *signing_settable(void *signing, void *provider)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)signing;
	(void)provider;
	return settable;
}

static int signing_init(void *signing, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct signing *s = signing;

	s->key = key;
	return set_digest(s, digest ? digest : "") && signing_set_params(s, params);
}

/* The scheme that this key, digest and padding make; false: none that keyring knows. */
static bool find_scheme(const struct signing *s, enum session_keyring_scheme *ret_scheme)
{
	static const struct {
		const char *digest;
		enum kind kind;
		bool is_pss;
		enum session_keyring_scheme scheme;
	} schemes[] = {
		{ "SHA2-256", KIND_EC, false, SESSION_KEYRING_SCHEME_ECDSA_SECP256R1_SHA256 },
		{ "SHA2-384", KIND_EC, false, SESSION_KEYRING_SCHEME_ECDSA_SECP384R1_SHA384 },
		{ "", KIND_ED25519, false, SESSION_KEYRING_SCHEME_ED25519 },
		{ "SHA2-256", KIND_RSA, true, SESSION_KEYRING_SCHEME_RSA_PSS_SHA256 },
		{ "SHA2-384", KIND_RSA, true, SESSION_KEYRING_SCHEME_RSA_PSS_SHA384 },
		{ "SHA2-512", KIND_RSA, true, SESSION_KEYRING_SCHEME_RSA_PSS_SHA512 },
		{ "SHA2-256", KIND_RSA, false, SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA256 },
		{ "SHA2-384", KIND_RSA, false, SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA384 },
		{ "SHA2-512", KIND_RSA, false, SESSION_KEYRING_SCHEME_RSA_PKCS1_SHA512 },
	};
	char name[sizeof s->digest + 1];

	/* "SHA256" and "SHA2-256" are the same. */
	snprintf(name, sizeof name, strncmp(s->digest, "SHA2-", 5) == 0 || !s->digest[0] ? "%s" : "SHA2-%s",
		 strncmp(s->digest, "SHA2-", 5) == 0 || strlen(s->digest) < 3 ? s->digest : s->digest + 3);
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		if (schemes[i].kind != s->key->kind || schemes[i].is_pss != s->is_pss ||
		    strcmp(schemes[i].digest, name) != 0)
			continue;
		*ret_scheme = schemes[i].scheme;
		return true;
	}
	return false;
}

/* Asks keyring. Returns the length of the signature, 0 with last_error set. */
static size_t ask(enum session_keyring_scheme scheme, struct text data, unsigned char *out, size_t max)
{
	struct session_keyring_sign m = { scheme, data };
	struct link l = link_of(channel_fd, &session_keyring_edge, SESSION_KEYRING_SIDE_ROOM);
	const struct session_keyring_signature *signature;
	struct link_in in;
	size_t n = 0;

	last_error = channel_fd < 0 || data.n > 1024 ? ERROR_DENIED : ERROR_NONE;
	if (last_error)
		return 0;
	link_in_init(&in, &session_keyring_edge);
	signature = link_body(&in);
	last_error = link_send(&l, SESSION_KEYRING_SIGN, &m, NULL, 0, channel_deadline);
	if (!last_error)
		last_error = link_receive(&l, &in, channel_deadline);
	if (!last_error && (in.type != SESSION_KEYRING_SIGNATURE || signature->data.n > max))
		last_error = ERROR_DENIED;
	if (!last_error) {
		n = signature->data.n;
		memcpy(out, signature->data.p, n);
	}
	link_in_done(&in);
	return n;
}

static int signing_sign(void *signing, unsigned char *out, size_t *ret_n, size_t max,
			const unsigned char *data, size_t n)
{
	struct signing *s = signing;
	enum session_keyring_scheme scheme;

	if (!find_scheme(s, &scheme))
		return 0;
	if (!out) {
		*ret_n = (size_t)EVP_PKEY_get_size(s->key->public);
		return 1;
	}
	*ret_n = ask(scheme, text_from_bytes(data, n), out, max);
	return *ret_n > 0;
}

static const OSSL_DISPATCH signatures[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))signing_new },
	{ OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))signing_free },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))signing_init },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (void (*)(void))signing_sign },
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (void (*)(void))signing_set_params },
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (void (*)(void))signing_settable },
	{ 0, NULL },
};

/* ---- the provider ---- */

static const OSSL_ALGORITHM key_algorithms[] = {
	{ "RSA:rsaEncryption", "provider=postern", rsa_keys, "" },
	{ "EC:id-ecPublicKey", "provider=postern", ec_keys, "" },
	{ "ED25519", "provider=postern", ed25519_keys, "" },
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM signature_algorithms[] = {
	{ "RSA:rsaEncryption", "provider=postern", signatures, "" },
	{ "ECDSA", "provider=postern", signatures, "" },
	{ "ED25519", "provider=postern", signatures, "" },
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM *query(void *provider, int operation, int *ret_no_cache)
{
	(void)provider;
	*ret_no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return key_algorithms;
	return operation == OSSL_OP_SIGNATURE ? signature_algorithms : NULL;
}

static int start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **ret_out,
		 void **ret_provider)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
		{ 0, NULL },
	};

	(void)handle;
	(void)in;
	*ret_out = functions;
	*ret_provider = library;
	return 1;
}

void tls_provider_open(void)
{
	if (library)
		return;
	library = OSSL_LIB_CTX_new();
	ASSERT(library && OSSL_PROVIDER_load(library, "default"));
	ASSERT(OSSL_PROVIDER_add_builtin(library, "postern", start) == 1 &&
	       OSSL_PROVIDER_load(library, "postern"));
}

OSSL_LIB_CTX *tls_provider_library(void)
{
	return library;
}

/* Other groups would be taken by the key functions, and then find no scheme to sign with. */
static bool is_known_group(EVP_PKEY *key)
{
	char group[32] = "";

	return EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
	       (strcmp(group, SN_X9_62_prime256v1) == 0 || strcmp(group, SN_secp384r1) == 0);
}

EVP_PKEY *tls_provider_make_key(EVP_PKEY *public_key)
{
	const char *name = EVP_PKEY_get0_type_name(public_key);
	bool is_known = !EVP_PKEY_is_a(public_key, "EC") || is_known_group(public_key);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(library, name, "provider=postern");

	if (c && is_known && EVP_PKEY_todata(public_key, EVP_PKEY_PUBLIC_KEY, &params) == 1 &&
	    EVP_PKEY_fromdata_init(c) == 1 && EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(c);
	return key;
}

void tls_provider_set_channel(int fd, int64_t deadline)
{
	channel_fd = fd;
	channel_deadline = deadline;
	last_error = ERROR_NONE;
}

enum error tls_provider_last_error(void)
{
	return last_error;
}
