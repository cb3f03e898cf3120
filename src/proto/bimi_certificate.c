/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks a mark certificate. Called by `postern bimi check`, in a room: the certificate is a stranger's, and
 * OpenSSL's reader of X.509 gets it. The chain, the usage and the names are OpenSSL's to check; the logotype
 * extension, which it does not know, is read here by one walk along the path that rfc9399 4.1 gives:
 *
 *	LogotypeExtn  ::= SEQUENCE { communityLogos [0], issuerLogo [1], subjectLogo [2] LogotypeInfo, ... }
 *	LogotypeInfo  ::= CHOICE { direct [0] LogotypeData, indirect [1] ... }
 *	LogotypeData  ::= SEQUENCE { image SEQUENCE OF LogotypeImage, ... }
 *	LogotypeImage ::= SEQUENCE { imageDetails LogotypeDetails, ... }
 *	LogotypeDetails ::= SEQUENCE { mediaType IA5String, logotypeHash SEQUENCE OF HashAlgAndValue,
 *				       logotypeURI SEQUENCE OF IA5String }
 *
 * Invariant: every element is read within the bounds of the one around it.
 */
#include "proto/bimi_certificate.h"

#include "base/wire.h"
#include "proto/base64.h"

#include <limits.h>
#define ZLIB_CONST
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <zlib.h>

#define MARK_USAGE     "1.3.6.1.5.5.7.3.31"
#define LOGOTYPE       "1.3.6.1.5.5.7.1.12"
#define GZIP_WINDOW    (15 + 16)
#define NAME_MAX_BYTES 253

#define DER_SEQUENCE 0x30
#define DER_IA5      0x16
#define DER_OCTETS   0x04
#define DER_OID      0x06
#define DER_TAGGED   0xa0 /* [0], constructed */

struct check {
	const struct bimi_certificate_question *q;
	struct bimi_certificate_report *report;
	struct buf *svg;
	X509 *leaf;
	STACK_OF(X509) * chain;
};

/* --- DER --- */

/* The next element of this tag; false, with the cursor where it was, when there is another or none. */
static bool take_element(struct wire_reader *r, unsigned tag, struct text *ret_content)
{
	struct wire_reader look = *r;
	uint64_t n;

	if (wire_left(&look) == 0 || wire_get_int(&look, 1) != tag)
		return false;
	n = wire_get_int(&look, 1);
	if (n == 0x80 || n > 0x84)
		return false;
	if (n > 0x80)
		n = wire_get_be(&look, (unsigned)n - 0x80);
	*ret_content = wire_get_bytes(&look, n);
	if (look.bad)
		return false;
	*r = look;
	return true;
}

/* The content of the first element of this tag within another. */
static bool first_within(struct text content, unsigned tag, struct text *ret_content)
{
	struct wire_reader r = wire_reader_of(content);

	return take_element(&r, tag, ret_content);
}

/* --- the picture --- */

/* Some hash of the list must be of this picture, packed as it is or unpacked: both are in use. */
static bool is_hash_of(struct text hashes, struct text data)
{
	static const struct {
		const char *oid;
		size_t n;
		const char *name;
	} known[] = {
		{ "\x60\x86\x48\x01\x65\x03\x04\x02\x01", 9, "SHA256" },
		{ "\x60\x86\x48\x01\x65\x03\x04\x02\x02", 9, "SHA384" },
		{ "\x60\x86\x48\x01\x65\x03\x04\x02\x03", 9, "SHA512" },
	};
	struct wire_reader r = wire_reader_of(hashes);
	struct text one, algorithm, oid, value;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;

	while (take_element(&r, DER_SEQUENCE, &one)) {
		struct wire_reader pair = wire_reader_of(one);
		if (!take_element(&pair, DER_SEQUENCE, &algorithm) ||
		    !take_element(&pair, DER_OCTETS, &value) || !first_within(algorithm, DER_OID, &oid))
			continue;
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (text_is_equal(oid, text_from_bytes(known[i].oid, known[i].n)) &&
			    EVP_Digest(data.p, data.n, digest, &n, EVP_get_digestbyname(known[i].name),
				       NULL) &&
			    text_is_equal(value, text_from_bytes(digest, n)))
				return true;
	}
	return false;
}

static bool unpack(struct text packed, struct buf *out)
{
	z_stream z = { .next_in = (const unsigned char *)packed.p, .avail_in = (unsigned)packed.n };
	char *room = buf_reserve(out, SVG_TINY_PS_BYTES_MAX);
	int status = Z_DATA_ERROR;

	if (room == NULL || inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return false;
	z.next_out = (unsigned char *)room;
	z.avail_out = SVG_TINY_PS_BYTES_MAX;
	status = inflate(&z, Z_FINISH);
	out->n += z.total_out;
	inflateEnd(&z);
	return status == Z_STREAM_END;
}

/* "data:image/svg+xml;base64,..." */
static unsigned read_picture(struct check *c, struct text hashes, struct text uri)
{
	struct text head, coded, data;
	unsigned problems = 0;
	struct buf packed;

	if (!text_cut(uri, ',', &head, &coded) ||
	    !text_has_prefix_nocase(head, (struct text)TEXT("data:image/svg+xml")) ||
	    !text_has_suffix_nocase(head, (struct text)TEXT(";base64")))
		return BIMI_CERTIFICATE_NO_LOGOTYPE;
	buf_init(&packed, BIMI_CERTIFICATE_BYTES_MAX);
	base64_decode(coded, &packed);
	data = buf_text(&packed);
	if (text_has_prefix(data, (struct text)TEXT("\x1f\x8b"))) {
		if (!unpack(data, c->svg))
			problems |= BIMI_CERTIFICATE_PACKING;
	} else if (data.n > SVG_TINY_PS_BYTES_MAX || !buf_add(c->svg, data)) {
		problems |= BIMI_CERTIFICATE_PACKING;
	}
	if (!is_hash_of(hashes, data) && !is_hash_of(hashes, buf_text(c->svg)))
		problems |= BIMI_CERTIFICATE_HASH;
	buf_done(&packed);
	return problems;
}

/* Along the path to LogotypeDetails of the subject's first picture. */
static bool find_details(struct text extension, struct text *ret_details)
{
	struct text t;
	struct wire_reader r;

	if (!first_within(extension, DER_SEQUENCE, &t))
		return false;
	r = wire_reader_of(t);
	(void)take_element(&r, DER_TAGGED, &t);
	(void)take_element(&r, DER_TAGGED + 1, &t);
	return take_element(&r, DER_TAGGED + 2, &t) && first_within(t, DER_TAGGED, &t) &&
	       (first_within(t, DER_SEQUENCE, &t)) && first_within(t, DER_SEQUENCE, &t) &&
	       first_within(t, DER_SEQUENCE, ret_details);
}

static unsigned check_logotype(struct check *c)
{
	ASN1_OBJECT *id = OBJ_txt2obj(LOGOTYPE, 1);
	X509_EXTENSION *extension = X509_get_ext(c->leaf, X509_get_ext_by_OBJ(c->leaf, id, -1));
	struct text details, media_type, hashes, uris, uri;
	const ASN1_OCTET_STRING *der;
	struct wire_reader r;

	ASN1_OBJECT_free(id);
	if (extension == NULL)
		return BIMI_CERTIFICATE_NO_LOGOTYPE;
	der = X509_EXTENSION_get_data(extension);
	if (!find_details(text_from_bytes(ASN1_STRING_get0_data(der), (size_t)ASN1_STRING_length(der)),
			  &details))
		return BIMI_CERTIFICATE_NO_LOGOTYPE;
	r = wire_reader_of(details);
	if (!take_element(&r, DER_IA5, &media_type) || !take_element(&r, DER_SEQUENCE, &hashes) ||
	    !take_element(&r, DER_SEQUENCE, &uris) || !first_within(uris, DER_IA5, &uri))
		return BIMI_CERTIFICATE_NO_LOGOTYPE;
	return read_picture(c, hashes, uri);
}

/* --- the certificate --- */

static BIO *open_pem(struct text pem)
{
	return BIO_new_mem_buf(pem.p, pem.n < INT_MAX ? (int)pem.n : INT_MAX);
}

static unsigned read_chain(struct check *c)
{
	BIO *bio = open_pem(c->q->pem);
	unsigned problems = 0;
	X509 *x;

	c->leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	while (c->leaf && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		if (sk_X509_num(c->chain) == BIMI_CHAIN_MAX || !sk_X509_push(c->chain, x)) {
			X509_free(x);
			problems = BIMI_CERTIFICATE_TOO_LARGE;
			break;
		}
	BIO_free(bio);
	ERR_clear_error();
	return c->leaf ? problems : BIMI_CERTIFICATE_NOT_PEM;
}

static X509_STORE *read_roots(struct text roots)
{
	X509_STORE *store = X509_STORE_new();
	BIO *bio = open_pem(roots);
	X509 *x;

	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		X509_STORE_add_cert(store, x);
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	return store;
}

static unsigned check_chain(struct check *c)
{
	X509_STORE *store = read_roots(c->q->roots);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool is_good = false;

	if (X509_STORE_CTX_init(ctx, store, c->leaf, c->chain)) {
		X509_STORE_CTX_set_time(ctx, 0, (time_t)c->q->now);
		is_good = X509_verify_cert(ctx) == 1;
		c->report->chain_error =
			is_good ? NULL : X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
	return is_good ? 0 : BIMI_CERTIFICATE_CHAIN;
}

static unsigned check_usage(struct check *c)
{
	EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(c->leaf, NID_ext_key_usage, NULL, NULL);
	bool is_for_marks = false;
	char name[64];

	for (int i = 0; i < sk_ASN1_OBJECT_num(usage); i++) {
		OBJ_obj2txt(name, sizeof name, sk_ASN1_OBJECT_value(usage, i), 1);
		is_for_marks |= strcmp(name, MARK_USAGE) == 0;
	}
	EXTENDED_KEY_USAGE_free(usage);
	return is_for_marks ? 0 : BIMI_CERTIFICATE_USAGE;
}

/* The domain itself, or that of the record: "brand._bimi.example.com". */
static unsigned check_domain(struct check *c)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
	bool is_named = c->q->domain.n == 0;
	struct buf record;

	buf_init(&record, NAME_MAX_BYTES);
	buf_add(&record, c->q->selector);
	buf_add_cstr(&record, "._bimi.");
	buf_add(&record, c->q->domain);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		struct text dns;
		if (name->type != GEN_DNS)
			continue;
		dns = text_from_bytes(ASN1_STRING_get0_data(name->d.dNSName),
				      (size_t)ASN1_STRING_length(name->d.dNSName));
		is_named |= text_is_equal_nocase(dns, c->q->domain) ||
			    (!record.overflow && text_is_equal_nocase(dns, buf_text(&record)));
	}
	GENERAL_NAMES_free(names);
	buf_done(&record);
	return is_named ? 0 : BIMI_CERTIFICATE_DOMAIN;
}

static unsigned check_picture(struct check *c)
{
	unsigned problems = check_logotype(c);

	if (problems & (BIMI_CERTIFICATE_NO_LOGOTYPE | BIMI_CERTIFICATE_PACKING))
		return problems;
	svg_tiny_ps_check(buf_text(c->svg), &c->report->svg);
	if (c->report->svg.problems)
		problems |= BIMI_CERTIFICATE_SVG;
	if (c->q->svg.n > 0 && !text_is_equal(c->q->svg, buf_text(c->svg)))
		problems |= BIMI_CERTIFICATE_OTHER_PICTURE;
	return problems;
}

void bimi_certificate_check(const struct bimi_certificate_question *question, struct buf *ret_svg,
			    struct bimi_certificate_report *ret_report)
{
	struct check c = { .q = question, .report = ret_report, .svg = ret_svg };

	*ret_report = (struct bimi_certificate_report){ 0 };
	if (question->pem.n > BIMI_CERTIFICATE_BYTES_MAX) {
		ret_report->problems = BIMI_CERTIFICATE_TOO_LARGE;
		return;
	}
	c.chain = sk_X509_new_null();
	ret_report->problems = read_chain(&c);
	if (c.leaf)
		ret_report->problems |=
			check_chain(&c) | check_usage(&c) | check_domain(&c) | check_picture(&c);
	X509_free(c.leaf);
	sk_X509_pop_free(c.chain, X509_free);
}

const char *bimi_certificate_problem_word(enum bimi_certificate_problem_bit bit)
{
	static const char *const words[BIMI_CERTIFICATE_PROBLEM_COUNT] = {
#define PROBLEM(name, word, text) word,
#include "proto/bimi_certificate_problems.def"
#undef PROBLEM
	};

	return words[bit];
}

const char *bimi_certificate_problem_text(enum bimi_certificate_problem_bit bit)
{
	static const char *const texts[BIMI_CERTIFICATE_PROBLEM_COUNT] = {
#define PROBLEM(name, word, text) text,
#include "proto/bimi_certificate_problems.def"
#undef PROBLEM
	};

	return texts[bit];
}
