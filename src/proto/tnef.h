/* SPDX-License-Identifier: Apache-2.0
 *
 * tnef - winmail.dat: the files and texts within application/ms-tnef ([MS-OXTNEF], [MS-OXCMSG]).
 *
 * Gives what a program that reads TNEF would show, as a flat list of views into the file: the text, the
 * HTML and the compressed RTF of the message, its attachments, and the messages within it, with theirs,
 * each behind the message that holds it. Attachments are found by both ways of storing them: attributes
 * of their own and MAPI properties. What is cut short is given as far as it is there. Linear in the file
 * times the depth.
 */
#ifndef PROTO_TNEF_H
#define PROTO_TNEF_H

#include "base/arena.h"

struct tnef_limits {
	size_t items;   /* in all */
	unsigned depth; /* messages within each other */
};

enum tnef_kind {
	TNEF_MESSAGE,    /* the file itself, or one within: its items follow */
	TNEF_TEXT,       /* plain text, in `charset` */
	TNEF_HTML,       /* in `charset`, unless it says otherwise itself */
	TNEF_RTF,        /* compressed: lzfu_decompress of lzfu.h */
	TNEF_ATTACHMENT, /* a file */
	TNEF_OBJECT,     /* a file that is an OLE object */
};

/* Bytes in a character set of charset.h. */
struct tnef_text {
	struct text bytes, charset;
};

/* The names of an attachment, in the order in which readers prefer them. */
enum tnef_name {
	TNEF_NAME_LONG,      /* PR_ATTACH_LONG_FILENAME */
	TNEF_NAME_SHORT,     /* PR_ATTACH_FILENAME */
	TNEF_NAME_TRANSPORT, /* attAttachTransportFilename */
	TNEF_NAME_TITLE,     /* attAttachTitle */
	TNEF_NAME_DISPLAY,   /* PR_DISPLAY_NAME */
	TNEF_NAME_COUNT
};

struct tnef_item {
	struct tnef_item *next;
	struct tnef_item *parent; /* a message; NULL for the file itself */
	unsigned depth;           /* of its message, from 0 */
	enum tnef_kind kind;
	struct text data, charset;
	struct tnef_text names[TNEF_NAME_COUNT]; /* empty: not there */
	struct tnef_text media_type, content_id;
};

enum tnef_defect {
	TNEF_DEFECT_CUT = 1 << 0,      /* ends within an attribute or property */
	TNEF_DEFECT_CHECKSUM = 1 << 1, /* an attribute has another sum than it says */
	TNEF_DEFECT_PROPERTY = 1 << 2, /* a property of no type that exists: those behind it are not read */
};

struct tnef {
	struct tnef_item *first, *last;
	size_t n_items;
	unsigned defects;
	bool is_limited; /* a limit was met, the arena's too: not all is there */
};

/* False when it is no TNEF at all. */
bool tnef_read(struct text file, const struct tnef_limits *limits, struct arena *arena,
	       struct tnef *ret_tnef);

#endif
