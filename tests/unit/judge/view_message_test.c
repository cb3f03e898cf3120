/* SPDX-License-Identifier: Apache-2.0
 *
 * Which texts of a message have views, in which form, and the links of its header.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judge/view_message.h"

static const struct {
	const char *message;
	const char *normal; /* of each view, a bar behind it; pages begin with '<', attachments with '+' */
	const char *links;  /* hosts, a bar behind each */
} cases[] = {
	{ "\r\nHello\r\n", "hello|", "" },
	{ "Subject: =?utf-8?q?see_www.example.com?=\r\nMessage-ID: <a@www.example.org>\r\n\r\nx", "x|",
	  "www.example.com|" },
	{ "List-Unsubscribe: <https://l.example/x>,\r\n\t<https://m.example/y>\r\n\r\n", "",
	  "l.example|m.example|" },
	{ "Content-Type: text/html\r\n\r\n<p>A<b hidden>b</b>", "<a|", "" },
	{ "Content-Type: text/html; charset=iso-8859-1\r\n\r\n\xc4\xd6", "<\xc3\xa4\xc3\xb6|", "" },
	{ "Content-Type: text/html\r\n\r\n<meta charset='koi8-r'>\xc1\xc2", "<\xd0\xb0\xd0\xb1|", "" },
	{ "Content-Type: text/plain; charset=utf-16be\r\nContent-Transfer-Encoding: base64\r\n\r\nAGEAYg==",
	  "ab|", "" },
	{ "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<a "
	  "href=3D\"http://a.example/\">x</a>",
	  "<x|", "a.example|" },
	{ "Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\nhttp://a.exam \r\nple/\r\n",
	  "http://a.example/|", "a.example|" },
	{ "Content-Type: application/octet-stream; name=x.html\r\nContent-Disposition: "
	  "attachment\r\n\r\n<b>x",
	  "+<x|", "" },
	{ "Content-Type: image/png\r\n\r\nx", "", "" },
	{ "Content-Type: application/rtf\r\n\r\n{\\rtf1{\\fonttbl f}see http://r.example/}",
	  "see http://r.example/|", "r.example|" },
	{ "Content-Type: text/rtf\r\n\r\n{\\rtf1\\fromhtml1 {\\*\\htmltag <a href=\"http://r.example/\">}x}",
	  "<x|", "r.example|" },
	{ "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: "
	  "text/html\r\n\r\n"
	  "<i>two\r\n--b--\r\n",
	  "one|<two|", "" },
	{ "Content-Type: message/rfc822\r\n\r\nList-Help: <http://h.example>\r\n\r\ninner", "inner|",
	  "h.example|" },
};

static void add_view(const struct part_view *part, struct buf *out)
{
	if (part->source.is_attachment)
		buf_add_byte(out, '+');
	if (part->source.kind == VIEW_HTML)
		buf_add_byte(out, '<');
	buf_add(out, buf_text(&part->text.normal));
	buf_add_byte(out, '|');
}

static void every_text_has_a_view(void **state)
{
	struct charset_cache *charsets = charset_cache_new();
	struct mime_limits limits = mime_limits_default();
	struct view_limits bounds = view_limits_default();
	struct buf views, links;

	(void)state;
	buf_init(&views, 4096);
	buf_init(&links, 4096);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct message_view view;
		struct mime_tree tree;
		struct arena arena;

		arena_init(&arena, 16 << 20);
		buf_reset(&views);
		buf_reset(&links);
		mime_tree_read(text_from_cstr(cases[i].message), &limits, &arena, &tree);
		message_view_init(&view, &bounds, NULL, &arena);
		message_view_read(&view, &tree, &limits, charsets);
		for (const struct part_view *part = view.first; part; part = part->next)
			add_view(part, &views);
		for (const struct message_link *link = view.links.first; link; link = link->next)
			buf_printf(&links, "%.*s|", TEXT_ARGS(link->url.host));
		if (!text_is_cstr(buf_text(&views), cases[i].normal) ||
		    !text_is_cstr(buf_text(&links), cases[i].links))
			fail_msg("%s\n%s\n%s", cases[i].message, buf_cstr(&views), buf_cstr(&links));
		assert_int_equal(view.limits, 0);
		message_view_done(&view);
		arena_reset(&arena);
	}
	buf_done(&views);
	buf_done(&links);
	charset_cache_free(charsets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_text_has_a_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
