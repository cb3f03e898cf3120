/* SPDX-License-Identifier: Apache-2.0
 *
 * What start and end tags mean for a view: links, images, forms, lines. Called by html_view.c, on a
 * stranger's page. The tables are the dispatcher: which attribute of which element is which kind of link, and
 * what an element does beside. Invariants: of a URL at most URL_MAX_BYTES are read; what is kept is counted
 * against the limits.
 */
#include "judge/html_reader.h"

#include "judge/css.h"

#define TINY 3 /* pixels: an image so small is there to be asked for, not to be seen */

static const struct link_row {
	enum html_element element;
	enum html_attribute_id attribute;
	enum link_kind kind;
} link_rows[] = {
	{ HTML_AREA, HTML_ATTRIBUTE_HREF, LINK_AREA },
	{ HTML_LINK, HTML_ATTRIBUTE_HREF, LINK_STYLESHEET },
	{ HTML_FORM, HTML_ATTRIBUTE_ACTION, LINK_FORM },
	{ HTML_BUTTON, HTML_ATTRIBUTE_FORMACTION, LINK_FORM },
	{ HTML_INPUT, HTML_ATTRIBUTE_FORMACTION, LINK_FORM },
	{ HTML_INPUT, HTML_ATTRIBUTE_SRC, LINK_IMAGE },
	{ HTML_IFRAME, HTML_ATTRIBUTE_SRC, LINK_FRAME },
	{ HTML_FRAME, HTML_ATTRIBUTE_SRC, LINK_FRAME },
	{ HTML_EMBED, HTML_ATTRIBUTE_SRC, LINK_OBJECT },
	{ HTML_OBJECT, HTML_ATTRIBUTE_DATA, LINK_OBJECT },
	{ HTML_APPLET, HTML_ATTRIBUTE_CODE, LINK_OBJECT },
	{ HTML_APPLET, HTML_ATTRIBUTE_ARCHIVE, LINK_OBJECT },
	{ HTML_SCRIPT, HTML_ATTRIBUTE_SRC, LINK_SCRIPT },
	{ HTML_SCRIPT, HTML_ATTRIBUTE_HREF, LINK_SCRIPT },
	{ HTML_SCRIPT, HTML_ATTRIBUTE_XLINK_HREF, LINK_SCRIPT },
	{ HTML_IMG, HTML_ATTRIBUTE_SRC, LINK_IMAGE },
	{ HTML_IMAGE, HTML_ATTRIBUTE_SRC, LINK_IMAGE },
	{ HTML_IMAGE, HTML_ATTRIBUTE_HREF, LINK_IMAGE },
	{ HTML_IMAGE, HTML_ATTRIBUTE_XLINK_HREF, LINK_IMAGE },
	{ HTML_USE, HTML_ATTRIBUTE_HREF, LINK_IMAGE },
	{ HTML_USE, HTML_ATTRIBUTE_XLINK_HREF, LINK_IMAGE },
	{ HTML_VIDEO, HTML_ATTRIBUTE_SRC, LINK_OBJECT },
	{ HTML_VIDEO, HTML_ATTRIBUTE_POSTER, LINK_IMAGE },
	{ HTML_AUDIO, HTML_ATTRIBUTE_SRC, LINK_OBJECT },
	{ HTML_BGSOUND, HTML_ATTRIBUTE_SRC, LINK_OBJECT },
	{ HTML_TRACK, HTML_ATTRIBUTE_SRC, LINK_OBJECT },
	{ HTML_SOURCE, HTML_ATTRIBUTE_SRC, LINK_OBJECT },
};

/* The value of an attribute with its references undone; it lies in the page, the arena or r->text. */
static struct text value_of(struct html_reader *r, const struct html_tag *tag, enum html_attribute_id id)
{
	struct text raw = tag->attributes->values[id], value;

	if (!html_attributes_has(tag->attributes, id))
		return (struct text){ 0 };
	if (text_find_byte(raw, '&') == raw.n)
		return raw;
	if (text_has_prefix_nocase(text_trim(raw), (struct text)TEXT("data:"))) {
		if (!html_decode_attribute(raw, r->arena, &value))
			r->view->limits |= VIEW_LIMIT_MEMORY;
		return value;
	}
	buf_reset(&r->text);
	html_decode_add(text_slice(raw, 0, URL_MAX_BYTES), HTML_DECODE_ATTRIBUTE, &r->text);
	return buf_text(&r->text);
}

static bool is_value(const struct html_tag *tag, enum html_attribute_id id, const char *word)
{
	return html_attributes_has(tag->attributes, id) &&
	       text_is_cstr_nocase(text_trim(tag->attributes->values[id]), word);
}

static bool lies_in(const struct buf *b, struct text t)
{
	return b->n && t.p >= b->p && t.p <= b->p + b->n;
}

static void add_data_uri(struct html_reader *r, struct text value, enum link_kind kind)
{
	struct html_data_uri found = { .kind = kind }, *uri;

	if (!html_data_uri_parse(value, &found))
		return;
	uri = r->view->n_data_uris < r->limits->items ? arena_alloc(r->arena, sizeof *uri) : NULL;
	if (!uri) {
		r->view->limits |= VIEW_LIMIT_ITEMS;
		return;
	}
	*uri = found;
	if (lies_in(&r->text, value) || lies_in(&r->anchor.href, value)) /* will be written over */
		if (!arena_copy(r->arena, found.data, &uri->data) ||
		    !arena_copy(r->arena, found.type, &uri->type))
			r->view->limits |= VIEW_LIMIT_MEMORY;
	if (r->last_data_uri)
		r->last_data_uri->next = uri;
	else
		r->view->data_uris = uri;
	r->last_data_uri = uri;
	r->view->n_data_uris++;
}

static const struct url *base_of(const struct html_reader *r)
{
	return r->base.normal.n ? &r->base : NULL;
}

static struct message_link *add_link(struct html_reader *r, enum link_kind kind, struct text value,
				     struct text shown, unsigned facts)
{
	const struct link_found found = { .kind = kind,
					  .facts = facts,
					  .raw = value,
					  .shown = shown,
					  .base = base_of(r),
					  .part = r->source->part };
	static const struct text javascript = TEXT("javascript:");

	value = text_trim(value);
	add_data_uri(r, value, kind);
	if (text_has_prefix_nocase(value, javascript))
		html_script_read(text_skip(value, javascript.n), &r->view->facts);
	return links_add(r->links, &found);
}

static unsigned facts_here(const struct html_reader *r)
{
	return html_reader_hides(r) == HTML_VISIBLE ? 0 : LINK_HIDDEN;
}

/* A data: URI is taken from the page itself when nothing is to be undone in it: it may be long. */
static void add_attribute(struct html_reader *r, const struct html_tag *tag, enum html_attribute_id id,
			  enum link_kind kind)
{
	struct text value = value_of(r, tag, id);

	if (value.n)
		add_link(r, kind, value, (struct text){ 0 }, facts_here(r));
}

void html_tags_css(struct html_reader *r, struct text css)
{
	static const struct text url = TEXT("url("), import = TEXT("@import");
	struct css_rule rule;
	struct text found, rest = css;

	while (text_find_byte(rest, '(') != rest.n && text_find_nocase(rest, url) != SIZE_MAX &&
	       css_url_next(&rest, &found))
		add_link(r, LINK_BACKGROUND, found, (struct text){ 0 }, 0);
	if (text_find_nocase(css, import) == SIZE_MAX)
		return;
	for (rest = css; css_rule_next(&rest, &rule);)
		if (text_is_cstr_nocase(rule.at_name, "import") && css_import_url(rule.prelude, &found))
			add_link(r, LINK_STYLESHEET, found, (struct text){ 0 }, 0);
}

/* "a.png 1x, b.png 2x" */
static void add_srcset(struct html_reader *r, const struct html_tag *tag)
{
	struct text rest = value_of(r, tag, HTML_ATTRIBUTE_SRCSET), word, descriptor;
	bool has_descriptor;

	while (rest.n) {
		rest = text_trim(rest);
		text_cut(rest, ' ', &word, &rest);
		has_descriptor = !text_has_suffix_nocase(word, (struct text)TEXT(","));
		while (word.n && word.p[word.n - 1] == ',')
			word.n--;
		add_link(r, LINK_IMAGE, word, (struct text){ 0 }, 0);
		if (has_descriptor)
			text_cut(rest, ',', &descriptor, &rest);
	}
}

/* "5; url='https://...'" */
static void add_refresh(struct html_reader *r, const struct html_tag *tag)
{
	static const struct text word = TEXT("url");
	struct text value = value_of(r, tag, HTML_ATTRIBUTE_CONTENT), delay;
	size_t at;

	if (!is_value(tag, HTML_ATTRIBUTE_HTTP_EQUIV, "refresh"))
		return;
	at = text_find_nocase(value, word);
	if (at != SIZE_MAX)
		text_cut(text_skip(value, at), '=', &delay, &value);
	else if (!text_cut(value, ';', &delay, &value))
		return;
	value = text_trim(value);
	if (value.n > 1 && (value.p[0] == '"' || value.p[0] == '\''))
		text_cut(text_skip(value, 1), value.p[0], &value, &delay);
	add_link(r, LINK_REFRESH, value, (struct text){ 0 }, 0);
}

static void read_base(struct html_reader *r, const struct html_tag *tag)
{
	struct text value = value_of(r, tag, HTML_ATTRIBUTE_HREF);

	if (!value.n || r->base.normal.n)
		return;
	r->view->facts.has_base = true;
	add_link(r, LINK_BASE, value, (struct text){ 0 }, 0);
	if (!url_parse(value, NULL, r->arena, &r->base))
		r->base = (struct url){ 0 };
}

static void end_anchor(struct html_reader *r)
{
	struct html_anchor *anchor = &r->anchor;
	unsigned facts = anchor->has_image ? LINK_AROUND_IMAGE : 0;

	if (!anchor->is_open)
		return;
	anchor->is_open = false;
	if (!anchor->shown.n && !anchor->has_image)
		facts |= LINK_HIDDEN;
	add_link(r, LINK_A, buf_text(&anchor->href), buf_text(&anchor->shown), facts);
}

static void begin_anchor(struct html_reader *r, const struct html_tag *tag)
{
	struct html_anchor *anchor = &r->anchor;
	enum html_attribute_id id = html_attributes_has(tag->attributes, HTML_ATTRIBUTE_HREF)
					    ? HTML_ATTRIBUTE_HREF
					    : HTML_ATTRIBUTE_XLINK_HREF;
	struct text value;

	end_anchor(r);
	if (!html_attributes_has(tag->attributes, id))
		return;
	value = value_of(r, tag, id);
	buf_reset(&anchor->href);
	buf_reset(&anchor->shown);
	if (value.n > anchor->href.max) { /* a data: URI, taken now; the rest is no link */
		add_link(r, LINK_A, value, (struct text){ 0 }, 0);
		return;
	}
	buf_add(&anchor->href, value);
	anchor->is_open = true;
	anchor->has_image = false;
	if (html_attributes_has(tag->attributes, HTML_ATTRIBUTE_DOWNLOAD) &&
	    text_has_prefix_nocase(text_trim(value), (struct text)TEXT("data:")))
		r->view->facts.is_smuggling = true;
}

static bool is_tiny(const struct html_tag *tag, enum html_attribute_id id)
{
	struct css_length length;

	return html_attributes_has(tag->attributes, id) &&
	       css_length_parse(text_trim(tag->attributes->values[id]), &length) &&
	       length.unit != CSS_UNIT_PERCENT && length.hundredths <= 100 * TINY;
}

static void read_image(struct html_reader *r, const struct html_tag *tag)
{
	static const struct text http = TEXT("http"), slashes = TEXT("//");
	struct html_facts *facts = &r->view->facts;
	struct text source = text_trim(tag->attributes->values[HTML_ATTRIBUTE_SRC]);
	enum html_hidden how = tag->style->how;
	bool is_remote = html_attributes_has(tag->attributes, HTML_ATTRIBUTE_SRC) &&
			 (text_has_prefix_nocase(source, http) || text_has_prefix(source, slashes));

	facts->n_images++;
	facts->n_remote_images += is_remote;
	facts->n_tracking_images += is_remote && (is_tiny(tag, HTML_ATTRIBUTE_WIDTH) ||
						  is_tiny(tag, HTML_ATTRIBUTE_HEIGHT) || tag->style->hidden);
	r->anchor.has_image = true;
	if (how == HTML_HIDDEN_FONT_SIZE || how == HTML_HIDDEN_COLOR)
		how = HTML_VISIBLE; /* letters, not images */
	if (r->around != HTML_VISIBLE)
		how = r->around;
	html_reader_add(r, value_of(r, tag, HTML_ATTRIBUTE_ALT), how);
}

static struct html_form *add_form(struct html_reader *r)
{
	struct html_form *form =
		r->view->n_forms < r->limits->items ? arena_alloc(r->arena, sizeof *form) : NULL;

	if (!form) {
		r->view->limits |= VIEW_LIMIT_ITEMS;
		return NULL;
	}
	form->method = (struct text)TEXT("get");
	if (r->last_form)
		r->last_form->next = form;
	else
		r->view->forms = form;
	r->last_form = form;
	r->view->n_forms++;
	return form;
}

static void begin_form(struct html_reader *r, const struct html_tag *tag)
{
	struct html_form *form = add_form(r);
	struct text action = value_of(r, tag, HTML_ATTRIBUTE_ACTION);

	r->form = form;
	if (!form)
		return;
	if (!arena_copy(r->arena, action, &form->action))
		r->view->limits |= VIEW_LIMIT_MEMORY;
	if (html_attributes_has(tag->attributes, HTML_ATTRIBUTE_METHOD))
		form->method = text_trim(tag->attributes->values[HTML_ATTRIBUTE_METHOD]);
}

static bool has_name(const struct html_tag *tag, const char *const *words)
{
	for (; *words; words++) {
		struct text word = text_from_cstr(*words);
		if (html_attributes_has(tag->attributes, HTML_ATTRIBUTE_NAME) &&
		    text_find_nocase(tag->attributes->values[HTML_ATTRIBUTE_NAME], word) != SIZE_MAX)
			return true;
		if (html_attributes_has(tag->attributes, HTML_ATTRIBUTE_PLACEHOLDER) &&
		    text_find_nocase(tag->attributes->values[HTML_ATTRIBUTE_PLACEHOLDER], word) != SIZE_MAX)
			return true;
	}
	return false;
}

/* A field that a person fills in, of the form that is open or of none. */
static void read_field(struct html_reader *r, const struct html_tag *tag)
{
	static const char *const passwords[] = { "passw", "pwd", "passcode", NULL };
	static const char *const mails[] = { "email", "e-mail", "username", "userid", NULL };
	struct html_form *form = r->form ? r->form : add_form(r);

	r->form = form;
	if (!form)
		return;
	form->n_fields++;
	form->has_password |= is_value(tag, HTML_ATTRIBUTE_TYPE, "password") || has_name(tag, passwords);
	form->has_email |= is_value(tag, HTML_ATTRIBUTE_TYPE, "email") || has_name(tag, mails);
	form->has_file |= is_value(tag, HTML_ATTRIBUTE_TYPE, "file");
}

static bool is_button(const struct html_tag *tag)
{
	return is_value(tag, HTML_ATTRIBUTE_TYPE, "submit") || is_value(tag, HTML_ATTRIBUTE_TYPE, "button") ||
	       is_value(tag, HTML_ATTRIBUTE_TYPE, "reset") || is_value(tag, HTML_ATTRIBUTE_TYPE, "image");
}

static void read_input(struct html_reader *r, const struct html_tag *tag)
{
	enum html_hidden how = r->around != HTML_VISIBLE ? r->around : tag->style->how;

	if (is_value(tag, HTML_ATTRIBUTE_TYPE, "hidden")) {
		if (r->form)
			r->form->n_hidden++;
		html_reader_add(r, value_of(r, tag, HTML_ATTRIBUTE_VALUE), HTML_HIDDEN_INPUT);
		return;
	}
	if (!is_button(tag))
		read_field(r, tag);
	r->visible.has_space = true;
	html_reader_add(r, value_of(r, tag, HTML_ATTRIBUTE_VALUE), how);
	r->visible.has_space = true;
	html_reader_add(r, value_of(r, tag, HTML_ATTRIBUTE_PLACEHOLDER), how);
}

static void read_textarea(struct html_reader *r, const struct html_tag *tag)
{
	read_field(r, tag);
	html_reader_break(r, 1);
}

/* The page within: a browser shows it, a mail program does not. */
static void read_frame(struct html_reader *r, const struct html_tag *tag)
{
	struct text page = value_of(r, tag, HTML_ATTRIBUTE_SRCDOC), copy;
	enum html_hidden how = r->source->is_page ? html_reader_hides(r) : HTML_HIDDEN_ELEMENT;

	if (!page.n || !arena_copy(r->arena, page, &copy))
		return;
	html_reader_nested(r, copy, how);
}

static void break_line(struct html_reader *r, const struct html_tag *tag)
{
	(void)tag;
	if (r->visible.breaks < 3)
		r->visible.breaks++;
	html_reader_break(r, r->visible.breaks);
}

static void begin_cell(struct html_reader *r, const struct html_tag *tag)
{
	(void)tag;
	r->visible.has_tab = true;
	r->hidden.has_space = true;
	r->has_letter_before = false;
}

static void begin_item(struct html_reader *r, const struct html_tag *tag)
{
	(void)tag;
	html_reader_break(r, 1);
	if (html_reader_hides(r) == HTML_VISIBLE) {
		html_reader_add(r, (struct text)TEXT("*"), HTML_VISIBLE);
		r->visible.has_space = true;
		r->has_letter_before = false;
	}
}

static const struct {
	enum html_element element;
	void (*read)(struct html_reader *r, const struct html_tag *tag);
} tag_rows[] = {
	{ HTML_A, begin_anchor },    { HTML_BASE, read_base },         { HTML_META, add_refresh },
	{ HTML_IMG, read_image },    { HTML_IMAGE, read_image },       { HTML_FORM, begin_form },
	{ HTML_INPUT, read_input },  { HTML_TEXTAREA, read_textarea }, { HTML_SELECT, read_field },
	{ HTML_IFRAME, read_frame }, { HTML_BR, break_line },          { HTML_TD, begin_cell },
	{ HTML_TH, begin_cell },     { HTML_LI, begin_item },          { HTML_IMG, add_srcset },
	{ HTML_SOURCE, add_srcset },
};

void html_tags_start(struct html_reader *r, const struct html_tag *tag)
{
	enum html_element element = tag->token->element;
	unsigned flags = html_element_flags(element);

	if (flags & HTML_FLAG_BLOCK && element != HTML_LI)
		html_reader_break(r, flags & HTML_FLAG_PARAGRAPH ? 2 : 1);
	for (size_t i = 0; i < sizeof tag_rows / sizeof *tag_rows; i++)
		if (tag_rows[i].element == element)
			tag_rows[i].read(r, tag);
	if (!tag->attributes->has)
		return;
	for (size_t i = 0; i < sizeof link_rows / sizeof *link_rows; i++)
		if (link_rows[i].element == element &&
		    html_attributes_has(tag->attributes, link_rows[i].attribute))
			add_attribute(r, tag, link_rows[i].attribute, link_rows[i].kind);
	if (html_attributes_has(tag->attributes, HTML_ATTRIBUTE_BACKGROUND))
		add_attribute(r, tag, HTML_ATTRIBUTE_BACKGROUND, LINK_BACKGROUND);
}

void html_tags_end(struct html_reader *r, enum html_element element)
{
	unsigned flags = html_element_flags(element);

	if (flags & HTML_FLAG_BLOCK)
		html_reader_break(r, flags & HTML_FLAG_PARAGRAPH ? 2 : 1);
	if (element == HTML_A || element == HTML_TD || element == HTML_TH)
		end_anchor(r);
	if (element == HTML_FORM)
		r->form = NULL;
}

void html_tags_finish(struct html_reader *r)
{
	end_anchor(r);
}
