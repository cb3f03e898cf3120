/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts in normal form. Called by view.c for all texts of a message, in a room, on what strangers wrote; ICU
 * works on its built-in data. A text is taken word by word: one of ASCII is copied in lower case, another
 * goes through ICU in pieces of PIECE_MAX bytes, cut where Unicode lets a text be cut. Invariants: linear;
 * nothing but the output grows; the output has no two blanks side by side and none at a line's end.
 */
#include "judge/text_view.h"

#include "base/ensure.h"

#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#define PIECE_MAX 1024
#define CUT_BACK  64
/* No character becomes longer than U+FDFA: three bytes, eighteen units of UTF-16. */
#define UNITS_MAX  (PIECE_MAX + 1)
#define NORMAL_MAX (6 * UNITS_MAX)

/* Room for one piece; made when the first is met, since most texts have none. */
struct room {
	UChar units[UNITS_MAX], normal[NORMAL_MAX];
};

struct writer {
	struct buf *out;
	struct text_counts *counts;
	const UNormalizer2 *normalizer;
	struct room *room; /* NULL: not made yet */
	size_t from;       /* where in out this text begins */
	bool has_blank;    /* a blank is due */
	bool has_line_end; /* a line end is due */
};

static void settle(struct writer *w)
{
	if (w->has_line_end && w->out->n > w->from)
		buf_add_byte(w->out, '\n');
	else if (w->has_blank && w->out->n > w->from)
		buf_add_byte(w->out, ' ');
	w->has_blank = w->has_line_end = false;
}

static bool is_blank(unsigned char c)
{
	return c <= ' ' || c == 0x7f;
}

/* Blanks, line ends and controls of ASCII are due, not written. */
static void take_blank(struct writer *w, unsigned char c)
{
	if (c == '\n')
		w->has_line_end = true;
	else if (c < ' ' && c != '\t' && c != '\r' && c != '\f')
		w->counts->controls++;
	w->has_blank = true;
}

static void add_ascii(struct writer *w, struct text word)
{
	char *at;

	settle(w);
	w->counts->characters += word.n;
	at = buf_reserve(w->out, word.n);
	if (!at)
		return;
	for (size_t i = 0; i < word.n; i++)
		at[i] = text_lower_byte(word.p[i]);
	w->out->n += word.n;
}

static bool is_bidi(UChar32 c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f ||
	       c == 0x061c;
}

static bool is_zero_width(UChar32 c)
{
	return (c >= 0x200b && c <= 0x200d) || (c >= 0x2060 && c <= 0x2064) || c == 0xfeff || c == 0xad ||
	       c == 0x034f || c == 0x180e || c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0xffa0 ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

static void count(struct writer *w, const UChar *units, int32_t n)
{
	UChar32 c;

	for (int32_t at = 0; at < n;) {
		U16_NEXT(units, at, n, c);
		w->counts->characters++;
		w->counts->non_ascii += c >= 0x80;
		w->counts->bidi += is_bidi(c);
		w->counts->zero_width += is_zero_width(c);
		w->counts->controls += c >= 0x80 && c < 0xa0 && c != 0x85;
		w->counts->replaced += c == 0xfffd;
	}
}

static bool is_line_end(UChar32 c)
{
	return c == 0x2028 || c == 0x2029 || c == 0x85;
}

static void add_character(struct writer *w, UChar32 c)
{
	size_t n = 0;
	char *at;

	if (U_IS_SURROGATE(c))
		c = 0xfffd;
	settle(w);
	at = buf_reserve(w->out, U8_MAX_LENGTH);
	if (!at)
		return;
	U8_APPEND_UNSAFE(at, n, c);
	w->out->n += n;
}

/* What ICU gave: blanks of other scripts have become those of ASCII. */
static void add_units(struct writer *w, const UChar *units, int32_t n)
{
	UChar32 c;

	for (int32_t at = 0; at < n;) {
		U16_NEXT(units, at, n, c);
		if (c < 0x80 && is_blank((unsigned char)c))
			take_blank(w, (unsigned char)c);
		else if (is_line_end(c))
			take_blank(w, '\n');
		else if (c >= 0x80 && c < 0xa0)
			w->has_blank = true;
		else
			add_character(w, c);
	}
}

static void add_piece(struct writer *w, struct text piece)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = 0, n_normal;

	if (!w->room)
		w->room = mem_alloc(sizeof *w->room);
	u_strFromUTF8WithSub(w->room->units, UNITS_MAX, &n, piece.p, (int32_t)piece.n, 0xfffd, NULL, &status);
	if (U_FAILURE(status))
		return;
	count(w, w->room->units, n);
	n_normal = unorm2_normalize(w->normalizer, w->room->units, n, w->room->normal, NORMAL_MAX, &status);
	if (U_SUCCESS(status))
		add_units(w, w->room->normal, n_normal);
	else
		add_units(w, w->room->units, n);
}

/* Where a piece that begins a longer word may end: before a character that joins with none before it. */
static size_t cut_length(const struct writer *w, struct text word)
{
	int32_t at = PIECE_MAX;
	UChar32 c;

	if (word.n <= PIECE_MAX)
		return word.n;
	while (at > PIECE_MAX - CUT_BACK) {
		int32_t next;
		U8_SET_CP_START((const uint8_t *)word.p, 0, at);
		next = at;
		U8_NEXT((const uint8_t *)word.p, next,
			(int32_t)PIECE_MAX + 4 < (int32_t)word.n ? PIECE_MAX + 4 : (int32_t)word.n, c);
		if (c >= 0 && unorm2_hasBoundaryBefore(w->normalizer, c))
			return (size_t)at;
		at--;
	}
	return PIECE_MAX;
}

/* The end of the words that ICU is needed for, one behind the other, as far as one piece goes. */
static size_t foreign_length(struct text t)
{
	size_t end = 0, at = 0;

	while (at < t.n && at < PIECE_MAX) {
		bool is_foreign = false;
		for (; at < t.n && !is_blank((unsigned char)t.p[at]); at++)
			is_foreign |= t.p[at] & '\x80';
		if (end && (!is_foreign || at > PIECE_MAX))
			break;
		end = at;
		while (at < t.n && is_blank((unsigned char)t.p[at]))
			at++;
	}
	return end;
}

static void add_foreign(struct writer *w, struct text words)
{
	while (words.n && !w->out->overflow) {
		size_t n = cut_length(w, words);
		add_piece(w, text_slice(words, 0, n));
		words = text_skip(words, n);
	}
}

bool text_normal_add(struct text t, struct buf *out, struct text_counts *counts)
{
	UErrorCode status = U_ZERO_ERROR;
	struct writer w = { .out = out, .counts = counts, .has_line_end = out->n > 0 };

	w.normalizer = unorm2_getNFKCCasefoldInstance(&status);
	if (U_FAILURE(status))
		return false;
	while (t.n && !out->overflow) {
		size_t n = 0;
		char bits = 0;
		for (; n < t.n && !is_blank((unsigned char)t.p[n]); n++)
			bits |= t.p[n];
		if (n && bits & '\x80')
			add_foreign(&w, text_slice(t, 0, n = foreign_length(t)));
		else if (n)
			add_ascii(&w, text_slice(t, 0, n));
		else
			take_blank(&w, (unsigned char)t.p[0]);
		t = text_skip(t, n ? n : 1);
	}
	free(w.room);
	return !out->overflow;
}
