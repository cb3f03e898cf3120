/* SPDX-License-Identifier: Apache-2.0
 *
 * view_message - the views of a whole message, from the list of its parts.
 *
 * Every text of every part, each under each encoding that a reader may undo, converted to UTF-8 by the
 * charset that the part names (a page without one: by the one that it names itself); and the fields of each
 * header of a message that may have URLs, decoded. source.part is the place of the part in the list, from 0.
 */
#ifndef JUDGE_VIEW_MESSAGE_H
#define JUDGE_VIEW_MESSAGE_H

#include "judge/view.h"
#include "proto/charset.h"
#include "proto/mime_part.h"

/* The view is initialised. Texts that had to be decoded are kept in its arena. */
void message_view_read(struct message_view *view, const struct mime_tree *tree,
		       const struct mime_limits *limits, struct charset_cache *charsets);

#endif
