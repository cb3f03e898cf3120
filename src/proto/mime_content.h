/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_content - the content of a part, and what its bytes say about its readings.
 */
#ifndef PROTO_MIME_CONTENT_H
#define PROTO_MIME_CONTENT_H

#include "proto/mime_part.h"

/* Adds the body with this encoding undone to out; false when out is full. */
bool mime_part_decode(const struct mime_part *part, enum mime_encoding encoding, struct buf *out);
/* No body decodes to more than this. */
size_t mime_content_max(struct text body);

/* Looks at the body of a leaf under the encoding it names: sets reasons, defects and the encodings by
 * which other readers decode it. Linear. */
void mime_content_survey(struct mime_part *part);

/* What text outside of the parts looks like. */
struct mime_look {
	size_t field_at;  /* a line that is a field of MIME; SIZE_MAX: none */
	size_t base64_at; /* lines of base64; SIZE_MAX: none */
	bool has_code;    /* codes of quoted-printable */
	bool has_file;    /* a file in uuencode or yEnc begins */
};

struct mime_look mime_content_look(struct text t);
/* A line "Content-...:" or "MIME-Version:" at the start of t? */
bool mime_content_is_field(struct text t);

#endif
