/* SPDX-License-Identifier: Apache-2.0
 *
 * Cuts structured header fields into tokens. Called by the readers of addresses, dates and ids, on a
 * stranger's bytes.
 *
 *	quoted-string = DQUOTE *(qtext / quoted-pair / FWS) DQUOTE    rfc5322 3.2.4
 *	comment = "(" *(ctext / quoted-pair / comment / FWS) ")"      rfc5322 3.2.2
 *	domain-literal = "[" *(dtext / FWS) "]"                       rfc5322 3.4.1
 *
 * Everything else between blanks and specials is a word, so that no byte is ever lost. Linear: where one
 * search for a close failed, none is made behind it.
 */
#include "proto/header_lex.h"

enum byte_kind { BYTE_WORD, BYTE_BLANK, BYTE_SPECIAL, BYTE_OPENS, BYTE_CLOSES };

static const uint8_t kinds[256] = {
	[' '] = BYTE_BLANK,   ['\t'] = BYTE_BLANK,  ['\r'] = BYTE_BLANK,  ['\n'] = BYTE_BLANK,
	['<'] = BYTE_SPECIAL, ['>'] = BYTE_SPECIAL, ['@'] = BYTE_SPECIAL, [','] = BYTE_SPECIAL,
	[';'] = BYTE_SPECIAL, [':'] = BYTE_SPECIAL, ['"'] = BYTE_OPENS,   ['('] = BYTE_OPENS,
	[')'] = BYTE_CLOSES,
};

static enum byte_kind kind_of(char c)
{
	return (enum byte_kind)kinds[(unsigned char)c];
}

/* The offset behind the closing quote of the string at `at`; 0: not closed. */
static size_t find_quote_end(struct text in, size_t at)
{
	for (size_t i = at + 1; i < in.n; i++) {
		if (in.p[i] == '"')
			return i + 1;
		i += in.p[i] == '\\';
	}
	return 0;
}

static size_t find_comment_end(struct text in, size_t at)
{
	size_t depth = 0;

	for (size_t i = at; i < in.n; i++) {
		depth += in.p[i] == '(';
		depth -= in.p[i] == ')';
		if (depth == 0)
			return i + 1;
		i += in.p[i] == '\\';
	}
	return 0;
}

/* Within the letter of the standard a literal may hold any special. Taken so, it would hide addresses:
 * one that is not of numbers, letters and colons is none here. */
static size_t find_literal_end(struct text in, size_t at)
{
	for (size_t i = at + 1; i < in.n; i++) {
		if (in.p[i] == ']')
			return i + 1;
		if (in.p[i] != ':' && (kind_of(in.p[i]) == BYTE_SPECIAL || kind_of(in.p[i]) == BYTE_OPENS))
			return 0;
	}
	return 0;
}

/* Is the quote or parenthesis at i known not to be closed? */
static bool is_open(const struct header_lexer *l, size_t i)
{
	size_t open = l->in.p[i] == '"' ? l->open_quote : l->open_comment;

	return open && i + 1 >= open;
}

/* The end of the string or comment at l->at, 0 when it is not closed. `open`: the offset, plus 1, of the
 * first that is known not to be. */
static size_t find_end(struct header_lexer *l, size_t (*find)(struct text, size_t), size_t *open)
{
	size_t end = is_open(l, l->at) ? 0 : find(l->in, l->at);

	if (!end && (!*open || l->at + 1 < *open))
		*open = l->at + 1;
	return end;
}

static size_t word_end(struct header_lexer *l)
{
	size_t i = l->at;

	for (; i < l->in.n; i++) {
		enum byte_kind kind = kind_of(l->in.p[i]);
		if (kind == BYTE_BLANK || kind == BYTE_SPECIAL || (kind == BYTE_OPENS && !is_open(l, i)))
			break;
		if (kind == BYTE_OPENS || kind == BYTE_CLOSES)
			l->defects |= l->in.p[i] == '"' ? HEADER_LEX_DEFECT_QUOTE : HEADER_LEX_DEFECT_COMMENT;
	}
	return i;
}

static struct header_token take(struct header_lexer *l)
{
	char c = l->in.p[l->at];
	struct header_token token = { .at = l->at };
	size_t end = 0;

	if (c == '"') {
		token.kind = HEADER_TOKEN_QUOTED;
		end = find_end(l, find_quote_end, &l->open_quote);
	} else if (c == '(') {
		token.kind = HEADER_TOKEN_COMMENT;
		end = find_end(l, find_comment_end, &l->open_comment);
	} else if (c == '[' && l->is_behind_at) {
		token.kind = HEADER_TOKEN_LITERAL;
		end = find_literal_end(l->in, l->at);
		l->defects |= end ? 0 : HEADER_LEX_DEFECT_LITERAL;
	} else if (kind_of(c) == BYTE_SPECIAL) {
		token.kind = HEADER_TOKEN_SPECIAL;
		token.special = c;
		end = l->at + 1;
	}
	if (!end) {
		token.kind = HEADER_TOKEN_WORD;
		end = word_end(l);
	}
	token.text = text_slice(l->in, l->at, end);
	l->at = end;
	return token;
}

struct header_token header_lex_next(struct header_lexer *l)
{
	struct header_token token;
	size_t from = l->at;
	bool is_behind_comment = from && l->in.p[from - 1] == ')';

	while (l->at < l->in.n && kind_of(l->in.p[l->at]) == BYTE_BLANK)
		l->at++;
	if (l->at == l->in.n)
		return (struct header_token){ .kind = HEADER_TOKEN_END, .at = l->at, .is_apart = true };
	token = take(l);
	token.is_apart = token.at != from || from == 0 || is_behind_comment;
	if (token.kind != HEADER_TOKEN_COMMENT)
		l->is_behind_at = token.special == '@';
	return token;
}

void header_lex_go_to(struct header_lexer *l, size_t at)
{
	l->at = at;
	l->is_behind_at = false;
}

bool header_token_add(const struct header_token *token, struct buf *out)
{
	struct text t = token->text;

	if (token->kind != HEADER_TOKEN_QUOTED && token->kind != HEADER_TOKEN_COMMENT)
		return buf_add(out, t);
	t = text_slice(t, 1, t.n - 1);
	while (t.n) {
		size_t n = text_find_byte(t, '\\');
		if (!buf_add(out, text_slice(t, 0, n)))
			return false;
		if (n + 1 < t.n && !buf_add_byte(out, t.p[n + 1]))
			return false;
		t = text_skip(t, n + 2);
	}
	return true;
}
