/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregate reports: what is written reads back, what is hostile ends at its limit, and others' habits are
 * read.
 */
#include "base/buf.h"
#include "proto/dmarc_report.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEAD                                                                                                 \
	"<feedback><report_metadata><org_name>o</org_name></report_metadata>"                                \
	"<policy_published><domain>example.com</domain><p>none</p></policy_published>"

static struct dmarc_report_auth signature = { .domain = TEXT("example.com"),
					      .selector = TEXT("s<1>"),
					      .result = TEXT("pass") };
static struct dmarc_report_auth sender = { .domain = TEXT("example.com"),
					   .scope = TEXT("mfrom"),
					   .result = TEXT("softfail") };
static struct dmarc_report_reason reason = { .type = TEXT("local_policy"), .comment = TEXT("a & b\r\n<c>") };

static struct dmarc_report sample(struct dmarc_report_record *record)
{
	*record = (struct dmarc_report_record){
		.source_ip = TEXT("2001:db8::1"),
		.count = 7,
		.disposition = DMARC_REPORT_QUARANTINE,
		.is_spf_aligned = true,
		.reasons = &reason,
		.header_from = TEXT("a.example.com"),
		.has_envelope_from = true,
		.envelope_to = TEXT("example.org"),
		.dkim = &signature,
		.spf = &sender,
	};
	return (struct dmarc_report){
		.org_name = TEXT("Receiver & Sons"),
		.email = TEXT("dmarc@example.org"),
		.report_id = TEXT("1.example.com"),
		.generator = TEXT("Postern"),
		.begin = 1669507200,
		.end = 1669593599,
		.policy = { .domain = TEXT("example.com"),
			    .discovery_method = TEXT("treewalk"),
			    .p = DMARC_REPORT_REJECT,
			    .sp = DMARC_REPORT_NONE,
			    .adkim = 's',
			    .aspf = 'r',
			    .testing = 'n',
			    .fo = TEXT("0") },
		.records = record,
	};
}

static enum dmarc_report_trouble read_text(const char *xml, struct arena *arena, struct dmarc_report *ret)
{
	struct dmarc_report_limits limits = dmarc_report_limits_default();

	return dmarc_report_read(text_from_cstr(xml), &limits, arena, ret);
}

static void what_is_written_reads_back(void **state)
{
	struct dmarc_report_limits limits = dmarc_report_limits_default();
	struct dmarc_report_record record;
	struct dmarc_report in = sample(&record), out;
	struct buf xml, gzip;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1000000);
	buf_init(&xml, 100000);
	buf_init(&gzip, 100000);
	assert_true(dmarc_report_write(&in, &xml));
	assert_true(dmarc_report_gzip(buf_text(&xml), &gzip));
	assert_int_equal(dmarc_report_read(buf_text(&gzip), &limits, &arena, &out), DMARC_REPORT_FINE);
	assert_true(text_is_equal(out.org_name, in.org_name));
	assert_int_equal(out.begin, in.begin);
	assert_int_equal(out.policy.p, DMARC_REPORT_REJECT);
	assert_int_equal(out.policy.np, DMARC_REPORT_ABSENT);
	assert_int_equal(out.policy.adkim, 's');
	assert_int_equal(out.n_records, 1);
	assert_int_equal(out.records->count, 7);
	assert_true(out.records->is_spf_aligned && !out.records->is_dkim_aligned);
	assert_true(out.records->has_envelope_from && out.records->envelope_from.n == 0);
	assert_true(text_is_equal(out.records->dkim->selector, signature.selector));
	assert_true(text_is_equal(out.records->spf->result, sender.result));
	assert_true(text_is_cstr(out.records->reasons->comment, "a & b?\?<c>"));
	buf_done(&xml);
	buf_done(&gzip);
	arena_reset(&arena);
}

static void unknown_elements_and_foreign_namespaces_are_passed_over(void **state)
{
	struct dmarc_report report;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1000000);
	assert_int_equal(
		read_text(" \n<?xml version=\"1.0\"?><d:feedback xmlns:d='urn:ietf:params:xml:ns:dmarc-2.0' "
			  "xmlns:x='urn:x'><d:policy_published><x:domain>wrong</x:domain>"
			  "<d:domain> example.com\n</d:domain><d:new><d:p>none</d:p></d:new><d:p>Reject</d:p>"
			  "</d:policy_published><d:record><d:row><d:count>3</d:count></d:row><x:row/></"
			  "d:record>"
			  "<d:record><d:row><d:count>4</d:count></d:row></d:record></d:feedback>",
			  &arena, &report),
		DMARC_REPORT_FINE);
	assert_true(text_is_cstr(report.policy.domain, "example.com"));
	assert_int_equal(report.policy.p, DMARC_REPORT_REJECT);
	assert_int_equal(report.n_records, 2);
	assert_int_equal(report.n_messages, 7);
	arena_reset(&arena);
}

static void what_is_no_report_is_told_apart(void **state)
{
	static const struct {
		const char *file;
		enum dmarc_report_trouble trouble;
	} files[] = {
		{ "", DMARC_REPORT_NOT_A_REPORT },
		{ "hello", DMARC_REPORT_NOT_A_REPORT },
		{ "<feedback>", DMARC_REPORT_XML },
		{ "<html/>", DMARC_REPORT_ROOT },
		{ "<feedback/>", DMARC_REPORT_FINE },
		{ "<feedback><a></b></feedback>", DMARC_REPORT_XML },
		{ "<!DOCTYPE feedback [<!ENTITY a \"aaaa\">]><feedback>&a;</feedback>",
		  DMARC_REPORT_DOCTYPE },
		{ "<!DOCTYPE feedback SYSTEM \"file:///etc/passwd\"><feedback/>", DMARC_REPORT_DOCTYPE },
		{ "<feedback>&a;</feedback>", DMARC_REPORT_XML },
		{ "\x1f\x8b", DMARC_REPORT_PACKING },
		{ "\x1f\x8bnonsense", DMARC_REPORT_PACKING },
		{ "PK\x03\x04", DMARC_REPORT_PACKING },
	};
	struct dmarc_report report;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1000000);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (read_text(files[i].file, &arena, &report) != files[i].trouble)
			fail_msg("%s", files[i].file);
	arena_reset(&arena);
}

/* A file that begins with head, has `piece` n times, and ends with tail. */
static enum dmarc_report_trouble read_repeated(const char *head, const char *piece, size_t n,
					       const char *tail, bool is_packed)
{
	struct dmarc_report_limits limits = dmarc_report_limits_default();
	enum dmarc_report_trouble trouble;
	struct dmarc_report report;
	struct buf xml, gzip;
	struct arena arena;

	arena_init(&arena, (size_t)64 << 20);
	buf_init(&xml, (size_t)256 << 20);
	buf_init(&gzip, (size_t)256 << 20);
	buf_add_cstr(&xml, head);
	for (size_t i = 0; i < n; i++)
		buf_add_cstr(&xml, piece);
	buf_add_cstr(&xml, tail);
	limits.packed_bytes = (size_t)256 << 20;
	if (is_packed)
		assert_true(dmarc_report_gzip(buf_text(&xml), &gzip));
	trouble = dmarc_report_read(buf_text(is_packed ? &gzip : &xml), &limits, &arena, &report);
	buf_done(&xml);
	buf_done(&gzip);
	arena_reset(&arena);
	return trouble;
}

static void a_hostile_file_ends_at_its_limit(void **state)
{
	(void)state;
	/* a hundred megabytes, in some hundred kilobytes and as they are */
	assert_int_equal(read_repeated(HEAD, "<x>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</x>\n", 2100000,
				       "</feedback>", true),
			 DMARC_REPORT_RATIO);
	assert_int_equal(read_repeated(HEAD, "<x>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</x>\n", 2100000,
				       "</feedback>", false),
			 DMARC_REPORT_XML_BYTES);
	assert_int_equal(read_repeated(HEAD "<error>", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1000,
				       "</error></feedback>", false),
			 DMARC_REPORT_TEXT_BYTES);
	assert_int_equal(read_repeated("<feedback>", "<a>", 1000, "", false), DMARC_REPORT_DEPTH);
	assert_int_equal(read_repeated(HEAD, "<a/>", 4000001, "</feedback>", false), DMARC_REPORT_ELEMENTS);
	assert_int_equal(read_repeated(HEAD, "<record/>", 100001, "</feedback>", false),
			 DMARC_REPORT_RECORDS);
	assert_int_equal(read_repeated(HEAD "<record><auth_results>", "<dkim/>", 1000000,
				       "</auth_results></record></feedback>", false),
			 DMARC_REPORT_MEMORY);
	/* one tag over many pieces would be read anew with each */
	assert_int_equal(read_repeated(HEAD "<!--", "                                           ", 200000,
				       "--></feedback>", true),
			 DMARC_REPORT_TEXT_BYTES);
}

static void a_zip_is_read_by_its_first_file(void **state)
{
	static const char stored[] =
		"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\x0b\0\0\0\x0b\0\0\0\x03\0\0\0abc"
		"<feedback/>more that is not looked at";
	struct dmarc_report_limits limits = dmarc_report_limits_default();
	char changed[sizeof stored];
	struct dmarc_report report;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1000000);
	assert_int_equal(
		dmarc_report_read(text_from_bytes(stored, sizeof stored - 1), &limits, &arena, &report),
		DMARC_REPORT_FINE);
	memcpy(changed, stored, sizeof stored);
	changed[6] = 1; /* under a password */
	assert_int_equal(
		dmarc_report_read(text_from_bytes(changed, sizeof stored - 1), &limits, &arena, &report),
		DMARC_REPORT_PACKING);
	memcpy(changed, stored, sizeof stored);
	changed[21] = 1; /* longer than the file */
	assert_int_equal(
		dmarc_report_read(text_from_bytes(changed, sizeof stored - 1), &limits, &arena, &report),
		DMARC_REPORT_PACKING);
	arena_reset(&arena);
}

static void the_mail_is_as_the_standard_asks(void **state)
{
	struct dmarc_report_mail mail = {
		.receiver = TEXT("mx.example.org"),
		.domain = TEXT("example.com"),
		.from = TEXT("dmarc@example.org"),
		.to = TEXT("reports@example.com"),
		.report_id = TEXT("1669507200.abc@mx.example.org"),
		.message_id = TEXT("1669507200.abc@mx.example.org"),
		.boundary = TEXT("b=1"),
		.organization = TEXT("Example"),
		.begin = 1669507200,
		.end = 1669593599,
		.now = 1669600000,
		.gzip = TEXT("\x1f\x8b"),
		.unique = TEXT("abc"),
	};
	struct mime_limits limits = mime_limits_default();
	struct buf out, found;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1000000);
	buf_init(&out, 100000);
	buf_init(&found, 100000);
	assert_true(dmarc_report_mail_write(&mail, &out));
	assert_int_not_equal(
		text_find(buf_text(&out), (struct text)TEXT("Subject: Report Domain: example.com\r\n"
							    " Submitter: mx.example.org\r\n"
							    " Report-ID: <1669507200.abc@mx."
							    "example.org>\r\n")),
		SIZE_MAX);
	assert_int_not_equal(
		text_find(buf_text(&out),
			  (struct text)TEXT("filename=\"mx.example.org!example.com!1669507200!1669593599!"
					    "abc.xml.gz\"\r\n")),
		SIZE_MAX);
	assert_true(dmarc_report_find(buf_text(&out), &limits, &arena, &found));
	assert_true(text_is_equal(buf_text(&found), mail.gzip));
	buf_done(&out);
	buf_done(&found);
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(unknown_elements_and_foreign_namespaces_are_passed_over),
		cmocka_unit_test(what_is_no_report_is_told_apart),
		cmocka_unit_test(a_hostile_file_ends_at_its_limit),
		cmocka_unit_test(a_zip_is_read_by_its_first_file),
		cmocka_unit_test(the_mail_is_as_the_standard_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
