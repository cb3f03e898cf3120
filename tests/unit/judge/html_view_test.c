/* SPDX-License-Identifier: Apache-2.0
 *
 * What is seen of a page, what is not and how, and which links, forms and programs are in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judge/html_view.h"

#include <string.h>

struct fixture {
	struct view_limits limits;
	struct arena arena;
	struct links links;
	struct html_view view;
};

static void read_text(struct fixture *f, struct text page, bool is_page)
{
	const struct html_source source = { .text = page, .is_page = is_page };

	f->limits = view_limits_default();
	arena_init(&f->arena, 16 << 20);
	links_init(&f->links, &f->limits, NULL, &f->arena);
	html_view_read(&source, &f->limits, &f->arena, &f->links, &f->view);
}

static void read_page(struct fixture *f, const char *page)
{
	read_text(f, text_from_cstr(page), false);
}

static void end(struct fixture *f)
{
	html_view_done(&f->view);
	arena_reset(&f->arena);
}

static const struct {
	const char *page, *visible;
} visible_cases[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "a  b\n c", "a b c" },
	{ "<b>a</b> <i>b</i>", "a b" },
	{ "vi<b></b>ag<i>ra</i>", "viagra" },
	{ "vi<!-- x -->agra", "viagra" },
	{ "a<p>b</p>c", "a\n\nb\n\nc" },
	{ "<p>a<p>b", "a\n\nb" },
	{ "a<br>b<br><br>c", "a\nb\n\nc" },
	{ "<div>a</div><div>b</div>", "a\nb" },
	{ "<div><div>a</div></div>\n\n<div>b</div>", "a\nb" },
	{ "<ul><li>a<li>b</ul>c", "* a\n* b\n\nc" },
	{ "<table><tr><td>a<td>b<tr><td>c</table>", "a\tb\nc" },
	{ "<pre>a\n  b\n\nc</pre>", "a\n  b\n\nc" },
	{ "<pre>\na</pre>", "a" },
	{ "<h1>a</h1>b", "a\n\nb" },
	{ "a&nbsp;b&#8203;c &lt;d&gt;", "a\xc2\xa0"
					"b\xe2\x80\x8b"
					"c <d>" },
	{ "<title>t</title>a", "a" },
	{ "<img alt='a b'> c", "a b c" },
	{ "<input value=a><input type=submit value=b>", "a b" },
	{ "<textarea>a\nb</textarea>", "a\nb" },
	{ "<select><option>a<option>b</select>", "a\nb" },
	{ "<style>x{}</style><script>y</script>a", "a" },
	{ "<noscript>a</noscript>", "a" },
	{ "<xmp><b></xmp>", "<b>" },
	{ "<plaintext><b>", "<b>" },
	{ "a<svg><style>b</style><text>c</text></svg>d", "acd" },
	{ "<svg><![CDATA[a<b>]]></svg>", "a<b>" },
	{ "<details><summary>a</summary>b</details>", "a\nb" },
};

static void a_reader_sees_lines(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof visible_cases / sizeof *visible_cases; i++) {
		read_page(&f, visible_cases[i].page);
		if (!text_is_cstr(buf_text(&f.view.visible), visible_cases[i].visible))
			fail_msg("%s: \"%s\", not \"%s\"", visible_cases[i].page, buf_cstr(&f.view.visible),
				 visible_cases[i].visible);
		end(&f);
	}
}

/* Of each page "seen" is visible, and "not" is hidden in the way of the row. */
static const struct {
	const char *page;
	enum html_hidden how;
} hidden_cases[] = {
	{ "seen<!--not-->", HTML_HIDDEN_COMMENT },
	{ "seen<?not>", HTML_HIDDEN_COMMENT },
	{ "seen</ not>", HTML_HIDDEN_COMMENT },
	{ "seen<!--[if mso]><p>not</p><![endif]-->", HTML_HIDDEN_CONDITIONAL },
	{ "<!--[if !mso]><!-->seen<!--<![endif]--><!--not-->", HTML_HIDDEN_COMMENT },
	{ "<![if !mso]>seen<![endif]><!--not-->", HTML_HIDDEN_COMMENT },
	{ "seen<a not", HTML_HIDDEN_UNCLOSED },
	{ "seen<template><b>not</b></template>", HTML_HIDDEN_ELEMENT },
	{ "seen<noframes>not</noframes>", HTML_HIDDEN_ELEMENT },
	{ "seen<iframe>not</iframe>", HTML_HIDDEN_ELEMENT },
	{ "seen<iframe srcdoc='<p>not'></iframe>", HTML_HIDDEN_ELEMENT },
	{ "seen<p hidden>not", HTML_HIDDEN_ATTRIBUTE },
	{ "<p hidden style='display:block'>seen</p><!--not-->", HTML_HIDDEN_COMMENT },
	{ "seen<input type=hidden value=not>", HTML_HIDDEN_INPUT },
	{ "seen<div style='display:none'>not</div>", HTML_HIDDEN_DISPLAY },
	{ "seen<div style='DISPLAY : NONE !important;display:block'>not</div>", HTML_HIDDEN_DISPLAY },
	{ "seen<div style='disp\\6c ay:n\\6fne'>not</div>", HTML_HIDDEN_DISPLAY },
	{ "seen<div style='display:/**/none/**/'>not</div>", HTML_HIDDEN_DISPLAY },
	{ "seen<div style='display&#58;none'>not</div>", HTML_HIDDEN_DISPLAY },
	{ "seen<div style=\"x:'};';display:none\">not</div>", HTML_HIDDEN_DISPLAY },
	{ "<div style='display:none;display:inline'>seen</div><!--not-->", HTML_HIDDEN_COMMENT },
	{ "<div style='display:nonsense'>seen</div><!--not-->", HTML_HIDDEN_COMMENT },
	{ "seen<div style='visibility:hidden'>not</div>", HTML_HIDDEN_VISIBILITY },
	{ "<div style='visibility:hidden'>not<b style='visibility:visible'>seen</b></div>",
	  HTML_HIDDEN_VISIBILITY },
	{ "seen<div style='opacity:0'>not</div>", HTML_HIDDEN_OPACITY },
	{ "seen<div style='opacity:.2'><b style='opacity:20%'>not</b></div>", HTML_HIDDEN_OPACITY },
	{ "seen<div style='filter:alpha(opacity=0)'>not</div>", HTML_HIDDEN_OPACITY },
	{ "seen<div style='font-size:0'>not</div>", HTML_HIDDEN_FONT_SIZE },
	{ "seen<div style='font-size:1px'>not</div>", HTML_HIDDEN_FONT_SIZE },
	{ "seen<div style='font-size:0.05em'>not</div>", HTML_HIDDEN_FONT_SIZE },
	{ "seen<div style='font:1px/1px Arial'>not</div>", HTML_HIDDEN_FONT_SIZE },
	{ "<table><td style='font-size:0'>not<span style='font-size:14px'>seen</span></td>",
	  HTML_HIDDEN_FONT_SIZE },
	{ "<td style='display:none'>seen</td><!--not-->", HTML_HIDDEN_COMMENT },
	{ "seen<font color=white>not</font>", HTML_HIDDEN_COLOR },
	{ "seen<font color=#fefefe>not</font>", HTML_HIDDEN_COLOR },
	{ "seen<div style='color:rgb(255, 255, 250)'>not</div>", HTML_HIDDEN_COLOR },
	{ "seen<div style='color:hsl(0,0%,100%)'>not</div>", HTML_HIDDEN_COLOR },
	{ "seen<div style='color:transparent'>not</div>", HTML_HIDDEN_COLOR },
	{ "seen<div style='color:rgba(0,0,0,0.01)'>not</div>", HTML_HIDDEN_COLOR },
	{ "<body bgcolor=black text=white>seen<font color=black>not</font>", HTML_HIDDEN_COLOR },
	{ "seen<table bgcolor=#000000><tr><td><font color=#010101>not", HTML_HIDDEN_COLOR },
	{ "<div style='background:url(x.png)'><font color=white>seen</font></div><font color=white>not",
	  HTML_HIDDEN_COLOR },
	{ "<div style='background:#000 url(x.png)'><font color=black>seen</font></div><font color=white>not",
	  HTML_HIDDEN_COLOR },
	{ "<font color=black><a href=x>seen</a></font><font color=white>not<p>", HTML_HIDDEN_COLOR },
	{ "seen<div style='background-color:#00f'><a href=x>not</a></div>", HTML_HIDDEN_COLOR },
	{ "seen<div style='position:absolute;left:-9999px'>not</div>", HTML_HIDDEN_OFF_SCREEN },
	{ "seen<div style='position:fixed;top:-100em'>not</div>", HTML_HIDDEN_OFF_SCREEN },
	{ "<div style='left:-9999px'>seen</div><!--not-->", HTML_HIDDEN_COMMENT },
	{ "seen<div style='text-indent:-9999px'>not</div>", HTML_HIDDEN_OFF_SCREEN },
	{ "seen<div style='margin:0 0 0 -5000px'>not</div>", HTML_HIDDEN_OFF_SCREEN },
	{ "seen<div style='position:absolute;clip:rect(0,0,0,0)'>not</div>", HTML_HIDDEN_CLIP },
	{ "seen<div style='clip-path:inset(100%)'>not</div>", HTML_HIDDEN_CLIP },
	{ "seen<div style='transform:scale(0)'>not</div>", HTML_HIDDEN_CLIP },
	{ "seen<div style='height:0;overflow:hidden'>not</div>", HTML_HIDDEN_BOX },
	{ "seen<div style='max-height:0px;max-width:0px;overflow:hidden'>not</div>", HTML_HIDDEN_BOX },
	{ "<div style='max-height:0'>seen</div><!--not-->", HTML_HIDDEN_COMMENT },
	{ "seen<div style='mso-hide:all'>not</div>", HTML_HIDDEN_MSO },
	{ "<style>.x{display:none}</style>seen<p class='a X'>not", HTML_HIDDEN_DISPLAY },
	{ "seen<p class=x>not<style>.x{display:none}</style>", HTML_HIDDEN_DISPLAY },
	{ "<style><!-- #x , p.y{display:none} --></style>seen<b id=x>not", HTML_HIDDEN_DISPLAY },
	{ "<style>p.y{display:none}</style><b class=y>seen</b><p class=y>not", HTML_HIDDEN_DISPLAY },
	{ "<style>div p{display:none}</style><p>seen</p><div><b><p>not", HTML_HIDDEN_DISPLAY },
	{ "<style>.x{display:none}.x{display:block}</style><p class=x>seen</p><!--not-->",
	  HTML_HIDDEN_COMMENT },
	{ "<style>p.x{display:none}.x{display:block}</style>seen<p class=x>not", HTML_HIDDEN_DISPLAY },
	{ "<style>.x{display:none!important}</style>seen<p class=x style='display:block'>not",
	  HTML_HIDDEN_DISPLAY },
	{ "<style>.x{display:none}</style><p class=x style='display:block'>seen</p><!--not-->",
	  HTML_HIDDEN_COMMENT },
	{ "<style>@media print{p{display:none}}</style><p>seen</p><!--not-->", HTML_HIDDEN_COMMENT },
	{ "<style>@media (max-width:600px){p{display:none}}</style><p>seen</p><!--not-->",
	  HTML_HIDDEN_COMMENT },
	{ "<style>@media screen{p{display:none}}</style>seen<p>not", HTML_HIDDEN_DISPLAY },
	{ "<style>@import 'x';@font-face{a:b}p{display:none}</style>seen<p>not", HTML_HIDDEN_DISPLAY },
	{ "<style>a:hover,p[x],b+p{display:none}u{display:none}</style><p x>seen</p><u>not",
	  HTML_HIDDEN_DISPLAY },
	{ "<style>foo{display:none}</style><bar>seen</bar><foo>not", HTML_HIDDEN_DISPLAY },
	/* where elements end */
	{ "<div style='display:none'>not</div>seen", HTML_HIDDEN_DISPLAY },
	{ "<div style='display:none'><b>not</div>seen", HTML_HIDDEN_DISPLAY },
	{ "<p style='display:none'>not<p>seen", HTML_HIDDEN_DISPLAY },
	{ "<p style='display:none'>not<div>seen</div>", HTML_HIDDEN_DISPLAY },
	{ "<span style='display:none'><div></span>not</div>", HTML_HIDDEN_DISPLAY },
	{ "<table><tr><td style='display:none'>not<td>seen</table>", HTML_HIDDEN_DISPLAY },
	{ "<table><td style='display:none'>not</table>seen", HTML_HIDDEN_DISPLAY },
	{ "<p><font color=white>not</p>not</font>seen", HTML_HIDDEN_COLOR },
	{ "<font color=white><div>not</font>seen</div>", HTML_HIDDEN_COLOR },
	{ "<ul><li style='display:none'>not<li>seen</ul>", HTML_HIDDEN_DISPLAY },
	{ "<table style='display:none'>seen<tr><td>not</table>", HTML_HIDDEN_DISPLAY },
	{ "<table><font color=white></table>not", HTML_HIDDEN_COLOR },
	{ "<table><td><font color=white>not</table>seen", HTML_HIDDEN_COLOR },
	{ "<p style='display:none'><table><td>not</table>not</p>seen", HTML_HIDDEN_DISPLAY },
	{ "<!doctype html><p style='display:none'>not<table><td>seen</table>", HTML_HIDDEN_DISPLAY },
	{ "<font><span style='display:none'><p>not</font>seen", HTML_HIDDEN_DISPLAY },
	{ "<body style='display:none'></body>not", HTML_HIDDEN_DISPLAY },
	{ "<div style='display:none'/>not</div>seen", HTML_HIDDEN_DISPLAY },
	{ "<br style='display:none'>seen<!--not-->", HTML_HIDDEN_COMMENT },
	{ "<svg style='display:none'><text>not</svg>seen", HTML_HIDDEN_DISPLAY },
	{ "<svg style='display:none'><text>not<p>seen", HTML_HIDDEN_DISPLAY },
};

static void what_is_hidden_is_hidden_so(void **state)
{
	static const struct text seen = TEXT("seen"), not = TEXT("not");
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof hidden_cases / sizeof *hidden_cases; i++) {
		bool has_seen = strstr(hidden_cases[i].page, "seen") != NULL;
		read_page(&f, hidden_cases[i].page);
		if ((text_find(buf_text(&f.view.visible), seen) != SIZE_MAX) != has_seen ||
		    text_find(buf_text(&f.view.visible), not ) != SIZE_MAX || f.view.n_runs < 1 ||
		    f.view.runs[0].how != hidden_cases[i].how || f.view.n_runs > 1 ||
		    f.view.hidden_bytes[hidden_cases[i].how] < 3)
			fail_msg("%s: \"%s\" hidden: %zu \"%s\" %s", hidden_cases[i].page,
				 buf_cstr(&f.view.visible), f.view.n_runs, buf_cstr(&f.view.hidden),
				 f.view.n_runs ? html_hidden_word(f.view.runs[0].how) : "");
		assert_int_equal(f.view.runs[0].from, 0);
		assert_int_equal(f.view.runs[0].to, f.view.hidden.n);
		end(&f);
	}
}

static void runs_divide_what_is_hidden(void **state)
{
	struct fixture f;

	(void)state;
	read_page(&f, "<!--a b--><!-- c -->x<p hidden>d</p>y<b style='opacity:0'>e</b>");
	assert_string_equal(buf_cstr(&f.view.hidden), "a b c\nd\ne");
	assert_int_equal(f.view.n_runs, 3);
	assert_int_equal(f.view.runs[0].to, 5);
	assert_int_equal(f.view.runs[1].from, 6);
	assert_int_equal(f.view.runs[2].how, HTML_HIDDEN_OPACITY);
	assert_int_equal(f.view.hidden_bytes[HTML_HIDDEN_COMMENT], 3);
	end(&f);
}

/* Links as kind, blank, URL or text as written, blank, [shown], facts. */
static const struct {
	const char *page, *links;
} link_cases[] = {
	{ "<a href='http://a.example/'>b</a>", "a http://a.example/ [b]" },
	{ "<a href=http://a.example>b <b>c</b>\n d</a>", "a http://a.example/ [b c d]" },
	{ "<a href='http://a.example/?x&amp;y&lt=1'>b", "a http://a.example/?x&y&lt=1 [b]" },
	{ "<a href='h\nttp://a.exam&#x0a;ple/'>b</a>", "a http://a.example/ [b]" },
	{ "<a href='#x'>b</a><a name=y>c</a>", "" },
	{ "<a href='http://a.example/'><img alt=x></a>", "a http://a.example/ [x] around-image" },
	{ "<a href='http://a.example/'></a>", "a http://a.example/ [] hidden" },
	{ "<a href='http://a.example/' style='display:none'>b</a>", "a http://a.example/ [] hidden" },
	{ "<a href='http://evil.com/'>www.bank.com</a>", "a http://evil.com/ [www.bank.com] mismatch" },
	{ "<a href='http://a.example/'>b<a href='http://b.example/'>c</a>",
	  "a http://a.example/ [b]; a http://b.example/ [c]" },
	{ "<base href='https://b.example/d/'><a href=x>y</a>",
	  "base https://b.example/d/ []; a https://b.example/d/x [y]" },
	{ "<a href='java\tscript:x'>b</a>", "a javascript:x [b] scripted" },
	{ "<map><area href='http://a.example/'></map>", "area http://a.example/ []" },
	{ "<form action='http://a.example/'></form>", "form http://a.example/ []" },
	{ "<button formaction='http://a.example/'>x", "form http://a.example/ []" },
	{ "<iframe src='http://a.example/'></iframe>", "frame http://a.example/ []" },
	{ "<meta http-equiv=Refresh content='0; URL=http://a.example/'>", "refresh http://a.example/ []" },
	{ "<meta http-equiv=refresh content='0;url = \"http://a.example/\"'>",
	  "refresh http://a.example/ []" },
	{ "<object data='http://a.example/'><embed src='http://b.example/'>",
	  "object http://a.example/ []; object http://b.example/ []" },
	{ "<script src='http://a.example/'></script>", "script http://a.example/ []" },
	{ "<link rel=stylesheet href='http://a.example/'>", "stylesheet http://a.example/ []" },
	{ "<style>@import url('http://a.example/');p{background:url( \"http://b.example/\" )}</style>",
	  "background http://a.example/ []; background http://b.example/ []; stylesheet http://a.example/ "
	  "[]" },
	{ "<p style=\"background-image:url(http://a.example/)\">", "background http://a.example/ []" },
	{ "<td background='http://a.example/'>", "background http://a.example/ []" },
	{ "<img src='http://a.example/' srcset='http://b.example/ 1x, http://c.example/, http://d.example/ "
	  "2x'>",
	  "image http://b.example/ []; image http://c.example/ []; image http://d.example/ []; "
	  "image http://a.example/ []" },
	{ "<svg><a xlink:href='http://a.example/'>x</a><image href='http://b.example/'/></svg>",
	  "a http://a.example/ [x]; image http://b.example/ []" },
	{ "<!--[if mso]><a href='http://a.example/'>x</a><![endif]-->", "a http://a.example/ [] hidden" },
	{ "<a href='data:text/html;base64,PGI+'>x</a>", "a data:text/html;base64 [x] data" },
	{ "<svg></div><style><a href='http://a.example/'>x</a></style>", "a http://a.example/ [] hidden" },
};

static void add_link(const struct message_link *link, struct buf *out)
{
	if (out->n)
		buf_add_cstr(out, "; ");
	buf_add_cstr(out, link_kind_word(link->kind));
	buf_add_byte(out, ' ');
	buf_add(out, link->url.normal.n ? link->url.normal : link->raw);
	buf_add_cstr(out, " [");
	buf_add(out, link->shown);
	buf_add_byte(out, ']');
	for (unsigned bit = 1; link_fact_word((enum link_fact)bit); bit <<= 1)
		if (link->facts & bit)
			buf_printf(out, " %s", link_fact_word((enum link_fact)bit));
}

static void links_of_all_kinds_are_found(void **state)
{
	struct fixture f;
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	for (size_t i = 0; i < sizeof link_cases / sizeof *link_cases; i++) {
		read_page(&f, link_cases[i].page);
		buf_reset(&out);
		for (const struct message_link *link = f.links.first; link; link = link->next)
			add_link(link, &out);
		if (!text_is_cstr(buf_text(&out), link_cases[i].links))
			fail_msg("%s:\n%s, not\n%s", link_cases[i].page, buf_cstr(&out), link_cases[i].links);
		end(&f);
	}
	buf_done(&out);
}

static void forms_and_their_fields_are_counted(void **state)
{
	const struct html_form *form;
	struct fixture f;

	(void)state;
	read_page(
		&f,
		"<form action='http://a.example/?x&amp;y' method=POST><input name=email><input type=password>"
		"<input type=hidden name=x value=y><input type=submit><select></select></form>"
		"<input placeholder='Your Password'><input type=file>");
	assert_int_equal(f.view.n_forms, 2);
	form = f.view.forms;
	assert_true(text_is_cstr(form->action, "http://a.example/?x&y"));
	assert_true(text_is_cstr(form->method, "POST"));
	assert_int_equal(form->n_fields, 3);
	assert_int_equal(form->n_hidden, 1);
	assert_true(form->has_password && form->has_email && !form->has_file);
	form = form->next;
	assert_int_equal(form->action.n, 0);
	assert_true(form->has_password && form->has_file && !form->has_email);
	assert_null(form->next);
	end(&f);
}

static const struct {
	const char *page;
	unsigned words;
	bool is_smuggling;
} script_cases[] = {
	{ "<script>x=1</script>", 0, false },
	{ "<script>document.write(unescape('%3C'))</script>",
	  HTML_SCRIPT_DOCUMENT_WRITE | HTML_SCRIPT_UNESCAPE, false },
	{ "<script>b=new Blob([atob(x)]);a.href=URL.createObjectURL(b);a.download='x.zip';a.click()</script>",
	  HTML_SCRIPT_BLOB | HTML_SCRIPT_ATOB | HTML_SCRIPT_OBJECT_URL | HTML_SCRIPT_DOWNLOAD |
		  HTML_SCRIPT_CLICK,
	  true },
	{ "<script>navigator.msSaveOrOpenBlob(String.fromCharCode(1))</script>",
	  HTML_SCRIPT_SAVE_BLOB | HTML_SCRIPT_FROM_CHAR_CODE, true },
	{ "<a href='javascript:eval(x)'>y</a>", HTML_SCRIPT_EVAL, false },
	{ "<svg><script>eval(x)</script></svg>", HTML_SCRIPT_EVAL, false },
	{ "<a download=x.zip href='data:application/zip;base64,UEsDBA=='>y</a>", 0, true },
	{ "<script>blobs clicked Blobby</script>", 0, false },
};

static void programs_tell_by_their_words(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof script_cases / sizeof *script_cases; i++) {
		read_page(&f, script_cases[i].page);
		if (f.view.facts.script_words != script_cases[i].words ||
		    f.view.facts.is_smuggling != script_cases[i].is_smuggling)
			fail_msg("%s: %x", script_cases[i].page, f.view.facts.script_words);
		end(&f);
	}
}

static void data_uris_can_be_decoded(void **state)
{
	const struct html_data_uri *uri;
	struct fixture f;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	read_page(
		&f,
		"<img src='data:image/png;base64,aGVs&#98;G8='><iframe src='data:text/html,%3Cb%3E'></iframe>"
		"<object data='data:,x%'></object><embed src='DATA:;base64,aGVs%62G8%3D'>");
	assert_int_equal(f.view.n_data_uris, 4);
	uri = f.view.data_uris;
	assert_true(text_is_cstr(uri->type, "image/png"));
	assert_true(uri->is_base64 && uri->kind == LINK_IMAGE && uri->size >= 5);
	assert_true(html_data_uri_decode(uri, &out));
	assert_string_equal(buf_cstr(&out), "hello");
	buf_reset(&out);
	uri = uri->next;
	assert_true(text_is_cstr(uri->type, "text/html"));
	assert_true(!uri->is_base64 && uri->kind == LINK_FRAME);
	assert_true(html_data_uri_decode(uri, &out));
	assert_string_equal(buf_cstr(&out), "<b>");
	buf_reset(&out);
	uri = uri->next;
	assert_true(text_is_cstr(uri->type, "text/plain"));
	assert_true(html_data_uri_decode(uri, &out));
	assert_string_equal(buf_cstr(&out), "x%");
	buf_reset(&out);
	assert_true(html_data_uri_decode(uri->next, &out));
	assert_string_equal(buf_cstr(&out), "hello");
	buf_done(&out);
	end(&f);
}

static void salting_is_counted(void **state)
{
	struct fixture f;

	(void)state;
	read_page(&f,
		  "<table><tr><td><table></table></table>v<!--x-->i<b></b>a<i>g</i>ra <b>x</b> y<span></span>"
		  "<foo onclick=x onload=y>");
	assert_int_equal(f.view.facts.deepest_table, 2);
	assert_int_equal(f.view.facts.n_comments, 1);
	assert_int_equal(f.view.facts.n_comments_in_words, 1);
	assert_int_equal(f.view.facts.n_tags_in_words, 4);
	assert_int_equal(f.view.facts.n_empty_elements, 2);
	assert_int_equal(f.view.facts.n_unknown_tags, 1);
	assert_int_equal(f.view.facts.n_event_handlers, 2);
	end(&f);
	read_page(&f, "<img src=http://a.example/x width=1 height=1><img src=cid:x><img src=//b.example "
		      "style=display:none>");
	assert_int_equal(f.view.facts.n_images, 3);
	assert_int_equal(f.view.facts.n_remote_images, 2);
	assert_int_equal(f.view.facts.n_tracking_images, 2);
	end(&f);
	read_page(&f, "<title>a\n &amp; <b> b</title>");
	assert_true(text_is_cstr(f.view.title, "a & <b> b"));
	end(&f);
}

static void in_a_browser_programs_run(void **state)
{
	struct fixture f;

	(void)state;
	read_text(&f, text_from_cstr("a<noscript>b</noscript><iframe srcdoc='&lt;p&gt;c'></iframe>"), true);
	assert_string_equal(buf_cstr(&f.view.visible), "a\n\nc");
	assert_int_equal(f.view.hidden_bytes[HTML_HIDDEN_NOSCRIPT], 1);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_sees_lines),
		cmocka_unit_test(what_is_hidden_is_hidden_so),
		cmocka_unit_test(runs_divide_what_is_hidden),
		cmocka_unit_test(links_of_all_kinds_are_found),
		cmocka_unit_test(forms_and_their_fields_are_counted),
		cmocka_unit_test(programs_tell_by_their_words),
		cmocka_unit_test(data_uris_can_be_decoded),
		cmocka_unit_test(salting_is_counted),
		cmocka_unit_test(in_a_browser_programs_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
