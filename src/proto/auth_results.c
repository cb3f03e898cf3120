/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the Authentication-Results field. Called by trusted code that has typed results; the values within
 * them are strangers' bytes. Reading is in auth_results_read.c.
 *
 * Invariants:
 * 1. A byte that could end the field, a line or a quoted text leaves only as part of our own folding or
 *    escaped: one call of begin..end gives one field.
 * 2. A fold stands only between words, never within a value, and no value is longer than what fits into 998.
 * 3. What was written reads back as what was given, but for bytes that became "?" and what was cut.
 *
 *	authres-payload = [CFWS] authserv-id [ CFWS authres-version ] ( no-result / 1*resinfo ) [CFWS] CRLF
 *	resinfo         = [CFWS] ";" methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ]
 *	pvalue          = [CFWS] ( value / [ [ local-part ] "@" ] domain-name ) [CFWS]     (rfc8601 2.2)
 */
#include "proto/auth_results.h"

#define FOLD_COLUMN 78
/* A value with every byte escaped, its name and its signs. */
#define WORD_MAX (2 * AUTH_RESULTS_VALUE_MAX + 128)

/* token = 1*<any CHAR except SPACE, CTLs and tspecials> rfc2045 5.1 */
static bool is_token_byte(char c)
{
	return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static bool is_token(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (!is_token_byte(t.p[i]))
			return false;
	return t.n > 0;
}

/* domain-name = sub-domain 1*("." sub-domain), underscores too. rfc6376 3.5 */
static bool is_domain_name(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		char c = text_lower_byte(t.p[i]);
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
			return false;
	}
	return t.n > 0;
}

/* dot-atom-text, without the dots' rules, which no reader of ours needs. rfc5322 3.2.3 */
static bool is_dot_atom(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		char c = text_lower_byte(t.p[i]);
		if (c == '\0' ||
		    !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("!#$%&'*+-/=?^_`{|}~.", c)))
			return false;
	}
	return true;
}

/* --- words --- */

/* Puts a finished word on the line, or on the next one. */
static void add_word(struct auth_results_writer *w, struct text word)
{
	if (w->column + 1 + word.n > FOLD_COLUMN) {
		buf_add_cstr(w->out, "\r\n");
		w->column = 0;
	}
	buf_add_byte(w->out, ' ');
	buf_add(w->out, word);
	w->column += 1 + word.n;
}

/* Cut to the maximum, not within a character. */
static struct text shorten(struct text t, bool *ret_is_cut)
{
	*ret_is_cut = t.n > AUTH_RESULTS_VALUE_MAX;
	if (!*ret_is_cut)
		return t;
	t.n = AUTH_RESULTS_VALUE_MAX - 3;
	while (t.n > 0 && ((unsigned char)t.p[t.n] & 0xc0) == 0x80)
		t.n--;
	return t;
}

/* Between two signs, with the bytes of `escaped` behind a backslash. */
static void add_enclosed(struct buf *word, char open, char close, const char *escaped, struct text value)
{
	bool is_cut;
	struct text t = shorten(value, &is_cut);
	bool is_utf8 = text_is_utf8(t);

	buf_add_byte(word, open);
	for (size_t i = 0; i < t.n; i++) {
		char c = t.p[i];
		if ((unsigned char)c < ' ' || c == 0x7f || ((unsigned char)c > 0x7f && !is_utf8))
			c = '?';
		if (strchr(escaped, c))
			buf_add_byte(word, '\\');
		buf_add_byte(word, c);
	}
	buf_add_cstr(word, is_cut ? "..." : "");
	buf_add_byte(word, close);
}

static void add_quoted(struct buf *word, struct text value)
{
	add_enclosed(word, '"', '"', "\"\\", value);
}

/* An address keeps its form, and has its local part quoted where it must be: a value that identifies a
 * mailbox is written as one. rfc8601 2.2 */
static void add_value(struct buf *word, struct text value)
{
	size_t at = text_find_last_byte(value, '@');
	struct text local = text_slice(value, 0, at == SIZE_MAX ? 0 : at);
	struct text domain = at == SIZE_MAX ? value : text_skip(value, at + 1);

	if (value.n <= AUTH_RESULTS_VALUE_MAX && (is_token(value) || is_domain_name(value))) {
		buf_add(word, value);
	} else if (at == SIZE_MAX || !is_domain_name(domain) || value.n > AUTH_RESULTS_VALUE_MAX) {
		add_quoted(word, value);
	} else {
		if (is_dot_atom(local))
			buf_add(word, local);
		else
			add_quoted(word, local);
		buf_add_byte(word, '@');
		buf_add(word, domain);
	}
}

/* --- the field --- */

void auth_results_begin(struct auth_results_writer *w, struct buf *out, const char *field, unsigned instance,
			struct text authserv_id)
{
	struct buf word;

	*w = (struct auth_results_writer){ .out = out };
	buf_init(&word, WORD_MAX);
	buf_add_cstr(out, field);
	buf_add_byte(out, ':');
	w->column = strlen(field) + 1;
	if (instance > 0) {
		buf_printf(&word, "i=%u;", instance);
		add_word(w, buf_text(&word));
		buf_reset(&word);
	}
	if (is_token(authserv_id) && authserv_id.n <= AUTH_RESULTS_VALUE_MAX)
		buf_add(&word, authserv_id);
	else
		add_quoted(&word, authserv_id);
	add_word(w, buf_text(&word));
	buf_done(&word);
}

/* Each method begins a line. */
void auth_results_add_method(struct auth_results_writer *w, const char *method, enum auth_result result)
{
	buf_printf(w->out, ";\r\n %s=%s", method, auth_result_word(result));
	w->column = 2 + strlen(method) + strlen(auth_result_word(result));
	w->has_method = true;
}

void auth_results_add_comment(struct auth_results_writer *w, struct text comment)
{
	struct buf word;

	if (comment.n == 0)
		return;
	buf_init(&word, WORD_MAX);
	add_enclosed(&word, '(', ')', "()\\", comment);
	add_word(w, buf_text(&word));
	buf_done(&word);
}

void auth_results_add_reason(struct auth_results_writer *w, struct text reason)
{
	struct buf word;

	if (reason.n == 0)
		return;
	buf_init(&word, WORD_MAX);
	buf_add_cstr(&word, "reason=");
	if (is_token(reason) && reason.n <= AUTH_RESULTS_VALUE_MAX)
		buf_add(&word, reason);
	else
		add_quoted(&word, reason);
	add_word(w, buf_text(&word));
	buf_done(&word);
}

void auth_results_add_property(struct auth_results_writer *w, const char *ptype, const char *property,
			       struct text value)
{
	struct buf word;

	if (value.n == 0)
		return;
	buf_init(&word, WORD_MAX);
	buf_printf(&word, "%s.%s=", ptype, property);
	add_value(&word, value);
	add_word(w, buf_text(&word));
	buf_done(&word);
}

void auth_results_end(struct auth_results_writer *w)
{
	buf_add_cstr(w->out, w->has_method ? "\r\n" : "; none\r\n");
}
