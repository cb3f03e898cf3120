/* SPDX-License-Identifier: Apache-2.0
 *
 * tag_list - "name=value; name=value", as DKIM, ARC, DMARC and their records in the DNS are written.
 * rfc6376 3.2
 *
 * Views into the text; copies nothing. Names are case-sensitive. Folding white space is SP, HTAB, CR and LF,
 * also within a value, where whoever reads the value takes it out.
 */
#ifndef PROTO_TAG_LIST_H
#define PROTO_TAG_LIST_H

#include "base/arena.h"

#define TAG_LIST_MAX 64

struct tag {
	struct text name;
	struct text value; /* without white space at its ends */
	struct text all;   /* from behind "=" up to ";" or the end */
};

struct tag_list {
	struct tag tags[TAG_LIST_MAX];
	size_t n;
};

enum tag_list_state { TAG_LIST_OK, TAG_LIST_MALFORMED, TAG_LIST_DUPLICATE, TAG_LIST_TOO_MANY };

/* Also when it is not OK, the tags up to there are in the list. */
enum tag_list_state tag_list_parse(struct text t, struct tag_list *ret_list);
/* NULL: not there. */
const struct tag *tag_list_find(const struct tag_list *list, const char *name);

/* The next item of a list with `separator` between, white space taken off both ends; false at the end. An
 * empty item is given as the empty text. rest: the value at first. */
bool tag_value_next(struct text *rest, char separator, struct text *ret_item);
/* base64 with white space anywhere, and nothing else. Padding may be missing; what is there must be right.
 * False: malformed, or the arena is full. rfc6376 2.10 */
bool tag_value_base64(struct text value, struct arena *arena, struct text *ret_bytes);
/* dkim-quoted-printable, rfc6376 2.11. False: as above. */
bool tag_value_qp(struct text value, struct arena *arena, struct text *ret_text);

#endif
