/* SPDX-License-Identifier: Apache-2.0
 *
 * Signs and seals messages for the suites, which compare with what other implementations make of them. One
 *job a line, fields separated by HTAB; what is made is printed as one line with its length before it:
 *
 *	sign KEY.pem DOMAIN SELECTOR CANON/CANON T X I standard|all OVERSIGNED(a:b) MESSAGE
 *	seal KEY.pem DOMAIN SELECTOR T NAMES(a:b) RESULTS ZONE MESSAGE
 *
 * KEY, RESULTS, ZONE and MESSAGE are files. A T or X of -1 and an I of "-" are left out.
 */
#include "proto/arc_seal.h"
#include "proto/dns_zone.h"
#include "proto/tag_list.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELDS_MAX 12
#define FILE_MAX   (16 << 20)

static struct dkim_limits limits;

static struct text read_file(const char *path, struct arena *arena)
{
	FILE *f = fopen(path, "rb");
	char *bytes = arena_alloc(arena, FILE_MAX);
	size_t n;

	if (!f || !bytes)
		exit(1);
	n = fread(bytes, 1, FILE_MAX, f);
	fclose(f);
	return text_from_bytes(bytes, n);
}

static EVP_PKEY *read_key(const char *path)
{
	FILE *f = fopen(path, "r");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (!key)
		exit(1);
	fclose(f);
	return key;
}

static bool sign_with(void *context, struct text digest, struct buf *out)
{
	return dkim_key_sign(context, digest, out);
}

static size_t split(const char *t, struct text *list, size_t max)
{
	struct text rest = text_from_cstr(t), item;
	size_t n = 0;

	while (n < max && tag_value_next(&rest, ':', &item))
		if (item.n > 0)
			list[n++] = item;
	return n;
}

static void do_sign(char **args, struct arena *arena, struct buf *out)
{
	struct text oversigned[32];
	struct dkim_sign_choice choice = { text_is_cstr(text_from_cstr(args[8]), "all"), NULL, 0, oversigned,
					   split(args[9], oversigned, 32) };
	EVP_PKEY *key = read_key(args[1]);
	struct dkim_signer signer = { key, sign_with };
	struct dkim_sign_spec spec = {
		.kind = DKIM_FIELD_DKIM,
		.algorithm = EVP_PKEY_is_a(key, "RSA") ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256,
		.domain = text_from_cstr(args[2]),
		.selector = text_from_cstr(args[3]),
		.signed_at = strtoll(args[5], NULL, 10),
		.expires = strtoll(args[6], NULL, 10),
		.identity = text_from_cstr(args[7][0] == '-' ? "" : args[7]),
	};
	struct dkim_body_hash hash = { .length = UINT64_MAX };
	struct dkim_message m;
	struct buf covered;

	buf_init(&covered, FILE_MAX);
	if (!dkim_canon_parse(text_from_cstr(args[4]), &spec.header_canon, &spec.body_canon) ||
	    !dkim_message_read(&m, read_file(args[10], arena), &limits, arena) ||
	    !dkim_sign_choose(&m, &choice, arena, &spec.names, &spec.n_names))
		exit(1);
	hash.canon = spec.body_canon;
	dkim_hash_body(m.body, &hash, 1);
	if (!dkim_sign_cover(&m, spec.names, spec.n_names, spec.header_canon, &covered) ||
	    !dkim_sign_field(&spec, buf_text(&covered), hash.digest, &signer, out))
		exit(1);
	if (spec.header_canon == DKIM_CANON_RELAXED &&
	    !dkim_sign_check(spec.header_canon, spec.names, spec.n_names, buf_text(&covered)))
		exit(1);
	buf_done(&covered);
	EVP_PKEY_free(key);
}

static void do_seal(char **args, struct arena *arena, struct buf *out)
{
	EVP_PKEY *key = read_key(args[1]);
	struct dns_zone *zone = dns_zone_new(1 << 20);
	struct dns_source dns = dns_zone_source(zone);
	struct dkim_signer signer = { key, sign_with };
	struct text names[64];
	struct arc_seal_spec spec = {
		.algorithm = EVP_PKEY_is_a(key, "RSA") ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256,
		.domain = text_from_cstr(args[2]),
		.selector = text_from_cstr(args[3]),
		.signed_at = strtoll(args[4], NULL, 10),
		.names = names,
		.n_names = split(args[5], names, 64),
		.results = read_file(args[6], arena),
	};
	struct dns_zone_mistake mistake;
	struct dkim_message m;
	struct arc_report found;

	if (!dns_zone_read(zone, read_file(args[7], arena), &mistake) ||
	    !dkim_message_read(&m, read_file(args[8], arena), &limits, arena))
		exit(1);
	arc_validate(&m, &dns, spec.signed_at, &found);
	if (arc_seal(&m, &found, &spec, &signer, out) == ARC_SEAL_FAILED)
		exit(1);
	dkim_message_done(&m);
	dns_zone_free(zone);
	EVP_PKEY_free(key);
}

int main(void)
{
	static char line[8192];

	limits = dkim_limits_default();
	while (fgets(line, sizeof line, stdin)) {
		char *args[FIELDS_MAX] = { NULL }, *at = line;
		struct arena arena;
		struct buf out;
		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < FIELDS_MAX && at; i++) {
			args[i] = strsep(&at, "\t");
		}
		arena_init(&arena, 4 * FILE_MAX);
		buf_init(&out, FILE_MAX);
		if (text_is_cstr(text_from_cstr(args[0]), "sign"))
			do_sign(args, &arena, &out);
		else
			do_seal(args, &arena, &out);
		printf("%zu\n%.*s", out.n, (int)out.n, out.p ? out.p : "");
		fflush(stdout);
		buf_done(&out);
		arena_reset(&arena);
	}
	return 0;
}
