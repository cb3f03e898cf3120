/* SPDX-License-Identifier: Apache-2.0
 *
 * html_token - a page of HTML as tags, texts and comments, in the way of browsers. WHATWG HTML 13.2.5
 *
 * Nothing fails: every text is a page. Each call gives the next token, a view of the text; nothing is
 * copied or decoded (proto/html_reference.h does that), and no memory is used. Every byte is looked at a
 * fixed number of times.
 *
 *	struct html_tokenizer t = html_tokenizer_of(text);
 *	while (html_token_next(&t, &token))
 *		...
 *
 * Programs do not run, so <noscript> holds tags like any element. What the tree of the page decides in
 * browsers is the caller's: t.is_foreign, while an element of SVG or MathML is the one open.
 */
#ifndef PROTO_HTML_TOKEN_H
#define PROTO_HTML_TOKEN_H

#include "proto/html_element.h"
#include "proto/html_reference.h"

enum html_token_kind {
	HTML_TEXT,     /* text: between tags; how to decode it is in `decode` */
	HTML_START,    /* name, attributes */
	HTML_END,      /* name */
	HTML_COMMENT,  /* text: what stands inside; also of <! > and <? > */
	HTML_DOCTYPE,  /* text: what stands behind the word */
	HTML_UNCLOSED, /* text: a tag that the end of the page cuts; browsers drop it */
};

struct html_token {
	enum html_token_kind kind;
	struct text raw;  /* as it stands in the page, all of it */
	struct text text; /* see the kinds */
	enum html_decode decode;
	/* Of HTML_START and HTML_END; of HTML_TEXT the element whose content is text alone (HTML_STYLE),
	 * HTML_OTHER: none. */
	enum html_element element;
	struct text name;       /* as written, in any case */
	struct text attributes; /* behind the name, without the last '>': for html_attribute_next */
	bool is_self_closing;
};

struct html_tokenizer {
	struct text page;
	size_t at;
	struct text text_until; /* name of the open element that holds text alone; empty: none */
	enum html_element text_element;
	bool is_foreign; /* set by the caller after each tag */
};

struct html_tokenizer html_tokenizer_of(struct text page);
/* False at the end of the page. */
bool html_token_next(struct html_tokenizer *t, struct html_token *ret_token);

struct html_attribute {
	struct text name;  /* as written, in any case */
	struct text value; /* without its quotes, references not undone; empty: none */
};

/* The first attribute of *rest, which is cut off from it. False when there is none left. Of attributes
 * with the same name the first counts. */
bool html_attribute_next(struct text *rest, struct html_attribute *ret_attribute);

#endif
