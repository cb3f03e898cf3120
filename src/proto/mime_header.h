/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_header - the header of a message or part, field by field, without copying. rfc5322 2.2
 * and 4.5
 *
 * Reads what strangers wrote as mail readers would: lines end with CRLF or a bare LF, a field runs on
 * over lines that begin with a blank, a line that is no field is passed over. The header ends with an
 * empty line or with the text. What readers disagree about is a bit in `defects` and never makes
 * reading fail: whoever must see all that any reader may take for the body looks from `junk_at` too.
 *
 *	struct mime_header_reader r = mime_header_reader_of(message, limits);
 *	while (mime_header_next(&r, &field))
 *		...
 *	if (r.trouble) ...unscannable...
 *	body = text_skip(message, r.at);
 */
#ifndef PROTO_MIME_HEADER_H
#define PROTO_MIME_HEADER_H

#include "base/text.h"
#include "proto/mime_limits.h"

struct mime_field {
	struct text raw;  /* all of it, with its last line end */
	struct text name; /* without blanks before the colon */
	struct text body; /* behind the colon: folded as received, without the last line end */
};

struct mime_header_reader {
	struct text text;
	size_t at; /* next byte to read; at the end: where the body begins */
	const struct mime_limits *limits;
	size_t n_fields;
	unsigned defects;          /* MIME_DEFECT_* */
	size_t junk_at;            /* where the body may begin for others; SIZE_MAX: nowhere */
	enum mime_trouble trouble; /* a limit was met; fields up to there were given */
	bool has_end;              /* the empty line was there */
	bool done;
};

struct mime_header_reader mime_header_reader_of(struct text t, const struct mime_limits *limits);
/* False at the end of the header and when a limit is met (r->trouble). */
bool mime_header_next(struct mime_header_reader *r, struct mime_field *ret_field);

#endif
