/* SPDX-License-Identifier: Apache-2.0
 *
 * dkim_canon - the forms in which a header field and a body are signed. rfc6376 3.4
 *
 * Knows nothing of signatures: DKIM, ARC and whatever comes after them put what they sign through it.
 *
 * A line ends with CRLF and with nothing else. A CR or LF that stands alone is an ordinary byte, of the body
 * as of a field, in both forms: a message that is kept with bare LF is converted before it gets here, or its
 * hashes are not those of the signer. White space is SP and HTAB.
 *
 * A body comes in pieces, cut anywhere, and goes out in pieces to a sink. The sink sees the exact bytes to be
 * hashed, in order, and no empty piece.
 *
 *	dkim_body_init(&b, DKIM_CANON_RELAXED, put, context);
 *	dkim_body_add(&b, piece);
 *	dkim_body_end(&b);
 */
#ifndef PROTO_DKIM_CANON_H
#define PROTO_DKIM_CANON_H

#include "base/buf.h"

enum dkim_canon { DKIM_CANON_SIMPLE, DKIM_CANON_RELAXED, DKIM_CANON_COUNT };

const char *dkim_canon_word(enum dkim_canon canon); /* "relaxed" */

/* The value of c=: "simple", "relaxed/simple"; one word leaves the body simple. False: none that we know.
 * rfc6376 3.5 */
bool dkim_canon_parse(struct text value, enum dkim_canon *ret_header, enum dkim_canon *ret_body);

/* One field, with its name, with or without its last CRLF; the form is added with a CRLF. simple: as it is.
 * relaxed: lower-case name, unfolded, white space reduced to one SP and cut at both ends of the value.
 * rfc6376 3.4.1 and 3.4.2. False: out is full. */
bool dkim_canon_field(enum dkim_canon canon, struct text field, struct buf *out);

/* The same without a stretch of the field (the value of b=) and without the CRLF: the last piece of what a
 * signature covers, its own field. rfc6376 3.7 */
bool dkim_canon_field_without(enum dkim_canon canon, struct text field, struct text stretch, struct buf *out);

#define DKIM_BODY_STAGE 4096

struct dkim_body {
	enum dkim_canon canon;
	void (*put)(void *context, struct text bytes);
	void *context;
	uint64_t n_blank_lines; /* CRLF held back: they count only when something follows */
	bool has_cr;            /* a CR held back, the last byte of the piece before */
	bool has_space;         /* relaxed: white space held back, it counts only within a line */
	bool has_space_cr;      /* relaxed: and a CR behind it */
	bool has_content;       /* something has been put */
	size_t n_staged;
	char stage[DKIM_BODY_STAGE]; /* relaxed: bytes on their way to the sink */
};

void dkim_body_init(struct dkim_body *b, enum dkim_canon canon, void (*put)(void *context, struct text bytes),
		    void *context);
void dkim_body_add(struct dkim_body *b, struct text piece);
/* The last line gets its CRLF; an empty body is CRLF in the simple form and nothing in the relaxed one.
 * rfc6376 3.4.3 and 3.4.4 */
void dkim_body_end(struct dkim_body *b);

#endif
