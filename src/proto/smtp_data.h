/* SPDX-License-Identifier: Apache-2.0
 *
 * smtp_data - the filter that every message body passes on its way in. rfc5321 4.1.1.4 and 4.5.2.
 *
 * Fed with pieces of any length as they arrive, adds the cleaned bytes to a buffer. Only CRLF "."
 * CRLF ends a DATA (the CRLF of the DATA line counts); no other spelling does, in no mode: that is
 * the whole defence against smuggling. Dots are unstuffed only at the beginning of a line that
 * follows CRLF. What comes out does not depend on how the input was cut.
 *
 *	normalize  a bare CR or LF becomes CRLF, NUL bytes are dropped: what comes out is CRLF lines
 *	reject     one of them makes the message bad (`problem`); it is still read to its end
 *
 * Lines of the body have no limit. The output ends with CRLF unless it is empty.
 * After a problem nothing more comes out, and what came out is of no use.
 */
#ifndef PROTO_SMTP_DATA_H
#define PROTO_SMTP_DATA_H

#include "base/buf.h"

enum smtp_newlines { SMTP_NEWLINES_NORMALIZE, SMTP_NEWLINES_REJECT };

enum smtp_data_problem {
	SMTP_DATA_FINE,
	SMTP_DATA_BARE_NEWLINE,
	SMTP_DATA_NUL,
	SMTP_DATA_TOO_LARGE,
	SMTP_DATA_HEADER_TOO_LARGE,
};

enum smtp_data_at {                      /* where in a line the next byte stands */
		    SMTP_DATA_AT_START,  /* first of a line */
		    SMTP_DATA_AT_DOT,    /* after the dot that begins a line */
		    SMTP_DATA_AT_DOT_CR, /* after dot and CR */
		    SMTP_DATA_AT_TEXT,
		    SMTP_DATA_AT_CR, /* after a CR that is not written yet */
};

struct smtp_data {
	enum smtp_newlines newlines;
	bool has_dots; /* DATA; false for BDAT */
	uint64_t max_size;
	uint64_t max_header;

	bool is_done;                   /* CRLF.CRLF was seen */
	enum smtp_data_problem problem; /* the first */
	uint64_t read;                  /* bytes taken in, with stuffed dots and the end */
	uint64_t size;                  /* bytes given out */
	uint64_t lines;                 /* given out */
	uint64_t header_size;           /* of the header lines, without the empty line behind them */
	uint32_t hops;                  /* Received fields. rfc5321 6.3 */
	uint64_t bare_newlines;
	uint64_t nul_bytes;

	enum smtp_data_at at; /* the rest is the filter's own */
	bool is_in_body;
	uint64_t line_size; /* of the header line being watched, in bytes */
	uint64_t line_text; /* the same without CR */
	bool is_unended;    /* the last line given out has no newline yet */
	bool is_received;   /* it begins like a Received field so far */
};

void smtp_data_init(struct smtp_data *d, enum smtp_newlines newlines, bool has_dots, uint64_t max_size,
		    uint64_t max_header);

/* Takes bytes from in until all are taken or the end is seen; returns how many. `out` must have room
 * for 2 * in.n + 2 bytes (ASSERT). */
size_t smtp_data_feed(struct smtp_data *d, struct text in, struct buf *out);

/* The client has sent the last chunk (BDAT LAST): writes what was held back and closes the last line,
 * at most 4 bytes. */
void smtp_data_finish(struct smtp_data *d, struct buf *out);

#endif
