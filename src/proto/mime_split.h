/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_split - cuts the body of a multipart at the lines of one boundary. rfc2046 5.1.1
 *
 * Gives the pieces in order: parts, and the gaps around them (preamble, epilogue; one of blanks only
 * is left out, as is a part without a byte between two delimiters). A delimiter stands at the start of a
 *line, after CRLF or a bare LF, and may have blanks behind it; the line end before it belongs to it. Behind
 *the closing delimiter all is epilogue. A loose splitter takes lines that only begin with the delimiter,
 *lines that a bare CR begins, and goes on behind the closing delimiter, as some readers do.
 *
 *	struct mime_splitter s = mime_splitter_of(body, boundary, false);
 *	while (mime_split_next(&s, &piece))
 *		...
 */
#ifndef PROTO_MIME_SPLIT_H
#define PROTO_MIME_SPLIT_H

#include "base/text.h"
#include "proto/mime_limits.h"

#define MIME_LONGER_MAX 4

struct mime_splitter {
	struct text body, boundary;
	bool is_loose;
	bool ends_at_close; /* what stands behind belongs to a multipart around it */
	size_t at;          /* the start of the piece to come */
	bool in_part;       /* that piece is a part */
	bool is_closed;     /* a closing delimiter was there */
	bool done;
	size_t n_delimiters; /* seen so far */
	size_t n_looks;      /* places looked at: what cutting cost beside passing over the bytes */

	/* Complete at the end. */
	bool has_after_close; /* a delimiter behind the closing one */
	size_t close_at;      /* behind the first closing delimiter's line; SIZE_MAX: none */
	bool has_bare_cr;     /* a delimiter behind a bare CR */
	bool has_bare_lf;     /* a delimiter's line ends with a bare LF */
	struct text
		longer[MIME_LONGER_MAX]; /* different lines that only begin with the delimiter, from there */
	size_t n_longer;                 /* may be one more than kept */
};

struct mime_piece {
	struct text text;
	bool is_part;     /* otherwise a gap */
	bool is_followed; /* another part begins behind it */
};

/* Blanks at the end of the boundary do not count. */
struct mime_splitter mime_splitter_of(struct text body, struct text boundary, bool is_loose);
bool mime_split_next(struct mime_splitter *s, struct mime_piece *ret_piece);

/* The boundary that the first line of the form "--something" would be a delimiter of, for a multipart
 * that does not say. */
bool mime_split_guess(struct text body, struct text *ret_boundary);

#endif
