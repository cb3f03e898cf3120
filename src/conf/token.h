/* SPDX-License-Identifier: Apache-2.0
 *
 * token - postern.conf as words, strings, braces and line ends.
 */
#ifndef CONF_TOKEN_H
#define CONF_TOKEN_H

#include "base/arena.h"
#include "conf/report.h"

enum conf_token_kind {
	CONF_TOKEN_WORD,
	CONF_TOKEN_STRING,
	CONF_TOKEN_OPEN,
	CONF_TOKEN_CLOSE,
	CONF_TOKEN_NEWLINE,
	CONF_TOKEN_END,
};

struct conf_token {
	enum conf_token_kind kind;
	struct text text; /* of a word or string, without quotes and escapes; in the file or the arena */
	struct conf_place at;
};

struct conf_lexer {
	struct text rest;
	struct conf_place at; /* of the first byte of rest */
	struct arena *arena;
	struct conf_report *report;
};

/* Reports a file that is too large, and lines that are too long or hold bytes which do not belong into
 * a text; then what follows is safe to read, but not right. */
void conf_lexer_init(struct conf_lexer *l, struct text bytes, struct arena *arena,
		     struct conf_report *report);
/* The next token; CONF_TOKEN_END again and again at the end. Reports what is wrong with a token and
 * gives the best of it. */
struct conf_token conf_lexer_next(struct conf_lexer *l);

#endif
