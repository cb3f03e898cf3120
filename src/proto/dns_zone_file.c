/* SPDX-License-Identifier: Apache-2.0
 *
 * Master files. Called by dns_zone.h's callers. rfc1035 5.1, rfc2308 4 ($TTL), rfc3597 5 (TYPE99)
 *
 *	file       = *( [ entry ] [ blank comment ] newline )
 *	entry      = "$ORIGIN" name / "$TTL" time / "$TIMEOUT" name [ type ] / record
 *	record     = ( name / blank ) [ time ] [ "IN" ] type *rdata      ; time and class in either order
 *	comment    = ";" *byte
 *	token      = 1*( byte / "\" byte / "\" 3DIGIT ) / DQUOTE *byte DQUOTE
 *
 * Parentheses join lines. One entry is read into an array of tokens, each with its place, and then
 * understood; tokens keep their escapes until it is known whether they are names or strings. A blank at
 * the start of a line means the last owner. Work and memory are linear in the file.
 */
#include "proto/dns_zone.h"

#include "base/buf.h"
#include "base/ensure.h"

#include <stdlib.h>

#define TOKENS_MAX    1024 /* of one entry */
#define NAME_MAX_TEXT 1024 /* with escapes */
#define STRINGS_MAX   65535
#define TTL_MAX       0x7fffffff
#define TTL_DEFAULT   3600

struct token {
	struct text text; /* as written, without quotes */
	bool is_quoted;
	unsigned line, column;
};

struct reading {
	struct dns_zone *zone;
	struct text file;
	size_t at;
	size_t line_start;
	unsigned line;
	struct token *tokens;
	size_t n;
	bool has_owner; /* the entry did not begin with a blank */
	char origin[NAME_MAX_TEXT], owner[NAME_MAX_TEXT];
	size_t origin_n, owner_n; /* 0: the root; none yet */
	uint32_t ttl;
	struct dns_zone_mistake *mistake;
};

static bool mistaken(struct reading *r, const struct token *token, const char *what)
{
	*r->mistake = (struct dns_zone_mistake){ token->line, token->column, what };
	return false;
}

/* ---- tokens ---- */

static struct token token_here(const struct reading *r)
{
	return (struct token){ .line = r->line, .column = (unsigned)(r->at - r->line_start + 1) };
}

static void next_line(struct reading *r)
{
	r->at++;
	r->line++;
	r->line_start = r->at;
}

static bool is_token_end(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';' || c == '(' || c == ')' ||
	       c == '"';
}

static bool read_quoted(struct reading *r, struct token *token)
{
	size_t start = ++r->at;

	token->is_quoted = true;
	while (r->at < r->file.n && r->file.p[r->at] != '"') {
		if (r->file.p[r->at] == '\n')
			return mistaken(r, token, "a string that does not end on its line; close it with \"");
		r->at += r->file.p[r->at] == '\\' ? 2 : 1;
	}
	if (r->at >= r->file.n)
		return mistaken(r, token, "a string that does not end; close it with \"");
	token->text = text_slice(r->file, start, r->at++);
	return true;
}

static bool read_token(struct reading *r)
{
	struct token token = token_here(r);
	size_t start = r->at;

	if (r->n >= TOKENS_MAX)
		return mistaken(r, &token, "an entry with more words than any; is a parenthesis open?");
	if (r->file.p[r->at] == '"') {
		if (!read_quoted(r, &token))
			return false;
	} else {
		while (r->at < r->file.n && !is_token_end(r->file.p[r->at]))
			r->at += r->file.p[r->at] == '\\' ? 2 : 1;
		if (r->at > r->file.n)
			r->at = r->file.n;
		token.text = text_slice(r->file, start, r->at);
	}
	r->tokens[r->n++] = token;
	return true;
}

/* One step through the white space of an entry. False when a token begins here, or the file is at its end. */
static bool skip_blank(struct reading *r, struct token *open, bool *ret_is_end)
{
	char c = r->at < r->file.n ? r->file.p[r->at] : 0;

	if (r->at >= r->file.n)
		return false;
	if (c == ';') {
		r->at += text_find_byte(text_skip(r->file, r->at), '\n');
		return true;
	}
	if (c == '\n') {
		next_line(r);
		*ret_is_end = open->line == 0;
		return true;
	}
	if (c != ' ' && c != '\t' && c != '\r')
		return false;
	r->at++;
	return true;
}

/* All tokens up to the end of the entry. False: a mistake. */
static bool read_entry(struct reading *r)
{
	struct token open = { .line = 0 }; /* the parenthesis */
	bool is_end = false;

	r->n = 0;
	r->has_owner = r->file.p[r->at] != ' ' && r->file.p[r->at] != '\t';
	while (!is_end) {
		struct token here = token_here(r);
		if (skip_blank(r, &open, &is_end))
			continue;
		if (r->at >= r->file.n)
			return !open.line || mistaken(r, &open, "a parenthesis that is not closed");
		if (r->file.p[r->at] == '(' || r->file.p[r->at] == ')') {
			if ((r->file.p[r->at] == '(') == (open.line != 0))
				return mistaken(r, &here, "a parenthesis without its other one");
			open.line = open.line ? 0 : here.line;
			open.column = here.column;
			r->at++;
		} else if (!read_token(r)) {
			return false;
		}
	}
	return true;
}

/* ---- values ---- */

/* "@", a name that ends with a dot, or one below the origin. */
static bool read_name(struct reading *r, const struct token *token, char out[NAME_MAX_TEXT], size_t *ret_n)
{
	struct text t = token->text;
	bool is_absolute = t.n && t.p[t.n - 1] == '.' && (t.n < 2 || t.p[t.n - 2] != '\\');
	size_t n = text_is_cstr(t, "@") ? 0 : t.n, rest = is_absolute ? 0 : r->origin_n;
	bool needs_dot = n && rest;

	if (token->is_quoted || t.n == 0 || n + rest + 1 >= NAME_MAX_TEXT)
		return mistaken(r, token, "not a name");
	memmove(out + n + needs_dot, r->origin, rest);
	memcpy(out, t.p, n);
	if (needs_dot)
		out[n] = '.';
	*ret_n = n + needs_dot + rest;
	if (*ret_n == 0)
		out[(*ret_n)++] = '.';
	return true;
}

/* "3600", "1h30m". */
static bool parse_time(struct text t, uint32_t *ret_seconds)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	uint64_t all = 0, number = 0;
	bool has_digit = false;

	for (size_t i = 0; i < t.n; i++) {
		char c = text_lower_byte(t.p[i]);
		size_t k = 0;
		if (c >= '0' && c <= '9') {
			number = number * 10 + (uint64_t)(c - '0');
			has_digit = true;
			if (number > TTL_MAX)
				return false;
			continue;
		}
		while (k < sizeof units / sizeof *units && units[k].unit != c)
			k++;
		if (!has_digit || k == sizeof units / sizeof *units)
			return false;
		all += number * units[k].seconds;
		number = 0;
		has_digit = false;
	}
	all += number;
	if (t.n == 0 || t.p[0] < '0' || t.p[0] > '9' || all > TTL_MAX)
		return false;
	*ret_seconds = (uint32_t)all;
	return true;
}

bool dns_zone_type_of_word(struct text word, uint16_t *ret_type)
{
	static const struct {
		const char *word;
		uint16_t number;
	} types[] = {
#define DNS_ZONE_TYPE(word, number) { word, number },
#include "proto/dns_zone_types.def"
#undef DNS_ZONE_TYPE
	};
	uint64_t number;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (!text_is_cstr_nocase(word, types[i].word))
			continue;
		*ret_type = types[i].number;
		return true;
	}
	if (!text_has_prefix_nocase(word, text_from_cstr("TYPE")) ||
	    !text_parse_u64(text_skip(word, 4), UINT16_MAX, &number))
		return false;
	*ret_type = (uint16_t)number;
	return true;
}

/* One string without its escapes. */
static bool add_string(struct reading *r, const struct token *token, struct buf *out)
{
	uint64_t number;

	for (size_t i = 0; i < token->text.n; i++) {
		struct text digits = text_slice(token->text, i + 1, i + 4);
		if (token->text.p[i] != '\\') {
			buf_add_byte(out, token->text.p[i]);
		} else if (digits.n && (digits.p[0] < '0' || digits.p[0] > '9')) {
			buf_add_byte(out, token->text.p[++i]);
		} else if (digits.n == 3 && text_parse_u64(digits, 255, &number)) {
			buf_add_byte(out, (char)number);
			i += 3;
		} else {
			return mistaken(
				r, token,
				"an escape that is not \\ and one byte, or \\ and three digits up to 255");
		}
	}
	return !out->overflow || mistaken(r, token, "more text than a record can hold");
}

/* ---- records ---- */

static bool add_record(struct reading *r, const struct token *token, uint16_t type,
		       const struct dns_record *record)
{
	switch (dns_zone_add(r->zone, text_from_bytes(r->owner, r->owner_n), type, record)) {
	case ERROR_NONE:
		return true;
	case ERROR_MALFORMED:
		return mistaken(r, token,
				"a name that DNS cannot hold: labels have 1 to 63 bytes, a name at most 253");
	default:
		return mistaken(r, token, "the file is larger than its limit");
	}
}

static bool read_strings(struct reading *r, size_t at, uint16_t type, struct dns_record *record)
{
	struct buf strings;
	bool ok = true;

	buf_init(&strings, STRINGS_MAX);
	for (size_t i = at; ok && i < r->n; i++)
		ok = add_string(r, &r->tokens[i], &strings);
	record->data = buf_text(&strings);
	ok = ok && add_record(r, &r->tokens[at], type, record);
	buf_done(&strings);
	return ok;
}

static bool read_target(struct reading *r, size_t at, uint16_t type, struct dns_record *record)
{
	char name[NAME_MAX_TEXT];

	if (!read_name(r, &r->tokens[at], name, &record->name.n))
		return false;
	record->name.p = name;
	return add_record(r, &r->tokens[at], type, record);
}

static bool read_mx(struct reading *r, size_t at, struct dns_record *record)
{
	uint64_t preference;

	if (!text_parse_u64(r->tokens[at].text, UINT16_MAX, &preference))
		return mistaken(r, &r->tokens[at], "not a preference: a number up to 65535");
	record->preference = (uint16_t)preference;
	return read_target(r, at + 1, DNS_MX, record);
}

static bool read_address(struct reading *r, size_t at, uint16_t type, struct dns_record *record)
{
	bool is_v4 = type == DNS_A;
	struct text t = r->tokens[at].text;

	if (!addr_parse(t, &record->address) || (text_find_byte(t, ':') == t.n) != is_v4)
		return mistaken(r, &r->tokens[at], is_v4 ? "not an IPv4 address" : "not an IPv6 address");
	return add_record(r, &r->tokens[at], type, record);
}

/* The data from token `at` on; `type_at` is the type's. */
static bool read_data(struct reading *r, size_t type_at, uint16_t type, struct dns_record *record)
{
	size_t at = type_at + 1, n = r->n - at;
	bool is_generic = n && text_is_cstr(r->tokens[at].text, "\\#");
	size_t wanted = type == DNS_MX ? 2 : 1;

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
	case DNS_MX:
	case DNS_PTR:
	case DNS_ZONE_CNAME:
		if (n != wanted || is_generic)
			return mistaken(r, &r->tokens[type_at],
					wanted == 2 ? "an MX record has a preference and a name"
						    : "a record of this type has one value");
		return type == DNS_MX                      ? read_mx(r, at, record)
		       : type == DNS_A || type == DNS_AAAA ? read_address(r, at, type, record)
							   : read_target(r, at, type, record);
	case DNS_TXT:
	case DNS_ZONE_SPF:
		if (n == 0 || is_generic)
			return mistaken(r, &r->tokens[type_at], "a record of this type has strings");
		return read_strings(r, at, type, record);
	default:
		if (n == 0)
			return mistaken(r, &r->tokens[type_at], "a record without data");
		return add_record(r, &r->tokens[type_at], type, record);
	}
}

static bool read_record(struct reading *r)
{
	struct dns_record record = { .ttl = r->ttl };
	size_t at = 0;
	uint16_t type;

	if (r->has_owner && !read_name(r, &r->tokens[at++], r->owner, &r->owner_n))
		return false;
	if (r->owner_n == 0)
		return mistaken(r, &r->tokens[0], "a record without a name, and no record before it");
	for (; at < r->n && !r->tokens[at].is_quoted; at++) {
		struct text word = r->tokens[at].text;
		if (!text_is_cstr_nocase(word, "IN") && !parse_time(word, &record.ttl))
			break;
	}
	if (at == r->n)
		return mistaken(r, &r->tokens[r->n - 1], "a record without a type");
	if (r->tokens[at].is_quoted || !dns_zone_type_of_word(r->tokens[at].text, &type))
		return mistaken(r, &r->tokens[at], "neither a type nor the class IN");
	return read_data(r, at, type, &record);
}

/* ---- directives ---- */

static bool read_origin(struct reading *r)
{
	char name[NAME_MAX_TEXT];
	size_t n;

	if (r->n != 2)
		return mistaken(r, &r->tokens[0], "$ORIGIN takes one name");
	if (!read_name(r, &r->tokens[1], name, &n))
		return false;
	memcpy(r->origin, name, n);
	r->origin_n = n == 1 && name[0] == '.' ? 0 : n;
	return true;
}

static bool read_timeout(struct reading *r)
{
	char name[NAME_MAX_TEXT];
	uint16_t type = DNS_ZONE_ANY;
	size_t n;

	if (r->n < 2 || r->n > 3)
		return mistaken(r, &r->tokens[0], "$TIMEOUT takes a name and perhaps a type");
	if (r->n == 3 && !dns_zone_type_of_word(r->tokens[2].text, &type))
		return mistaken(r, &r->tokens[2], "not a type of records");
	if (!read_name(r, &r->tokens[1], name, &n))
		return false;
	if (dns_zone_add_failure(r->zone, text_from_bytes(name, n), type, "timeout"))
		return mistaken(r, &r->tokens[1],
				"a name that DNS cannot hold, or the file is larger than its limit");
	return true;
}

static bool read_directive(struct reading *r)
{
	struct text word = r->tokens[0].text;

	if (text_is_cstr_nocase(word, "$ORIGIN"))
		return read_origin(r);
	if (text_is_cstr_nocase(word, "$TIMEOUT"))
		return read_timeout(r);
	if (text_is_cstr_nocase(word, "$TTL"))
		return (r->n == 2 && parse_time(r->tokens[1].text, &r->ttl)) ||
		       mistaken(r, &r->tokens[0], "$TTL takes one time, as 3600 or 1h");
	return mistaken(r, &r->tokens[0], "not a directive that is read: $ORIGIN, $TTL, $TIMEOUT");
}

bool dns_zone_read(struct dns_zone *zone, struct text master_file, struct dns_zone_mistake *ret_mistake)
{
	struct reading *r = mem_zalloc(1, sizeof *r);
	bool ok = true;

	r->zone = zone;
	r->file = master_file;
	r->line = 1;
	r->ttl = TTL_DEFAULT;
	r->mistake = ret_mistake;
	r->tokens = mem_zalloc(TOKENS_MAX, sizeof *r->tokens);
	while (ok && r->at < r->file.n) {
		ok = read_entry(r);
		if (!ok || r->n == 0)
			continue;
		ok = r->has_owner && r->tokens[0].text.n && r->tokens[0].text.p[0] == '$' ? read_directive(r)
											  : read_record(r);
	}
	free(r->tokens);
	free(r);
	return ok;
}
