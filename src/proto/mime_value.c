/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads structured MIME fields. Called by the MIME reader on a stranger's bytes. The grammar is
 *	value *( ";" name "=" ( token / quoted-string ) )
 * with comments and blanks between any two tokens (rfc2045 5.1, rfc5322 3.2.2); what does not keep to
 * it is taken as the common mail readers take it and marked as a defect. Linear in the field, except
 * that the sections of a parameter are looked for one by one (at most limits->params squared).
 */
#include "proto/mime_value.h"

#include "base/ensure.h"

#define SECTION_MAX 9999

struct cursor {
	struct text t;
	size_t at;
	struct arena *arena;
	bool no_memory;
};

static bool has_more(const struct cursor *c)
{
	return c->at < c->t.n;
}

static bool is_at(const struct cursor *c, char byte)
{
	return has_more(c) && c->t.p[c->at] == byte;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* comment = "(" *(ctext / quoted-pair / comment) ")". rfc5322 3.2.2 */
static void skip_comment(struct cursor *c)
{
	size_t depth = 0;

	for (; has_more(c); c->at++) {
		if (is_at(c, '\\')) {
			c->at += c->at + 1 < c->t.n;
			continue;
		}
		if (is_at(c, '('))
			depth++;
		if (is_at(c, ')'))
			depth--;
		if (depth == 0)
			break;
	}
	if (has_more(c))
		c->at++;
}

static void skip_blank(struct cursor *c)
{
	while (has_more(c)) {
		if (is_at(c, '('))
			skip_comment(c);
		else if (is_blank(c->t.p[c->at]))
			c->at++;
		else
			return;
	}
}

/* Bytes up to a blank or one of the stop bytes. */
static struct text take_until(struct cursor *c, const char *stops)
{
	size_t from = c->at;

	while (has_more(c) && !is_blank(c->t.p[c->at]) && !(c->t.p[c->at] && strchr(stops, c->t.p[c->at])))
		c->at++;
	return text_slice(c->t, from, c->at);
}

/* quoted-string = DQUOTE *(qtext / quoted-pair) DQUOTE, unfolded. The quote need not be closed. */
static struct text take_quoted(struct cursor *c, bool *ret_closed)
{
	size_t from = ++c->at;
	size_t n = 0;
	bool is_plain = true;
	char *copy;

	for (; has_more(c) && !is_at(c, '"'); c->at++) {
		bool is_escape = is_at(c, '\\') && c->at + 1 < c->t.n;
		is_plain = is_plain && !is_escape && !is_at(c, '\r') && !is_at(c, '\n');
		c->at += is_escape;
	}
	*ret_closed = has_more(c);
	if (is_plain) {
		c->at += *ret_closed;
		return text_slice(c->t, from, c->at - *ret_closed);
	}
	copy = arena_alloc(c->arena, c->at - from);
	c->no_memory = !copy;
	for (size_t i = from; copy && i < c->at; i++) {
		bool is_escape = c->t.p[i] == '\\' && i + 1 < c->at;
		bool is_line_end = c->t.p[i] == '\r' || c->t.p[i] == '\n';
		i += is_escape;
		if (is_escape || !is_line_end)
			copy[n++] = c->t.p[i];
	}
	c->at += *ret_closed;
	return text_from_bytes(copy, n);
}

/* Two pieces of a value that blanks stand between: "multipart / mixed". */
static struct text join_pieces(struct cursor *c, struct text a, struct text b)
{
	char *copy = arena_alloc(c->arena, a.n + b.n + 1);

	if (!copy) {
		c->no_memory = true;
		return a;
	}
	if (a.n)
		memcpy(copy, a.p, a.n);
	if (b.n)
		memcpy(copy + a.n, b.p, b.n);
	return text_from_bytes(copy, a.n + b.n);
}

static struct text take_value(struct cursor *c)
{
	struct text value;
	bool closed;

	skip_blank(c);
	if (is_at(c, '"'))
		return text_trim(take_quoted(c, &closed));
	value = take_until(c, ";(");
	skip_blank(c);
	if (is_at(c, '/') || (value.n && value.p[value.n - 1] == '/'))
		value = join_pieces(c, value, take_until(c, ";("));
	skip_blank(c);
	if (value.n && value.p[value.n - 1] == '/' && has_more(c) && !is_at(c, ';'))
		value = join_pieces(c, value, take_until(c, ";("));
	return value;
}

/* "name", "name*", "name*2", "name*2*". rfc2231 7 */
static void split_name(struct text written, struct mime_param *p)
{
	struct text section;
	uint64_t number;

	p->section = -1;
	p->is_extended = written.n > 1 && written.p[written.n - 1] == '*';
	if (p->is_extended)
		written.n--;
	if (!text_cut(written, '*', &p->name, &section))
		return;
	if (text_parse_u64(section, SECTION_MAX, &number))
		p->section = (int)number;
}

/* False when there is no "=": a word that stands for nothing. */
static bool take_param(struct cursor *c, struct mime_param *p, unsigned *defects)
{
	struct text name = take_until(c, "=;(");
	bool closed = true;

	skip_blank(c);
	if (!is_at(c, '=')) {
		*defects |= MIME_DEFECT_VALUE;
		return false;
	}
	c->at++;
	skip_blank(c);
	split_name(name, p);
	p->value = is_at(c, '"') ? take_quoted(c, &closed) : take_until(c, ";");
	if (!closed)
		*defects |= MIME_DEFECT_VALUE;
	return p->name.n > 0;
}

static void skip_separators(struct cursor *c, unsigned *defects)
{
	bool seen = false;

	skip_blank(c);
	while (is_at(c, ';')) {
		c->at++;
		skip_blank(c);
		seen = true;
	}
	if (has_more(c) && !seen)
		*defects |= MIME_DEFECT_VALUE;
}

/* At least one byte further each time: a word without a name would stand still. */
static enum mime_trouble take_params(struct cursor *c, size_t max, struct mime_value *v)
{
	for (;;) {
		struct mime_param param = { 0 };
		size_t before;

		skip_separators(c, &v->defects);
		if (!has_more(c))
			return MIME_TROUBLE_NONE;
		before = c->at;
		if (!take_param(c, &param, &v->defects)) {
			c->at += c->at == before;
			continue;
		}
		if (c->no_memory)
			return MIME_TROUBLE_MEMORY;
		if (v->n_params == max)
			return MIME_TROUBLE_PARAMS;
		v->params[v->n_params++] = param;
	}
}

/* No field has more parameters than "=" signs. */
static size_t count_params(struct text body, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < body.n && n < max; i++)
		n += body.p[i] == '=';
	return n;
}

enum mime_trouble mime_value_parse(struct text body, const struct mime_limits *limits, struct arena *arena,
				   struct mime_value *ret_value)
{
	struct cursor c = { .t = body, .arena = arena };
	size_t n = count_params(body, limits->params);

	*ret_value = (struct mime_value){ 0 };
	if (n) {
		ret_value->params = arena_alloc(arena, n * sizeof *ret_value->params);
		if (!ret_value->params)
			return MIME_TROUBLE_MEMORY;
	}
	ret_value->value = take_value(&c);
	if (c.no_memory)
		return MIME_TROUBLE_MEMORY;
	return take_params(&c, n, ret_value);
}

bool mime_value_find_param(const struct mime_value *value, const char *name, size_t nth,
			   struct text *ret_text)
{
	for (size_t i = 0; i < value->n_params; i++) {
		const struct mime_param *p = &value->params[i];
		if (p->section >= 0 || p->is_extended || !text_is_cstr_nocase(p->name, name))
			continue;
		if (nth-- == 0) {
			*ret_text = p->value;
			return true;
		}
	}
	return false;
}

static const struct mime_param *find_section(const struct mime_value *value, const char *name, int section)
{
	for (size_t i = 0; i < value->n_params; i++) {
		const struct mime_param *p = &value->params[i];
		bool is_whole = section == 0 && p->section == -1 && p->is_extended;
		if ((p->section == section || is_whole) && text_is_cstr_nocase(p->name, name))
			return p;
	}
	return NULL;
}

struct text mime_value_cut_charset(struct text t, struct text *ret_charset)
{
	struct text charset, language, rest, value;

	*ret_charset = (struct text){ 0 };
	if (!text_cut(t, '\'', &charset, &rest) || !text_cut(rest, '\'', &language, &value))
		return t;
	*ret_charset = charset;
	return value;
}

static int hex_of(char c)
{
	c = text_lower_byte(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t mime_value_undo_percent(struct text t, char *at)
{
	size_t n = 0;

	for (size_t i = 0; i < t.n; i++) {
		int high = -1, low = -1;
		if (t.p[i] == '%' && t.n - i >= 3) {
			high = hex_of(t.p[i + 1]);
			low = hex_of(t.p[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			at[n++] = (char)(high << 4 | low);
			i += 2;
			continue;
		}
		at[n++] = t.p[i];
	}
	return n;
}

bool mime_value_join_param(const struct mime_value *value, const char *name, struct arena *arena,
			   struct text *ret_text)
{
	const struct mime_param *p;
	struct text charset;
	size_t max = 0, n = 0;
	char *copy;

	for (int i = 0; (p = find_section(value, name, i)); i++)
		max += p->value.n;
	if (!find_section(value, name, 0))
		return false;
	copy = arena_alloc(arena, max ? max : 1);
	if (!copy)
		return false;
	for (int i = 0; (p = find_section(value, name, i)); i++) {
		struct text piece =
			p->is_extended && i == 0 ? mime_value_cut_charset(p->value, &charset) : p->value;
		size_t done = p->is_extended ? mime_value_undo_percent(piece, copy + n) : piece.n;
		if (!p->is_extended && piece.n)
			memcpy(copy + n, piece.p, piece.n);
		n += done;
		ASSERT(n <= max);
	}
	*ret_text = text_from_bytes(copy, n);
	return true;
}

struct text mime_value_charset(const struct mime_value *value, const char *name)
{
	const struct mime_param *p = find_section(value, name, 0);
	struct text charset = { 0 };

	if (p && p->is_extended)
		mime_value_cut_charset(p->value, &charset);
	return charset;
}

void mime_value_split_type(struct text value, struct text *ret_type, struct text *ret_subtype)
{
	text_cut(value, '/', ret_type, ret_subtype);
	*ret_type = text_trim(*ret_type);
	*ret_subtype = text_trim(*ret_subtype);
}
