/* SPDX-License-Identifier: Apache-2.0
 *
 * BIMI: records, and which messages they count for. The DNS of a row is "NAME=RECORD" between bars.
 */
#include "base/buf.h"
#include "proto/bimi.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void ask_zone(void *context, enum dns_type type, struct text name, struct arena *arena,
		     struct dns_answer *ret_answer)
{
	struct text rest = *(struct text *)context, row, owner, record;
	bool more = rest.n > 0;

	(void)type;
	ret_answer->records = arena_alloc(arena, 8 * sizeof *ret_answer->records);
	while (more) {
		more = text_cut(rest, '|', &row, &rest);
		text_cut(row, '=', &owner, &record);
		if (!text_is_equal_nocase(owner, name))
			continue;
		ret_answer->status = text_is_cstr(record, "?") ? DNS_FAILED : DNS_FOUND;
		ret_answer->records[ret_answer->n++].data = record;
	}
}

#define REJECT "_dmarc.example.com=v=DMARC1; p=reject"
#define BRAND  "v=BIMI1; l=https://example.com/a.svg; a=https://example.com/a.pem"

static const struct row {
	const char *name;
	const char *zone;
	const char *author;
	const char *selector;
	enum auth_result spf; /* of the author's domain */
	const char *expected; /* status selector@domain */
} rows[] = {
	{ "a picture", REJECT "|default._bimi.example.com=" BRAND, "example.com", "", AUTH_PASS,
	  "pass default@example.com" },
	{ "of another selector", REJECT "|x._bimi.example.com=" BRAND, "example.com", "x", AUTH_PASS,
	  "pass x@example.com" },
	{ "of the organisation", REJECT "|default._bimi.example.com=" BRAND, "a.example.com", "", AUTH_PASS,
	  "pass default@example.com" },
	{ "a selector that is no name", REJECT "|default._bimi.example.com=" BRAND, "example.com", "x/y",
	  AUTH_PASS, "pass default@example.com" },
	{ "none", REJECT, "example.com", "", AUTH_PASS, "none default@example.com" },
	{ "declined", REJECT "|default._bimi.example.com=v=BIMI1; l=; a=;", "example.com", "", AUTH_PASS,
	  "declined default@example.com" },
	{ "not over https", REJECT "|default._bimi.example.com=v=BIMI1; l=http://a/b.svg", "example.com", "",
	  AUTH_PASS, "fail default@example.com" },
	{ "no l=", REJECT "|default._bimi.example.com=v=BIMI1; a=https://a/b.pem", "example.com", "",
	  AUTH_PASS, "fail default@example.com" },
	{ "two records", REJECT "|default._bimi.example.com=" BRAND "|default._bimi.example.com=" BRAND,
	  "example.com", "", AUTH_PASS, "fail default@example.com" },
	{ "other records beside", REJECT "|default._bimi.example.com=hello|default._bimi.example.com=" BRAND,
	  "example.com", "", AUTH_PASS, "pass default@example.com" },
	{ "no answer", REJECT "|default._bimi.example.com=?", "example.com", "", AUTH_PASS,
	  "temperror default@example.com" },
	{ "DMARC fails", REJECT "|default._bimi.example.com=" BRAND, "example.com", "", AUTH_FAIL,
	  "skipped default@example.com" },
	{ "the policy is none", "_dmarc.example.com=v=DMARC1; p=none|default._bimi.example.com=" BRAND,
	  "example.com", "", AUTH_PASS, "skipped default@example.com" },
	{ "the policy is a test",
	  "_dmarc.example.com=v=DMARC1; p=reject; t=y|default._bimi.example.com=" BRAND, "example.com", "",
	  AUTH_PASS, "skipped default@example.com" },
	{ "the policy of subdomains is none",
	  "_dmarc.example.com=v=DMARC1; p=reject; sp=none|default._bimi.example.com=" BRAND, "a.example.com",
	  "", AUTH_PASS, "skipped default@a.example.com" },
	{ "the organisation's policy is none",
	  "_dmarc.a.example.com=v=DMARC1; p=reject|_dmarc.example.com=v=DMARC1; p=none|"
	  "default._bimi.a.example.com=" BRAND,
	  "a.example.com", "", AUTH_PASS, "skipped default@a.example.com" },
};

static void pictures_are_for_those_whose_policy_is_enforced(void **state)
{
	struct arena arena;
	struct buf out;

	(void)state;
	arena_init(&arena, 1000000);
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct text zone = text_from_cstr(rows[i].zone);
		struct text author = text_from_cstr(rows[i].author);
		struct dns_source dns = { .context = &zone, .ask = ask_zone };
		struct dmarc_question q = { .from = { .n_fields = 1, .domains = &author, .n_domains = 1 },
					    .spf = { rows[i].spf, author } };
		struct dmarc_result dmarc;
		struct bimi_question b = { .dmarc = &dmarc, .selector = text_from_cstr(rows[i].selector) };
		struct bimi_result r;
		dmarc_check(&q, &dns, &arena, &dmarc);
		bimi_check(&b, &dns, &arena, &r);
		buf_reset(&out);
		buf_printf(&out, "%s %.*s@%.*s", bimi_status_word(r.status), TEXT_ARGS(r.selector),
			   TEXT_ARGS(r.domain));
		if (!text_is_cstr(buf_text(&out), rows[i].expected))
			fail_msg("%s: %s", rows[i].name, buf_cstr(&out));
	}
	buf_done(&out);
	arena_reset(&arena);
}

static void the_selector_is_read_from_its_field(void **state)
{
	struct text selector;

	(void)state;
	assert_true(bimi_selector_parse(text_from_cstr(" v=BIMI1; s=brand;"), &selector));
	assert_true(text_is_cstr(selector, "brand"));
	assert_false(bimi_selector_parse(text_from_cstr("v=BIMI2; s=brand"), &selector));
	assert_false(bimi_selector_parse(text_from_cstr("v=BIMI1; s=a b"), &selector));
	assert_false(bimi_selector_parse(text_from_cstr("s=brand"), &selector));
	assert_false(bimi_selector_parse(text_from_cstr(""), &selector));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pictures_are_for_those_whose_policy_is_enforced),
		cmocka_unit_test(the_selector_is_read_from_its_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
