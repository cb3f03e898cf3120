/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints pages as tokens, for suites that compare them with other programs'. Standard input holds pages, each
 * behind a line with its length in bytes; standard output has one line of JSON for each:
 *
 *	[["S", name, [[name, value], ...]], ["E", name], ["T", text], ["C", text], ["D", text]]
 *
 * Texts are decoded, those behind one another are one; what the end of the page cuts is left out, and so is
 *an end tag without a name, as browsers do. With --views a line holds what is visible, and what is hidden.
 */
#include "base/ensure.h"
#include "judge/view.h"
#include "proto/html_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_MAX ((size_t)1 << 30)
#define MEMORY  ((size_t)256 << 20)

static void add_json(struct buf *out, struct text t)
{
	buf_add_byte(out, '"');
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\u%04x", c);
		else
			buf_add_byte(out, (char)c);
	}
	buf_add_byte(out, '"');
}

static void add_lower(struct buf *out, struct text name)
{
	struct buf lower;

	buf_init(&lower, name.n);
	for (size_t i = 0; i < name.n; i++)
		buf_add_byte(&lower, text_lower_byte(name.p[i]));
	add_json(out, buf_text(&lower));
	buf_done(&lower);
}

static void begin(struct buf *out, const char *kind)
{
	if (out->p[out->n - 1] != '[')
		buf_add_cstr(out, ", ");
	buf_printf(out, "[\"%s\", ", kind);
}

static void add_attributes(struct buf *out, struct text rest)
{
	struct html_attribute attribute;
	struct buf value;
	const char *between = "";

	buf_add_cstr(out, ", [");
	while (html_attribute_next(&rest, &attribute)) {
		buf_init(&value, 3 * attribute.value.n + HTML_REFERENCE_MAX);
		html_decode_add(attribute.value, HTML_DECODE_ATTRIBUTE, &value);
		buf_printf(out, "%s[", between);
		add_lower(out, attribute.name);
		buf_add_cstr(out, ", ");
		add_json(out, buf_text(&value));
		buf_add_byte(out, ']');
		between = ", ";
		buf_done(&value);
	}
	buf_add_byte(out, ']');
}

static void add_text(struct buf *out, struct buf *text)
{
	if (!text->n)
		return;
	begin(out, "T");
	add_json(out, buf_text(text));
	buf_add_byte(out, ']');
	buf_reset(text);
}

static void add_markup(struct buf *out, const struct html_token *token)
{
	static const char *const kinds[] = {
		[HTML_START] = "S", [HTML_END] = "E", [HTML_COMMENT] = "C", [HTML_DOCTYPE] = "D"
	};

	begin(out, kinds[token->kind]);
	if (token->kind == HTML_START || token->kind == HTML_END)
		add_lower(out, token->name);
	else
		add_json(out, token->text);
	if (token->kind == HTML_START)
		add_attributes(out, token->attributes);
	buf_add_byte(out, ']');
}

static void dump_tokens(struct text page, struct buf *out)
{
	static const struct text nothing = TEXT("</>");
	struct html_tokenizer tokenizer = html_tokenizer_of(page);
	struct html_token token;
	struct buf text;

	buf_init(&text, OUT_MAX);
	buf_add_byte(out, '[');
	while (html_token_next(&tokenizer, &token)) {
		if (token.kind == HTML_TEXT) {
			html_decode_add(token.text, token.decode, &text);
			continue;
		}
		if (token.kind == HTML_UNCLOSED || text_is_equal(token.raw, nothing))
			continue;
		add_text(out, &text);
		add_markup(out, &token);
	}
	add_text(out, &text);
	buf_add_cstr(out, "]\n");
	buf_done(&text);
}

static void dump_views(struct text page, struct buf *out)
{
	const struct view_source source = { .kind = VIEW_HTML, .text = page };
	struct view_limits limits = view_limits_default();
	struct message_view view;
	struct arena arena;

	limits.text = 64 << 20;
	arena_init(&arena, MEMORY);
	message_view_init(&view, &limits, NULL, &arena);
	ASSERT(message_view_add_text(&view, &source));
	buf_add_byte(out, '[');
	add_json(out, buf_text(&view.first->html.visible));
	buf_add_cstr(out, ", ");
	add_json(out, buf_text(&view.first->html.hidden));
	buf_printf(out, ", %zu, %u]\n", view.links.n_seen, view.limits);
	message_view_done(&view);
	arena_reset(&arena);
}

int main(int argc, char **argv)
{
	bool has_views = argc > 1 && strcmp(argv[1], "--views") == 0;
	char line[32];
	struct buf out;

	buf_init(&out, OUT_MAX);
	while (fgets(line, sizeof line, stdin)) {
		size_t n = strtoul(line, NULL, 10);
		char *page = mem_alloc(n + 1);

		if (fread(page, 1, n, stdin) != n)
			return 1;
		buf_reset(&out);
		if (has_views)
			dump_views(text_from_bytes(page, n), &out);
		else
			dump_tokens(text_from_bytes(page, n), &out);
		fwrite(out.p, 1, out.n, stdout);
		free(page);
	}
	buf_done(&out);
	return 0;
}
