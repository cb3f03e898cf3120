/* SPDX-License-Identifier: Apache-2.0
 *
 * html_entry - the list of open elements behind html_stack.h. Private to html_stack.c.
 *
 * Places count from 1, the outermost; 0 is none.
 */
#ifndef JUDGE_HTML_ENTRY_H
#define JUDGE_HTML_ENTRY_H

#include "judge/html_stack.h"

struct html_entry {
	enum html_element element;
	size_t below; /* the next of the same element, further out */
	size_t scope; /* the innermost element of HTML_FLAG_SCOPE up to this one */
	size_t table; /* the innermost <table> or <template> up to this one */
	size_t block; /* the innermost element of HTML_FLAG_SPECIAL up to this one */
	bool is_foreign;
	bool has_values; /* something was set; else the style is that of the entry before */
	bool is_dead;    /* ended before what is open inside it: in no list, sets nothing */
	bool is_pending; /* to be opened again before the next text or inline element */
	struct html_style style;
	struct html_value values[HTML_PROPERTY_COUNT];
};

#define HTML_ROW_PARTS 6
/* What of a table stands around its cells. */
extern const enum html_element html_entry_row_parts[HTML_ROW_PARTS];
bool html_entry_is_row_part(enum html_element element);
bool html_entry_is_table_part(enum html_element element);

struct html_entry *html_entry_at(const struct html_stack *stack, size_t place);
/* Room for one more; false: the stack is full. */
bool html_entry_grow(struct html_stack *stack);
/* The style that an element or text (HTML_OTHER) gets from the innermost n. */
const struct html_style *html_entry_style_around(const struct html_stack *stack, size_t n,
						 enum html_element element);
/* Links the entry at the top into the lists, and computes its style; the rest of it is set. */
void html_entry_link(struct html_stack *stack);
void html_entry_pop(struct html_stack *stack);

/* Closes the elements from place on; of those from first_kept on the innermost formatting ones open again. */
void html_entry_close_keeping(struct html_stack *stack, size_t place, size_t first_kept);
/* Closes the element at place with all inside; formatting goes on unless the element ends that too. */
void html_entry_close(struct html_stack *stack, size_t place);
/* Closes the formatting element at place, not the blocks inside. */
void html_entry_close_formatting(struct html_stack *stack, size_t place);
/* Formatting that is to be opened again goes on within the element that has just been opened. */
void html_entry_move_formatting(struct html_stack *stack);
/* Opens an element that the page does not name. */
void html_entry_open_implied(struct html_stack *stack, enum html_element element);

#endif
