/* SPDX-License-Identifier: Apache-2.0
 *
 * Decodes the text of header fields. Called for whatever shows or judges text of a header, on a
 * stranger's bytes; nothing is malformed, what is no word stays as it is. Linear: the text is walked
 * once, a charset's name is short, and that no "?=" follows any more is found out once.
 *
 *	encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="
 *
 * Invariant of struct decoder: `joined` holds the bytes of the words since the last other text, all of
 * the charset `charset`, not yet converted.
 */
#include "proto/encoded_word.h"

#include "proto/base64.h"

#define CHARSET_MAX 80 /* with its language */

struct word {
	struct text charset, text;
	bool is_base64;
	size_t end; /* behind its "?=" */
};

struct decoder {
	struct charset_cache *cache;
	struct text in;
	size_t no_end_from; /* from here on there is no "?=" */
	struct buf joined;
	struct text charset;
	struct buf *out;
	unsigned *defects;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

/* The offset of the next "=?" at or behind `at`. */
static bool find_begin(struct text in, size_t at, size_t *ret_begin)
{
	static const struct text begin = TEXT("=?");
	size_t found = text_find(text_skip(in, at), begin);

	*ret_begin = at + found;
	return found != SIZE_MAX;
}

/* Up to the next "?", which must come soon and before any blank. */
static bool take_charset(struct text in, size_t *at, struct text *ret_charset)
{
	struct text rest = text_slice(in, *at, *at + CHARSET_MAX + 1), language;
	size_t n = 0;

	while (n < rest.n && rest.p[n] != '?' && !is_blank(rest.p[n]))
		n++;
	if (n == 0 || n == rest.n || rest.p[n] != '?')
		return false;
	text_cut(text_slice(rest, 0, n), '*', ret_charset, &language);
	*at += n + 1;
	return true;
}

static bool take_encoding(struct text in, size_t *at, bool *ret_is_base64)
{
	char c;

	if (in.n - *at < 2 || in.p[*at + 1] != '?')
		return false;
	c = text_lower_byte(in.p[*at]);
	*ret_is_base64 = c == 'b';
	*at += 2;
	return c == 'b' || c == 'q';
}

static bool find_word(struct text in, size_t begin, size_t *no_end_from, struct word *ret_word)
{
	static const struct text end = TEXT("?=");
	size_t at = begin + 2, n;

	if (!take_charset(in, &at, &ret_word->charset) || !take_encoding(in, &at, &ret_word->is_base64) ||
	    at >= *no_end_from)
		return false;
	n = text_find(text_skip(in, at), end);
	if (n == SIZE_MAX) {
		*no_end_from = at;
		return false;
	}
	ret_word->text = text_slice(in, at, at + n);
	ret_word->end = at + n + end.n;
	return true;
}

static int hex_of(char c)
{
	c = text_lower_byte(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "=41": its byte, or -1. */
static int code_at(struct text in, size_t i)
{
	int high, low;

	if (in.n - i < 3)
		return -1;
	high = hex_of(in.p[i + 1]);
	low = hex_of(in.p[i + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Behind a fold and the blanks of the next line. */
static size_t skip_blanks(struct text in, size_t i)
{
	while (i < in.n && is_blank(in.p[i]))
		i++;
	return i;
}

/* The "Q" encoding. rfc2047 4.2. A fold within a word is dropped with the blanks behind it. */
static bool undo_q(struct text in, struct buf *out, unsigned *defects)
{
	char *start = buf_reserve(out, in.n), *p = start;

	if (!start)
		return false;
	for (size_t i = 0; i < in.n;) {
		char c = in.p[i];
		int code = c == '=' ? code_at(in, i) : -1;
		if (is_blank(c) || (c == '=' && code < 0))
			*defects |= c == '=' ? ENCODED_WORD_DEFECT_CODE : ENCODED_WORD_DEFECT_BLANKS;
		if (is_line_end(c)) {
			i = skip_blanks(in, i);
			continue;
		}
		*p++ = code >= 0 ? (char)code : c == '_' ? ' ' : c;
		i += code >= 0 ? 3 : 1;
	}
	out->n += (size_t)(p - start);
	return true;
}

static bool is_base64_digit(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
	       c == '/';
}

/* The "B" encoding. rfc2047 4.1 */
static bool undo_b(struct text in, struct buf *out, unsigned *defects)
{
	size_t n_digits = 0, n_padding = 0, n_blanks = 0;

	for (size_t i = 0; i < in.n; i++) {
		n_blanks += is_blank(in.p[i]);
		n_padding += in.p[i] == '=';
		n_digits += is_base64_digit(in.p[i]) && n_padding == 0;
	}
	if (n_blanks)
		*defects |= ENCODED_WORD_DEFECT_BLANKS;
	if ((n_digits + n_padding) % 4 || n_padding > 2 || n_digits + n_padding + n_blanks != in.n)
		*defects |= ENCODED_WORD_DEFECT_CODE;
	return base64_decode(in, out);
}

static bool has_control(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (((unsigned char)t.p[i] < 0x20 && t.p[i] != '\t') || t.p[i] == 0x7f)
			return true;
	return false;
}

static bool flush_words(struct decoder *d)
{
	size_t before = d->out->n;
	bool fits = charset_decode(d->cache, d->charset, buf_text(&d->joined), d->out, d->defects);

	if (has_control(text_skip(buf_text(d->out), before)))
		*d->defects |= ENCODED_WORD_DEFECT_CONTROL;
	buf_reset(&d->joined);
	return fits;
}

/* Text without words, unfolded. */
static bool add_other(struct decoder *d, struct text t)
{
	static const struct text no_label = { 0 };

	while (t.n) {
		size_t n = 0, line, next;
		while (n < t.n && !is_line_end(t.p[n]))
			n++;
		next = skip_blanks(t, n);
		line = n;
		while (n < t.n && line && is_blank(t.p[line - 1]))
			line--;
		if (!charset_decode(d->cache, no_label, text_slice(t, 0, line), d->out, d->defects))
			return false;
		if (n < t.n && !buf_add_byte(d->out, ' '))
			return false;
		t = text_skip(t, next);
	}
	return true;
}

static void check_neighbours(struct decoder *d, size_t begin, size_t end)
{
	if ((begin > 0 && !is_blank(d->in.p[begin - 1])) || (end < d->in.n && !is_blank(d->in.p[end])))
		*d->defects |= ENCODED_WORD_DEFECT_GLUED;
}

static bool add_word(struct decoder *d, const struct word *word)
{
	if (d->joined.n && !charset_is_same(d->charset, word->charset) && !flush_words(d))
		return false;
	d->charset = word->charset;
	return word->is_base64 ? undo_b(word->text, &d->joined, d->defects)
			       : undo_q(word->text, &d->joined, d->defects);
}

static bool decode(struct decoder *d)
{
	size_t done = 0, at = 0, begin;
	struct word word;
	bool is_behind_word = false;

	while (find_begin(d->in, at, &begin)) {
		struct text between = text_slice(d->in, done, begin);
		at = begin + 2;
		if (!find_word(d->in, begin, &d->no_end_from, &word))
			continue;
		if (!is_behind_word || text_trim(between).n)
			if (!flush_words(d) || !add_other(d, between))
				return false;
		check_neighbours(d, begin, word.end);
		if (!add_word(d, &word))
			return false;
		is_behind_word = true;
		done = at = word.end;
	}
	return flush_words(d) && add_other(d, text_skip(d->in, done));
}

bool encoded_word_decode_text(struct charset_cache *cache, struct text in, struct buf *out, unsigned *defects)
{
	struct decoder d = {
		.cache = cache, .in = in, .no_end_from = SIZE_MAX, .out = out, .defects = defects
	};
	bool fits;

	buf_init(&d.joined, in.n + 8);
	fits = decode(&d);
	buf_done(&d.joined);
	return fits;
}

bool encoded_word_is_in(struct text in)
{
	size_t at = 0, begin, no_end_from = SIZE_MAX;
	struct word word;

	while (find_begin(in, at, &begin)) {
		if (find_word(in, begin, &no_end_from, &word))
			return true;
		at = begin + 2;
	}
	return false;
}
