/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages become tokens as in browsers. Each row is a page and its tokens, written
 * <name a=v>  </name>  "text"  !comment!  doctype?  ~cut tag~  with blanks between; text and values decoded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ensure.h"
#include "proto/html_token.h"

#include <string.h>

#define DUMP_MAX 65536

static const struct {
	const char *page, *tokens;
} cases[] = {
	{ "", "" },
	{ "plain", "'plain'" },
	{ "a<b>c</b>d", "'a' <b> 'c' </b> 'd'" },
	{ "<B CLASS=x>", "<b CLASS=x>" },
	{ "<a href=\"x>y\" t='a b' u=v>", "<a href=x>y t=a b u=v>" },
	{ "<a href = x title>", "<a href=x title=>" },
	{ "<a href=>x", "<a href=> 'x'" },
	{ "<a =b>", "<a =b=>" },
	{ "<a b=c/>", "<a b=c/>" },
	{ "<br/>", "<br/>" },
	{ "<br / >", "<br>" },
	{ "<br a=b />", "<br a=b/>" },
	{ "<a/b=c>", "<a b=c>" },
	{ "<a\"b>", "<a\"b>" },
	{ "<a b\"c='d'e=f>", "<a b\"c=d e=f>" },
	{ "<a b=c\"d'e>", "<a b=c\"d'e>" },
	{ "</b x=y>", "</b>" },
	{ "1 < 2 <3 <> << a", "'1 < 2 <3 <> << a'" },
	{ "a</>b", "'a' !! 'b'" },
	{ "a</ b>c", "'a' ! b! 'c'" },
	{ "a</", "'a</'" },
	{ "a<", "'a<'" },
	{ "a<b c", "'a' ~<b c~" },
	{ "a<b c='d>e", "'a' ~<b c='d>e~" },
	{ "a</b", "'a' ~</b~" },
	{ "<!-- x -->y", "! x ! 'y'" },
	{ "<!-->y", "!! 'y'" },
	{ "<!--->y", "!! 'y'" },
	{ "<!---->y", "!! 'y'" },
	{ "<!--x--!>y", "!x! 'y'" },
	{ "<!--x--->y", "!x-! 'y'" },
	{ "<!--x-- >-->y", "!x-- >! 'y'" },
	{ "<!--x-->-->", "!x! '-->'" },
	{ "<!--x", "!x!" },
	{ "<!--x-", "!x!" },
	{ "<!--x--", "!x!" },
	{ "<!--x--!", "!x!" },
	{ "<!--", "!!" },
	{ "<!-", "!-!" },
	{ "<!x>y", "!x! 'y'" },
	{ "<![if !mso]>y", "![if !mso]! 'y'" },
	{ "<?php x ?>y", "!?php x ?! 'y'" },
	{ "<!DOCTYPE html>y", "? html? 'y'" },
	{ "<!doctype", "??" },
	{ "<![CDATA[x]]>y", "![CDATA[x]]! 'y'" },
	{ "<title>a<b>&amp;</title>c", "<title> 'a<b>&' </title> 'c'" },
	{ "<textarea></text</textarea>", "<textarea> '</text' </textarea>" },
	{ "<style>a<b>&amp;</STYLE >c", "<style> 'a<b>&amp;' </style> 'c'" },
	{ "<style></style", "<style> '</style'" },
	{ "<style></stylex></style/>", "<style> '</stylex>' </style/>" },
	{ "<style>a", "<style> 'a'" },
	{ "<xmp><b></xmp>", "<xmp> '<b>' </xmp>" },
	{ "<iframe><b></iframe>", "<iframe> '<b>' </iframe>" },
	{ "<noscript><b></noscript>", "<noscript> <b> </noscript>" },
	{ "<plaintext></plaintext>", "<plaintext> '</plaintext>'" },
	{ "<script>a<b></script>c", "<script> 'a<b>' </script> 'c'" },
	{ "<script><!--</script>c", "<script> '<!--' </script> 'c'" },
	{ "<script><!--<script></script>--></script>c", "<script> '<!--<script></script>-->' </script> 'c'" },
	{ "<script><!--<script></script></script>c", "<script> '<!--<script></script>' </script> 'c'" },
	{ "<script><!-- <script >x--></script>c", "<script> '<!-- <script >x-->' </script> 'c'" },
	{ "<script><!--><script></script>c", "<script> '<!--><script>' </script> 'c'" },
	{ "<script><!--<scriptx></script>c", "<script> '<!--<scriptx>' </script> 'c'" },
	{ "<script></SCRIPT\t>c", "<script> </script> 'c'" },
	{ "<script/>a</script>", "<script/> 'a' </script>" },
	{ "a\r\nb\rc", "'a\nb\nc'" },
	{ "<a b='c\r\nd'>", "<a b=c\nd>" },
	{ "<a b='&amp;&lt;&#65;'>", "<a b=&<A>" },
	{ "<a b='?x&lt=1&copy1&notit;&copy;&not'>", "<a b=?x&lt=1&copy1&notit;\xc2\xa9\xc2\xac>" },
};

static void dump_attributes(struct text rest, struct buf *out)
{
	struct html_attribute attribute;

	while (html_attribute_next(&rest, &attribute)) {
		buf_add_byte(out, ' ');
		buf_add(out, attribute.name);
		buf_add_byte(out, '=');
		html_decode_add(attribute.value, HTML_DECODE_ATTRIBUTE, out);
	}
}

static void dump_name(struct text name, struct buf *out)
{
	for (size_t i = 0; i < name.n; i++)
		buf_add_byte(out, text_lower_byte(name.p[i]));
}

static void dump_token(const struct html_token *token, struct buf *out)
{
	static const char marks[] = {
		[HTML_TEXT] = '\'', [HTML_COMMENT] = '!', [HTML_DOCTYPE] = '?', [HTML_UNCLOSED] = '~'
	};

	if (out->n)
		buf_add_byte(out, ' ');
	if (token->kind == HTML_START || token->kind == HTML_END) {
		buf_add_cstr(out, token->kind == HTML_END ? "</" : "<");
		dump_name(token->name, out);
		if (token->kind == HTML_START)
			dump_attributes(token->attributes, out);
		buf_add_cstr(out, token->is_self_closing ? "/>" : ">");
		return;
	}
	buf_add_byte(out, marks[token->kind]);
	if (token->kind == HTML_TEXT)
		html_decode_add(token->text, token->decode, out);
	else
		buf_add(out, token->text);
	buf_add_byte(out, marks[token->kind]);
}

static void dump(struct text page, bool is_foreign, struct buf *out)
{
	struct html_tokenizer t = html_tokenizer_of(page);
	struct html_token token;

	t.is_foreign = is_foreign;
	while (html_token_next(&t, &token))
		dump_token(&token, out);
}

static void assert_tokens(struct text page, bool is_foreign, const char *want)
{
	struct buf out;

	buf_init(&out, DUMP_MAX);
	dump(page, is_foreign, &out);
	if (!text_is_cstr(buf_text(&out), want))
		fail_msg("%.*s\n gives %s\n   not %s", TEXT_ARGS(page), buf_cstr(&out), want);
	buf_done(&out);
}

static void pages_become_tokens_as_in_browsers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_tokens(text_from_cstr(cases[i].page), false, cases[i].tokens);
}

static void within_svg_text_is_not_raw(void **state)
{
	(void)state;
	assert_tokens(text_from_cstr("<style><b></style>"), true, "<style> <b> </style>");
	assert_tokens(text_from_cstr("<![CDATA[a<b>&amp;]]]>c"), true, "'a<b>&amp;]' 'c'");
	assert_tokens(text_from_cstr("<![CDATA[a"), true, "'a'");
}

static void a_nul_is_no_text(void **state)
{
	(void)state;
	assert_tokens(text_from_bytes("a\0b<i c='d\0'>", 13), false, "'ab' <i c=d\xef\xbf\xbd>");
}

static void each_byte_belongs_to_one_token(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct text page = text_from_cstr(cases[i].page);
		struct html_tokenizer t = html_tokenizer_of(page);
		struct html_token token;
		size_t at = 0;

		while (html_token_next(&t, &token)) {
			assert_ptr_equal(token.raw.p, page.p + at);
			assert_true(token.raw.n > 0);
			at += token.raw.n;
		}
		assert_int_equal(at, page.n);
	}
}

static void elements_are_sorted(void **state)
{
	(void)state;
	for (int e = HTML_OTHER + 1; e < HTML_ELEMENT_COUNT; e++) {
		const char *name = html_element_name((enum html_element)e);
		assert_int_equal(html_element_find(text_from_cstr(name)), e);
		assert_true(e == 1 || strcmp(html_element_name((enum html_element)(e - 1)), name) < 0);
	}
	assert_int_equal(html_element_find(text_from_cstr("BlockQuote")), HTML_BLOCKQUOTE);
	assert_int_equal(html_element_find(text_from_cstr("annotation-xmlx")), HTML_OTHER);
	assert_int_equal(html_element_find(text_from_cstr("annotation-xmlxyz")), HTML_OTHER);
	assert_int_equal(html_element_find(text_from_cstr("")), HTML_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_become_tokens_as_in_browsers),
		cmocka_unit_test(within_svg_text_is_not_raw),
		cmocka_unit_test(a_nul_is_no_text),
		cmocka_unit_test(each_byte_belongs_to_one_token),
		cmocka_unit_test(elements_are_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
