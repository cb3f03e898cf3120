/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_files - files that are encoded within the content of a part: uuencode and yEnc in text, and what
 * winmail.dat holds. For mime_part.c.
 */
#ifndef PROTO_MIME_FILES_H
#define PROTO_MIME_FILES_H

#include "proto/mime_entity.h"

/* Adds a part of kind MIME_FILE below this leaf for each. */
void mime_files_read(struct mime_reader *r, struct mime_part *part);

#endif
