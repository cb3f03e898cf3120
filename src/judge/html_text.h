/* SPDX-License-Identifier: Apache-2.0
 *
 * html_text - the text of an HTML page, as far as a search for words needs it.
 *
 * Tags and comments are left out without a blank in their place, so that a word that tags stand in is
 * one word; numeric and the most common named entities become their character in UTF-8. What is no
 * tag and no entity stays. No page is malformed. Linear; the output is never longer than the input.
 */
#ifndef JUDGE_HTML_TEXT_H
#define JUDGE_HTML_TEXT_H

#include "base/buf.h"

/* Adds the text to out; false when out is full. */
bool html_text_add(struct text html, struct buf *out);

#endif
