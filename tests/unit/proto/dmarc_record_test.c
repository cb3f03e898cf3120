/* SPDX-License-Identifier: Apache-2.0
 *
 * DMARC Policy Records: the grammar of rfc9989 4.8, and what is forgiven.
 */
#include "base/buf.h"
#include "proto/dmarc_record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Expected: status, then p/sp/np, flags, the numbers of URIs, and defects in hexadecimal where there are
 * some. */
static const struct {
	const char *name;
	const char *record;
	const char *expected;
} rows[] = {
	{ "the smallest record", "v=DMARC1", "good none/none/none 40" },
	{ "all policies", "v=DMARC1; p=reject; sp=quarantine; np=none", "good reject/quarantine/none" },
	{ "sp follows p", "v=DMARC1;p=reject", "good reject/reject/reject" },
	{ "np follows sp", "v=DMARC1;p=reject;sp=none", "good reject/none/none" },
	{ "any order behind v", "v=DMARC1; sp=none; p=reject;", "good reject/none/none" },
	{ "blanks around signs", "v \t=\tDMARC1 ; p = reject ; ", "good reject/reject/reject" },
	{ "words in any case", "V=DMARC1; P=Reject; ADKIM=S", "good reject/reject/reject dkim-strict" },
	{ "the version is exact", "v=dmarc1; p=reject", "other" },
	{ "a later version", "v=DMARC2; p=reject", "other" },
	{ "more behind the version", "v=DMARC1 p=reject", "other" },
	{ "v is not first", "p=reject; v=DMARC1", "other" },
	{ "another kind of record", "v=spf1 -all", "other" },
	{ "nothing", "", "other" },
	{ "strict alignment", "v=DMARC1; p=none; adkim=s; aspf=s",
	  "good none/none/none dkim-strict spf-strict" },
	{ "a wrong alignment is relaxed", "v=DMARC1; p=none; adkim=x", "good none/none/none 10" },
	{ "test mode", "v=DMARC1; p=reject; t=y", "good reject/reject/reject testing" },
	{ "public suffix", "v=DMARC1; p=reject; psd=y", "good reject/reject/reject psd=y" },
	{ "organisation", "v=DMARC1; p=reject; psd=n", "good reject/reject/reject psd=n" },
	{ "psd not known", "v=DMARC1; p=reject; psd=u", "good reject/reject/reject" },
	{ "a wrong psd", "v=DMARC1; p=reject; psd=maybe", "good reject/reject/reject 10" },
	{ "a wrong p without rua", "v=DMARC1; p=foo", "unusable none/none/none 30" },
	{ "an empty p without rua", "v=DMARC1; p=; sp=reject", "unusable none/none/none 30" },
	{ "a wrong p with rua", "v=DMARC1; p=foo; sp=reject; rua=mailto:a@b.example",
	  "good none/none/none rua:1 30" },
	{ "a wrong sp with rua", "v=DMARC1; p=reject; sp=x; rua=mailto:a@b.example",
	  "good none/none/none rua:1 30" },
	{ "a wrong np without rua", "v=DMARC1; p=reject; np=x", "unusable none/none/none 30" },
	{ "a wrong p with a wrong rua", "v=DMARC1; p=foo; rua=nobody", "unusable none/none/none b0" },
	{ "p that is not printable", "v=DMARC1; p=re\xc3\xa9ject", "unusable none/none/none 30" },
	{ "the first of two counts", "v=DMARC1; p=reject; p=none", "good reject/reject/reject 4" },
	{ "v again", "v=DMARC1; v=DMARC1; p=reject", "good reject/reject/reject 4" },
	{ "unknown tag", "v=DMARC1; x=y; p=reject", "good reject/reject/reject 1" },
	{ "tags of the replaced standard", "v=DMARC1; p=reject; pct=25; rf=afrf; ri=3600",
	  "good reject/reject/reject 2" },
	{ "pct does not weaken", "v=DMARC1; p=reject; pct=0", "good reject/reject/reject 2" },
	{ "a part without =", "v=DMARC1; p=reject; junk", "good reject/reject/reject 8" },
	{ "a part without a name", "v=DMARC1; =x; p=reject", "good reject/reject/reject 8" },
	{ "many semicolons", "v=DMARC1;;; p=reject;;", "good reject/reject/reject" },
	{ "two addresses", "v=DMARC1; p=none; rua=mailto:a@b.example , mailto:c@d.example!10m",
	  "good none/none/none rua:2" },
	{ "one of two is wrong", "v=DMARC1; p=none; rua=mailto:a b@c.example,mailto:c@d.example",
	  "good none/none/none rua:1 80" },
	{ "failure reports", "v=DMARC1; p=none; ruf=mailto:a@b.example; fo=1:d:s",
	  "good none/none/none ruf:1 fo:14" },
	{ "fo with 0 and 1", "v=DMARC1; p=none; fo=0:1", "good none/none/none 10" },
	{ "fo with one twice", "v=DMARC1; p=none; fo=d:d", "good none/none/none 10" },
	{ "fo with s first", "v=DMARC1; p=none; fo=s:0", "good none/none/none fo:9" },
};

static void print(struct buf *out, enum dmarc_record_status status, const struct dmarc_record *r)
{
	static const char *const words[] = { "good", "other", "unusable" };
	unsigned defects = r->defects;

	buf_add_cstr(out, words[status]);
	if (status == DMARC_RECORD_OTHER)
		return;
	buf_printf(out, " %s/%s/%s", dmarc_policy_word(r->p), dmarc_policy_word(r->sp),
		   dmarc_policy_word(r->np));
	buf_add_cstr(out, r->is_dkim_strict ? " dkim-strict" : "");
	buf_add_cstr(out, r->is_spf_strict ? " spf-strict" : "");
	buf_add_cstr(out, r->is_testing ? " testing" : "");
	buf_add_cstr(out, r->psd == DMARC_PSD_YES ? " psd=y" : r->psd == DMARC_PSD_NO ? " psd=n" : "");
	if (r->n_rua)
		buf_printf(out, " rua:%zu", r->n_rua);
	if (r->n_ruf)
		buf_printf(out, " ruf:%zu", r->n_ruf);
	if (r->fo != DMARC_FO_ALL)
		buf_printf(out, " fo:%u", r->fo);
	if (defects)
		buf_printf(out, " %x", defects);
}

static void records_are_read_as_the_standard_forgives(void **state)
{
	struct arena arena;
	struct buf out;

	(void)state;
	arena_init(&arena, 100000);
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dmarc_record record = { 0 };
		enum dmarc_record_status status =
			dmarc_record_parse(text_from_cstr(rows[i].record), &arena, &record);
		buf_reset(&out);
		print(&out, status, &record);
		if (!text_is_cstr(buf_text(&out), rows[i].expected))
			fail_msg("%s: %s", rows[i].name, buf_cstr(&out));
	}
	buf_done(&out);
	arena_reset(&arena);
}

static void an_old_size_is_kept_apart_from_the_address(void **state)
{
	static const struct {
		const char *rua;
		uint64_t bytes;
	} sizes[] = {
		{ "mailto:a@b.example", 0 },
		{ "mailto:a@b.example!500", 500 },
		{ "mailto:a@b.example!10m", 10 << 20 },
		{ "mailto:a@b.example ! 2 G", 2ULL << 30 },
		{ "mailto:a@b.example!1T", 1ULL << 40 },
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 100000);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct dmarc_record record;
		struct buf txt;
		buf_init(&txt, 1000);
		buf_printf(&txt, "v=DMARC1; p=none; rua=%s", sizes[i].rua);
		assert_int_equal(dmarc_record_parse(buf_text(&txt), &arena, &record), DMARC_RECORD_GOOD);
		assert_int_equal(record.n_rua, 1);
		assert_true(text_is_cstr(record.rua[0].uri, "mailto:a@b.example"));
		assert_int_equal(record.rua[0].max_bytes, sizes[i].bytes);
		buf_done(&txt);
	}
	arena_reset(&arena);
}

static void no_record_makes_a_list_too_long(void **state)
{
	struct dmarc_record record;
	struct arena arena;
	struct buf txt;

	(void)state;
	arena_init(&arena, 100000);
	buf_init(&txt, 100000);
	buf_add_cstr(&txt, "v=DMARC1; p=none; rua=mailto:a@b.example");
	for (int i = 0; i < 1000; i++)
		buf_add_cstr(&txt, ",mailto:a@b.example");
	assert_int_equal(dmarc_record_parse(buf_text(&txt), &arena, &record), DMARC_RECORD_GOOD);
	assert_int_equal(record.n_rua, DMARC_URIS_MAX);
	assert_true(record.defects & DMARC_DEFECT_TOO_MANY_URIS);
	buf_done(&txt);
	arena_reset(&arena);
}

static void only_mailto_with_one_address_has_a_mailbox(void **state)
{
	static const struct {
		const char *uri;
		const char *address; /* NULL: none */
	} mailboxes[] = {
		{ "mailto:a@b.example", "a@b.example" },
		{ "MAILTO:a%2Bb@c.example?subject=x", "a+b@c.example" },
		{ "mailto:a%40b.example", "a@b.example" },
		{ "mailto:a@b.example,c@d.example", NULL },
		{ "mailto:a%0d%0ab@c.example", NULL },
		{ "mailto:a%2", NULL },
		{ "mailto:a%zz@b.example", NULL },
		{ "mailto:@b.example", NULL },
		{ "mailto:a@", NULL },
		{ "https://b.example/a@b", NULL },
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 100000);
	for (size_t i = 0; i < sizeof mailboxes / sizeof *mailboxes; i++) {
		struct text address;
		bool has = dmarc_uri_mailbox(text_from_cstr(mailboxes[i].uri), &arena, &address);
		assert_int_equal(has, mailboxes[i].address != NULL);
		if (has)
			assert_true(text_is_cstr(address, mailboxes[i].address));
	}
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read_as_the_standard_forgives),
		cmocka_unit_test(an_old_size_is_kept_apart_from_the_address),
		cmocka_unit_test(no_record_makes_a_list_too_long),
		cmocka_unit_test(only_mailto_with_one_address_has_a_mailbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
