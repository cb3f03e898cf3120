/* SPDX-License-Identifier: Apache-2.0
 *
 * base64 - the encoding of rfc2045 6.8, read as the most tolerant mail reader would.
 *
 * Bytes outside of the alphabet are passed over, wherever they stand. A group cut short gives the whole
 * bytes that it holds. Nothing is malformed. What readers do at padding is told by the decoder. Where
 * the processor has AVX2, runs of digits are decoded 32 at a time; the result is the same.
 */
#ifndef PROTO_BASE64_H
#define PROTO_BASE64_H

#include "base/buf.h"

enum base64_end {
	BASE64_TO_THE_END, /* padding ends a group, decoding goes on behind it: joined pieces are all read */
	BASE64_TO_PADDING, /* the first padding ends all */
	BASE64_RUN_ON,     /* padding is passed over as any junk */
	BASE64_TO_JUNK,    /* the first byte that is neither digit, line end nor blank ends all */
};

/* Carries a group over a cut; start with a zeroed one, and set what differs. */
struct base64_decoder {
	enum base64_end end;
	bool is_url;   /* '-' and '_' are digits; rfc4648 5 */
	bool is_plain; /* do not use AVX2: for tests */
	bool is_done;  /* the end was there; what comes is passed over */
	uint32_t bits;
	unsigned n_digits; /* 0..3 digits of the group are in bits */
};

/* Adds the decoded bytes of a piece to out; false when out has no room for three quarters of the piece
 * and BASE64_SLACK bytes more (out->overflow). */
#define BASE64_SLACK 16
bool base64_decode_piece(struct base64_decoder *d, struct text in, struct buf *out);
/* The last, cut short group. */
bool base64_decode_end(struct base64_decoder *d, struct buf *out);
/* All at once. */
bool base64_decode(struct text in, struct buf *out);

/* What stands in a text that should be base64. */
struct base64_survey {
	bool has_junk;      /* bytes that are neither digits, padding, blanks nor line ends */
	bool has_url;       /* '-' or '_' among digits */
	bool has_inner_pad; /* digits behind padding */
	size_t tail_at;     /* where the digits behind padding begin, or the junk if that is first */
};

struct base64_survey base64_survey(struct text in);

/* Lines of 76 characters with CRLF when is_mail, otherwise one line without an end; with padding. */
bool base64_encode(struct text in, bool is_mail, struct buf *out);

#endif
