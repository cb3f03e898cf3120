/* SPDX-License-Identifier: Apache-2.0
 *
 * mime_param - every value that a mail reader may take for one parameter of a field, such as the name of
 * a file. rfc2231 3 and 4
 *
 *	filename*=utf-8''a%20b.txt  filename*0=a; filename*1*=%20b.txt  filename="=?utf-8?Q?a_b.txt?="
 *
 * A parameter may be there in all these forms at once, several times, with sections missing or twice;
 * readers differ in which they take. The readings are given in the order in which most prefer them, each
 * only once.
 */
#ifndef PROTO_MIME_PARAM_H
#define PROTO_MIME_PARAM_H

#include "base/buf.h"
#include "proto/charset.h"
#include "proto/mime_value.h"

struct mime_reading {
	struct mime_reading *next;
	struct text raw;     /* unquoted, percent codes undone, sections joined; not converted */
	struct text charset; /* as named by rfc2231; empty: none */
	bool is_extended;    /* a part of it was percent-coded: no encoded words in it */
};

/* Whole extended values; sections from 0 on; the same with the later of two that have one number; those
 * that are there, though some are missing; plain values. False when the arena is full. The views are
 * within the arena or those of `value`. */
bool mime_param_readings(const struct mime_value *value, const char *name, struct arena *arena,
			 struct mime_reading **ret_first);

/* Adds a reading in UTF-8: by its charset, or with its encoded words decoded, which rfc2047 5 forbids and
 * every reader does. False when out is full. defects: of charset.h and encoded_word.h. */
bool mime_param_decode(const struct mime_reading *reading, struct charset_cache *cache, struct buf *out,
		       unsigned *defects);

#endif
