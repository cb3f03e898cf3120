/* SPDX-License-Identifier: Apache-2.0
 *
 * field_kind - which grammar the body of a header field has, by the field's name, and so who reads it.
 */
#ifndef PROTO_FIELD_KIND_H
#define PROTO_FIELD_KIND_H

#include "base/text.h"

enum field_kind {
	FIELD_TEXT,      /* encoded_word_decode_text; every field that is not known */
	FIELD_ADDRESSES, /* address_list_parse */
	FIELD_DATE,      /* mail_date_parse */
	FIELD_IDS,       /* angle_list_parse, ANGLE_IDS */
	FIELD_URLS,      /* angle_list_parse, ANGLE_URLS */
	FIELD_PHRASES,   /* words between commas; each encoded_word_decode_text */
	FIELD_VALUE,     /* mime_value_parse */
	FIELD_TRACE,     /* Received: ends with ";" and a date */
	FIELD_RAW,       /* has a reader of its own, or none: no encoded words */
	FIELD_KIND_COUNT
};

enum field_kind field_kind_of(struct text name);
/* "text", "addresses", ...: for people and JSON. */
const char *field_kind_word(enum field_kind kind);

#endif
