/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_part - a message as the list of its parts. rfc2045, rfc2046 5.1 and 5.2
 *
 * The list holds every part in the order of the text, a multipart before its children. What readers
 * take in different ways is there in every way: two boundaries give two sets of children (`way`), a
 * tree under base64 is read decoded and as it stands, preamble, epilogue and what follows a closing
 * delimiter are parts too. So the bytes of the list overlap; a scanner looks at all of them, and what
 * is bad in any is bad. All within struct mime_limits: when one is met, ret->trouble says which, and
 * the list holds what was read up to there.
 *
 * Views point into the message or into the arena. Nothing is decoded except trees under an encoding;
 * mime_part_decode gives the content of a part.
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
};

enum mime_encoding {
	MIME_IDENTITY, /* 7bit, 8bit, binary or none named */
	MIME_BASE64,
	MIME_QUOTED_PRINTABLE,
	MIME_UUENCODE,
	MIME_ENCODING_COUNT
};

struct mime_part {
	struct mime_part *next;   /* in the list */
	struct mime_part *parent; /* NULL: the message itself */
	unsigned depth;           /* 0: the message itself */
	unsigned way;             /* which reading of its parent it belongs to */
	unsigned n_ways;          /* readings of this one */
	enum mime_kind kind;
	unsigned encodings; /* bit per mime_encoding that some reader would undo; IDENTITY always */
	unsigned defects;
	struct text header, body;
	struct text type, subtype; /* of the first Content-Type; empty: none */
	struct text charset, name; /* name: filename or name parameter, encoded as it is */
	bool is_attachment;        /* Content-Disposition says so */
};

struct mime_tree {
	struct mime_part *first, *last;
	size_t n_parts;
	unsigned defects; /* of all parts together */
	enum mime_trouble trouble;
};

/* Reads a whole message. The arena's maximum counts: MIME_TROUBLE_MEMORY. */
void mime_tree_read(struct text message, const struct mime_limits *limits, struct arena *arena,
		    struct mime_tree *ret_tree);

/* Adds the body with this encoding undone to out; false when out is full. */
bool mime_part_decode(const struct mime_part *part, enum mime_encoding encoding, struct buf *out);

#endif
