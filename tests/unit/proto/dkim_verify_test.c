/* SPDX-License-Identifier: Apache-2.0
 *
 * Verification: the vectors of the RFCs, what passes after which changes, every reason for which a signature
 * is not valid, and the ways in which others were made to see another message or another domain than the
 * signer.
 */
#include "unit/proto/dkim_fixture.h"

#define MESSAGE                                                                                              \
	"From: a@example.com\r\nTo: b@example.net\r\nSubject: one two\r\nDate: Fri, 11 Jul 2003 21:00:37 "   \
	"-0700\r\n"                                                                                          \
	"\r\nHello  world\r\n\r\nbye\r\n"

static void result_is(const struct dkim_result *r, enum dkim_reason reason)
{
	assert_non_null(r);
	if (r->reason != reason)
		fail_msg("%s, wanted %s", dkim_reason_word(r->reason), dkim_reason_word(reason));
	assert_int_equal(r->result, dkim_reason_result(reason));
}

/* rfc8463 A.3, with both keys. */
static void the_message_of_rfc8463_passes_with_both_keys(void **state)
{
	static const char message[] =
		"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; "
		"i=@football.example.com;"
		"\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : "
		"from : subject : date;"
		"\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
		" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n "
		"Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
		"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; "
		"i=@football.example.com;"
		"\r\n q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n date : message-id : from "
		": subject : date;"
		"\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
		" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n "
		"DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGs"
		"geefOsk2Jz\r\n dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
		"From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\n"
		"Subject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
		"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n"
		"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
	struct dkim_fixture *f = *state;

	dkim_fixture_publish(
		f, "brisbane._domainkey.football.example.com",
		text_from_cstr("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
	dkim_fixture_publish(
		f, "test._domainkey.football.example.com",
		text_from_cstr("v=DKIM1; k=rsa; "
			       "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6"
			       "wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/"
			       "8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO"
			       "9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"));
	result_is(dkim_fixture_verify_text(f, message), DKIM_REASON_NONE);
	assert_int_equal(f->report.n, 2);
	result_is(&f->report.signatures[1], DKIM_REASON_NONE);
	assert_int_equal(f->report.signatures[0].key_bits, 256);
	assert_int_equal(f->report.signatures[1].key_bits, 1024);
	unit_text_is(f->report.signatures[1].identity, "@football.example.com");
	unit_text_is(f->report.signatures[1].b, "F45dVWDf");
	assert_string_equal(f->report.signatures[0].algorithm_word, "ed25519-sha256");
}

static void what_is_signed_passes_in_every_form_with_every_key(void **state)
{
	struct dkim_fixture *f = *state;

	for (unsigned i = 0; i < 8; i++) {
		struct dkim_sign_spec spec = dkim_fixture_spec();
		spec.header_canon = i & 1;
		spec.body_canon = (i >> 1) & 1;
		spec.algorithm = i & 4 ? DKIM_ED25519_SHA256 : DKIM_RSA_SHA256;
		spec.selector = text_from_cstr(i & 4 ? "ed" : "rsa");
		dkim_fixture_sign(f, &spec, "from", MESSAGE);
		result_is(dkim_fixture_verify(f), DKIM_REASON_NONE);
		assert_int_equal(f->report.signatures[0].header_canon, spec.header_canon);
		assert_int_equal(f->report.signatures[0].body_canon, spec.body_canon);
	}
}

static const struct {
	const char *name, *from, *to;
	enum dkim_reason relaxed, simple;
} changes[] = {
	{ "white space in a signed field", "one two", "one  \r\n two", DKIM_REASON_NONE,
	  DKIM_REASON_SIGNATURE },
	{ "case of a field's name", "\r\nSubject:", "\r\nSUBJECT :", DKIM_REASON_NONE,
	  DKIM_REASON_SIGNATURE },
	{ "a word of a signed field", "one two", "one three", DKIM_REASON_SIGNATURE, DKIM_REASON_SIGNATURE },
	{ "a signed field gone", "Subject: one two\r\n", "", DKIM_REASON_SIGNATURE, DKIM_REASON_SIGNATURE },
	{ "an unsigned field more", "\r\nFrom", "\r\nX-New: 1\r\nFrom", DKIM_REASON_NONE, DKIM_REASON_NONE },
	{ "a field of a signed name above, not oversigned",
	  "\r\nTo:", "\r\nSubject: new\r\nTo:", DKIM_REASON_NONE, DKIM_REASON_NONE },
	{ "a field of a signed name below", "\r\n\r\nHello", "\r\nSubject: new\r\n\r\nHello",
	  DKIM_REASON_SIGNATURE, DKIM_REASON_SIGNATURE },
	{ "a From above, oversigned", "\r\nTo:", "\r\nFrom: evil@example.org\r\nTo:", DKIM_REASON_SIGNATURE,
	  DKIM_REASON_SIGNATURE },
	{ "white space in the body", "Hello  world", "Hello world \t", DKIM_REASON_NONE,
	  DKIM_REASON_BODY_HASH },
	{ "a word of the body", "Hello", "Hallo", DKIM_REASON_BODY_HASH, DKIM_REASON_BODY_HASH },
	{ "empty lines at the end", "bye\r\n", "bye\r\n\r\n\r\n", DKIM_REASON_NONE, DKIM_REASON_NONE },
	{ "an empty line within", "\r\n\r\nbye", "\r\n\r\n\r\nbye", DKIM_REASON_BODY_HASH,
	  DKIM_REASON_BODY_HASH },
	{ "a tag of the signature", "t=1700000000", "t=1700000001", DKIM_REASON_SIGNATURE,
	  DKIM_REASON_SIGNATURE },
	{ "white space in the signature", "; s=rsa", ";  s=rsa", DKIM_REASON_NONE, DKIM_REASON_SIGNATURE },
	{ "an unknown tag in the signature", "; s=rsa", "; zz=1; s=rsa", DKIM_REASON_SIGNATURE,
	  DKIM_REASON_SIGNATURE },
};

static void changes_on_the_way_do_what_the_form_says(void **state)
{
	struct dkim_fixture *f = *state;

	for (size_t i = 0; i < 2 * UNIT_COUNT(changes); i++) {
		struct dkim_sign_spec spec = dkim_fixture_spec();
		spec.header_canon = spec.body_canon = i % 2;
		dkim_fixture_sign(f, &spec, "from", MESSAGE);
		dkim_fixture_replace(f, changes[i / 2].from, changes[i / 2].to);
		result_is(dkim_fixture_verify(f), i % 2 ? changes[i / 2].relaxed : changes[i / 2].simple);
	}
}

#define GOOD                                                                                                 \
	"v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=; " \
	"b=YWJj"

static const struct {
	const char *name, *tags;
	enum dkim_reason reason;
} malformed[] = {
	{ "nothing wrong but the hash", GOOD, DKIM_REASON_BODY_HASH },
	{ "a tag twice", GOOD "; d=example.com", DKIM_REASON_DUPLICATE_TAG },
	{ "an empty tag", GOOD ";; t=1", DKIM_REASON_TAGS },
	{ "a last semicolon", GOOD "; ", DKIM_REASON_BODY_HASH },
	{ "no list of tags", "hello", DKIM_REASON_TAGS },
	{ "nothing", "", DKIM_REASON_TAGS },
	{ "no v", "a=rsa-sha256; d=example.com; s=rsa; h=from; bh=YWJj; b=YWJj", DKIM_REASON_MISSING_TAG },
	{ "another v", "v=2; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_VERSION },
	{ "v=1.0", "v=1.0; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_VERSION },
	{ "rsa-sha1", "v=1; a=rsa-sha1; d=example.com; s=rsa; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_HISTORIC },
	{ "another a", "v=1; a=rsa-md5; d=example.com; s=rsa; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_ALGORITHM },
	{ "a in capitals", "v=1; a=RSA-SHA256; d=example.com; s=rsa; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_ALGORITHM },
	{ "no b", "v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=YWJj", DKIM_REASON_MISSING_TAG },
	{ "an empty b", "v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=YWJj; b=", DKIM_REASON_BASE64 },
	{ "junk in b", "v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=YWJj; b=YW*j",
	  DKIM_REASON_BASE64 },
	{ "padding in the middle of bh",
	  "v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=YQ==YWJj; b=YWJj", DKIM_REASON_BASE64 },
	{ "another c", GOOD "; c=nowsp", DKIM_REASON_CANONICALIZATION },
	{ "a domain of one label", "v=1; a=rsa-sha256; d=com; s=rsa; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_DOMAIN },
	{ "a comment in d", "v=1; a=rsa-sha256; d=example.com(.evil.org; s=rsa; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_DOMAIN },
	{ "an address in d", "v=1; a=rsa-sha256; d=a@example.com; s=rsa; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_DOMAIN },
	{ "a blank in d", "v=1; a=rsa-sha256; d=example.com example.org; s=rsa; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_DOMAIN },
	{ "a slash in s", "v=1; a=rsa-sha256; d=example.com; s=rsa/x; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_SELECTOR },
	{ "an empty label in s", "v=1; a=rsa-sha256; d=example.com; s=a..b; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_SELECTOR },
	{ "no From in h", "v=1; a=rsa-sha256; d=example.com; s=rsa; h=to:subject; bh=YWJj; b=YWJj",
	  DKIM_REASON_FROM },
	{ "From among longer names",
	  "v=1; a=rsa-sha256; d=example.com; s=rsa; h=x-from:fromx; bh=YWJj; b=YWJj", DKIM_REASON_FROM },
	{ "a blank in a name of h", "v=1; a=rsa-sha256; d=example.com; s=rsa; h=from to; bh=YWJj; b=YWJj",
	  DKIM_REASON_HEADERS },
	{ "i elsewhere", GOOD "; i=a@example.org", DKIM_REASON_IDENTITY },
	{ "i that only ends like d", GOOD "; i=@notexample.com", DKIM_REASON_IDENTITY },
	{ "i above d", GOOD "; i=@com", DKIM_REASON_IDENTITY },
	{ "i without @", GOOD "; i=example.com", DKIM_REASON_IDENTITY },
	{ "i below d", GOOD "; i=a@x.example.com", DKIM_REASON_BODY_HASH },
	{ "a NUL in i", GOOD "; i=a=00@example.com", DKIM_REASON_IDENTITY },
	{ "l that is no number", GOOD "; l=-1", DKIM_REASON_LENGTH },
	{ "l beyond 64 bits", GOOD "; l=99999999999999999999999", DKIM_REASON_LENGTH },
	{ "l beyond the body", GOOD "; l=1000", DKIM_REASON_LENGTH },
	{ "another q", GOOD "; q=http/get", DKIM_REASON_QUERY },
	{ "q with ours among others", GOOD "; q=http/get : dns/txt", DKIM_REASON_BODY_HASH },
	{ "t that is no number", GOOD "; t=yesterday", DKIM_REASON_TIME },
	{ "x before t", GOOD "; t=1700000000; x=1600000000", DKIM_REASON_TIME },
	{ "expired", GOOD "; x=1699999900", DKIM_REASON_EXPIRED },
	{ "expired within the skew", GOOD "; x=1699999950", DKIM_REASON_BODY_HASH },
	{ "in the future", GOOD "; t=1700000100", DKIM_REASON_FUTURE },
	{ "in the future within the skew", GOOD "; t=1700000050", DKIM_REASON_BODY_HASH },
	{ "no such key", "v=1; a=rsa-sha256; d=example.com; s=none; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_NO_KEY },
	{ "a key of another type", "v=1; a=ed25519-sha256; d=example.com; s=rsa; h=from; bh=YWJj; b=YWJj",
	  DKIM_REASON_KEY_TYPE },
};

static void a_signature_that_is_not_valid_says_why(void **state)
{
	struct dkim_fixture *f = *state;
	char message[4096];

	for (size_t i = 0; i < UNIT_COUNT(malformed); i++) {
		snprintf(message, sizeof message, "DKIM-Signature: %s\r\n" MESSAGE, malformed[i].tags);
		result_is(dkim_fixture_verify_text(f, message), malformed[i].reason);
	}
}

static const struct {
	const char *name, *before;
	enum dkim_reason reason;
} keys[] = {
	{ "no version", "", DKIM_REASON_NONE },
	{ "a note", "v=DKIM1; n=hello; ", DKIM_REASON_NONE },
	{ "an unknown tag", "v=DKIM1; g=*; ", DKIM_REASON_NONE },
	{ "another version", "v=DKIM2; ", DKIM_REASON_NO_KEY },
	{ "the version not first", "k=rsa; v=DKIM1; ", DKIM_REASON_NO_KEY },
	{ "hashes with ours", "h=sha1:sha256; ", DKIM_REASON_NONE },
	{ "hashes without ours", "h=sha1; ", DKIM_REASON_KEY_HASH },
	{ "for mail", "s=email; ", DKIM_REASON_NONE },
	{ "for all", "s=x:*; ", DKIM_REASON_NONE },
	{ "for something else", "s=tlsrpt; ", DKIM_REASON_KEY_SERVICE },
	{ "another type", "k=dsa; ", DKIM_REASON_KEY_TYPE },
	{ "revoked", "v=DKIM1; p=; n=", DKIM_REASON_KEY_REVOKED },
	{ "strict, and i= is in d= itself", "t=s; ", DKIM_REASON_NONE },
	{ "no list of tags", "junk; ", DKIM_REASON_KEY_SYNTAX },
	{ "a tag twice", "k=rsa; k=rsa; ", DKIM_REASON_KEY_SYNTAX },
};

static void a_key_record_says_what_it_is_for(void **state)
{
	struct dkim_fixture *f = *state;

	for (size_t i = 0; i < UNIT_COUNT(keys); i++) {
		struct dkim_sign_spec spec = dkim_fixture_spec();
		char selector[16], name[64];
		snprintf(selector, sizeof selector, "k%zu", i);
		snprintf(name, sizeof name, "%s._domainkey.example.com", selector);
		dkim_fixture_publish_key(f, name, f->rsa, keys[i].before);
		spec.selector = text_from_cstr(selector);
		dkim_fixture_sign(f, &spec, "", MESSAGE);
		result_is(dkim_fixture_verify(f), keys[i].reason);
	}
}

static void a_strict_key_wants_its_own_domain_in_i(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_spec spec = dkim_fixture_spec();

	dkim_fixture_publish_key(f, "strict._domainkey.example.com", f->rsa, "t=y:s; ");
	spec.selector = text_from_cstr("strict");
	spec.identity = text_from_cstr("joe=blow@mail.example.com");
	dkim_fixture_sign(f, &spec, "", MESSAGE);
	result_is(dkim_fixture_verify(f), DKIM_REASON_KEY_IDENTITY);
	unit_text_is(f->report.signatures[0].identity, "joe=blow@mail.example.com");
	assert_true(f->report.signatures[0].is_testing);
	spec.identity = text_from_cstr("joe@example.com");
	dkim_fixture_sign(f, &spec, "", MESSAGE);
	result_is(dkim_fixture_verify(f), DKIM_REASON_NONE);
}

static void of_several_keys_any_may_be_the_one(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_spec spec = dkim_fixture_spec();

	dkim_fixture_publish(f, "many._domainkey.example.com", text_from_cstr("v=spf1 -all"));
	dkim_fixture_publish_key(f, "many._domainkey.example.com", f->ed25519, "");
	dkim_fixture_publish_key(f, "many._domainkey.example.com", f->rsa, "");
	spec.selector = text_from_cstr("many");
	dkim_fixture_sign(f, &spec, "", MESSAGE);
	result_is(dkim_fixture_verify(f), DKIM_REASON_NONE);
	f->limits.keys = 2;
	result_is(dkim_fixture_verify(f), DKIM_REASON_KEY_TYPE);
}

static void a_dns_that_does_not_answer_is_a_temporary_error(void **state)
{
	struct dkim_fixture *f = *state;

	dns_zone_add_failure(f->zone, text_from_cstr("gone._domainkey.example.com"), DNS_TXT, "timeout");
	result_is(dkim_fixture_verify_text(f, "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=gone; "
					      "h=from; bh=YWJj; b=YWJj\r\n" MESSAGE),
		  DKIM_REASON_KEY_DNS);
	assert_int_equal(f->report.result, AUTH_TEMPERROR);
}

static void a_short_key_is_policy_and_a_long_one_is_not_tried(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_spec spec = dkim_fixture_spec();

	dkim_fixture_sign(f, &spec, "", MESSAGE);
	f->limits.rsa_bits_min = 1025;
	result_is(dkim_fixture_verify(f), DKIM_REASON_KEY_SHORT);
	f->limits.rsa_bits_min = 0;
	f->limits.rsa_bits_max = 1023;
	result_is(dkim_fixture_verify(f), DKIM_REASON_KEY_LONG);
	assert_int_equal(f->report.signatures[0].key_bits, 1024);
}

static void a_bare_public_key_is_read_too(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_spec spec = dkim_fixture_spec();
	unsigned char *der = NULL;
	size_t n = (size_t)i2d_PublicKey(f->rsa, &der);
	struct buf record;

	buf_init(&record, 4096);
	buf_add_cstr(&record, "v=DKIM1; p=");
	base64_encode(text_from_bytes(der, n), false, &record);
	OPENSSL_free(der);
	dkim_fixture_publish(f, "bare._domainkey.example.com", buf_text(&record));
	buf_done(&record);
	spec.selector = text_from_cstr("bare");
	dkim_fixture_sign(f, &spec, "", MESSAGE);
	result_is(dkim_fixture_verify(f), DKIM_REASON_NONE);
}

/* A signature over the first bytes of the body, made by hand from one over all of it. */
static void sign_part(struct dkim_fixture *f, uint64_t length)
{
	struct dkim_sign_spec spec = dkim_fixture_spec();
	struct dkim_body_hash hash = { .canon = DKIM_CANON_RELAXED, .length = length };
	struct dkim_signer signer = { f->rsa, dkim_fixture_sign_with };
	struct text from = text_from_cstr("from"), covered = text_from_cstr("from:a@example.com\r\n");
	char domain[64];

	dkim_hash_body(text_from_cstr("Hello  world\r\n\r\nbye\r\n"), &hash, 1);
	snprintf(domain, sizeof domain, "example.com; l=%llu", (unsigned long long)length);
	spec.domain = text_from_cstr(domain); /* nothing checks what the caller says of itself */
	spec.names = &from;
	spec.n_names = 1;
	buf_reset(&f->message);
	assert_true(dkim_sign_field(&spec, covered, hash.digest, &signer, &f->message));
	buf_add_cstr(&f->message, MESSAGE);
}

static void a_part_of_the_body_counts_only_where_it_is_all_of_it(void **state)
{
	struct dkim_fixture *f = *state;

	sign_part(f, 20); /* "Hello world\r\n\r\nbye\r\n" */
	result_is(dkim_fixture_verify(f), DKIM_REASON_NONE);
	dkim_fixture_replace(f, "bye\r\n", "bye\r\nmore\r\n");
	result_is(dkim_fixture_verify(f), DKIM_REASON_PART_OF_BODY);
	f->limits.takes_part = true;
	result_is(dkim_fixture_verify(f), DKIM_REASON_NONE);
	f->limits.takes_part = false;
	sign_part(f, 11);
	result_is(dkim_fixture_verify(f), DKIM_REASON_PART_OF_BODY);
	sign_part(f, 0);
	result_is(dkim_fixture_verify(f), DKIM_REASON_PART_OF_BODY);
	sign_part(f, 21);
	result_is(dkim_fixture_verify(f), DKIM_REASON_LENGTH);
	assert_true(f->report.signatures[0].has_length);
}

static void signatures_above_the_limit_are_counted_only(void **state)
{
	struct dkim_fixture *f = *state;
	struct buf many;

	buf_init(&many, 1 << 20);
	for (unsigned i = 0; i < 10; i++)
		buf_add_cstr(&many, "DKIM-Signature: " GOOD "\r\n");
	buf_add_cstr(&many, MESSAGE);
	dkim_fixture_verify_text(f, buf_cstr(&many));
	assert_int_equal(f->report.n, 8);
	assert_int_equal(f->report.n_left, 2);
	assert_int_equal(f->n_asked, 1); /* all have the same selector */
	buf_done(&many);
}

static void limits_of_a_signature_end_it_alone(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_spec spec = dkim_fixture_spec();

	dkim_fixture_sign(f, &spec, "", "DKIM-Signature: v=1; h=a:b:c:d:e:f:g:h; " GOOD "\r\n" MESSAGE);
	f->limits.names = 7;
	result_is(dkim_fixture_verify(f), DKIM_REASON_NONE);
	result_is(&f->report.signatures[1], DKIM_REASON_DUPLICATE_TAG);
	dkim_fixture_verify_text(
		f, "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=rsa; h=from:a:b:c:d:e:f:g; bh=YWJj; "
		   "b=YWJj\r\n" MESSAGE);
	result_is(&f->report.signatures[0], DKIM_REASON_TOO_MANY_HEADERS);
	f->limits.field_bytes = 50;
	result_is(dkim_fixture_verify(f), DKIM_REASON_TOO_LONG);
}

static void a_header_beyond_its_limits_verifies_nothing(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_spec spec = dkim_fixture_spec();

	dkim_fixture_sign(f, &spec, "", MESSAGE);
	f->limits.mime.header_fields = 3;
	assert_null(dkim_fixture_verify(f));
	assert_int_equal(f->report.result, AUTH_POLICY);
	assert_int_equal(f->report.trouble, MIME_TROUBLE_HEADER_FIELDS);
}

static void a_full_arena_is_a_temporary_error_or_no_reading(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_spec spec = dkim_fixture_spec();
	struct dns_source dns = dkim_fixture_dns(f);
	struct dkim_message m;

	dkim_fixture_sign(f, &spec, "", MESSAGE);
	for (size_t max = 0; max < 32768; max += 97) {
		struct arena small;
		arena_init(&small, max);
		if (dkim_message_read(&m, buf_text(&f->message), &f->limits, &small)) {
			dkim_verify(&m, &dns, DKIM_NOW, &f->report);
			assert_true(f->report.result == AUTH_TEMPERROR || f->report.result == AUTH_PASS);
		}
		dkim_message_done(&m);
		arena_reset(&small);
	}
}

static void no_signature_is_none(void **state)
{
	struct dkim_fixture *f = *state;

	assert_null(dkim_fixture_verify_text(f, MESSAGE));
	assert_int_equal(f->report.result, AUTH_NONE);
	assert_null(dkim_fixture_verify_text(f, ""));
	assert_int_equal(f->report.result, AUTH_NONE);
}

/* ---- what made other verifiers vouch for a domain that did not sign ---- */

static void a_nul_in_d_or_s_does_not_cut_the_name(void **state)
{
	static const char message[] =
		"DKIM-Signature: v=1; a=rsa-sha256; d=example.com\0.evil.org; s=rsa; h=from; bh=YWJj; "
		"b=YWJj\r\n" MESSAGE;
	struct dkim_fixture *f = *state;

	buf_add(&f->message, text_from_bytes(message, sizeof message - 1));
	result_is(dkim_fixture_verify(f), DKIM_REASON_TAGS);
	assert_int_equal(f->report.signatures[0].domain.n, 0);
	assert_int_equal(f->n_asked, 0);
}

static void a_name_of_dns_in_s_stays_below_domainkey(void **state)
{
	struct dkim_fixture *f = *state;

	dkim_fixture_publish_key(f, "evil.org._domainkey.example.com", f->rsa, "");
	result_is(dkim_fixture_verify_text(f, "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; "
					      "s=evil.org._domainkey; h=from; bh=YWJj; b=YWJj\r\n" MESSAGE),
		  DKIM_REASON_NO_KEY);
}

static void d_is_told_in_lower_case_and_as_a_labels(void **state)
{
	struct dkim_fixture *f = *state;

	result_is(dkim_fixture_verify_text(
			  f, "DKIM-Signature: v=1; a=rsa-sha256; d=EXAMPLE.com; s=RSA; h=from; bh=YWJj; "
			     "b=YWJj\r\n" MESSAGE),
		  DKIM_REASON_BODY_HASH);
	unit_text_is(f->report.signatures[0].domain, "example.com");
	dkim_fixture_verify_text(f, "DKIM-Signature: v=1; a=rsa-sha256; d=b\xc3\xbc"
				    "cher.example; s=rsa; h=from; bh=YWJj; "
				    "b=YWJj\r\n" MESSAGE);
	unit_text_is(f->report.signatures[0].domain, "xn--bcher-kva.example");
}

static void its_own_field_is_not_one_of_those_that_h_selects(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_spec spec = dkim_fixture_spec();

	dkim_fixture_sign(f, &spec, "dkim-signature", MESSAGE);
	result_is(dkim_fixture_verify(f), DKIM_REASON_NONE);
}

static void the_best_signature_is_the_messages_result(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_sign_spec spec = dkim_fixture_spec();

	dkim_fixture_sign(f, &spec, "", "DKIM-Signature: " GOOD "\r\n" MESSAGE);
	result_is(dkim_fixture_verify(f), DKIM_REASON_NONE);
	result_is(&f->report.signatures[1], DKIM_REASON_BODY_HASH);
	assert_int_equal(f->report.result, AUTH_PASS);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, dkim_fixture_open, dkim_fixture_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(the_message_of_rfc8463_passes_with_both_keys),
		ROW(what_is_signed_passes_in_every_form_with_every_key),
		ROW(changes_on_the_way_do_what_the_form_says),
		ROW(a_signature_that_is_not_valid_says_why),
		ROW(a_key_record_says_what_it_is_for),
		ROW(a_strict_key_wants_its_own_domain_in_i),
		ROW(of_several_keys_any_may_be_the_one),
		ROW(a_dns_that_does_not_answer_is_a_temporary_error),
		ROW(a_short_key_is_policy_and_a_long_one_is_not_tried),
		ROW(a_bare_public_key_is_read_too),
		ROW(a_part_of_the_body_counts_only_where_it_is_all_of_it),
		ROW(signatures_above_the_limit_are_counted_only),
		ROW(limits_of_a_signature_end_it_alone),
		ROW(a_header_beyond_its_limits_verifies_nothing),
		ROW(a_full_arena_is_a_temporary_error_or_no_reading),
		ROW(no_signature_is_none),
		ROW(a_nul_in_d_or_s_does_not_cut_the_name),
		ROW(a_name_of_dns_in_s_stays_below_domainkey),
		ROW(d_is_told_in_lower_case_and_as_a_labels),
		ROW(its_own_field_is_not_one_of_those_that_h_selects),
		ROW(the_best_signature_is_the_messages_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
