/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect_field - fields of a header by their grammar, for `postern inspect`.
 */
#ifndef CLI_INSPECT_FIELD_H
#define CLI_INSPECT_FIELD_H

#include "cli/inspect.h"

enum inspect_field_sort {
	INSPECT_FIELD_TEXT,       /* unstructured, or not known here */
	INSPECT_FIELD_STRUCTURED, /* a value and parameters */
	INSPECT_FIELD_ADDRESSES,
	INSPECT_FIELD_DATE,
};

enum inspect_field_sort inspect_field_sort(struct text name);

/* The parameter in sections or percent-coded, as UTF-8; until the next call. */
bool inspect_join_param(struct inspect *in, const struct mime_value *v, struct text name,
			struct text *ret_text);
/* "addresses": [{name, address, group}] */
void inspect_add_addresses(struct inspect *in, struct json_writer *w, struct text body);
/* "date": "1997-11-21T09:55:06-06:00", or null */
void inspect_add_date(struct json_writer *w, struct text body);

#endif
