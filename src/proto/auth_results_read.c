/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads Authentication-Results fields. Called on fields that strangers wrote: for ARC, and to find those that
 * claim our name. Linear, with a depth of comments; one cursor, and every function leaves it behind what it
 * took. Invariants: the cursor only grows; a list is counted first, so that the arena takes it whole.
 *
 *	authres-payload = [CFWS] authserv-id [ CFWS authres-version ] ( no-result / 1*resinfo ) [CFWS]
 *	methodspec      = [CFWS] method [CFWS] "=" [CFWS] result
 *	method          = Keyword [ [CFWS] "/" [CFWS] method-version ]
 *	reasonspec      = "reason" [CFWS] "=" [CFWS] value
 *	propspec        = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue           (rfc8601 2.2)
 */
#include "proto/auth_results.h"
#include "proto/domain.h"

#define COMMENT_DEPTH_MAX 32
#define VERSION_MAX       999

struct cursor {
	struct text text;
	size_t at;
	struct arena *arena;
	bool failed;
};

static char peek(const struct cursor *c)
{
	return c->at < c->text.n ? c->text.p[c->at] : '\0';
}

static bool at_end(const struct cursor *c)
{
	return c->at >= c->text.n;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind the ")" that closes the "(" where the cursor stands; false without one, or too deep. */
static bool skip_comment(struct cursor *c)
{
	unsigned depth = 0;

	for (; !at_end(c); c->at++) {
		char byte = peek(c);
		if (byte == '\\')
			c->at++;
		else if (byte == '(' && ++depth > COMMENT_DEPTH_MAX)
			return false;
		else if (byte == ')' && --depth == 0) {
			c->at++;
			return true;
		}
	}
	return false;
}

static void skip_cfws(struct cursor *c)
{
	while (!at_end(c) && !c->failed) {
		if (is_blank(peek(c)))
			c->at++;
		else if (peek(c) == '(')
			c->failed = !skip_comment(c);
		else
			return;
	}
}

static bool take(struct cursor *c, char byte)
{
	if (at_end(c) || peek(c) != byte)
		return false;
	c->at++;
	return true;
}

/* With comments around it. */
static bool take_sign(struct cursor *c, char byte)
{
	skip_cfws(c);
	if (!take(c, byte))
		return false;
	skip_cfws(c);
	return true;
}

static bool is_keyword_byte(char byte)
{
	char c = text_lower_byte(byte);

	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Keyword = Ldh-str, here with "_" as some write it. rfc5321 4.1.2 */
static struct text take_keyword(struct cursor *c)
{
	size_t from = c->at;

	while (!at_end(c) && is_keyword_byte(peek(c)))
		c->at++;
	c->failed |= c->at == from;
	return text_slice(c->text, from, c->at);
}

/* --- values --- */

/* The quoted text without its quotes and backslashes, and without the line ends of folds. */
static struct text take_quoted(struct cursor *c)
{
	char *out = arena_alloc(c->arena, c->text.n - c->at);
	size_t n = 0;

	c->failed |= out == NULL;
	for (c->at++; !c->failed && !at_end(c); c->at++) {
		char byte = peek(c);
		if (byte == '"') {
			c->at++;
			return text_from_bytes(out, n);
		}
		if (byte == '\\' && c->at + 1 < c->text.n)
			byte = c->text.p[++c->at];
		if (byte != '\r' && byte != '\n')
			out[n++] = byte;
	}
	c->failed = true;
	return (struct text){ 0 };
}

/* Bytes of a token, and those of addresses and domains beside: "@", ":" of IPv6, "/" and "=" of base64, which
 * many write without the quotes that they would need. */
static bool is_value_byte(char byte)
{
	return (byte > ' ' && byte != 0x7f && !strchr("();\",<>", byte)) || (unsigned char)byte > 0x7f;
}

static struct text take_plain(struct cursor *c)
{
	size_t from = c->at;

	while (!at_end(c) && is_value_byte(peek(c)))
		c->at++;
	return text_slice(c->text, from, c->at);
}

/* A value, or local-part "@" domain-name, whose local part may be quoted. */
static struct text take_value(struct cursor *c)
{
	struct text first, rest;
	char *out;

	if (peek(c) != '"') {
		first = take_plain(c);
		c->failed |= first.n == 0;
		return first;
	}
	first = take_quoted(c);
	if (c->failed || peek(c) != '@')
		return first;
	rest = take_plain(c);
	out = arena_alloc(c->arena, first.n + rest.n);
	if (out == NULL) {
		c->failed = true;
		return first;
	}
	if (first.n > 0)
		memcpy(out, first.p, first.n);
	memcpy(out + first.n, rest.p, rest.n);
	return text_from_bytes(out, first.n + rest.n);
}

static unsigned take_version(struct cursor *c)
{
	uint64_t version = 1;
	size_t from = c->at;

	while (peek(c) >= '0' && peek(c) <= '9')
		c->at++;
	c->failed |= !text_parse_u64(text_slice(c->text, from, c->at), VERSION_MAX, &version);
	return (unsigned)version;
}

/* --- methods --- */

static void take_property(struct cursor *c, struct text ptype, struct auth_results_method *m)
{
	struct auth_results_property *p = &m->properties[m->n_properties];

	if (m->n_properties == AUTH_RESULTS_PROPERTIES_MAX) {
		c->failed = true;
		return;
	}
	p->ptype = ptype;
	p->property = take_keyword(c);
	c->failed |= !take_sign(c, '=');
	if (!c->failed)
		p->value = take_value(c);
	m->n_properties += !c->failed;
}

/* What follows a method's result: a reason, and properties. */
static void take_details(struct cursor *c, struct auth_results_method *m)
{
	for (skip_cfws(c); !c->failed && !at_end(c) && peek(c) != ';'; skip_cfws(c)) {
		struct text word = take_keyword(c);
		if (c->failed)
			return;
		if (take_sign(c, '.'))
			take_property(c, word, m);
		else if (text_is_cstr_nocase(word, "reason") && take_sign(c, '='))
			m->reason = take_value(c);
		else
			c->failed = true;
	}
}

static void take_method(struct cursor *c, struct auth_results_method *m)
{
	m->version = 1;
	m->properties = arena_alloc(c->arena, AUTH_RESULTS_PROPERTIES_MAX * sizeof *m->properties);
	c->failed |= m->properties == NULL;
	m->method = take_keyword(c);
	if (take_sign(c, '/'))
		m->version = take_version(c);
	c->failed |= !take_sign(c, '=');
	if (c->failed)
		return;
	m->result = take_keyword(c);
	take_details(c, m);
}

/* "none" alone, with nothing behind it. */
static bool take_none(struct cursor *c)
{
	struct cursor look = *c;
	struct text word = take_keyword(&look);

	skip_cfws(&look);
	if (look.failed || !text_is_cstr_nocase(word, "none") || (!at_end(&look) && peek(&look) != ';'))
		return false;
	*c = look;
	return true;
}

static void take_methods(struct cursor *c, struct auth_results *results)
{
	struct auth_results_method method;

	for (skip_cfws(c); !c->failed && !at_end(c); skip_cfws(c)) {
		c->failed |= !take(c, ';');
		skip_cfws(c);
		if (at_end(c) || c->failed || take_none(c))
			continue;
		if (results->n_methods == AUTH_RESULTS_METHODS_MAX) {
			c->failed = true;
			return;
		}
		method = (struct auth_results_method){ 0 };
		take_method(c, &method);
		results->methods[results->n_methods++] = method;
	}
}

bool auth_results_parse(struct text body, struct arena *arena, struct auth_results *ret_results)
{
	struct cursor c = { .text = body, .arena = arena };

	*ret_results = (struct auth_results){ .version = 1 };
	ret_results->methods = arena_alloc(arena, AUTH_RESULTS_METHODS_MAX * sizeof *ret_results->methods);
	if (ret_results->methods == NULL)
		return false;
	skip_cfws(&c);
	if (c.failed || at_end(&c))
		return false;
	ret_results->authserv_id = take_value(&c);
	skip_cfws(&c);
	if (!c.failed && !at_end(&c) && peek(&c) != ';')
		ret_results->version = take_version(&c);
	take_methods(&c, ret_results);
	return !c.failed;
}

const struct auth_results_method *auth_results_find(const struct auth_results *results, const char *method,
						    const struct auth_results_method *after)
{
	size_t from = after ? (size_t)(after - results->methods) + 1 : 0;

	for (size_t i = from; i < results->n_methods; i++)
		if (text_is_cstr_nocase(results->methods[i].method, method))
			return &results->methods[i];
	return NULL;
}

struct text auth_results_property(const struct auth_results_method *method, const char *ptype,
				  const char *property)
{
	for (size_t i = 0; i < method->n_properties; i++) {
		const struct auth_results_property *p = &method->properties[i];
		if (text_is_cstr_nocase(p->ptype, ptype) && text_is_cstr_nocase(p->property, property))
			return p->value;
	}
	return (struct text){ 0 };
}

/* --- whose is it? --- */

#define ID_MAX 1024

/* Digits at the end may be a version that stood behind comments only. */
static bool is_id(struct text candidate, struct text id)
{
	if (text_is_equal_nocase(candidate, id) || domain_is_equal(candidate, id))
		return true;
	while (candidate.n > id.n && candidate.p[candidate.n - 1] >= '0' &&
	       candidate.p[candidate.n - 1] <= '9')
		candidate.n--;
	return text_is_equal_nocase(candidate, id) || domain_is_equal(candidate, id);
}

/* What stands before the first ";", with all that some reader may pass over left out: comments, quotes,
 * backslashes, control bytes, a dot at the end; and with blanks left out (`is_joined`) or as an end. */
static void collect_id(struct text body, bool is_joined, struct buf *out)
{
	struct cursor c = { .text = body };
	bool is_quoted = false;

	while (!at_end(&c) && (is_quoted || peek(&c) != ';')) {
		char byte = peek(&c);
		struct cursor look = c;
		if (byte == '(' && !is_quoted && skip_comment(&look)) {
			c.at = look.at;
			continue;
		}
		if (!is_joined && !is_quoted && is_blank(byte) && out->n > 0)
			break;
		if (byte == '"')
			is_quoted = !is_quoted;
		else if (byte != '\\' && (unsigned char)byte > ' ' && byte != 0x7f)
			buf_add_byte(out, byte);
		c.at++;
	}
	while (out->n > 0 && out->p[out->n - 1] == '.')
		out->n--;
}

bool auth_results_is_of(struct text body, struct text authserv_id)
{
	bool is_of = false;
	struct buf id;

	while (authserv_id.n > 0 && authserv_id.p[authserv_id.n - 1] == '.')
		authserv_id.n--;
	buf_init(&id, ID_MAX);
	for (int joined = 0; joined < 2 && !is_of; joined++) {
		buf_reset(&id);
		collect_id(body, joined, &id);
		is_of = is_id(buf_text(&id), authserv_id);
	}
	buf_done(&id);
	return is_of;
}
