/* SPDX-License-Identifier: Apache-2.0
 *
 * The tokenizer of HTML. Called by the views in a room, on a stranger's page. It keeps to the states of the
 * WHATWG's standard where what comes out differs, and does without them where a search for the end says the
 * same. Invariants: each token takes at least one byte and begins where the last ended; what is searched
 * through is taken, so the whole is linear; a view lies within the page.
 */
#include "proto/html_token.h"

#include "base/ensure.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool is_letter(char c)
{
	c = text_lower_byte(c);
	return c >= 'a' && c <= 'z';
}

/* May the byte at t[at] stand behind the name of a tag? */
static bool ends_name(struct text t, size_t at)
{
	return at < t.n && (is_space(t.p[at]) || t.p[at] == '/' || t.p[at] == '>');
}

struct html_tokenizer html_tokenizer_of(struct text page)
{
	return (struct html_tokenizer){ .page = page };
}

/* Takes what *rest begins with up to (not with) the quote; all of it when there is none. */
static struct text take_quoted(struct text *rest, char quote)
{
	struct text value;

	text_cut(text_skip(*rest, 1), quote, &value, rest);
	return value;
}

static struct text take_unquoted(struct text *rest)
{
	size_t n = 0;
	struct text value;

	while (n < rest->n && !is_space(rest->p[n]) && rest->p[n] != '>')
		n++;
	value = text_slice(*rest, 0, n);
	*rest = text_skip(*rest, n);
	return value;
}

static struct text skip_space(struct text t)
{
	size_t n = 0;

	while (n < t.n && is_space(t.p[n]))
		n++;
	return text_skip(t, n);
}

/* Behind the name: "= value" in one of its forms, or nothing. WHATWG HTML 13.2.5.34 to 39 */
static struct text take_value(struct text *rest)
{
	struct text t = skip_space(*rest);

	if (t.n == 0 || t.p[0] != '=')
		return (struct text){ 0 };
	*rest = t = skip_space(text_skip(t, 1));
	if (t.n && (t.p[0] == '"' || t.p[0] == '\''))
		return take_quoted(rest, t.p[0]);
	return take_unquoted(rest);
}

/* A name may begin with '=' and hold quotes. A '>' ends the attributes. WHATWG HTML 13.2.5.32, 33 */
bool html_attribute_next(struct text *rest, struct html_attribute *ret_attribute)
{
	struct text t = *rest;
	size_t n = 0;

	while (n < t.n && (is_space(t.p[n]) || t.p[n] == '/'))
		n++;
	t = *rest = text_skip(t, n);
	if (t.n == 0 || t.p[0] == '>')
		return false;
	for (n = 1; n < t.n && !is_space(t.p[n]) && t.p[n] != '/' && t.p[n] != '>' && t.p[n] != '=';)
		n++;
	ret_attribute->name = text_slice(t, 0, n);
	*rest = text_skip(t, n);
	ret_attribute->value = take_value(rest);
	return true;
}

/* What a start tag makes of the text behind it. */
static void enter_element(struct html_tokenizer *t, const struct html_token *token)
{
	if (t->is_foreign || !(html_element_flags(token->element) & (HTML_FLAG_RAW | HTML_FLAG_RCDATA)))
		return;
	t->text_until = token->name;
	t->text_element = token->element;
}

static bool ends_at(struct text t, const char *at)
{
	return t.n && t.p + t.n == at;
}

/* "<name attributes>" or "</name attributes>", of which the name begins at `from`. */
static void take_tag(struct html_tokenizer *t, size_t from, struct html_token *token)
{
	struct text rest, all = text_skip(t->page, t->at);
	struct html_attribute attribute = { 0 };
	size_t name_end = from;

	while (name_end < all.n && !ends_name(all, name_end))
		name_end++;
	token->name = text_slice(all, from, name_end);
	token->element = html_element_find(token->name);
	rest = text_skip(all, name_end);
	while (html_attribute_next(&rest, &attribute))
		continue;
	if (rest.n == 0) {
		token->kind = HTML_UNCLOSED;
		token->raw = token->text = all;
		return;
	}
	token->attributes = text_from_bytes(all.p + name_end, (size_t)(rest.p - all.p) - name_end);
	token->is_self_closing = rest.p[-1] == '/' && !ends_at(attribute.value, rest.p);
	token->raw = text_slice(all, 0, (size_t)(rest.p - all.p) + 1);
	token->kind = from == 1 ? HTML_START : HTML_END;
	if (token->kind == HTML_START)
		enter_element(t, token);
}

/* What begins at the token, with `head` bytes before its text, and ends before the next `end`. */
static void take_until(struct text all, size_t head, const char *end, struct html_token *token)
{
	struct text inside = text_skip(all, head), mark = text_from_cstr(end);
	size_t n = text_find(inside, mark);

	token->text = text_slice(inside, 0, n);
	token->raw = n == SIZE_MAX ? all : text_slice(all, 0, head + n + mark.n);
}

/* Where a comment's inside ends: at "-->" or "--!>". WHATWG HTML 13.2.5.43 to 52 */
static size_t comment_end(struct text inside, size_t *ret_mark)
{
	size_t at = 0;

	while (at + 2 < inside.n) {
		size_t dash = at + text_find_byte(text_skip(inside, at), '-');
		struct text t = text_skip(inside, dash);
		*ret_mark = text_has_prefix(t, (struct text)TEXT("-->"))    ? 3
			    : text_has_prefix(t, (struct text)TEXT("--!>")) ? 4
									    : 0;
		if (*ret_mark)
			return dash;
		at = dash + 1;
	}
	*ret_mark = 0;
	return inside.n;
}

static void take_comment(struct text all, struct html_token *token)
{
	struct text inside = text_skip(all, 4);
	size_t mark, n;

	token->kind = HTML_COMMENT;
	if (text_has_prefix(inside, (struct text)TEXT(">")) ||
	    text_has_prefix(inside, (struct text)TEXT("->"))) {
		token->raw = text_slice(all, 0, 4 + 1 + text_find_byte(inside, '>'));
		return;
	}
	n = comment_end(inside, &mark);
	token->text = text_slice(inside, 0, n);
	token->raw = text_slice(all, 0, 4 + n + mark);
	if (mark)
		return;
	/* The end of the page ends it, and takes the beginning of a mark with it. */
	if (text_has_suffix_nocase(token->text, (struct text)TEXT("--!")))
		token->text.n -= 3;
	else
		for (unsigned i = 0; i < 2 && text_has_suffix_nocase(token->text, (struct text)TEXT("-"));
		     i++)
			token->text.n--;
}

/* "<!": comment, document type, CDATA, or what becomes a comment. WHATWG HTML 13.2.5.42 */
static void take_declaration(const struct html_tokenizer *t, struct text all, struct html_token *token)
{
	static const struct text doctype = TEXT("<!doctype"), cdata = TEXT("<![CDATA["),
				 comment = TEXT("<!--");

	if (text_has_prefix(all, comment)) {
		take_comment(all, token);
		return;
	}
	if (t->is_foreign && text_has_prefix(all, cdata)) {
		take_until(all, cdata.n, "]]>", token);
		token->kind = HTML_TEXT;
		token->decode = HTML_DECODE_RAW;
		return;
	}
	token->kind = HTML_COMMENT;
	if (text_has_prefix_nocase(all, doctype)) {
		take_until(all, doctype.n, ">", token);
		token->kind = HTML_DOCTYPE;
		return;
	}
	take_until(all, 2, ">", token);
}

/* What begins with '<' at t->at, if it begins anything. WHATWG HTML 13.2.5.6 and 7 */
static bool take_markup(struct html_tokenizer *t, struct html_token *token)
{
	struct text all = text_skip(t->page, t->at);
	char next = all.n > 1 ? all.p[1] : '\0';

	if (is_letter(next)) {
		take_tag(t, 1, token);
	} else if (next == '!') {
		take_declaration(t, all, token);
	} else if (next == '?') {
		token->kind = HTML_COMMENT;
		take_until(all, 1, ">", token);
	} else if (next == '/' && all.n > 2 && is_letter(all.p[2])) {
		take_tag(t, 2, token);
	} else if (next == '/' && all.n > 2) {
		token->kind = HTML_COMMENT; /* "</>" is nothing: an empty one */
		take_until(all, 2, ">", token);
	} else {
		return false;
	}
	return true;
}

static bool begins_markup(struct text t, size_t at)
{
	char next = at + 1 < t.n ? t.p[at + 1] : '\0';

	return is_letter(next) || next == '!' || next == '?' || (next == '/' && at + 2 < t.n);
}

static size_t text_end(struct text t)
{
	size_t at = 0;

	while (at < t.n) {
		at += text_find_byte(text_skip(t, at), '<');
		if (at >= t.n || begins_markup(t, at))
			break;
		at++;
	}
	return at < t.n ? at : t.n;
}

/* Does "</name" stand at t[at], with an end behind it? */
static bool is_end_tag(struct text t, size_t at, struct text name)
{
	struct text tag = text_skip(t, at + 1);

	return tag.n > name.n && tag.p[0] == '/' && text_has_prefix_nocase(text_skip(tag, 1), name) &&
	       ends_name(tag, name.n + 1);
}

static size_t raw_end(struct text t, struct text name)
{
	size_t at = 0;

	while (at < t.n) {
		at += text_find_byte(text_skip(t, at), '<');
		if (at >= t.n || is_end_tag(t, at, name))
			break;
		at++;
	}
	return at < t.n ? at : t.n;
}

/* A script within a comment may hold scripts. WHATWG HTML 13.2.5.15 to 31 */
enum script_state { SCRIPT_PLAIN, SCRIPT_ESCAPED, SCRIPT_TWICE };

/* The state behind the byte at t[at]; *from is where the last "<!--" has its dashes. */
static enum script_state script_step(struct text t, size_t at, enum script_state state, size_t *from)
{
	static const struct text open = TEXT("<!--"), close = TEXT("-->"), script = TEXT("<script");
	struct text here = text_skip(t, at);

	if (state == SCRIPT_PLAIN && text_has_prefix(here, open)) {
		*from = at + 2;
		return SCRIPT_ESCAPED;
	}
	if (state != SCRIPT_PLAIN && at >= *from && text_has_prefix(here, close))
		return SCRIPT_PLAIN;
	if (state == SCRIPT_ESCAPED && text_has_prefix_nocase(here, script) && ends_name(here, script.n))
		return SCRIPT_TWICE;
	if (state == SCRIPT_TWICE && is_end_tag(t, at, text_skip(script, 1)))
		return SCRIPT_ESCAPED;
	return state;
}

static size_t script_end(struct text t, struct text name)
{
	enum script_state state = SCRIPT_PLAIN;
	size_t from = 0;

	for (size_t at = 0; at < t.n; at++) {
		if (t.p[at] != '<' && t.p[at] != '-')
			continue;
		if (state != SCRIPT_TWICE && t.p[at] == '<' && is_end_tag(t, at, name))
			return at;
		state = script_step(t, at, state, &from);
	}
	return t.n;
}

/* The text of an element that holds nothing else. */
static bool take_content(struct html_tokenizer *t, struct html_token *token)
{
	struct text all = text_skip(t->page, t->at);
	size_t n = all.n;

	if (t->text_element == HTML_SCRIPT)
		n = script_end(all, t->text_until);
	else if (t->text_element != HTML_PLAINTEXT)
		n = raw_end(all, t->text_until);
	token->kind = HTML_TEXT;
	token->element = t->text_element;
	token->decode =
		html_element_flags(t->text_element) & HTML_FLAG_RCDATA ? HTML_DECODE_RCDATA : HTML_DECODE_RAW;
	token->text = token->raw = text_slice(all, 0, n);
	t->text_until.n = 0;
	return n > 0;
}

bool html_token_next(struct html_tokenizer *t, struct html_token *ret_token)
{
	struct text all;

	*ret_token = (struct html_token){ 0 };
	if (t->text_until.n && take_content(t, ret_token)) {
		t->at += ret_token->raw.n;
		return true;
	}
	*ret_token = (struct html_token){ 0 };
	if (t->at >= t->page.n)
		return false;
	all = text_skip(t->page, t->at);
	if (all.p[0] != '<' || !take_markup(t, ret_token)) {
		ret_token->kind = HTML_TEXT;
		ret_token->text = ret_token->raw = text_slice(all, 0, text_end(all));
	}
	ASSERT(ret_token->raw.n > 0);
	t->at += ret_token->raw.n;
	return true;
}
