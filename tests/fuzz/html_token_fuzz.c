/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a page of HTML as tokens. The first byte says when the page is in SVG. Checked beside memory
 * safety: tokens lie behind one another and make up the page, views lie within their token, decoding makes
 * nothing longer than it may.
 */
#include "base/ensure.h"
#include "judge/html_text.h"
#include "proto/html_token.h"

#define LONGER 3 /* times: a NUL becomes U+FFFD */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool lies_in(struct text t, struct text whole)
{
	return t.n == 0 || (t.p >= whole.p && t.p + t.n <= whole.p + whole.n);
}

static void check_decoding(struct text t, enum html_decode how)
{
	struct buf out;

	buf_init(&out, LONGER * t.n + HTML_REFERENCE_MAX);
	ASSERT(html_decode_add(t, how, &out));
	buf_done(&out);
}

static void check_token(const struct html_token *token)
{
	struct text rest = token->attributes;
	struct html_attribute attribute;

	ASSERT(lies_in(token->text, token->raw) && lies_in(token->name, token->raw));
	ASSERT(lies_in(token->attributes, token->raw));
	ASSERT(token->name.n > 0 || (token->kind != HTML_START && token->kind != HTML_END));
	if (token->kind == HTML_TEXT)
		check_decoding(token->text, token->decode);
	while (html_attribute_next(&rest, &attribute)) {
		ASSERT(attribute.name.n > 0);
		ASSERT(lies_in(attribute.name, token->raw) && lies_in(attribute.value, token->raw));
		check_decoding(attribute.value, HTML_DECODE_ATTRIBUTE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct html_tokenizer tokenizer;
	struct html_token token;
	struct text page;
	struct buf out;
	size_t at = 0, n_tokens = 0;

	if (n == 0)
		return 0;
	page = text_from_bytes(data + 1, n - 1);
	tokenizer = html_tokenizer_of(page);
	while (html_token_next(&tokenizer, &token)) {
		ASSERT(token.raw.p == page.p + at && token.raw.n > 0);
		at += token.raw.n;
		check_token(&token);
		tokenizer.is_foreign = data[0] && ++n_tokens % data[0] == 0;
	}
	ASSERT(at == page.n);
	buf_init(&out, LONGER * n);
	ASSERT(html_text_add(page, &out));
	buf_done(&out);
	return 0;
}
