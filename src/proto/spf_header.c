/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes Received-SPF. Called by whoever adds the field to a message, a trusted process, with texts that a
 * stranger chose: nothing of them can end the field or a quoted string.
 *
 *	header-field   = "Received-SPF:" [CFWS] result FWS [comment FWS] [ key-value-list ] CRLF   rfc7208 9.1
 *	key-value-list = key-value-pair *( ";" [CFWS] key-value-pair ) [";"]
 *	key-value-pair = key [CFWS] "=" ( dot-atom / quoted-string )
 *
 * The comment says in words what the result is; its domain is printed only if it is made of the bytes of host
 * names, so that no comment can be opened or closed by it. UTF-8 stays in quoted strings (rfc6532 3.2).
 */
#include "proto/spf_header.h"

#define VALUE_MAX 320 /* bytes of one value */

static bool is_atom_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* rfc5322 3.2.3 */
static bool is_dot_atom(struct text t)
{
	if (t.n == 0 || t.p[0] == '.' || t.p[t.n - 1] == '.')
		return false;
	for (size_t i = 0; i < t.n; i++)
		if (!is_atom_byte(t.p[i]) && !(t.p[i] == '.' && t.p[i - 1] != '.'))
			return false;
	return true;
}

/* rfc5322 3.2.4 */
static void add_quoted(struct buf *out, struct text t)
{
	bool is_utf8 = text_is_utf8(t);

	buf_add_byte(out, '"');
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];
		if (c == '"' || c == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, c < 0x20 || c == 0x7f || (c > 0x7f && !is_utf8) ? '?' : (char)c);
	}
	buf_add_byte(out, '"');
}

static void add_pair(struct buf *out, const char *key, struct text value)
{
	if (value.n == 0)
		return;
	value = text_slice(value, 0, VALUE_MAX);
	buf_printf(out, "\r\n\t%s=", key);
	if (is_dot_atom(value))
		buf_add(out, value);
	else
		add_quoted(out, value);
	buf_add_byte(out, ';');
}

static bool is_host_name(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		char c = text_lower_byte(t.p[i]);
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_'))
			return false;
	}
	return t.n > 0;
}

static const char *meaning(enum auth_result result)
{
	static const char *const meanings[AUTH_RESULT_COUNT] = {
		[AUTH_NONE] = "no record of %s",
		[AUTH_PASS] = "%s designates this client as permitted sender",
		[AUTH_FAIL] = "%s does not designate this client as permitted sender",
		[AUTH_SOFTFAIL] = "%s probably does not designate this client as permitted sender",
		[AUTH_NEUTRAL] = "%s says neither yes nor no to this client",
		[AUTH_TEMPERROR] = "the record of %s could not be had",
		[AUTH_PERMERROR] = "the record of %s could not be used",
	};

	return meanings[result];
}

static void add_comment(struct buf *out, const struct spf_result *result)
{
	struct text domain = is_host_name(result->domain) ? result->domain : text_from_cstr("the domain"),
		    before, after;
	const char *words = meaning(result->result);

	if (!words)
		return;
	text_cut(text_from_cstr(words), '%', &before, &after);
	buf_add_cstr(out, " (");
	buf_add(out, before);
	buf_add(out, domain);
	buf_add(out, text_skip(after, 1));
	buf_add_byte(out, ')');
}

void spf_header_print(const struct spf_query *query, const struct spf_result *result, struct buf *out)
{
	char client[ADDR_TEXT_SIZE];

	addr_print(&query->client, client);
	buf_printf(out, "Received-SPF: %s", auth_result_word(result->result));
	add_comment(out, result);
	add_pair(out, "receiver", query->receiver);
	add_pair(out, "identity", text_from_cstr(spf_identity_word(query->identity)));
	add_pair(out, "client-ip", text_from_cstr(client));
	add_pair(out, "envelope-from", query->mail_from.n ? query->mail_from : result->sender);
	add_pair(out, "helo", query->helo);
	add_pair(out, "mechanism", result->mechanism);
	add_pair(out, "problem", text_from_cstr(spf_problem_text(result->problem)));
	buf_add_cstr(out, "\r\n");
}
