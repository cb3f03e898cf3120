/* SPDX-License-Identifier: Apache-2.0
 *
 * Puts the texts of a page behind one another. Called by engines in a message room, on a stranger's bytes.
 * Linear, by proto/html_token.h. Invariant: a text that is only in the page through its tags and references
 * is in the output, and nothing else is needed to find it.
 */
#include "judge/html_text.h"

#include "proto/html_token.h"

bool html_text_add(struct text html, struct buf *out)
{
	struct html_tokenizer tokenizer = html_tokenizer_of(html);
	struct html_token token;

	while (html_token_next(&tokenizer, &token)) {
		bool is_text = token.kind == HTML_TEXT && token.decode != HTML_DECODE_RAW;
		if ((is_text || token.kind == HTML_UNCLOSED) &&
		    !html_decode_add(token.text, HTML_DECODE_TEXT, out))
			return false;
	}
	return true;
}
