/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_structure - what a part is by its header: signed, encrypted, a report. For mime_part.c.
 */
#ifndef PROTO_MIME_STRUCTURE_H
#define PROTO_MIME_STRUCTURE_H

#include "proto/mime_part.h"

/* Sets facts by what mime_entity_read found. */
void mime_structure_survey(struct mime_part *part);

#endif
