/* SPDX-License-Identifier: Apache-2.0
 *
 * angle_list - what stands in angle brackets in a field: message ids (rfc5322 3.6.4 and 4.5.4), and the
 * URLs of List-Unsubscribe and its kind (rfc2369 2).
 *
 * Comments and phrases outside of the brackets are passed over. A field without any bracket gives its
 * words instead, as readers do. A bracket that is not closed ends at the next one or with the field.
 * Blanks within are left out; so are comments within ids. Linear.
 */
#ifndef PROTO_ANGLE_LIST_H
#define PROTO_ANGLE_LIST_H

#include "base/arena.h"

enum angle_kind { ANGLE_IDS, ANGLE_URLS };

struct angle_item {
	struct angle_item *next;
	struct text text; /* not empty; a view into the field, or into the arena */
};

struct angle_list {
	struct angle_item *first, *last;
	size_t n_items;
	bool has_words; /* without brackets */
	bool is_open;   /* a bracket was not closed */
};

/* The body of a field. False when there are more than max_items, or the arena is full: the list holds
 * those up to there. */
bool angle_list_parse(struct text body, enum angle_kind kind, size_t max_items, struct arena *arena,
		      struct angle_list *ret_list);

#endif
