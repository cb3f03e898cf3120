/* SPDX-License-Identifier: Apache-2.0
 *
 * header_lex - the tokens of a structured header field: addresses, dates, message ids. rfc5322 3.2
 *
 * A lexer walks once over the body of a field, folded or not, and gives views into it. Comments nest to
 * any depth without recursion. What is never closed is no quoted string and no comment: its first
 * character is then one of a word, from there to the end of the field, and `defects` says so. Linear.
 *
 *	struct header_lexer lexer = { .in = body };
 *	while ((token = header_lex_next(&lexer)).kind != HEADER_TOKEN_END)
 *		...
 */
#ifndef PROTO_HEADER_LEX_H
#define PROTO_HEADER_LEX_H

#include "base/buf.h"

enum header_token_kind {
	HEADER_TOKEN_END,
	HEADER_TOKEN_WORD,    /* bytes that are no other token, with the dots among them: an atom and more */
	HEADER_TOKEN_QUOTED,  /* "...", with its quotes */
	HEADER_TOKEN_COMMENT, /* (...), with its parentheses */
	HEADER_TOKEN_LITERAL, /* [...], only behind "@" */
	HEADER_TOKEN_SPECIAL, /* one of < > @ , ; : */
};

struct header_token {
	enum header_token_kind kind;
	char special;     /* which, 0 for other tokens */
	struct text text; /* as written */
	size_t at;        /* its offset in the field */
	bool is_apart;    /* blanks or a comment, or nothing, stand before it */
};

enum header_lex_defect {
	HEADER_LEX_DEFECT_QUOTE = 1 << 0,   /* a quote that is not closed */
	HEADER_LEX_DEFECT_COMMENT = 1 << 1, /* a parenthesis that is not closed, or was not open */
	HEADER_LEX_DEFECT_LITERAL = 1 << 2, /* "@[" that is not closed */
};

struct header_lexer {
	struct text in;
	size_t at;
	unsigned defects;
	bool is_behind_at;
	size_t open_quote, open_comment; /* offset plus 1 of the first that is not closed; 0: none yet */
};

struct header_token header_lex_next(struct header_lexer *l);
/* To where a token began or ended. */
void header_lex_go_to(struct header_lexer *l, size_t at);

/* Adds what the token means: without quotes or parentheses, escapes undone, otherwise as it is. False
 * when out is full. */
bool header_token_add(const struct header_token *token, struct buf *out);

#endif
