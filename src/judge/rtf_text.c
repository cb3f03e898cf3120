/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads RTF for the engines of the judge, on a stranger's bytes. RTF is text with groups in braces and
 * control words ("\par", "\u8364?", "\'e4"); a group keeps its own state. "{\*\name" is a destination
 * that who does not know it skips. HTML in RTF stands in "{\*\htmltag ...}" groups and in the text
 * between; what is only for readers of RTF is between "\htmlrtf" and "\htmlrtf0".
 *
 * Groups deeper than DEPTH_MAX share the state of the last level. Invariant: `bytes` holds 8-bit text not
 * yet converted, and is emptied before anything else is added.
 */
#include "judge/rtf_text.h"

#include <unicode/utf8.h>

#define DEPTH_MAX    100
#define WORD_MAX     32
#define CODE_PAGE    1252
#define NUMBER_LIMIT 100000000

struct state {
	bool is_skipped;          /* a destination that is not text */
	bool is_rtf_only;         /* between "\htmlrtf" and "\htmlrtf0" */
	bool is_starred;          /* "\*" stands before the next control word */
	unsigned n_after_unicode; /* characters that stand for those without Unicode, behind "\u" */
};

struct reader {
	struct text in;
	size_t at;
	struct state states[DEPTH_MAX];
	size_t depth;
	size_t n_to_skip; /* of the characters behind a "\u" */
	int high;         /* a high surrogate that waits for its low one; 0: none */
	struct charset_cache *charsets;
	struct buf bytes, label, *out; /* label: of the character set of the bytes */
	struct rtf_facts *facts;
	bool is_full;
};

struct control {
	char word[WORD_MAX];
	bool has_number;
	int number;
};

static struct state *state_of(struct reader *r)
{
	return &r->states[r->depth < DEPTH_MAX ? r->depth : DEPTH_MAX - 1];
}

static void flush_bytes(struct reader *r)
{
	unsigned defects = 0;

	if (r->bytes.n &&
	    !charset_decode(r->charsets, buf_text(&r->label), buf_text(&r->bytes), r->out, &defects))
		r->is_full = true;
	buf_reset(&r->bytes);
}

static void set_code_page(struct reader *r, int number)
{
	flush_bytes(r);
	buf_reset(&r->label);
	buf_printf(&r->label, "cp%d", number);
}

static bool is_shown(struct reader *r)
{
	const struct state *s = state_of(r);

	return !s->is_skipped && !(s->is_rtf_only && r->facts->is_html);
}

static void add_byte(struct reader *r, char c)
{
	if (r->n_to_skip) {
		r->n_to_skip--;
		return;
	}
	if (is_shown(r))
		buf_add_byte(&r->bytes, c);
}

static void add_code_point(struct reader *r, UChar32 c)
{
	char utf8[U8_MAX_LENGTH];
	size_t n = 0;

	U8_APPEND_UNSAFE(utf8, n, c);
	flush_bytes(r);
	if (!buf_add(r->out, text_from_bytes(utf8, n)))
		r->is_full = true;
}

/* "\u-10179?\u-8704?": UTF-16 as signed numbers. */
static void add_unicode(struct reader *r, int number)
{
	int unit = number & 0xffff;

	r->n_to_skip = state_of(r)->n_after_unicode;
	if (!is_shown(r))
		return;
	if (unit >= 0xd800 && unit < 0xdc00) {
		r->high = unit;
		return;
	}
	if (unit >= 0xdc00 && unit < 0xe000 && r->high)
		add_code_point(r, 0x10000 + ((r->high - 0xd800) << 10) + (unit - 0xdc00));
	else
		add_code_point(r, unit >= 0xdc00 && unit < 0xe000 ? 0xfffd : unit);
	r->high = 0;
}

enum action { ACTION_NONE, ACTION_CHARACTER, ACTION_SKIP, ACTION_SHOW, ACTION_OBJECT };

/* What is not here does nothing, and with "\*" before it begins a destination that is skipped. */
static const struct {
	const char *word;
	enum action action;
	char character;
} words[] = {
	{ "par", ACTION_CHARACTER, '\n' },  { "line", ACTION_CHARACTER, '\n' },
	{ "row", ACTION_CHARACTER, '\n' },  { "sect", ACTION_CHARACTER, '\n' },
	{ "page", ACTION_CHARACTER, '\n' }, { "tab", ACTION_CHARACTER, '\t' },
	{ "cell", ACTION_CHARACTER, '\t' }, { "fonttbl", ACTION_SKIP, 0 },
	{ "colortbl", ACTION_SKIP, 0 },     { "stylesheet", ACTION_SKIP, 0 },
	{ "info", ACTION_SKIP, 0 },         { "pict", ACTION_SKIP, 0 },
	{ "objdata", ACTION_OBJECT, 0 },    { "objemb", ACTION_OBJECT, 0 },
	{ "htmltag", ACTION_SHOW, 0 },      { "fldinst", ACTION_SHOW, 0 },
};

static void apply_table(struct reader *r, const struct control *c)
{
	struct state *s = state_of(r);
	enum action action = s->is_starred ? ACTION_SKIP : ACTION_NONE;
	char character = 0;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!text_is_cstr(text_from_cstr(c->word), words[i].word))
			continue;
		action = words[i].action;
		character = words[i].character;
	}
	s->is_starred = false;
	if (action == ACTION_CHARACTER && !r->facts->is_html)
		add_byte(r, character);
	if (action == ACTION_OBJECT)
		r->facts->has_objects = true;
	if (action == ACTION_SKIP || action == ACTION_OBJECT)
		s->is_skipped = true;
}

static void apply(struct reader *r, const struct control *c)
{
	struct text word = text_from_cstr(c->word);

	if (text_is_cstr(word, "u") && c->has_number)
		add_unicode(r, c->number);
	else if (text_is_cstr(word, "uc") && c->number >= 0)
		state_of(r)->n_after_unicode = (unsigned)c->number;
	else if (text_is_cstr(word, "ansicpg") && c->number > 0)
		set_code_page(r, c->number);
	else if (text_is_cstr(word, "fromhtml"))
		r->facts->is_html = c->number != 0;
	else if (text_is_cstr(word, "htmlrtf"))
		state_of(r)->is_rtf_only = !c->has_number || c->number != 0;
	else if (text_is_cstr(word, "bin") && c->number > 0)
		r->at += (size_t)c->number < r->in.n - r->at ? (size_t)c->number : r->in.n - r->at;
	else
		apply_table(r, c);
}

static char peek(const struct reader *r)
{
	return r->at < r->in.n ? r->in.p[r->at] : 0;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Letters, a number, and one blank that belongs to them. */
static void read_word(struct reader *r)
{
	struct control c = { .word = "" };
	bool is_negative;

	for (size_t n = 0; is_letter(peek(r)); r->at++)
		if (n < WORD_MAX - 1)
			c.word[n++] = peek(r);
	is_negative = peek(r) == '-';
	r->at += is_negative;
	for (; is_digit(peek(r)); r->at++) {
		c.has_number = true;
		if (c.number < NUMBER_LIMIT)
			c.number = c.number * 10 + (peek(r) - '0');
	}
	if (is_negative)
		c.number = -c.number;
	r->at += peek(r) == ' ';
	apply(r, &c);
}

static int hex_of(char c)
{
	c = text_lower_byte(c);
	if (is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void read_symbol(struct reader *r)
{
	char c = peek(r);
	int high, low;

	r->at++;
	switch (c) {
	case '*':
		state_of(r)->is_starred = true;
		break;
	case '\'':
		high = hex_of(peek(r));
		r->at += high >= 0;
		low = high >= 0 ? hex_of(peek(r)) : -1;
		r->at += low >= 0;
		if (low >= 0)
			add_byte(r, (char)(high << 4 | low));
		break;
	case '~':
		add_byte(r, ' ');
		break;
	case '\\':
	case '{':
	case '}':
		add_byte(r, c);
		break;
	case '\r':
	case '\n':
		add_byte(r, '\n');
		break;
	default: /* hyphens that need not be shown, and what is no symbol */
		break;
	}
}

static void open_group(struct reader *r)
{
	struct state s = *state_of(r);

	s.is_starred = false;
	r->depth++;
	r->facts->is_deep = r->facts->is_deep || r->depth >= DEPTH_MAX;
	if (r->depth < DEPTH_MAX)
		r->states[r->depth] = s;
	r->n_to_skip = 0;
}

static void read_one(struct reader *r)
{
	char c = peek(r);

	r->at++;
	if (c == '{') {
		open_group(r);
	} else if (c == '}') {
		r->depth -= r->depth > 0;
		r->n_to_skip = 0;
	} else if (c == '\\' && is_letter(peek(r))) {
		read_word(r);
	} else if (c == '\\') {
		read_symbol(r);
	} else if (c != '\r' && c != '\n') {
		add_byte(r, c);
	}
}

bool rtf_text_add(struct text rtf, struct charset_cache *charsets, struct buf *out,
		  struct rtf_facts *ret_facts)
{
	static const struct text begin = TEXT("{\\rtf");
	struct reader r = {
		.in = text_trim(rtf), .charsets = charsets, .out = out, .facts = ret_facts, .depth = 0
	};

	*ret_facts = (struct rtf_facts){ 0 };
	if (!text_has_prefix(r.in, begin))
		return false;
	r.states[0].n_after_unicode = 1;
	buf_init(&r.bytes, rtf.n);
	buf_init(&r.label, 32);
	set_code_page(&r, CODE_PAGE);
	while (r.at < r.in.n && !r.is_full)
		read_one(&r);
	flush_bytes(&r);
	buf_done(&r.bytes);
	buf_done(&r.label);
	return !r.is_full;
}
