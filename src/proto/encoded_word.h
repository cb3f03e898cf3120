/* SPDX-License-Identifier: Apache-2.0
 *
 * encoded_word - text of header fields, with its encoded words decoded, in UTF-8. rfc2047 2 and 6.2,
 * rfc2231 5, rfc6532 3.1
 *
 *	=?charset*language?Q?text?=   =?charset?B?text?=
 *
 * Reads as mail readers do rather than as the standard asks: words that touch other text, that hold
 * blanks or folds, that are too long, base64 without its padding are decoded too; each is a bit in the
 * defects, since readers differ there. Blanks between two words are dropped; words of one charset that
 * follow each other are joined as bytes before they are converted, so that a character that a sender
 * cut in two is whole again. Raw bytes above 0x7f are UTF-8, or windows-1252 where they are not.
 *
 * A fold, with the blanks around it, becomes one blank (rfc5322 2.2.3 would keep the blanks behind it;
 * no reader shows them). The body of a field is to be trimmed by the caller. Linear.
 */
#ifndef PROTO_ENCODED_WORD_H
#define PROTO_ENCODED_WORD_H

#include "proto/charset.h"

/* Beside those of charset.h. */
enum encoded_word_defect {
	ENCODED_WORD_DEFECT_GLUED = 1 << 4,   /* a word that touches other text or another word */
	ENCODED_WORD_DEFECT_BLANKS = 1 << 5,  /* blanks or a fold within a word */
	ENCODED_WORD_DEFECT_CODE = 1 << 6,    /* "=" without two digits, base64 cut short or with junk */
	ENCODED_WORD_DEFECT_CONTROL = 1 << 7, /* a word that gives NUL, CR, LF or another control character */
};

/* Adds the text of a field, a phrase or a comment to out. False when out is full: a part is then
 * missing. Not for addresses and other structure: what words decode to never has a meaning there. */
bool encoded_word_decode_text(struct charset_cache *cache, struct text in, struct buf *out,
			      unsigned *defects);

/* Is there anything that would be decoded as a word? */
bool encoded_word_is_in(struct text in);

#endif
