/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_part - a message as the list of its parts. rfc2045, rfc2046 5.1 and 5.2
 *
 * The list holds every part in the order of the text, a multipart before its children. The first
 * reading, way 0 all along, is the one of the standards and of most mail programs. Where others read
 * otherwise, their reading is in the list too, as further ways of the part, and `reasons` says why:
 * two boundaries give two sets of children, a tree under base64 is read decoded and as it stands, what
 * looks like a part in a preamble or behind the end is read as one. So the bytes of the list overlap; a
 * scanner looks at all of them, under every encoding that the part names, and what is bad in any is
 * bad. All within struct mime_limits: when one is met, ret->trouble says which, and the list holds what
 * was read up to there.
 *
 * Views point into the message or into the arena. Nothing is decoded except trees under an encoding;
 * mime_part_decode (mime_content.h) gives the content of a part.
 */
#ifndef PROTO_MIME_PART_H
#define PROTO_MIME_PART_H

#include "base/arena.h"
#include "base/buf.h"
#include "proto/mime_limits.h"

enum mime_kind {
	MIME_LEAF,      /* content for a person or a program */
	MIME_MULTIPART, /* its children follow */
	MIME_MESSAGE,   /* message/rfc822 and its kind: the message follows as its child */
	MIME_GAP,       /* preamble, epilogue or other bytes outside of the parts: no header */
	MIME_FILE,      /* a file that was encoded within the text of its parent: no header */
};

/* What a reader does to a body to get its content. */
enum mime_encoding {
	MIME_IDENTITY, /* 7bit, 8bit, binary or none named */
	MIME_BASE64,   /* junk passed over; padding ends a group, and decoding goes on behind it */
	MIME_QUOTED_PRINTABLE,
	MIME_UUENCODE,
	MIME_YENC,
	MIME_BASE64_TO_PADDING, /* up to the first padding */
	MIME_BASE64_RUN_ON,     /* padding passed over as any junk */
	MIME_BASE64_TO_JUNK,    /* up to the first junk */
	MIME_BASE64_URL,        /* with '-' and '_' as digits */
	MIME_ENCODING_COUNT
};

enum mime_name_source { MIME_NAME_FILENAME, MIME_NAME_NAME, MIME_NAME_WITHIN };

/* One of the names that an attachment is given. */
struct mime_name {
	struct mime_name *next;
	enum mime_name_source source; /* the parameter; WITHIN: the encoded file itself */
	bool is_extended;             /* by rfc2231: bytes of `charset`; otherwise perhaps encoded words */
	struct text charset;
	struct text raw; /* unquoted, sections joined, not converted */
};

enum mime_disposition { MIME_DISPOSITION_NONE, MIME_DISPOSITION_INLINE, MIME_DISPOSITION_ATTACHMENT };

/* What a tree or a part is beside its content; a set. FACT(NAME, "is_word", "meaning"). */
enum mime_fact_bit {
#define FACT(name, word, text) MIME_FACT_BIT_##name,
#include "proto/mime_facts.def"
#undef FACT
	MIME_FACT_COUNT
};

enum mime_fact {
#define FACT(name, word, text) MIME_FACT_##name = 1 << MIME_FACT_BIT_##name,
#include "proto/mime_facts.def"
#undef FACT
};

const char *mime_fact_word(enum mime_fact_bit bit);

struct mime_part {
	struct mime_part *next;   /* in the list */
	struct mime_part *parent; /* NULL: the message itself */
	unsigned depth;           /* 0: the message itself */
	unsigned way;             /* which reading of its parent it belongs to; 0: the first */
	unsigned n_ways;          /* readings of this one */
	enum mime_kind kind;
	enum mime_encoding encoding; /* of the first reading */
	unsigned encodings;          /* bit per mime_encoding that some reader would undo; IDENTITY always */
	unsigned defects;            /* MIME_DEFECT_ */
	unsigned reasons;            /* MIME_REASON_: why it has more than one reading */
	unsigned facts;              /* MIME_FACT_ */
	struct text header, body;
	struct text type, subtype;         /* of the first Content-Type; empty: none */
	struct text other_type;            /* "type/subtype" of one that differs; empty: none */
	struct text charset;               /* as written; empty: none */
	struct text name;                  /* the raw text of the first name */
	struct mime_name *names;           /* what most readers show first; NULL: none */
	enum mime_disposition disposition; /* of the first Content-Disposition */
	bool is_attachment;                /* some Content-Disposition says so */
	bool is_digest_child;              /* without a type it is message/rfc822: rfc2046 5.1.5 */
	struct text delimiter;             /* the boundary that cut it out of its parent; empty: none */
};

struct mime_tree {
	struct mime_part *first, *last;
	size_t n_parts;
	unsigned defects, reasons, facts; /* of all parts together */
	size_t work;                      /* bytes looked at, each time anew: what reading cost */
	enum mime_trouble trouble;
};

/* Reads a whole message. The arena's maximum counts as limits->memory does: MIME_TROUBLE_MEMORY. */
void mime_tree_read(struct text message, const struct mime_limits *limits, struct arena *arena,
		    struct mime_tree *ret_tree);

/* Is there more than one reading? */
bool mime_tree_is_ambiguous(const struct mime_tree *tree);

/* The type that counts, with the default where none is named: "text", "plain". rfc2045 5.2 */
void mime_part_type(const struct mime_part *part, struct text *ret_type, struct text *ret_subtype);
/* Text for people: also a multipart in which no part was found. */
bool mime_part_is_text(const struct mime_part *part);
/* The part and all around it belong to the first reading. */
bool mime_part_is_first(const struct mime_part *part);

#endif
