/* SPDX-License-Identifier: Apache-2.0
 *
 * Links of texts, and what is known of a link. A row's links are written URL, blank, facts in brackets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "judge/links.h"

#include <string.h>

#define LONG_START "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "

static const struct {
	const char *text, *links;
} cases[] = {
	{ "no link here", "" },
	{ "see http://a.example/x for more", "http://a.example/x" },
	{ "See HTTP://A.example/x.", "http://a.example/x" },
	{ "(http://a.example/x)", "http://a.example/x" },
	{ "http://a.example/x_(y)", "http://a.example/x_(y)" },
	{ "(http://a.example/x_(y)).", "http://a.example/x_(y)" },
	{ "http://a.example/?q=1,2;3!", "http://a.example/?q=1,2;3" },
	{ "\"http://a.example/\"", "http://a.example/" },
	{ "'http://a.example/',", "http://a.example/" },
	{ "x=http://a.example/", "http://a.example/" },
	{ "http://a.example http://b.example", "http://a.example/ http://b.example/" },
	{ "http:\\\\a.example\\x", "http://a.example/x" },
	{ "https:/a.example/x", "https://a.example/x" },
	{ "ftp://a.example/f", "ftp://a.example/f" },
	{ "mailto:joe@a.example?subject=x", "mailto:joe@a.example?subject=x" },
	{ "joe@example.com", "" },
	{ "www.example.com", "http://www.example.com/[bare]" },
	{ "visit example.com/x, please", "http://example.com/x[bare]" },
	{ "visit example.com.", "http://example.com/[bare]" },
	{ "example.com:81/x", "http://example.com:81/x[bare]" },
	{ "report.txt main.c e.g. 1.2.3 v1.10", "" },
	{ "archive.zip README.md", "" },
	{ "end of sentence.And another", "" },
	{ "hxxp://evil.com/x", "http://evil.com/x[defanged]" },
	{ "hxxps://evil[.]com/x", "https://evil.com/x[defanged]" },
	{ "evil[.]com", "http://evil.com/[defanged,bare]" },
	{ "evil(dot)com/x", "http://evil.com/x[defanged,bare]" },
	{ "http[:]//evil.com", "http://evil.com/[defanged]" },
	{ "https[://]evil[.]com", "https://evil.com/[defanged]" },
	{ "<http://a.example/x>", "http://a.example/x" },
	{ "<URL:http://a.example/x>", "http://a.example/x" },
	{ "<http://a.example/x\n  y/z>", "http://a.example/xy/z[wrapped]" },
	{ "<http://a.example/x and more>", "http://a.example/x" },
	{ "<mailto:joe@a.example>", "mailto:joe@a.example" },
	{ "<joe@example.com>", "" },
	{ "a < b http://a.example/", "http://a.example/" },
	{ LONG_START "http://a.example/aaaaaaaaaaaa\nbbb=1 x",
	  "http://a.example/aaaaaaaaaaaa http://a.example/aaaaaaaaaaaabbb=1[wrapped]" },
	{ LONG_START "http://a.example/aaaaaaaaaaaa\nThen x", "http://a.example/aaaaaaaaaaaa" },
	{ LONG_START "http://a.example/aaaaaaaaaaaa\nhttp://b.example/",
	  "http://a.example/aaaaaaaaaaaa http://b.example/" },
	{ "http://2130706433/x", "http://127.0.0.1/x" },
	{ "http://b\xc3\xbc"
	  "cher.example/",
	  "http://xn--bcher-kva.example/" },
	{ "b\xc3\xbc"
	  "cher.com",
	  "http://xn--bcher-kva.com/[bare]" },
	{ "example\xe3\x80\x82"
	  "com",
	  "http://example.com/[bare]" },
	{ "\xe8\xaf\xb7www.example.com\xe6\x9f\xa5\xe7\x9c\x8b", "http://www.example.com/[bare]" },
	{ "http://www.example.com\xe6\x9f\xa5\xe7\x9c\x8b", "http://www.example.com/" },
	{ "\xe2\x80\x9chttp://a.example/\xe2\x80\x9d", "http://a.example/" },
	{ "http://", "http://[broken]" },
	{ "://x //y http:", "" },
};

static void add_facts(const struct message_link *link, struct buf *out)
{
	const char *mark = "[";

	for (unsigned bit = 1; link_fact_word((enum link_fact)bit); bit <<= 1) {
		if (!(link->facts & bit))
			continue;
		buf_add_cstr(out, mark);
		buf_add_cstr(out, link_fact_word((enum link_fact)bit));
		mark = ",";
	}
	if (*mark == ',')
		buf_add_byte(out, ']');
}

static void dump(const struct links *links, struct buf *out)
{
	for (const struct message_link *link = links->first; link; link = link->next) {
		if (out->n)
			buf_add_byte(out, ' ');
		buf_add(out, link->url.normal.n ? link->url.normal : link->raw);
		add_facts(link, out);
	}
}

struct fixture {
	struct view_limits limits;
	struct arena arena;
	struct links links;
	struct lookalike *tool;
};

static void begin(struct fixture *f)
{
	f->limits = view_limits_default();
	arena_init(&f->arena, 8 << 20);
	f->tool = lookalike_open();
	links_init(&f->links, &f->limits, f->tool, &f->arena);
}

static void end(struct fixture *f)
{
	arena_reset(&f->arena);
	lookalike_close(f->tool);
}

static void urls_are_found_in_texts(void **state)
{
	const struct link_found like = { .kind = LINK_TEXT };
	struct fixture f;
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(&f);
		links_add_text(&f.links, text_from_cstr(cases[i].text), &like);
		buf_reset(&out);
		dump(&f.links, &out);
		if (!text_is_cstr(buf_text(&out), cases[i].links))
			fail_msg("%s: %s, not %s", cases[i].text, buf_cstr(&out), cases[i].links);
		end(&f);
	}
	buf_done(&out);
}

static const struct {
	const char *href, *shown;
	bool is_mismatch;
} shown_cases[] = {
	{ "http://evil.example/", "https://www.bank.com/login", true },
	{ "http://evil.example/", "bank.com", true },
	{ "http://evil.example/", " www.bank.com ", true },
	{ "http://evil.example/", "<bank.com>", true },
	{ "http://evil.example/", "Click here", false },
	{ "http://evil.example/", "report.txt", false },
	{ "http://evil.example/", "joe@bank.com", false },
	{ "http://www.bank.com/x", "https://login.bank.com", false },
	{ "http://bank.com.evil.example/", "bank.com", true },
	{ "http://bank.com@evil.com/", "http://bank.com", true },
	{ "http://xn--bcher-kva.com/",
	  "b\xc3\xbc"
	  "cher.com",
	  false },
	{ "http://192.0.2.1/", "http://192.0.2.2/", true },
	{ "http://192.0.2.1/", "1.2.3", false },
	{ "mailto:joe@bank.com", "bank.org", false },
	{ "javascript:x", "bank.org", false },
};

static void a_link_is_compared_with_what_is_shown(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof shown_cases / sizeof *shown_cases; i++) {
		const struct link_found found = { .kind = LINK_A,
						  .raw = text_from_cstr(shown_cases[i].href),
						  .shown = text_from_cstr(shown_cases[i].shown) };
		const struct message_link *link;
		struct fixture f;

		begin(&f);
		link = links_add(&f.links, &found);
		assert_non_null(link);
		if ((link->facts & LINK_MISMATCH) != (shown_cases[i].is_mismatch ? LINK_MISMATCH : 0))
			fail_msg("%s shown as %s", shown_cases[i].href, shown_cases[i].shown);
		end(&f);
	}
}

static const struct {
	const char *href, *domain;
	unsigned facts;
} fact_cases[] = {
	{ "https://a.b.example.co.uk/x", "example.co.uk", 0 },
	{ "https://192.0.2.1/", "192.0.2.1", 0 },
	{ "https://localhost/", "localhost", 0 },
	{ "mailto:Joe@mail.Example.com?cc=x", "Example.com", 0 },
	{ "javascript:alert(1)", "", LINK_SCRIPTED },
	{ "data:text/html;base64,xxxx", "", LINK_DATA },
	{ "http://g\xce\xbf"
	  "ogle.com/",
	  "xn--gogle-rce.com", LINK_MIXED_SCRIPT },
	{ "page.html", "", LINK_BROKEN },
};

static void a_link_has_domain_and_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof fact_cases / sizeof *fact_cases; i++) {
		const struct link_found found = { .kind = LINK_A, .raw = text_from_cstr(fact_cases[i].href) };
		const struct message_link *link;
		struct fixture f;

		begin(&f);
		link = links_add(&f.links, &found);
		assert_non_null(link);
		if (!text_is_cstr(link->domain, fact_cases[i].domain) || link->facts != fact_cases[i].facts)
			fail_msg("%s: %.*s %x", fact_cases[i].href, TEXT_ARGS(link->domain), link->facts);
		assert_int_equal(link->skeleton.n > 0, link->domain.n > 0);
		end(&f);
	}
}

static void a_full_list_counts_on(void **state)
{
	const struct link_found found = { .kind = LINK_A, .raw = text_from_cstr("http://a.example/") };
	const struct link_found place = { .kind = LINK_A, .raw = text_from_cstr("#top") };
	struct fixture f;

	(void)state;
	begin(&f);
	f.limits.links = 2;
	assert_null(links_add(&f.links, &place));
	assert_non_null(links_add(&f.links, &found));
	assert_non_null(links_add(&f.links, &found));
	assert_false(f.links.is_full);
	assert_null(links_add(&f.links, &found));
	assert_true(f.links.is_full);
	assert_int_equal(f.links.n, 2);
	assert_int_equal(f.links.n_seen, 3);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_found_in_texts),
		cmocka_unit_test(a_link_is_compared_with_what_is_shown),
		cmocka_unit_test(a_link_has_domain_and_facts),
		cmocka_unit_test(a_full_list_counts_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
