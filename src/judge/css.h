/* SPDX-License-Identifier: Apache-2.0
 *
 * css - style sheets as rules, and rules as declarations. CSS Syntax 3
 *
 * Reads what strangers wrote as browsers would; nothing fails, and every byte is looked at a fixed number of
 * times. Views point into the text; a declaration is copied, in the form in which it can be compared.
 */
#ifndef JUDGE_CSS_H
#define JUDGE_CSS_H

#include "base/text.h"

#define CSS_NAME_MAX  32
#define CSS_VALUE_MAX 512

/* "name: value !important". Lower case, escapes undone, a comment is a blank, blanks are one each. A name or
 * value that is longer than its array is cut: none that matters is. */
struct css_declaration {
	char name_bytes[CSS_NAME_MAX];
	char value_bytes[CSS_VALUE_MAX];
	struct text name, value;
	struct text raw; /* the value as written */
	bool is_important;
};

/* The first of *rest, which is cut off from it: of a style attribute, or of the block of a rule. False when
 * there is none left. */
bool css_declaration_next(struct text *rest, struct css_declaration *ret_declaration);

/* "prelude { block }", or "@name prelude;". */
struct css_rule {
	struct text at_name; /* "media"; empty: a style rule */
	struct text prelude; /* selectors, or what stands behind the name */
	struct text block;   /* between the braces; empty: none */
};

bool css_rule_next(struct text *rest, struct css_rule *ret_rule);

/* The next word of a value: what blanks and commas divide outside of brackets and strings. */
bool css_word_next(struct text *rest, struct text *ret_word);

/* The address of the next "url(...)" in a value as written, without its quotes; *rest is cut. */
bool css_url_next(struct text *rest, struct text *ret_url);
/* The address behind @import; false: there is none. */
bool css_import_url(struct text prelude, struct text *ret_url);

#endif
