/* SPDX-License-Identifier: Apache-2.0
 *
 * Splits style sheets. Called by html_sheet.c and html_style.c in a room, on a stranger's sheets. A sheet is
 * cut at braces, semicolons and colons that stand outside of strings, comments and brackets; what is within
 * is not looked into. Invariants: each call takes at least one byte of a text that is not empty; the depth
 * of brackets is a number, not a recursion; copies are cut at their array's end.
 */
#include "judge/css.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* Bytes of the string that begins at t[0]; it ends at its quote, or before a line end. */
static size_t string_length(struct text t)
{
	size_t at = 1;

	while (at < t.n && t.p[at] != t.p[0] && t.p[at] != '\n')
		at += t.p[at] == '\\' && at + 1 < t.n ? 2 : 1;
	return at < t.n ? at + 1 : t.n;
}

static size_t comment_length(struct text t)
{
	size_t end = text_find(text_skip(t, 2), (struct text)TEXT("*/"));

	return end == SIZE_MAX ? t.n : 2 + end + 2;
}

/* Bytes of what begins at t[0] and is one piece for whoever looks for a mark: a string, a comment, an
 * escape, a byte. */
static size_t piece_length(struct text t)
{
	if (t.p[0] == '"' || t.p[0] == '\'')
		return string_length(t);
	if (t.p[0] == '/' && t.n > 1 && t.p[1] == '*')
		return comment_length(t);
	if (t.p[0] == '\\' && t.n > 1)
		return 2;
	return 1;
}

/* Where the first of these marks stands outside of strings, comments and brackets; t.n: nowhere. */
static size_t find_mark(struct text t, char a, char b)
{
	size_t at = 0, depth = 0;

	while (at < t.n) {
		char c = t.p[at];
		if (depth == 0 && (c == a || c == b))
			return at;
		if (c == '(' || c == '[')
			depth++;
		if ((c == ')' || c == ']') && depth)
			depth--;
		at += piece_length(text_skip(t, at));
	}
	return t.n;
}

/* Where the block that begins behind a '{' ends. */
static size_t block_end(struct text t)
{
	size_t at = 0, depth = 0;

	while (at < t.n) {
		char c = t.p[at];
		if (c == '}' && depth == 0)
			return at;
		depth += c == '{';
		depth -= c == '}';
		at += piece_length(text_skip(t, at));
	}
	return t.n;
}

/* Without blanks, comments and the marks of HTML's comments at the start. */
static struct text skip_blank(struct text t)
{
	static const struct text open = TEXT("<!--"), close = TEXT("-->");

	while (t.n) {
		if (is_space(t.p[0]))
			t = text_skip(t, 1);
		else if (t.p[0] == '/' && t.n > 1 && t.p[1] == '*')
			t = text_skip(t, comment_length(t));
		else if (text_has_prefix(t, open))
			t = text_skip(t, open.n);
		else if (text_has_prefix(t, close))
			t = text_skip(t, close.n);
		else
			break;
	}
	return t;
}

static unsigned hex_of(char c)
{
	c = text_lower_byte(c);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* "\6e ", "\n": the character, as far as it is ASCII ('?' otherwise). */
static size_t take_escape(struct text t, char *ret_c)
{
	uint32_t number = 0;
	size_t n = 1;

	while (n < t.n && n < 7 && hex_of(t.p[n]) < 16)
		number = number * 16 + hex_of(t.p[n++]);
	if (n == 1) {
		*ret_c = t.n > 1 ? text_lower_byte(t.p[1]) : '\\';
		return t.n > 1 ? 2 : 1;
	}
	*ret_c = number > 0 && number < 0x80 ? text_lower_byte((char)number) : '?';
	return n + (n < t.n && is_space(t.p[n]));
}

static size_t take_comparable(struct text t, char *ret_c)
{
	if (t.p[0] == '\\')
		return take_escape(t, ret_c);
	if (t.p[0] == '/' && t.n > 1 && t.p[1] == '*') {
		*ret_c = ' ';
		return comment_length(t);
	}
	*ret_c = is_space(t.p[0]) ? ' ' : text_lower_byte(t.p[0]);
	return 1;
}

/* In the form for comparing; gives what was written of it. */
static struct text copy_comparable(struct text t, char *bytes, size_t max)
{
	size_t n = 0;

	while (t.n && n < max) {
		char c = ' ';
		t = text_skip(t, take_comparable(t, &c));
		if (c != ' ' || (n && bytes[n - 1] != ' '))
			bytes[n++] = c;
	}
	return text_trim(text_from_bytes(bytes, n));
}

/* Is it there at the end? Then it is cut off. */
static bool cut_important(struct text *value)
{
	static const struct text word = TEXT("important");
	struct text t = *value;

	if (!text_has_suffix_nocase(t, word))
		return false;
	t = text_trim(text_slice(t, 0, t.n - word.n));
	if (!t.n || t.p[t.n - 1] != '!')
		return false;
	*value = text_trim(text_slice(t, 0, t.n - 1));
	return true;
}

static bool take_declaration(struct text t, struct css_declaration *ret)
{
	size_t colon = find_mark(t, ':', ':');
	struct text end;

	if (colon == t.n)
		return false;
	ret->raw = text_trim(text_skip(t, colon + 1));
	ret->name = copy_comparable(text_slice(t, 0, colon), ret->name_bytes, CSS_NAME_MAX);
	ret->value = copy_comparable(ret->raw, ret->value_bytes, CSS_VALUE_MAX);
	ret->is_important = cut_important(&ret->value);
	end = ret->raw;
	if (end.n > CSS_VALUE_MAX) /* the value was cut before it */
		ret->is_important = cut_important(&end);
	return ret->name.n > 0;
}

bool css_declaration_next(struct text *rest, struct css_declaration *ret_declaration)
{
	while (rest->n) {
		struct text t = skip_blank(*rest);
		size_t end = find_mark(t, ';', '}');

		*rest = text_skip(t, end + 1);
		if (take_declaration(text_slice(t, 0, end), ret_declaration))
			return true;
	}
	return false;
}

/* "@name" at the start is cut off. */
static struct text take_at_name(struct text *t)
{
	size_t n = 1;
	struct text name;

	if (!t->n || t->p[0] != '@')
		return (struct text){ 0 };
	while (n < t->n && !is_space(t->p[n]) && t->p[n] != '(' && t->p[n] != '"' && t->p[n] != '\'' &&
	       t->p[n] != '{' && t->p[n] != ';')
		n++;
	name = text_slice(*t, 1, n);
	*t = text_skip(*t, n);
	return name;
}

bool css_rule_next(struct text *rest, struct css_rule *ret_rule)
{
	struct text t = skip_blank(*rest);
	size_t mark, end;

	*ret_rule = (struct css_rule){ 0 };
	if (!t.n) {
		*rest = t;
		return false;
	}
	ret_rule->at_name = take_at_name(&t);
	mark = find_mark(t, '{', ret_rule->at_name.n ? ';' : '{');
	ret_rule->prelude = text_trim(text_slice(t, 0, mark));
	if (mark == t.n || t.p[mark] == ';') {
		*rest = text_skip(t, mark + 1);
		return true;
	}
	t = text_skip(t, mark + 1);
	end = block_end(t);
	ret_rule->block = text_slice(t, 0, end);
	*rest = text_skip(t, end + 1);
	return true;
}

/* The address of "url(" whose inside t is. */
static struct text url_inside(struct text t)
{
	t = text_trim(t);
	if (t.n && (t.p[0] == '"' || t.p[0] == '\'')) {
		size_t n = string_length(t);
		return text_slice(t, 1, n > 1 && t.p[n - 1] == t.p[0] ? n - 1 : n);
	}
	return t;
}

bool css_url_next(struct text *rest, struct text *ret_url)
{
	static const struct text word = TEXT("url(");
	struct text t = *rest;

	while (t.n && !text_has_prefix_nocase(t, word))
		t = text_skip(t, piece_length(t));
	*rest = t;
	if (!t.n)
		return false;
	t = text_skip(t, word.n);
	*ret_url = url_inside(text_slice(t, 0, find_mark(t, ')', ')')));
	*rest = text_skip(t, find_mark(t, ')', ')') + 1);
	return true;
}

bool css_import_url(struct text prelude, struct text *ret_url)
{
	struct text t = skip_blank(prelude);

	if (t.n && (t.p[0] == '"' || t.p[0] == '\'')) {
		*ret_url = url_inside(text_slice(t, 0, string_length(t)));
		return true;
	}
	return css_url_next(&t, ret_url);
}

bool css_word_next(struct text *rest, struct text *ret_word)
{
	struct text t = *rest;
	size_t n;

	while (t.n && (is_space(t.p[0]) || t.p[0] == ','))
		t = text_skip(t, 1);
	n = find_mark(t, ' ', ',');
	*ret_word = text_slice(t, 0, n);
	*rest = text_skip(t, n);
	return n > 0;
}
