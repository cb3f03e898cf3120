/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads lists of addresses. Called for the fields of a stranger's header; what comes out is compared
 * with domains (DMARC) and shown to people.
 *
 *	address-list = *([CFWS] ",") address *([CFWS] "," [address / CFWS])
 *	address = mailbox / group                       rfc5322 3.4
 *	mailbox = [display-name] "<" [route] addr-spec ">" / addr-spec
 *	group = display-name ":" [group-list] ";"
 *	route = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain]) ":"   rfc5322 4.4
 *
 * A field is cut into elements at its commas; an element is looked over once for its angle bracket, and
 * then read in spans: before it, within, behind it. So each byte is seen a few times, whatever the field
 * holds, and nothing is kept for a token. Invariant: whatever holds an "@" outside of quotes and
 * comments is an address of the list, except when it only repeats the one that it is the name of.
 */
#include "proto/address_list.h"

#include "proto/encoded_word.h"
#include "proto/header_lex.h"

#define GROWTH_MAX 9 /* bytes of UTF-8 for a byte of any character set; see charset_fuzz.c */

struct span {
	size_t from, to;
};

/* What stands between two commas, or up to the next angle bracket but one. */
struct element {
	struct span before, address, after; /* address: within the angle bracket, or the words with the "@" */
	bool has_angle;
	bool has_any; /* more than comments */
	bool has_comment;
	size_t n_at_before, n_at_after; /* of "@" outside of the angle bracket */
	size_t next;                    /* offset behind its delimiter */
	char delimiter;                 /* "," ";" ":"; "<": an angle bracket too many; 0: the end */
	unsigned defects;               /* of every address in it */
};

/* Words without a blank between them, or with one around "@" and ".". */
struct piece {
	struct span span;
	size_t n_at, last_at; /* offset in the raw text */
	bool has_lone_dot;    /* at its end, as yet */
};

struct parser {
	struct header_lexer lexer;
	struct charset_cache *cache;
	struct arena *arena;
	struct address_list *list;
	size_t max;
	struct address_group *group;
	struct buf raw, decoded; /* of the name, comment or address at work */
	unsigned next_defects;   /* of the element to come */
	bool failed;             /* a limit */
};

static void note_lexer_defects(struct parser *p, struct element *e)
{
	e->defects |= p->lexer.defects ? ADDRESS_DEFECT_OPEN : 0;
	p->lexer.defects = 0;
}

/* The lexer stands behind "<". Goes behind ">", or to where an angle bracket without one must end. */
static void scan_angle(struct parser *p, struct element *e)
{
	struct header_token token;

	e->has_angle = e->has_any = true;
	e->address.from = p->lexer.at;
	do {
		token = header_lex_next(&p->lexer);
		e->has_comment = e->has_comment || token.kind == HEADER_TOKEN_COMMENT;
	} while (token.kind != HEADER_TOKEN_END && token.special != '>' && token.special != '<');
	e->address.to = token.at;
	e->after.from = p->lexer.at;
	if (token.special == '>')
		return;
	e->defects |= ADDRESS_DEFECT_OPEN;
	header_lex_go_to(&p->lexer, e->address.from);
	do {
		token = header_lex_next(&p->lexer);
	} while (token.kind != HEADER_TOKEN_END && token.special != ',' && token.special != ';' &&
		 token.special != '<');
	e->address.to = e->after.from = token.at;
	header_lex_go_to(&p->lexer, token.at);
}

static bool is_delimiter(const struct element *e, const struct header_token *token, bool is_route)
{
	if (token->special == ',' || token->special == ';')
		return true;
	if (token->special == ':')
		return !e->has_angle && !is_route;
	return token->special == '<' && e->has_angle;
}

static void note_token(struct element *e, const struct header_token *token)
{
	bool is_comment = token->kind == HEADER_TOKEN_COMMENT;

	e->has_any = e->has_any || !is_comment;
	e->has_comment = e->has_comment || is_comment;
	if (token->special == '@')
		++*(e->has_angle ? &e->n_at_after : &e->n_at_before);
	if (token->special == '>')
		e->defects |= ADDRESS_DEFECT_OPEN;
}

/* From the lexer's place to the next delimiter. */
static struct element scan_element(struct parser *p)
{
	struct element e = { .before = { p->lexer.at, 0 }, .defects = p->next_defects };
	struct header_token token = header_lex_next(&p->lexer);
	bool is_route = token.special == '@';

	while (token.kind != HEADER_TOKEN_END && !is_delimiter(&e, &token, is_route)) {
		note_token(&e, &token);
		if (token.special == '<') {
			e.before.to = token.at;
			scan_angle(p, &e);
		}
		token = header_lex_next(&p->lexer);
	}
	e.delimiter = token.special;
	e.next = p->lexer.at;
	p->next_defects = 0;
	*(e.has_angle ? &e.after.to : &e.before.to) = token.at;
	if (e.delimiter == '<') { /* what stands between the two is the name of the second */
		e.next = e.after.to = e.after.from;
		e.n_at_after = 0;
		e.defects |= ADDRESS_DEFECT_NO_COMMA;
		p->next_defects = ADDRESS_DEFECT_NO_COMMA;
	}
	note_lexer_defects(p, &e);
	return e;
}

/* The next token of a span that is no comment. */
static bool next_word(struct parser *p, struct span span, struct header_token *ret_token)
{
	do {
		*ret_token = header_lex_next(&p->lexer);
	} while (ret_token->kind == HEADER_TOKEN_COMMENT);
	return ret_token->kind != HEADER_TOKEN_END && ret_token->at < span.to;
}

static bool is_separator(const struct header_token *token)
{
	return token->special && token->special != '@';
}

static bool continues_piece(const struct buf *raw, const struct piece *piece,
			    const struct header_token *token)
{
	char last = raw->n ? raw->p[raw->n - 1] : 0;

	if (!token->is_apart || raw->n == 0 || token->special == '@' || token->text.p[0] == '.')
		return true;
	return last == '@' || piece->has_lone_dot || (last == '.' && piece->n_at);
}

static void add_without_line_ends(struct buf *out, struct text t)
{
	char *at = buf_reserve(out, t.n);

	for (size_t i = 0; at && i < t.n; i++)
		if (t.p[i] != '\r' && t.p[i] != '\n')
			out->p[out->n++] = t.p[i];
}

/* The next piece of a span, which the lexer stands in, into p->raw. */
static bool take_piece(struct parser *p, struct span span, struct piece *ret_piece)
{
	struct header_token token;
	size_t before;

	buf_reset(&p->raw);
	*ret_piece = (struct piece){ .span = { span.to, span.to } };
	for (before = p->lexer.at; next_word(p, span, &token); before = p->lexer.at) {
		if (is_separator(&token) && p->raw.n == 0)
			continue;
		if (is_separator(&token) || !continues_piece(&p->raw, ret_piece, &token))
			break;
		if (p->raw.n == 0)
			ret_piece->span.from = token.at;
		if (token.special == '@') {
			ret_piece->n_at++;
			ret_piece->last_at = p->raw.n;
		}
		ret_piece->has_lone_dot = token.text.n == 1 && token.text.p[0] == '.';
		add_without_line_ends(&p->raw, token.text);
		ret_piece->span.to = p->lexer.at;
	}
	header_lex_go_to(&p->lexer, before);
	return p->raw.n > 0;
}

/* Adds the words of a span to p->raw, as a phrase. rfc5322 3.2.5 */
static void add_phrase(struct parser *p, struct span span, unsigned *defects)
{
	struct header_token token;
	bool is_apart = true;

	header_lex_go_to(&p->lexer, span.from);
	for (; next_word(p, span, &token); is_apart = false) {
		if (token.special == '>')
			continue;
		if (p->raw.n && (is_apart || token.is_apart))
			buf_add_byte(&p->raw, ' ');
		if (token.kind == HEADER_TOKEN_QUOTED && encoded_word_is_in(token.text))
			*defects |= ADDRESS_DEFECT_QUOTED_WORD;
		header_token_add(&token, &p->raw);
	}
}

static struct text keep(struct parser *p, struct text t)
{
	struct text copy = { 0 };

	if (t.n && !arena_copy(p->arena, t, &copy))
		p->failed = true;
	return copy;
}

/* The phrase that the spans make together. */
static struct text read_phrase(struct parser *p, struct span first, struct span second, unsigned *defects)
{
	buf_reset(&p->raw);
	buf_reset(&p->decoded);
	add_phrase(p, first, defects);
	add_phrase(p, second, defects);
	encoded_word_decode_text(p->cache, buf_text(&p->raw), &p->decoded, defects);
	return keep(p, buf_text(&p->decoded));
}

static struct text read_comments(struct parser *p, struct span span, unsigned *defects)
{
	struct header_token token;

	buf_reset(&p->decoded);
	header_lex_go_to(&p->lexer, span.from);
	for (;;) {
		token = header_lex_next(&p->lexer);
		if (token.kind == HEADER_TOKEN_END || token.at >= span.to)
			return keep(p, buf_text(&p->decoded));
		if (token.kind != HEADER_TOKEN_COMMENT)
			continue;
		buf_reset(&p->raw);
		if (p->decoded.n)
			buf_add_byte(&p->decoded, ' ');
		header_token_add(&token, &p->raw);
		encoded_word_decode_text(p->cache, text_trim(buf_text(&p->raw)), &p->decoded, defects);
	}
}

/* Does the name hold an address other than this one? */
static bool names_another(struct text name, struct text address)
{
	for (size_t i = 0; i < name.n;) {
		size_t from = i, at;
		while (i < name.n && !strchr(" \t<>()\"',;:", name.p[i]))
			i++;
		struct text word = text_slice(name, from, i);
		at = text_find_byte(word, '@');
		if (at > 0 && at + 1 < word.n && !text_is_equal_nocase(word, address))
			return true;
		i++;
	}
	return false;
}

/* One address more, of p->raw. */
static struct address *add_address(struct parser *p, const struct piece *piece, unsigned defects)
{
	struct address *a = p->list->n_addresses < p->max ? arena_alloc(p->arena, sizeof *a) : NULL;
	struct text raw = buf_text(&p->raw);

	if (!a) {
		p->failed = true;
		return NULL;
	}
	a->group = p->group;
	a->address = keep(p, raw);
	a->local = piece->n_at ? text_slice(a->address, 0, piece->last_at) : a->address;
	a->domain = piece->n_at ? text_skip(a->address, piece->last_at + 1) : (struct text){ 0 };
	a->defects = defects | (piece->n_at > 1 ? ADDRESS_DEFECT_TWO_AT : 0) |
		     (a->domain.n == 0 ? ADDRESS_DEFECT_NO_DOMAIN : 0) |
		     (encoded_word_is_in(raw) ? ADDRESS_DEFECT_ENCODED : 0);
	if (p->list->last)
		p->list->last->next = a;
	else
		p->list->first = a;
	p->list->last = a;
	p->list->n_addresses++;
	if (p->group)
		p->group->n_addresses++;
	return a;
}

static void skip_route(struct parser *p, struct element *e)
{
	struct header_token token;

	header_lex_go_to(&p->lexer, e->address.from);
	if (!next_word(p, e->address, &token) || token.special != '@') {
		header_lex_go_to(&p->lexer, e->address.from);
		return;
	}
	while (next_word(p, e->address, &token) && token.special != ':')
		;
	if (token.special == ':' && token.at < e->address.to) {
		e->defects |= ADDRESS_DEFECT_ROUTE;
		e->address.from = p->lexer.at;
	}
	header_lex_go_to(&p->lexer, e->address.from);
}

/* What stands in place of an address and is none: "postmaster", "undisclosed recipients", nothing. */
static struct address *add_words(struct parser *p, struct element *e)
{
	const struct piece none = { 0 };
	bool is_encoded;

	buf_reset(&p->raw);
	buf_reset(&p->decoded);
	add_phrase(p, e->address, &e->defects);
	is_encoded = encoded_word_is_in(buf_text(&p->raw));
	encoded_word_decode_text(p->cache, buf_text(&p->raw), &p->decoded, &e->defects);
	buf_reset(&p->raw);
	buf_add(&p->raw, buf_text(&p->decoded));
	if (is_encoded && text_find_byte(buf_text(&p->raw), '@') < p->raw.n)
		e->defects |= ADDRESS_DEFECT_ENCODED;
	return add_address(p, &none, e->defects);
}

/* The addresses within the span of the element's address; the first is the one that its name is of. */
static struct address *read_addresses(struct parser *p, struct element *e)
{
	struct address *first = NULL;
	struct piece piece;
	size_t n_words = 0;

	skip_route(p, e);
	while (!p->failed && take_piece(p, e->address, &piece)) {
		n_words += piece.n_at == 0;
		if (piece.n_at && first)
			first->defects |= ADDRESS_DEFECT_NO_COMMA;
		if (piece.n_at) {
			struct address *a =
				add_address(p, &piece, e->defects | (first ? ADDRESS_DEFECT_NO_COMMA : 0));
			first = first ? first : a;
		}
	}
	if (first) {
		first->defects |= n_words ? ADDRESS_DEFECT_SYNTAX : 0;
		return first;
	}
	return add_words(p, e);
}

/* Addresses outside of the angle bracket of `main`: in place of a name, or behind it. */
static void read_others(struct parser *p, struct span span, struct address *main, bool is_name)
{
	unsigned defect = is_name ? ADDRESS_DEFECT_BARE_NAME : ADDRESS_DEFECT_NO_COMMA;
	struct piece piece;

	header_lex_go_to(&p->lexer, span.from);
	while (!p->failed && take_piece(p, span, &piece)) {
		struct address *other;
		if (piece.n_at == 0 || (main && text_is_equal_nocase(buf_text(&p->raw), main->address)))
			continue;
		if (main)
			main->defects |= defect;
		other = add_address(p, &piece, defect);
		if (other)
			other->is_other = is_name;
	}
}

/* Without an angle bracket: the words with the first "@" are the address, those around it the name. False
 * when there is none: all is the address. */
static bool find_bare_address(struct parser *p, struct element *e)
{
	struct span all = e->before;
	struct piece piece;

	header_lex_go_to(&p->lexer, all.from);
	while (e->n_at_before && take_piece(p, all, &piece)) {
		if (piece.n_at == 0) {
			e->defects |= ADDRESS_DEFECT_SYNTAX;
			continue;
		}
		e->n_at_after = e->n_at_before - piece.n_at;
		e->n_at_before = 0;
		e->before.to = piece.span.from;
		e->address = piece.span;
		e->after = (struct span){ piece.span.to, all.to };
		return true;
	}
	e->before.to = e->before.from;
	e->address = all;
	e->after = (struct span){ all.to, all.to };
	return false;
}

static void read_mailbox(struct parser *p, struct element *e)
{
	struct span all = { e->before.from, e->has_angle ? e->after.to : e->before.to };
	unsigned defects = 0;
	struct address *a;

	a = e->has_angle || find_bare_address(p, e) ? read_addresses(p, e) : add_words(p, e);
	if (!a)
		return;
	a->name = read_phrase(p, e->before, e->after, &defects);
	if (e->has_comment)
		a->comment = read_comments(p, all, &defects);
	if (a->name.n == 0)
		a->name = a->comment;
	if (names_another(a->name, a->address))
		defects |= ADDRESS_DEFECT_NAME;
	a->defects |= defects;
	if (e->n_at_before)
		read_others(p, e->before, a, true);
	if (e->n_at_after)
		read_others(p, e->after, a, false);
}

static void begin_group(struct parser *p, const struct element *e)
{
	const struct span nothing = { e->before.to, e->before.to };
	struct address_group *group =
		p->list->n_groups < p->max ? arena_alloc(p->arena, sizeof *group) : NULL;

	if (!group) {
		p->failed = true;
		return;
	}
	if (p->list->last_group)
		p->list->last_group->next = group;
	else
		p->list->first_group = group;
	p->list->last_group = group;
	p->list->n_groups++;
	p->list->defects |= e->defects | (p->group ? ADDRESS_DEFECT_SYNTAX : 0);
	group->name = read_phrase(p, e->before, nothing, &p->list->defects);
	if (e->has_comment)
		group->comment = read_comments(p, e->before, &p->list->defects);
	p->group = group;
	if (e->n_at_before)
		read_others(p, e->before, NULL, true);
}

static void parse(struct parser *p)
{
	char delimiter = ',';

	while (delimiter && !p->failed) {
		struct element e = scan_element(p);
		delimiter = e.delimiter;
		if (delimiter == ':')
			begin_group(p, &e);
		else if (e.has_any)
			read_mailbox(p, &e);
		if (delimiter == ';' && !p->group)
			p->list->defects |= ADDRESS_DEFECT_SYNTAX;
		if (delimiter == ';')
			p->group = NULL;
		p->lexer.defects = 0;
		header_lex_go_to(&p->lexer, e.next);
	}
}

bool address_list_parse(struct text body, size_t max_addresses, struct charset_cache *cache,
			struct arena *arena, struct address_list *ret_list)
{
	struct parser p = { .lexer = { .in = body },
			    .cache = cache,
			    .arena = arena,
			    .list = ret_list,
			    .max = max_addresses };

	*ret_list = (struct address_list){ 0 };
	buf_init(&p.raw, GROWTH_MAX * body.n + 64);
	buf_init(&p.decoded, GROWTH_MAX * body.n + 64);
	parse(&p);
	buf_done(&p.raw);
	buf_done(&p.decoded);
	for (const struct address *a = ret_list->first; a; a = a->next)
		ret_list->defects |= a->defects;
	return !p.failed;
}
