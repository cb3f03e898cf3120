/* SPDX-License-Identifier: Apache-2.0
 *
 * quoted_printable - the encoding of rfc2045 6.7, read tolerantly.
 *
 * Lower-case digits count; an "=" that begins no code stays as it is; blanks at the end of a line are
 * dropped; a soft line break may have blanks before its line end and may end with a bare LF. Nothing
 * is malformed. The output is never longer than the input.
 */
#ifndef PROTO_QUOTED_PRINTABLE_H
#define PROTO_QUOTED_PRINTABLE_H

#include "base/buf.h"

/* Adds the decoded bytes to out; false when out is full (out->overflow). */
bool quoted_printable_decode(struct text in, struct buf *out);

/* How many "=" stand before a letter or digit and begin no code; ret_codes: how many begin a code or a
 * soft line break. */
size_t quoted_printable_count_junk(struct text in, size_t *ret_codes);

#endif
