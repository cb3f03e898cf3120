/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes JSON. Called by the command line's subcommands with what strangers wrote. Texts are copied in
 * runs of bytes that need no escape. Invariants: bit `depth - 1` of is_object and has_items belongs to
 * the innermost open object or array; a value inside of an object follows a key; whatever bytes a text
 * has, what is added is valid UTF-8 without control characters.
 */
#include "base/json_writer.h"

#include "base/ensure.h"

#include <stdio.h>

static uint64_t bit_of(const struct json_writer *w)
{
	return w->depth ? UINT64_C(1) << (w->depth - 1) : 0;
}

struct json_writer json_writer_of(struct buf *out, bool is_pretty)
{
	return (struct json_writer){ .out = out, .is_pretty = is_pretty };
}

static void break_line(struct json_writer *w)
{
	if (!w->is_pretty)
		return;
	buf_add_byte(w->out, '\n');
	for (unsigned i = 0; i < w->depth; i++)
		buf_add_cstr(w->out, "  ");
}

/* The comma and line end before a key or a value. */
static void begin_item(struct json_writer *w)
{
	if (w->has_key) {
		w->has_key = false;
		return;
	}
	if (w->has_items & bit_of(w))
		buf_add_cstr(w->out, w->is_pretty ? "," : ", ");
	if (w->depth)
		break_line(w);
	w->has_items |= bit_of(w);
}

static void open_value(struct json_writer *w, bool is_object)
{
	begin_item(w);
	buf_add_byte(w->out, is_object ? '{' : '[');
	ASSERT(w->depth < JSON_DEPTH_MAX);
	w->depth++;
	w->has_items &= ~bit_of(w);
	w->is_object = is_object ? w->is_object | bit_of(w) : w->is_object & ~bit_of(w);
}

void json_open_object(struct json_writer *w)
{
	open_value(w, true);
}

void json_open_array(struct json_writer *w)
{
	open_value(w, false);
}

void json_close(struct json_writer *w)
{
	bool is_object = w->is_object & bit_of(w);
	bool has_items = w->has_items & bit_of(w);

	ASSERT(w->depth > 0 && !w->has_key);
	w->depth--;
	if (has_items)
		break_line(w);
	buf_add_byte(w->out, is_object ? '}' : ']');
}

void json_key(struct json_writer *w, const char *key)
{
	ASSERT((w->is_object & bit_of(w)) && !w->has_key);
	begin_item(w);
	buf_add_byte(w->out, '"');
	buf_add_cstr(w->out, key);
	buf_add_cstr(w->out, "\": ");
	w->has_key = true;
}

static bool is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The length of the character that begins t, 0 when it is none. rfc3629 4 */
static size_t utf8_length(struct text t)
{
	const unsigned char *p = (const unsigned char *)t.p;
	unsigned char c = p[0];

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c < 0xe0)
		return t.n > 1 && is_tail(p[1]) ? 2 : 0;
	if (c >= 0xe0 && c < 0xf0) {
		bool is_short = t.n > 1 && c == 0xe0 && p[1] < 0xa0;
		bool is_surrogate = t.n > 1 && c == 0xed && p[1] >= 0xa0;
		return t.n > 2 && is_tail(p[1]) && is_tail(p[2]) && !is_short && !is_surrogate ? 3 : 0;
	}
	if (c >= 0xf0 && c < 0xf5) {
		bool is_out = t.n > 1 && ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] >= 0x90));
		return t.n > 3 && is_tail(p[1]) && is_tail(p[2]) && is_tail(p[3]) && !is_out ? 4 : 0;
	}
	return 0;
}

static bool is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

/* U+0080 to U+009F move terminals as well. */
static bool is_control_pair(struct text t)
{
	return t.n > 1 && t.p[0] == '\xc2' && (unsigned char)t.p[1] < 0xa0;
}

/* As many bytes as stand for themselves. */
static size_t plain_length(struct text t)
{
	size_t at = 0;

	while (at < t.n) {
		unsigned char c = (unsigned char)t.p[at];
		size_t n = utf8_length(text_skip(t, at));
		if (n == 0 || c == '"' || c == '\\' || is_control(c) || is_control_pair(text_skip(t, at)))
			break;
		at += n;
	}
	return at;
}

static const char *short_escape(unsigned char c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

/* The first character of t, which plain_length stopped at; its length. */
static size_t add_escape(struct buf *out, struct text t)
{
	unsigned char c = (unsigned char)t.p[0];
	const char *escape = short_escape(c);

	if (escape) {
		buf_add_cstr(out, escape);
		return 1;
	}
	if (is_control_pair(t)) {
		buf_printf(out, "\\u%04x", (unsigned char)t.p[1]);
		return 2;
	}
	if (is_control(c))
		buf_printf(out, "\\u%04x", c);
	else
		buf_add_cstr(out, "\xef\xbf\xbd");
	return 1;
}

void json_text(struct json_writer *w, struct text value)
{
	begin_item(w);
	buf_add_byte(w->out, '"');
	while (value.n && !w->out->overflow) {
		size_t n = plain_length(value);
		buf_add(w->out, text_slice(value, 0, n));
		value = text_skip(value, n);
		if (value.n)
			value = text_skip(value, add_escape(w->out, value));
	}
	buf_add_byte(w->out, '"');
}

static void add_word(struct json_writer *w, const char *word)
{
	begin_item(w);
	buf_add_cstr(w->out, word);
}

void json_cstr(struct json_writer *w, const char *value)
{
	if (value)
		json_text(w, text_from_cstr(value));
	else
		json_null(w);
}

void json_number(struct json_writer *w, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%lld", (long long)value);
	add_word(w, digits);
}

void json_bool(struct json_writer *w, bool value)
{
	add_word(w, value ? "true" : "false");
}

void json_null(struct json_writer *w)
{
	add_word(w, "null");
}

void json_key_text(struct json_writer *w, const char *key, struct text value)
{
	json_key(w, key);
	json_text(w, value);
}

void json_key_cstr(struct json_writer *w, const char *key, const char *value)
{
	json_key(w, key);
	json_cstr(w, value);
}

void json_key_number(struct json_writer *w, const char *key, int64_t value)
{
	json_key(w, key);
	json_number(w, value);
}

void json_key_bool(struct json_writer *w, const char *key, bool value)
{
	json_key(w, key);
	json_bool(w, value);
}

void json_key_object(struct json_writer *w, const char *key)
{
	json_key(w, key);
	json_open_object(w);
}

void json_key_array(struct json_writer *w, const char *key)
{
	json_key(w, key);
	json_open_array(w);
}
