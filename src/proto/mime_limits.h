/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_limits - what a message may cost its reader, and the words for what is wrong with one.
 *
 * A trouble means that the message was not read to its end: it is unscannable, never clean. A defect
 * is something that mail readers take in different ways; the reader here follows every way.
 */
#ifndef PROTO_MIME_LIMITS_H
#define PROTO_MIME_LIMITS_H

#include <stddef.h>
#include <stdint.h>

struct mime_limits {
	size_t header_bytes; /* of one header */
	size_t header_fields;
	size_t params;     /* of one field */
	size_t boundaries; /* different ones that one part may name */
	unsigned depth;    /* multiparts and messages within each other */
	size_t parts;      /* in all */
	size_t decoded;    /* bytes that trees under an encoding decode to, in all */
	size_t work;       /* bytes looked at for boundaries, in all; 0: 64 times the message */
};

struct mime_limits mime_limits_default(void);

enum mime_trouble {
#define TROUBLE(name, word) MIME_TROUBLE_##name,
#include "proto/mime_troubles.def"
#undef TROUBLE
	MIME_TROUBLE_COUNT
};

/* For reports and logs. */
const char *mime_trouble_word(enum mime_trouble trouble);

enum mime_defect {
	MIME_DEFECT_JUNK_LINE = 1 << 0,       /* a header line that is no field */
	MIME_DEFECT_BLANK_LINE = 1 << 1,      /* a header line of blanks only */
	MIME_DEFECT_NO_HEADER_END = 1 << 2,   /* no empty line behind it */
	MIME_DEFECT_TWO_TYPES = 1 << 3,       /* Content-Type more than once */
	MIME_DEFECT_TWO_ENCODINGS = 1 << 4,   /* Content-Transfer-Encoding more than once */
	MIME_DEFECT_TWO_BOUNDARIES = 1 << 5,  /* different boundaries */
	MIME_DEFECT_NO_BOUNDARY = 1 << 6,     /* a multipart that names none, or whose none is there */
	MIME_DEFECT_NOT_CLOSED = 1 << 7,      /* no closing delimiter */
	MIME_DEFECT_AFTER_CLOSE = 1 << 8,     /* parts behind the closing delimiter */
	MIME_DEFECT_LONGER_BOUNDARY = 1 << 9, /* a line that only begins like the delimiter */
	MIME_DEFECT_ENCODED_TREE = 1 << 10,   /* a multipart or message under base64 or the like */
	MIME_DEFECT_UNKNOWN_ENCODING = 1 << 11,
	MIME_DEFECT_VALUE = 1 << 12, /* a structured field that is not well-formed */
};

#endif
