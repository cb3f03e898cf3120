/* SPDX-License-Identifier: Apache-2.0
 *
 * charset - text in one of the character sets of mail, to UTF-8. rfc2046 4.1.2, rfc2978 2.3
 *
 * Reads as mail readers do: a label counts whatever its case and punctuation, a small set is read as the
 * larger one that programs mean by it (iso-8859-1 as windows-1252, gb2312 as gb18030), and what the
 * label says is wrong is a bit in the defects and never makes reading fail. A broken sequence becomes
 * U+FFFD. Linear. No file is opened, ever: the converters are those within ICU's library.
 *
 * A charset_cache keeps converters open from one call to the next, since opening costs more than a
 * header's text; at most one per row of charset_converters.def, some kilobytes each. It belongs to its
 * caller, one per unit of work.
 */
#ifndef PROTO_CHARSET_H
#define PROTO_CHARSET_H

#include "base/buf.h"

enum charset_defect {
	CHARSET_DEFECT_UNKNOWN = 1 << 0, /* no such label: read as UTF-8 if it is that, else windows-1252 */
	CHARSET_DEFECT_BROKEN = 1 << 1,  /* something became U+FFFD */
};

struct charset_cache;

struct charset_cache *charset_cache_new(void);
void charset_cache_free(struct charset_cache *cache); /* NULL: nothing */

/* Adds the text in UTF-8 to out; an empty label is us-ascii (rfc2045 5.2), whose high bytes are read as
 * UTF-8 if they all are, else as windows-1252, without a defect. False when out is full, with as much
 * added as was decoded until then. `defects` gets bits added. A byte order mark at the start of UTF-8,
 * -16 and -32 is left out; UTF-16 without one is of the order that has more zero bytes in the high
 * places, big-endian if none (rfc2781 4.3). */
bool charset_decode(struct charset_cache *cache, struct text label, struct text bytes, struct buf *out,
		    unsigned *defects);

/* UTF-8, with U+FFFD for each broken sequence. rfc3629 */
bool charset_decode_utf8(struct text bytes, struct buf *out, unsigned *defects);

bool charset_is_known(struct text label);
/* Do both labels name the same set? Unknown labels: when equal but for case. */
bool charset_is_same(struct text a, struct text b);

#endif
