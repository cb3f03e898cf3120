/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads lists of message ids and of URLs. Called for fields of a stranger's header.
 *
 *	msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS]           rfc5322 3.6.4
 *	list-urls = "<" url ">" [comment] *("," "<" url ">" [comment])   rfc2369 2
 *
 * Within the brackets of a URL parentheses and quotes are characters as any others; outside, and within
 * an id, they are not.
 */
#include "proto/angle_list.h"

#include "proto/header_lex.h"

struct parser {
	struct arena *arena;
	struct angle_list *list;
	size_t max;
	bool failed;
};

static void add_item(struct parser *p, struct text t)
{
	struct angle_item *item;

	if (t.n == 0 || p->failed)
		return;
	item = p->list->n_items < p->max ? arena_alloc(p->arena, sizeof *item) : NULL;
	p->failed = !item;
	if (!item)
		return;
	item->text = t;
	if (p->list->last)
		p->list->last->next = item;
	else
		p->list->first = item;
	p->list->last = item;
	p->list->n_items++;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool has_blank(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (is_blank(t.p[i]))
			return true;
	return false;
}

static void add_without_blanks(struct parser *p, struct text t)
{
	char *copy;
	size_t n = 0;

	t = text_trim(t);
	if (!has_blank(t)) {
		add_item(p, t);
		return;
	}
	copy = arena_alloc(p->arena, t.n);
	p->failed = p->failed || !copy;
	for (size_t i = 0; copy && i < t.n; i++)
		if (!is_blank(t.p[i]))
			copy[n++] = t.p[i];
	add_item(p, text_from_bytes(copy, n));
}

/* An id with comments or blanks: its tokens, joined. */
static void add_id(struct parser *p, struct text t)
{
	struct header_lexer lexer = { .in = t };
	struct header_token token;
	char *copy;
	size_t n = 0;

	if (text_find_byte(t, '(') == t.n) {
		add_without_blanks(p, t);
		return;
	}
	copy = arena_alloc(p->arena, t.n);
	p->failed = p->failed || !copy;
	while (copy && (token = header_lex_next(&lexer)).kind != HEADER_TOKEN_END) {
		if (token.kind == HEADER_TOKEN_COMMENT)
			continue;
		memcpy(copy + n, token.text.p, token.text.n);
		n += token.text.n;
	}
	add_item(p, text_from_bytes(copy, n));
}

/* The lexer stands behind "<": takes what is within, and goes behind ">". */
static void take_bracket(struct parser *p, struct header_lexer *lexer, enum angle_kind kind)
{
	struct text rest = text_skip(lexer->in, lexer->at);
	size_t end = 0;

	while (end < rest.n && rest.p[end] != '>' && rest.p[end] != '<')
		end++;
	if (end == rest.n || rest.p[end] == '<')
		p->list->is_open = true;
	if (kind == ANGLE_IDS)
		add_id(p, text_slice(rest, 0, end));
	else
		add_without_blanks(p, text_slice(rest, 0, end));
	header_lex_go_to(lexer, lexer->at + end + (end < rest.n && rest.p[end] == '>'));
}

/* The words of a field without brackets: tokens with no blank between them. */
static void take_words(struct parser *p, struct text body)
{
	struct header_lexer lexer = { .in = body };
	struct header_token token;
	size_t from = 0, to = 0;

	while ((token = header_lex_next(&lexer)).kind != HEADER_TOKEN_END) {
		bool is_between = token.kind == HEADER_TOKEN_COMMENT || token.special == ',';
		if (is_between || token.is_apart) {
			add_item(p, text_slice(body, from, to));
			from = token.at;
		}
		to = token.at + token.text.n;
		if (is_between)
			from = to;
	}
	add_item(p, text_slice(body, from, to));
	p->list->has_words = p->list->n_items > 0;
}

bool angle_list_parse(struct text body, enum angle_kind kind, size_t max_items, struct arena *arena,
		      struct angle_list *ret_list)
{
	struct parser p = { arena, ret_list, max_items, false };
	struct header_lexer lexer = { .in = body };
	struct header_token token;
	bool has_brackets = false;

	*ret_list = (struct angle_list){ 0 };
	while (!p.failed && (token = header_lex_next(&lexer)).kind != HEADER_TOKEN_END) {
		if (token.special != '<')
			continue;
		has_brackets = true;
		take_bracket(&p, &lexer, kind);
	}
	if (!has_brackets)
		take_words(&p, body);
	return !p.failed;
}
