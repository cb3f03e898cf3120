/* SPDX-License-Identifier: Apache-2.0
 *
 * html_stack - the elements that are open at a place of a page, each with its style. WHATWG HTML 13.2.6
 *
 * Elements open and close as browsers let them: a <p> ends where a block begins, a cell where the next one
 * does, an end tag closes what is open inside, or nothing when none of its name may be closed from here. A
 * formatting element (<b>, <font>) that ends too late or too early goes on as in browsers, of several the
 * innermost HTML_KEPT. What stands in a table outside of its cells has the style around the table. Each tag
 * takes a bounded number of steps, whatever stands in the page.
 */
#ifndef JUDGE_HTML_STACK_H
#define JUDGE_HTML_STACK_H

#include "judge/html_style.h"

#define HTML_KEPT 8

struct html_entry;

struct html_stack {
	struct html_entry *entries;
	struct html_names *names;
	size_t n, cap, max;
	size_t n_beyond;                 /* open elements that are not kept: the stack is full */
	size_t last[HTML_ELEMENT_COUNT]; /* places from 1; 0: not open */
	size_t n_open[HTML_ELEMENT_COUNT];
	struct html_sheet *sheet;
	struct arena *arena;
	struct html_style root;
	struct html_cascade cascade; /* of the element that is being opened */
	bool is_quirky;              /* no document type stood before the first tag: set by the caller */
	bool was_full;               /* max was met */
};

void html_stack_init(struct html_stack *stack, size_t max, struct html_sheet *sheet, struct arena *arena);

/* What the views know of a start tag, references undone. */
struct html_opening {
	const struct html_token *token;
	const struct html_attributes *attributes;
	struct text classes, id, style;
};

/* Opens an element and closes what it ends; *ret_style is its own. A void element is not kept open. */
void html_stack_open(struct html_stack *stack, const struct html_opening *opening,
		     struct html_style *ret_style);
/* False: there was nothing to close. */
bool html_stack_close(struct html_stack *stack, const struct html_token *token);

/* A text follows: formatting elements that go on behind what ended are open again. */
void html_stack_settle(struct html_stack *stack);
/* Closes all but the outermost n. */
void html_stack_cut(struct html_stack *stack, size_t n);

/* Of the innermost element. */
const struct html_style *html_stack_style(const struct html_stack *stack);
/* Is it one of SVG or MathML? For the tokenizer. */
bool html_stack_is_foreign(const struct html_stack *stack);

#endif
