/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs become what a browser opens. Each row: what is written (relative to https://base.example/dir/page?q),
 * its normal form and what is odd in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/url.h"

#include <string.h>

static const struct {
	const char *raw, *normal; /* NULL: refused */
	unsigned oddities;
} cases[] = {
	{ "http://example.com", "http://example.com/", 0 },
	{ "HTTP://Example.COM/A", "http://example.com/A", 0 },
	{ " https://a.example/ ", "https://a.example/", 0 },
	{ "https://a.example:443/", "https://a.example/", 0 },
	{ "https://a.example:/", "https://a.example/", 0 },
	{ "https://a.example:8443/", "https://a.example:8443/", URL_ODD_PORT },
	{ "https://a.example:65536/", NULL, 0 },
	{ "https://a.example:x/", NULL, 0 },
	{ "ht\ntp://a\t.exa\rmple/x", "http://a.example/x", URL_ODD_CONTROL },
	{ "https:\\\\a.example\\x", "https://a.example/x", URL_ODD_BACKSLASH },
	{ "https:/a.example/x", "https://a.example/x", URL_ODD_SLASHES },
	{ "https:a.example/x", "https://a.example/x", URL_ODD_SLASHES },
	{ "https:////a.example/x", "https://a.example/x", URL_ODD_SLASHES },
	{ "http://bank.example@evil.example/", "http://bank.example@evil.example/", URL_ODD_USERINFO },
	{ "http://bank.example/@evil.example/", "http://bank.example/@evil.example/", 0 },
	{ "http://a@b@evil.example/", "http://a%40b@evil.example/", URL_ODD_USERINFO },
	{ "http://bank.example\\@evil.example/", "http://bank.example/@evil.example/", URL_ODD_BACKSLASH },
	{ "http://2130706433/", "http://127.0.0.1/", URL_ODD_IP_FORM },
	{ "http://0x7f000001/", "http://127.0.0.1/", URL_ODD_IP_FORM },
	{ "http://0x7f.1/", "http://127.0.0.1/", URL_ODD_IP_FORM },
	{ "http://0177.0.0.01/", "http://127.0.0.1/", URL_ODD_IP_FORM },
	{ "http://192.0.2.1/", "http://192.0.2.1/", 0 },
	{ "http://192.0.2.1./", "http://192.0.2.1/", 0 },
	{ "http://192.0.2.256/", NULL, 0 },
	{ "http://192.0.2.1.5/", NULL, 0 },
	{ "http://4294967296/", NULL, 0 },
	{ "http://a.1/", NULL, 0 },
	{ "http://1.a/", "http://1.a/", 0 },
	{ "http://[2001:DB8::1]:80/", "http://[2001:db8::1]/", 0 },
	{ "http://[::1/", NULL, 0 },
	{ "http://[1.2.3.4]/", NULL, 0 },
	{ "http://%65vil.example/", "http://evil.example/", URL_ODD_ENCODED_HOST },
	{ "http://evil%2eexample/", "http://evil.example/", URL_ODD_ENCODED_HOST },
	{ "http://evil%2fexample/", NULL, 0 },
	{ "http://b\xc3\xbc"
	  "cher.example/\xc3\xbc",
	  "http://xn--bcher-kva.example/%C3%BC", 0 },
	{ "http://b%c3%bccher.example/", "http://xn--bcher-kva.example/", URL_ODD_ENCODED_HOST },
	{ "http://a\xe3\x80\x82"
	  "example/",
	  "http://a.example/", URL_ODD_MAPPED_HOST },
	{ "http://\xef\xbd\x85\xef\xbd\x96il.example/", "http://evil.example/", URL_ODD_MAPPED_HOST },
	{ "http://ev\xc2\xadil.example/", "http://evil.example/", URL_ODD_MAPPED_HOST },
	{ "http://a b.example/", NULL, 0 },
	{ "http:///", NULL, 0 },
	{ "http://", NULL, 0 },
	{ "http://a.example/a/./b/../c/%2e%2E/d/.", "http://a.example/a/d/", 0 },
	{ "http://a.example/../..", "http://a.example/", 0 },
	{ "http://a.example/a b\"<>`{}|?q r'\"#f <>",
	  "http://a.example/a%20b%22%3C%3E%60%7B%7D|?q%20r%27%22#f%20%3C%3E", 0 },
	{ "http://a.example?x", "http://a.example/?x", 0 },
	{ "http://a.example#x", "http://a.example/#x", 0 },
	{ "mailto:Joe@Example.com?subject=x", "mailto:Joe@Example.com?subject=x", 0 },
	{ "JavaScript:alert(1)", "javascript:alert(1)", 0 },
	{ "java\nscript:alert(1)", "javascript:alert(1)", URL_ODD_CONTROL },
	{ "data:text/html,<b>", "data:text/html,<b>", 0 },
	{ "foo://Host:99/a/../b", "foo://Host:99/b", URL_ODD_PORT },
	{ "foo://a:b:1/", NULL, 0 },
	{ "foo://[a]b/", NULL, 0 },
	{ "foo:///x", "foo:///x", 0 },
	{ "ftp://u:p@h.example:21/f", "ftp://u:p@h.example/f", URL_ODD_USERINFO },
	/* relative ones */
	{ "x", "https://base.example/dir/x", 0 },
	{ "../x?y#z", "https://base.example/x?y#z", 0 },
	{ "/x", "https://base.example/x", 0 },
	{ "//other.example/x", "https://other.example/x", 0 },
	{ "\\\\other.example\\x", "https://other.example/x", URL_ODD_BACKSLASH },
	{ "///other.example/x", "https://other.example/x", URL_ODD_SLASHES },
	{ "?y", "https://base.example/dir/page?y", 0 },
	{ "#z", "https://base.example/dir/page?q#z", 0 },
	{ "", NULL, 0 },
	{ ":x", "https://base.example/dir/:x", 0 },
};

static void urls_become_what_a_browser_opens(void **state)
{
	struct arena arena;
	struct url base, url;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_true(url_parse(text_from_cstr("https://base.example/dir/page?q"), NULL, &arena, &base));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool ok = url_parse(text_from_cstr(cases[i].raw), &base, &arena, &url);
		if (ok != (cases[i].normal != NULL) || (ok && !text_is_cstr(url.normal, cases[i].normal)))
			fail_msg("%s: %.*s, not %s", cases[i].raw, ok ? (int)url.normal.n : 7,
				 ok ? url.normal.p : "refused",
				 cases[i].normal ? cases[i].normal : "refused");
		if (ok && url.oddities != cases[i].oddities)
			fail_msg("%s: odd %x, not %x", cases[i].raw, url.oddities, cases[i].oddities);
	}
	arena_reset(&arena);
}

static void a_url_has_its_parts(void **state)
{
	struct arena arena;
	struct url url;

	(void)state;
	arena_init(&arena, 1 << 16);
	assert_true(url_parse(text_from_cstr("https://u@h.example:99/p/q?r#s"), NULL, &arena, &url));
	assert_true(text_is_cstr(url.scheme, "https"));
	assert_true(text_is_cstr(url.user, "u"));
	assert_true(text_is_cstr(url.host, "h.example"));
	assert_int_equal(url.port, 99);
	assert_true(text_is_cstr(url.path, "/p/q"));
	assert_true(text_is_cstr(url.query, "r"));
	assert_true(text_is_cstr(url.fragment, "s"));
	assert_int_equal(url.host_kind, URL_HOST_DOMAIN);
	assert_true(url_is_web(&url));
	assert_true(url_parse(text_from_cstr("tel:+1"), NULL, &arena, &url));
	assert_true(text_is_cstr(url.path, "+1"));
	assert_null(url.host.p);
	assert_int_equal(url.host_kind, URL_HOST_NONE);
	assert_false(url_is_web(&url));
	assert_false(url_parse(text_from_cstr("relative"), NULL, &arena, &url));
	arena_reset(&arena);
}

static void a_full_arena_refuses(void **state)
{
	struct arena arena;
	struct url url;

	(void)state;
	arena_init(&arena, 16);
	assert_false(url_parse(text_from_cstr("https://a-long-host.example/path"), NULL, &arena, &url));
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_become_what_a_browser_opens),
		cmocka_unit_test(a_url_has_its_parts),
		cmocka_unit_test(a_full_arena_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
