/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes text of HTML. Called by engines in a message room, on a stranger's bytes. No tree, no state
 * but the place: what a browser would show is not decided here, only what letters stand in which
 * order. Linear: an opened tag or comment without its end is text. Invariant that the single
 * reservation relies on: nothing becomes longer (a character of two bytes takes an entity of five or
 * more, one of four bytes seven or more).
 */
#include "judge/html_text.h"

#define ENTITY_MAX 12 /* bytes of the longest, with both ends */

static const struct {
	struct text name;
	uint32_t character;
} entities[] = {
	{ TEXT("amp"), '&' },    { TEXT("lt"), '<' },    { TEXT("gt"), '>' },        { TEXT("quot"), '"' },
	{ TEXT("apos"), '\'' },  { TEXT("nbsp"), 0xa0 }, { TEXT("ast"), '*' },       { TEXT("midast"), '*' },
	{ TEXT("period"), '.' }, { TEXT("excl"), '!' },  { TEXT("dollar"), '$' },    { TEXT("percnt"), '%' },
	{ TEXT("commat"), '@' }, { TEXT("lsqb"), '[' },  { TEXT("lbrack"), '[' },    { TEXT("bsol"), '\\' },
	{ TEXT("lpar"), '(' },   { TEXT("rpar"), ')' },  { TEXT("Hat"), '^' },       { TEXT("rcub"), '}' },
	{ TEXT("rbrace"), '}' }, { TEXT("plus"), '+' },  { TEXT("hyphen"), 0x2010 }, { TEXT("shy"), 0xad },
};

static size_t put_utf8(uint32_t c, char *at)
{
	if (c < 0x80) {
		at[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		at[0] = (char)(0xc0 | c >> 6);
		at[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		at[0] = (char)(0xe0 | c >> 12);
		at[1] = (char)(0x80 | (c >> 6 & 63));
		at[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	at[0] = (char)(0xf0 | c >> 18);
	at[1] = (char)(0x80 | (c >> 12 & 63));
	at[2] = (char)(0x80 | (c >> 6 & 63));
	at[3] = (char)(0x80 | (c & 63));
	return 4;
}

static bool is_letter(char c)
{
	c = text_lower_byte(c);
	return c >= 'a' && c <= 'z';
}

static unsigned digit_of(char c)
{
	c = text_lower_byte(c);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* "#65", "#x41"; 0 when it is none. */
static uint32_t numeric_entity(struct text name)
{
	bool is_hex = name.n > 2 && text_lower_byte(name.p[1]) == 'x';
	unsigned base = is_hex ? 16 : 10;
	uint32_t value = 0;

	name = text_skip(name, is_hex ? 2 : 1);
	for (size_t i = 0; i < name.n; i++) {
		unsigned digit = digit_of(name.p[i]);
		if (digit >= base || value > 0x10ffff)
			return 0;
		value = value * base + digit;
	}
	return value <= 0x10ffff ? value : 0;
}

static uint32_t named_entity(struct text name)
{
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
		if (text_is_equal(name, entities[i].name))
			return entities[i].character;
	return 0;
}

/* The length of the entity at the start of t, 0 for none. A numeric one needs no semicolon. */
static size_t take_entity(struct text t, uint32_t *ret_character)
{
	struct text name = text_slice(t, 1, ENTITY_MAX);
	size_t end = 0;
	bool has_end;

	while (end < name.n &&
	       ((end == 0 && name.p[end] == '#') || digit_of(name.p[end]) < 16 || is_letter(name.p[end])))
		end++;
	has_end = end < name.n && name.p[end] == ';';
	name.n = end;
	if (name.n < 2)
		return 0;
	*ret_character = name.p[0] == '#' ? numeric_entity(name) : has_end ? named_entity(name) : 0;
	return *ret_character ? 1 + end + has_end : 0;
}

/* Places of the next ">" and "-->" from some place on, SIZE_MAX for none: looked for once each. */
struct ends {
	size_t tag, comment;
	bool has_tag, has_comment;
};

static size_t next_end(struct text html, size_t at, struct text what, size_t *known, bool *has_known)
{
	if (!*has_known || (*known != SIZE_MAX && *known < at)) {
		size_t found = text_find(text_skip(html, at), what);
		*known = found == SIZE_MAX ? SIZE_MAX : at + found;
		*has_known = true;
	}
	return *known;
}

/* The length of the tag or comment that begins at `at`, 0 for none. */
static size_t take_tag(struct text html, size_t at, struct ends *ends)
{
	static const struct text open = TEXT("<!--"), close = TEXT("-->"), bracket = TEXT(">");
	struct text t = text_skip(html, at);
	size_t end;

	if (text_has_prefix(t, open)) {
		end = next_end(html, at + 2, close, &ends->comment, &ends->has_comment);
		if (end != SIZE_MAX)
			return end + close.n - at;
	}
	if (t.n < 2 || !(t.p[1] == '/' || t.p[1] == '!' || t.p[1] == '?' || is_letter(t.p[1])))
		return 0;
	end = next_end(html, at, bracket, &ends->tag, &ends->has_tag);
	return end == SIZE_MAX ? 0 : end + 1 - at;
}

bool html_text_add(struct text html, struct buf *out)
{
	struct ends ends = { 0 };
	char *to = buf_reserve(out, html.n);
	size_t n = 0;

	if (!to)
		return false;
	for (size_t at = 0; at < html.n;) {
		uint32_t character = 0;
		size_t skip = 0;

		if (html.p[at] == '<')
			skip = take_tag(html, at, &ends);
		if (html.p[at] == '&')
			skip = take_entity(text_skip(html, at), &character);
		if (character)
			n += put_utf8(character, to + n);
		if (skip == 0) {
			to[n++] = html.p[at];
			skip = 1;
		}
		at += skip;
	}
	out->n += n;
	return true;
}
