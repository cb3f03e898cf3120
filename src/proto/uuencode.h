/* SPDX-License-Identifier: Apache-2.0
 *
 * uuencode - files in the text of a body: "begin 644 name" ... "end", and "begin-base64 644 name" ...
 * "====". (POSIX, uuencode; there is no RFC.)
 *
 * Mail readers show such files as attachments whatever the MIME headers say, so a scanner looks for
 * them in every text.
 */
#ifndef PROTO_UUENCODE_H
#define PROTO_UUENCODE_H

#include "base/buf.h"

struct uuencode_file {
	struct text name;  /* as written, may be anything */
	struct text lines; /* the encoded lines, without begin and end */
	bool is_base64;
	bool is_open; /* no end line was there */
};

/* The next block at or behind *at, which is moved to its end. False when there is none. A block ends
 * at its end line, at the next begin line or with the text. */
bool uuencode_find(struct text body, size_t *at, struct uuencode_file *ret_file);
/* Adds the decoded bytes to out; false when out is full. Lines that cannot be of the encoding are
 * passed over; the last group of a short one is filled up with zero bits. */
bool uuencode_decode(const struct uuencode_file *file, struct buf *out);

#endif
