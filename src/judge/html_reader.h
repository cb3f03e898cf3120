/* SPDX-License-Identifier: Apache-2.0
 *
 * html_reader - what html_view.c, html_tags.c and html_script.c share while they read one page.
 *
 * Private to these three: html_view.c drives the tokenizer and writes the texts, html_tags.c takes links,
 * forms and images from start tags, html_script.c looks at programs.
 */
#ifndef JUDGE_HTML_READER_H
#define JUDGE_HTML_READER_H

#include "judge/html_stack.h"
#include "judge/html_view.h"

#define HTML_SHOWN_MAX 1024 /* bytes kept of what is shown for a link */

/* The <a> that is open. */
struct html_anchor {
	bool is_open, has_image;
	struct buf href, shown;
};

/* Where a text is written: what stands before it, and what is to come between. */
struct html_line {
	struct buf *out;
	unsigned breaks; /* line ends that are due */
	bool has_space;  /* a blank is due */
	bool has_tab;
};

struct html_reader {
	const struct html_source *source;
	const struct view_limits *limits;
	struct arena *arena;  /* for what is given back */
	struct arena scratch; /* for this page */
	struct links *links;
	struct html_view *view;
	struct html_sheet sheet;
	struct html_stack stack;
	struct html_attributes attributes; /* of the tag that is being read */
	struct html_line visible, hidden;
	struct html_anchor anchor;
	struct html_form *form, *last_form;
	struct html_data_uri *last_data_uri;
	size_t runs_cap;
	struct url base;
	struct buf text;         /* a text with its references undone */
	struct buf values;       /* the same of a tag's attributes */
	enum html_hidden around; /* how all is hidden that is read now, whatever its style */
	unsigned depth;          /* pages within pages */
	/* Between two letters of a word: what stood there since the last one. */
	bool has_letter_before;
	unsigned tags_between, comments_between;
	enum html_element opened; /* by the token before, without anything behind it yet */
};

/* How a text that stands here is hidden. */
enum html_hidden html_reader_hides(const struct html_reader *r);
/* Writes a text with its references undone. */
void html_reader_add(struct html_reader *r, struct text t, enum html_hidden how);
/* At least n line ends before what comes next. */
void html_reader_break(struct html_reader *r, unsigned n);
/* Reads a page that is part of this one, hidden as `how` says. */
void html_reader_nested(struct html_reader *r, struct text page, enum html_hidden how);

/* html_tags.c */
struct html_tag {
	const struct html_token *token;
	const struct html_attributes *attributes;
	const struct html_style *style; /* of the element itself */
};

void html_tags_start(struct html_reader *r, const struct html_tag *tag);
void html_tags_end(struct html_reader *r, enum html_element element);
/* At the end of the page: what is still open ends. */
void html_tags_finish(struct html_reader *r);
/* Links in a style sheet or style attribute. */
void html_tags_css(struct html_reader *r, struct text css);

/* html_script.c */
void html_script_read(struct text script, struct html_facts *facts);
/* Takes apart "data:type;base64,data"; false when it is none. */
bool html_data_uri_parse(struct text value, struct html_data_uri *ret_uri);

#endif
