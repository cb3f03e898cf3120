/* SPDX-License-Identifier: Apache-2.0
 *
 * RTF: its text, its links, and the HTML that Outlook wraps into it.
 */
#include "judge/rtf_text.h"

#include "unit.h"

static const struct {
	const char *name, *in, *out;
	bool is_html, has_objects;
} rows[] = {
	{ "text", "{\\rtf1\\ansi\\ansicpg1252\\pard hello\r\n world\\par}", "hello world\n", false, false },
	{ "tables are left out", "{\\rtf1{\\fonttbl{\\f0 Arial;}}{\\colortbl;\\red0;}{\\*\\generator x;}a}",
	  "a", false, false },
	{ "escapes", "{\\rtf1 a\\\\b\\{c\\}d\\~e\\-f\\_g}", "a\\b{c}d efg", false, false },
	{ "bytes of the code page", "{\\rtf1\\ansicpg1251 \\'cf\\'f0}", "\xd0\x9f\xd1\x80", false, false },
	{ "bytes of two", "{\\rtf1\\ansicpg932 \\'83\\'65}", "\xe3\x83\x86", false, false },
	{ "Unicode", "{\\rtf1 \\u8364?5 \\uc2\\u228\\'e4xb {\\uc0\\u228 c}}",
	  "\xe2\x82\xac"
	  "5 \xc3\xa4"
	  "b \xc3\xa4"
	  "c",
	  false, false },
	{ "surrogates", "{\\rtf1\\uc0\\u-10179\\u-8704\\u-8704 x}", "\xf0\x9f\x98\x80\xef\xbf\xbdx", false,
	  false },
	{ "link", "{\\rtf1{\\field{\\*\\fldinst{HYPERLINK \"http://h/\"}}{\\fldrslt click}}}",
	  "HYPERLINK \"http://h/\"click", false, false },
	{ "picture and object", "{\\rtf1{\\pict 0011}{\\object{\\*\\objdata 0011}}x", "x", false, true },
	{ "binary", "{\\rtf1{\\pict\\bin5 }}}}}}a}", "a", false, false },
	{ "HTML",
	  "{\\rtf1\\ansi\\fromhtml1 {\\*\\htmltag64 <p>}\\htmlrtf {\\f0 \\htmlrtf0 hi\\htmlrtf "
	  "}\\par\\htmlrtf0 "
	  "{\\*\\htmltag72 </p>}}",
	  "<p>hi</p>", true, false },
	{ "cut", "{\\rtf1 a\\", "a", false, false },
	{ "braces too many", "{\\rtf1 a}}}}b", "ab", false, false },
};

static void rtf_becomes_text(void **state)
{
	struct charset_cache *cache = charset_cache_new();

	(void)state;
	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct rtf_facts facts;
		struct buf out;

		buf_init(&out, 1000);
		assert_true(rtf_text_add(text_from_cstr(rows[i].in), cache, &out, &facts));
		if (!text_is_cstr(buf_text(&out), rows[i].out) || facts.is_html != rows[i].is_html ||
		    facts.has_objects != rows[i].has_objects)
			fail_msg("%s: \"%s\"", rows[i].name, buf_cstr(&out));
		assert_false(facts.is_deep);
		buf_done(&out);
	}
	charset_cache_free(cache);
}

static void other_files_and_full_buffers_are_told(void **state)
{
	struct charset_cache *cache = charset_cache_new();
	struct rtf_facts facts;
	struct buf out;

	(void)state;
	buf_init(&out, 3);
	assert_false(rtf_text_add(text_from_cstr("hello"), cache, &out, &facts));
	assert_false(rtf_text_add(text_from_cstr("{\\rtf1 hello}"), cache, &out, &facts));
	buf_done(&out);
	charset_cache_free(cache);
}

static void depth_has_no_cost(void **state)
{
	struct charset_cache *cache = charset_cache_new();
	struct rtf_facts facts;
	struct buf in, out;

	(void)state;
	buf_init(&in, 1 << 21);
	buf_init(&out, 1 << 21);
	buf_add_cstr(&in, "{\\rtf1 ");
	for (size_t i = 0; i < 1 << 20; i++)
		buf_add_byte(&in, '{');
	buf_add_cstr(&in, "deep");
	assert_true(rtf_text_add(buf_text(&in), cache, &out, &facts));
	unit_text_is(buf_text(&out), "deep");
	assert_true(facts.is_deep);
	buf_done(&in);
	buf_done(&out);
	charset_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rtf_becomes_text),
		cmocka_unit_test(other_files_and_full_buffers_are_told),
		cmocka_unit_test(depth_has_no_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
