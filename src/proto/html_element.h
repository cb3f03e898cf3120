/* SPDX-License-Identifier: Apache-2.0
 *
 * html_element - the elements of HTML by name, and how each is read. One row each: html_element.def.
 */
#ifndef PROTO_HTML_ELEMENT_H
#define PROTO_HTML_ELEMENT_H

#include "base/text.h"

enum html_element {
	HTML_OTHER, /* a name that the table does not have */
#define ELEMENT(id, name, flags) HTML_##id,
#include "proto/html_element.def"
#undef ELEMENT
	HTML_ELEMENT_COUNT
};

enum html_element_flag {
	HTML_FLAG_NONE = 0,
	HTML_FLAG_VOID = 1 << 0,
	HTML_FLAG_RAW = 1 << 1,
	HTML_FLAG_RCDATA = 1 << 2,
	HTML_FLAG_SPECIAL = 1 << 3,
	HTML_FLAG_FORMATTING = 1 << 4,
	HTML_FLAG_BREAKOUT = 1 << 5,
	HTML_FLAG_BLOCK = 1 << 6,
	HTML_FLAG_PARAGRAPH = 1 << 7,
	HTML_FLAG_ENDS_P = 1 << 8,
	HTML_FLAG_SCOPE = 1 << 9,
};

/* ASCII case does not matter. */
enum html_element html_element_find(struct text name);
/* Bits of HTML_FLAG_*. */
unsigned html_element_flags(enum html_element element);
/* In lower case; "" for HTML_OTHER. */
const char *html_element_name(enum html_element element);

#endif
