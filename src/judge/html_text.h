/* SPDX-License-Identifier: Apache-2.0
 *
 * html_text - all letters of an HTML page in their order, for a search that must miss nothing.
 *
 * Every text of the page, visible or not, without a blank where a tag or comment stood: a word that tags
 * stand in is one word. Character references are undone. Scripts, style sheets and comments are left out,
 * since they hold no references and the page as it stands can be searched for them; a tag that the end of
 * the page cuts is text. What a reader sees is judge/html_view.h.
 */
#ifndef JUDGE_HTML_TEXT_H
#define JUDGE_HTML_TEXT_H

#include "base/buf.h"

/* Adds the text to out; false when out is full. */
bool html_text_add(struct text html, struct buf *out);

#endif
