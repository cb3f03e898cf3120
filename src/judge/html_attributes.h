/* SPDX-License-Identifier: Apache-2.0
 *
 * html_attributes - the attributes of a tag that views of a page look at, by name.
 *
 * The first of several with one name counts, as in browsers. Values are as written: proto/html_reference.h
 * undoes references.
 */
#ifndef JUDGE_HTML_ATTRIBUTES_H
#define JUDGE_HTML_ATTRIBUTES_H

#include "proto/html_token.h"

enum html_attribute_id {
#define ATTRIBUTE(id, name) HTML_ATTRIBUTE_##id,
#include "judge/html_attributes.def"
#undef ATTRIBUTE
	HTML_ATTRIBUTE_COUNT
};

struct html_attributes {
	struct text values[HTML_ATTRIBUTE_COUNT];
	uint64_t has;      /* bit per attribute that is there */
	size_t n_handlers; /* attributes on... */
};

void html_attributes_read(const struct html_token *token, struct html_attributes *ret_attributes);
bool html_attributes_has(const struct html_attributes *attributes, enum html_attribute_id id);

#endif
