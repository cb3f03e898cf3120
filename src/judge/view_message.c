/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes the texts of a message for its views. Called by judge.c and by the command line, in a room, on a
 * stranger's message. What is a page is told by its type, and for attachments by the ending of its name too,
 * since browsers open it by that. Invariants: a part is looked at once under each encoding; a text that is
 * UTF-8 as it stands in the message is not copied.
 */
#include "judge/view_message.h"

#include "base/ensure.h"
#include "judge/rtf_text.h"
#include "proto/encoded_word.h"
#include "proto/mime_content.h"
#include "proto/mime_header.h"
#include "proto/mime_value.h"

#define GROWTH    4    /* bytes that one byte of a character set becomes at most */
#define META_MAX  1024 /* a page names its charset within this. WHATWG HTML 4.2.5.4 */
#define FIELD_MAX 65536

struct walk {
	struct message_view *view;
	const struct mime_limits *limits;
	struct charset_cache *charsets;
	struct buf content, utf8;
};

static bool is_word(struct text t, const char *word)
{
	return text_is_cstr_nocase(t, word);
}

static bool has_page_ending(struct text name)
{
	static const struct text endings[] = { TEXT(".html"), TEXT(".htm"),   TEXT(".xhtml"), TEXT(".xht"),
					       TEXT(".svg"),  TEXT(".shtml"), TEXT(".hta"),   TEXT(".mht") };

	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (text_has_suffix_nocase(text_trim(name), endings[i]))
			return true;
	return false;
}

static bool has_page_name(const struct mime_part *part)
{
	for (const struct mime_name *name = part->names; name; name = name->next)
		if (has_page_ending(name->raw))
			return true;
	return false;
}

/* False: no text for people. */
static bool kind_of(const struct mime_part *part, enum view_kind *ret_kind)
{
	struct text type, subtype;

	*ret_kind = VIEW_PLAIN;
	if (part->kind == MIME_GAP)
		return true;
	if (part->kind == MIME_MULTIPART && !mime_part_is_text(part))
		return false;
	mime_part_type(part, &type, &subtype);
	if (is_word(subtype, "html") || is_word(subtype, "xhtml+xml") || is_word(subtype, "svg+xml") ||
	    has_page_name(part)) {
		*ret_kind = VIEW_HTML;
		return true;
	}
	return mime_part_is_text(part) || is_word(subtype, "rtf");
}

/* The charset behind "charset=" in what a page begins with. */
static struct text charset_of_page(struct text content)
{
	static const struct text word = TEXT("charset=");
	struct text t = text_slice(content, 0, META_MAX);
	size_t at = text_find_nocase(t, word), n = 0;

	if (at == SIZE_MAX)
		return (struct text){ 0 };
	t = text_skip(t, at + word.n);
	if (t.n && (t.p[0] == '"' || t.p[0] == '\''))
		t = text_skip(t, 1);
	while (n < t.n && t.p[n] && !strchr("\"'> ;/\t\r\n", t.p[n]))
		n++;
	return text_slice(t, 0, n);
}

/* In UTF-8; what is that already is given back itself when it lies in the message. */
static bool to_utf8(struct walk *w, struct text label, struct text content, bool is_in_message,
		    struct text *ret_text)
{
	unsigned defects = 0;

	*ret_text = content;
	if (!text_is_ascii(content) || label.n) {
		buf_reset(&w->utf8);
		charset_decode(w->charsets, label, content, &w->utf8, &defects);
		if (is_in_message && text_is_equal(buf_text(&w->utf8), content))
			return true;
		*ret_text = buf_text(&w->utf8);
		is_in_message = false;
	}
	if (is_in_message || arena_copy(w->view->arena, *ret_text, ret_text))
		return true;
	w->view->limits |= VIEW_LIMIT_MEMORY;
	return false;
}

static bool has_param(const struct mime_value *value, const char *name, const char *word)
{
	struct text text;

	return mime_value_find_param(value, name, 0, &text) && is_word(text_trim(text), word);
}

/* rfc3676 3 */
static struct text_form form_of(struct walk *w, const struct mime_part *part)
{
	struct mime_header_reader r = mime_header_reader_of(part->header, w->limits);
	struct text_form form = { 0 };
	struct mime_field field;
	struct mime_value value;

	while (part->kind == MIME_LEAF && mime_header_next(&r, &field)) {
		if (!is_word(field.name, "Content-Type"))
			continue;
		mime_value_parse(field.body, w->limits, w->view->arena, &value);
		form.is_flowed = has_param(&value, "format", "flowed");
		form.is_delsp = has_param(&value, "delsp", "yes");
		break;
	}
	return form;
}

/* The text of RTF, or the page that it holds. */
static bool add_rtf(struct walk *w, struct text content, struct view_source source)
{
	struct rtf_facts facts;
	bool is_whole;

	buf_reset(&w->utf8);
	is_whole = rtf_text_add(content, w->charsets, &w->utf8, &facts);
	if (!is_whole && !w->utf8.overflow)
		return false;
	source.kind = facts.is_html ? VIEW_HTML : VIEW_PLAIN;
	if (!is_whole || !arena_copy(w->view->arena, buf_text(&w->utf8), &source.text))
		w->view->limits |= VIEW_LIMIT_MEMORY;
	else
		message_view_add_text(w->view, &source);
	return true;
}

static void add_reading(struct walk *w, const struct mime_part *part, enum mime_encoding encoding,
			struct view_source *source)
{
	struct text content = part->body, label = part->charset;
	bool is_in_message = encoding == MIME_IDENTITY;

	buf_reset(&w->content);
	if (!is_in_message && !mime_part_decode(part, encoding, &w->content))
		w->view->limits |= VIEW_LIMIT_MEMORY;
	if (!is_in_message)
		content = buf_text(&w->content);
	if (!content.n)
		return;
	if (add_rtf(w, content, *source)) {
		source->way++;
		return;
	}
	if (!label.n && source->kind == VIEW_HTML)
		label = charset_of_page(content);
	if (to_utf8(w, label, content, is_in_message, &source->text))
		message_view_add_text(w->view, source);
	source->way++;
}

/* Under the encoding of the first reading, and under the others when there is more than one. */
static void add_part(struct walk *w, const struct mime_part *part, unsigned number)
{
	struct view_source source = { .part = number,
				      .is_attachment = part->is_attachment || part->kind == MIME_FILE };

	if (part->kind == MIME_MESSAGE || !kind_of(part, &source.kind))
		return;
	if (source.kind == VIEW_PLAIN)
		source.form = form_of(w, part);
	add_reading(w, part, part->encoding, &source);
	for (unsigned e = MIME_IDENTITY; part->reasons && e < MIME_ENCODING_COUNT; e++)
		if (e != part->encoding && part->encodings & 1u << e)
			add_reading(w, part, (enum mime_encoding)e, &source);
}

static void add_field(struct walk *w, const struct mime_field *field)
{
	unsigned defects = 0;

	buf_reset(&w->utf8);
	encoded_word_decode_text(w->charsets, text_slice(field->body, 0, FIELD_MAX), &w->utf8, &defects);
	message_view_add_field(w->view, field->name, buf_text(&w->utf8));
}

/* Of a message, not of a part. */
static void add_header(struct walk *w, const struct mime_part *part)
{
	struct mime_header_reader r = mime_header_reader_of(part->header, w->limits);
	struct mime_field field;

	if (part->parent && part->parent->kind != MIME_MESSAGE)
		return;
	while (mime_header_next(&r, &field))
		if (message_view_has_urls(field.name))
			add_field(w, &field);
}

void message_view_read(struct message_view *view, const struct mime_tree *tree,
		       const struct mime_limits *limits, struct charset_cache *charsets)
{
	struct walk w = { .view = view, .limits = limits, .charsets = charsets };
	unsigned number = 0;
	size_t max = FIELD_MAX;

	for (const struct mime_part *part = tree->first; part; part = part->next)
		if (mime_content_max(part->body) > max)
			max = mime_content_max(part->body);
	buf_init(&w.content, max);
	buf_init(&w.utf8, GROWTH * max);
	for (const struct mime_part *part = tree->first; part; part = part->next, number++) {
		add_header(&w, part);
		add_part(&w, part, number);
	}
	buf_done(&w.content);
	buf_done(&w.utf8);
}
