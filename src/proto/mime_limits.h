/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_limits - what a message may cost its reader, and the words for what is wrong with one.
 *
 * A trouble means that the message was not read to its end: it is unscannable, never clean. A reason
 * means that mail programs read it in different ways; the reader here follows every one. A defect is an
 * oddity that all read alike.
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
	size_t name_bytes; /* of the name of an attachment */
	unsigned depth;    /* multiparts and messages within each other */
	size_t parts;      /* in all */
	size_t decoded;    /* bytes that trees under an encoding decode to, in all */
	size_t ratio;      /* decoded bytes for one of the message, above one megabyte; 0: any */
	size_t memory;     /* of the arena, beside what is decoded into it */
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

enum mime_reason_bit {
#define REASON(name, word, section, text) MIME_REASON_BIT_##name,
#include "proto/mime_reasons.def"
#undef REASON
	MIME_REASON_COUNT
};

/* Why a message or part has more than one reading; a set of them. */
enum mime_reason {
#define REASON(name, word, section, text) MIME_REASON_##name = 1 << MIME_REASON_BIT_##name,
#include "proto/mime_reasons.def"
#undef REASON
};

struct mime_reason_row {
	const char *word;    /* "two-boundaries": for reports, settings and logs */
	const char *section; /* "rfc2046 5.1.1" */
	const char *text;    /* for people */
};

const struct mime_reason_row *mime_reason_at(enum mime_reason_bit bit);

enum mime_defect_bit {
#define DEFECT(name, word, section) MIME_DEFECT_BIT_##name,
#include "proto/mime_defects.def"
#undef DEFECT
	MIME_DEFECT_COUNT
};

enum mime_defect {
#define DEFECT(name, word, section) MIME_DEFECT_##name = 1 << MIME_DEFECT_BIT_##name,
#include "proto/mime_defects.def"
#undef DEFECT
};

const char *mime_defect_word(enum mime_defect_bit bit);
const char *mime_defect_section(enum mime_defect_bit bit);

#endif
