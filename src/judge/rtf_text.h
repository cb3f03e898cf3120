/* SPDX-License-Identifier: Apache-2.0
 *
 * rtf_text - the text of RTF, or the HTML that Outlook wrapped into it ([MS-OXRTFEX]).
 *
 * Bodies of winmail.dat and attachments of text/rtf are read so that words and links in them are found.
 * Font and color tables, pictures, styles and unknown destinations are left out; the instruction of a
 * field is not: the target of a hyperlink stands there. No RTF is malformed. Linear.
 */
#ifndef JUDGE_RTF_TEXT_H
#define JUDGE_RTF_TEXT_H

#include "base/buf.h"
#include "proto/charset.h"

struct rtf_facts {
	bool is_html;     /* what was added is HTML: "\fromhtml1" */
	bool has_objects; /* embedded objects, which were left out */
	bool is_deep;     /* groups nested deeper than are told apart */
};

/* Adds UTF-8 to out, at most three times the input; false when out is full, or when it is no RTF. */
bool rtf_text_add(struct text rtf, struct charset_cache *charsets, struct buf *out,
		  struct rtf_facts *ret_facts);

#endif
