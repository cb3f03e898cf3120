/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains: sealed here, validated, broken in every way that rfc8617 5.2 names, and believed or not.
 */
#include "unit/proto/dkim_fixture.h"

#include "proto/arc_seal.h"

#define MESSAGE "From: a@example.com\r\nSubject: s\r\nDate: d\r\n\r\nbody\r\n"

static struct arc_report report;

static const struct arc_report *validate(struct dkim_fixture *f)
{
	struct dns_source dns = dkim_fixture_dns(f);

	dkim_message_done(&f->m);
	assert_true(dkim_message_read(&f->m, buf_text(&f->message), &f->limits, &f->arena));
	arc_validate(&f->m, &dns, DKIM_NOW, &report);
	return &report;
}

/* `found` is what the sealer found when the message came to it. */
static enum arc_seal_outcome seal_with(struct dkim_fixture *f, const struct arc_report *found,
				       const char *domain, EVP_PKEY *key)
{
	struct arc_seal_spec spec = {
		.algorithm = EVP_PKEY_is_a(key, "RSA") ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256,
		.domain = text_from_cstr(domain),
		.selector = text_from_cstr(EVP_PKEY_is_a(key, "RSA") ? "rsa" : "ed"),
		.results = text_from_cstr(
			"mx.example.com;\r\n spf=pass smtp.mailfrom=a@example.com; dmarc=pass"),
		.signed_at = DKIM_NOW,
	};
	struct dkim_signer signer = { key, dkim_fixture_sign_with };
	enum arc_seal_outcome outcome;
	struct buf out;

	buf_init(&out, 16 << 20);
	outcome = arc_seal(&f->m, found, &spec, &signer, &out);
	buf_add(&out, buf_text(&f->message));
	buf_done(&f->message);
	f->message = out;
	return outcome;
}

static enum arc_seal_outcome seal(struct dkim_fixture *f, const char *domain, EVP_PKEY *key)
{
	return seal_with(f, validate(f), domain, key);
}

static void start(struct dkim_fixture *f, unsigned sets)
{
	buf_reset(&f->message);
	buf_add_cstr(&f->message, MESSAGE);
	dkim_fixture_publish_key(f, "ed._domainkey.list.example", f->ed25519, "");
	for (unsigned i = 0; i < sets; i++)
		assert_int_equal(seal(f, i % 2 ? "list.example" : "example.com", i % 2 ? f->ed25519 : f->rsa),
				 ARC_SEAL_DONE);
}

static void reason_is(struct dkim_fixture *f, enum arc_reason reason)
{
	validate(f);
	if (report.reason != reason)
		fail_msg("%s, wanted %s", arc_reason_word(report.reason), arc_reason_word(reason));
	if (reason) {
		assert_int_equal(report.cv, ARC_CV_FAIL);
		assert_true(report.result == AUTH_FAIL || report.result == AUTH_TEMPERROR);
	}
}

static void no_chain_is_none(void **state)
{
	struct dkim_fixture *f = *state;

	start(f, 0);
	reason_is(f, ARC_REASON_NONE);
	assert_int_equal(report.cv, ARC_CV_NONE);
	assert_int_equal(report.n, 0);
}

static void what_is_sealed_passes_and_tells_its_sets(void **state)
{
	struct dkim_fixture *f = *state;

	start(f, 3);
	reason_is(f, ARC_REASON_NONE);
	assert_int_equal(report.cv, ARC_CV_PASS);
	assert_int_equal(report.n, 3);
	assert_int_equal(report.oldest_pass, 0);
	unit_text_is(report.sets[1].sealer, "list.example");
	unit_text_is(report.sets[0].results,
		     "mx.example.com;\r\n spf=pass smtp.mailfrom=a@example.com; dmarc=pass");
	assert_int_equal(report.sets[0].cv, ARC_CV_NONE);
	assert_int_equal(report.sets[2].cv, ARC_CV_PASS);
}

/* The list changes the subject between the sets that it was given and its own. */
static void oldest_pass_is_where_the_message_was_changed_last(void **state)
{
	struct dkim_fixture *f = *state;
	struct arc_report before;

	start(f, 1);
	before = *validate(f);
	assert_int_equal(before.cv, ARC_CV_PASS);
	dkim_fixture_replace(f, "Subject: s", "Subject: [list] s");
	validate(f);
	assert_int_equal(seal_with(f, &before, "list.example", f->ed25519), ARC_SEAL_DONE);
	reason_is(f, ARC_REASON_NONE);
	assert_int_equal(report.cv, ARC_CV_PASS);
	assert_int_equal(report.oldest_pass, 2);
	assert_int_equal(report.sets[0].message.reason, DKIM_REASON_SIGNATURE);
}

static const struct {
	const char *name, *from, *to;
	enum arc_reason reason;
} breaks[] = {
	{ "the seal of the last set gone", "ARC-Seal:", "X-Seal:", ARC_REASON_GAP },
	{ "the signature of the last set gone", "ARC-Message-Signature:", "X-AMS:", ARC_REASON_GAP },
	{ "the results of the last set gone", "ARC-Authentication-Results:", "X-AAR:", ARC_REASON_GAP },
	{ "an instance of 0", "; i=3; s=rsa", "; i=0; s=rsa", ARC_REASON_INSTANCE },
	{ "an instance of 51", "; i=3; s=rsa", "; i=51; s=rsa", ARC_REASON_INSTANCE },
	{ "an instance that is there already", "; i=3; s=rsa", "; i=2; s=rsa", ARC_REASON_DUPLICATE },
	{ "an instance too high", "; i=3; s=rsa", "; i=4; s=rsa", ARC_REASON_GAP },
	{ "no instance in the results", "Results: i=3;", "Results: j=3;", ARC_REASON_INSTANCE },
	{ "no semicolon behind it", "Results: i=3;", "Results: i=3", ARC_REASON_RESULTS },
	{ "cv=none in the last set", "cv=pass", "cv=none", ARC_REASON_CV },
	{ "cv of another word", "cv=pass", "cv=good", ARC_REASON_CV },
	{ "cv=fail in the last set", "cv=pass", "cv=fail", ARC_REASON_SEALED_FAIL },
	{ "h= in a seal", "ARC-Seal: a=rsa-sha256;", "ARC-Seal: a=rsa-sha256; h=from;", ARC_REASON_SEAL },
	{ "results forged in the last set", "spf=pass", "spf=fail", ARC_REASON_SEAL },
	{ "the body changed", "\r\n\r\nbody", "\r\n\r\nBody", ARC_REASON_MESSAGE_SIGNATURE },
	{ "the time of a seal changed", "t=1700000000", "t=1700000001", ARC_REASON_SEAL },
};

static void a_broken_chain_says_where(void **state)
{
	struct dkim_fixture *f = *state;

	for (size_t i = 0; i < UNIT_COUNT(breaks); i++) {
		start(f, 3);
		dkim_fixture_replace(f, breaks[i].from, breaks[i].to);
		reason_is(f, breaks[i].reason);
	}
}

static void comments_are_allowed_before_the_instance_of_results(void **state)
{
	struct dkim_fixture *f = *state;

	start(f, 1);
	dkim_fixture_replace(f, "Results: i=1;", "Results: (a (b) \\) c)\r\n i = 1 (d) ;");
	validate(f);
	assert_int_equal(report.reason, ARC_REASON_SEAL); /* the instance was read, the seal does not fit */
	dkim_fixture_replace(f, "(a (b) \\) c)", "(a (b");
	reason_is(f, ARC_REASON_INSTANCE);
}

static void fifty_sets_are_a_chain_and_no_more_are_added(void **state)
{
	struct dkim_fixture *f = *state;

	start(f, 50);
	reason_is(f, ARC_REASON_NONE);
	assert_int_equal(report.n, 50);
	assert_int_equal(seal(f, "example.com", f->rsa), ARC_SEAL_FULL);
	dkim_fixture_replace(f, "ARC-Seal:", "ARC-Seal: i=50\r\nARC-Seal:");
	reason_is(f, ARC_REASON_TOO_MANY);
}

static void a_chain_found_broken_gets_one_set_that_says_so(void **state)
{
	struct dkim_fixture *f = *state;

	start(f, 2);
	dkim_fixture_replace(f, "body", "Body");
	assert_int_equal(seal(f, "example.com", f->rsa), ARC_SEAL_DONE);
	assert_true(text_find(buf_text(&f->message), text_from_cstr("cv=fail")) != SIZE_MAX);
	reason_is(f, ARC_REASON_SEALED_FAIL);
	assert_int_equal(seal(f, "example.com", f->rsa), ARC_SEAL_BROKEN);
}

static void a_key_that_does_not_come_is_temporary(void **state)
{
	struct dkim_fixture *f = *state;

	start(f, 1);
	dkim_fixture_replace(f, "; s=rsa", "; s=gone");
	dns_zone_add_failure(f->zone, text_from_cstr("gone._domainkey.example.com"), DNS_TXT, "timeout");
	dkim_fixture_replace(f, "s=rsa;", "s=gone;");
	validate(f);
	assert_int_equal(report.cv, ARC_CV_FAIL);
	assert_int_equal(report.result, AUTH_TEMPERROR);
}

static bool trusts(void *context, struct text domain)
{
	return text_is_cstr(domain, context) || text_is_cstr(text_from_cstr(context), "all");
}

static void findings_are_believed_as_far_down_as_all_sealers_are_trusted(void **state)
{
	struct dkim_fixture *f = *state;

	start(f, 3); /* example.com, list.example, example.com */
	validate(f);
	assert_int_equal(arc_trusted_from(&report, trusts, "all"), 1);
	assert_int_equal(arc_trusted_from(&report, trusts, "example.com"), 3);
	assert_int_equal(arc_trusted_from(&report, trusts, "list.example"), 0);
	dkim_fixture_replace(f, "body", "Body");
	validate(f);
	assert_int_equal(arc_trusted_from(&report, trusts, "all"), 0);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, dkim_fixture_open, dkim_fixture_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(no_chain_is_none),
		ROW(what_is_sealed_passes_and_tells_its_sets),
		ROW(oldest_pass_is_where_the_message_was_changed_last),
		ROW(a_broken_chain_says_where),
		ROW(comments_are_allowed_before_the_instance_of_results),
		ROW(fifty_sets_are_a_chain_and_no_more_are_added),
		ROW(a_chain_found_broken_gets_one_set_that_says_so),
		ROW(a_key_that_does_not_come_is_temporary),
		ROW(findings_are_believed_as_far_down_as_all_sealers_are_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
