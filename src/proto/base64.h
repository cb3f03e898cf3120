/* SPDX-License-Identifier: Apache-2.0
 *
 * base64 - the encoding of rfc2045 6.8, read as the most tolerant mail reader would.
 *
 * Bytes outside of the alphabet are passed over, wherever they stand. Padding ends a group of four and
 * decoding goes on behind it, so that joined pieces are all read. A group cut short gives the whole
 * bytes that it holds. Nothing is malformed. The URL alphabet ('-', '_') is read as well.
 */
#ifndef PROTO_BASE64_H
#define PROTO_BASE64_H

#include "base/buf.h"

/* Carries a group over a cut; start with a zeroed one. */
struct base64_decoder {
	uint32_t bits;
	unsigned n_digits; /* 0..3 digits of the group are in bits */
};

/* Adds the decoded bytes of a piece to out; false when out has no room for three quarters of the piece
 * and six bytes more (out->overflow). */
bool base64_decode_piece(struct base64_decoder *d, struct text in, struct buf *out);
/* The last, cut short group. */
bool base64_decode_end(struct base64_decoder *d, struct buf *out);
/* All at once. */
bool base64_decode(struct text in, struct buf *out);

/* Lines of 76 characters with CRLF when is_mail, otherwise one line without an end; with padding. */
bool base64_encode(struct text in, bool is_mail, struct buf *out);

#endif
