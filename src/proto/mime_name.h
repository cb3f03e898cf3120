/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_name - the names that a part is given, as a person would read them, and whether they agree.
 */
#ifndef PROTO_MIME_NAME_H
#define PROTO_MIME_NAME_H

#include "proto/charset.h"
#include "proto/mime_part.h"

/* Adds a name in UTF-8 to out; false when out is full. */
bool mime_name_decode(const struct mime_name *name, struct charset_cache *cache, struct buf *out);

/* Sets NAMES_DIFFER where the names end in different types of file, or its harmless kind. A detached
 * signature is never opened by its name. */
void mime_name_compare(struct mime_part *part);

#endif
