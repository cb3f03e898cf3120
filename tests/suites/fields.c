/* SPDX-License-Identifier: Apache-2.0
 *
 * The readers of header fields for comparison with others: differential_fields.py gives a case a line on
 * standard input, the kind of field and its body in hexadecimal, and reads an answer a line. Texts in
 * answers are hexadecimal too. A program for tests only.
 *
 *	words HEX        the decoded text
 *	addresses HEX    the defects, and behind a blank "NAME,ADDRESS" for each
 *	date HEX         "UTC ZONE DEFECTS", or "none"
 *	param HEX        the readings of the parameter "x", a blank between them
 */
#include "proto/address_list.h"
#include "proto/encoded_word.h"
#include "proto/mail_date.h"
#include "proto/mime_param.h"

#include <inttypes.h>

#define LINE_MAX_BYTES 65536
#define ARENA_MAX      ((size_t)4 << 20)

struct work {
	struct charset_cache *charsets;
	struct arena arena;
	struct buf body, text, out;
};

static void answer_words(struct work *w)
{
	unsigned defects = 0;

	encoded_word_decode_text(w->charsets, text_trim(buf_text(&w->body)), &w->text, &defects);
	buf_add_hex(&w->out, buf_text(&w->text));
}

static void answer_addresses(struct work *w)
{
	struct address_list list;

	address_list_parse(buf_text(&w->body), 1000, w->charsets, &w->arena, &list);
	buf_printf(&w->out, "%#x", list.defects);
	for (const struct address *a = list.first; a; a = a->next) {
		buf_add_byte(&w->out, ' ');
		buf_add_hex(&w->out, a->name);
		buf_add_byte(&w->out, ',');
		buf_add_hex(&w->out, a->address);
	}
}

static void answer_date(struct work *w)
{
	struct mail_date d;

	if (mail_date_parse(buf_text(&w->body), &d))
		buf_printf(&w->out, "%" PRId64 " %d %#x", d.utc, d.zone, d.defects);
	else
		buf_add_cstr(&w->out, "none");
}

static void answer_param(struct work *w)
{
	struct mime_limits limits = mime_limits_default();
	struct mime_reading *first = NULL;
	struct mime_value value;

	mime_value_parse(buf_text(&w->body), &limits, &w->arena, &value);
	mime_param_readings(&value, "x", &w->arena, &first);
	for (const struct mime_reading *r = first; r; r = r->next) {
		unsigned defects = 0;
		if (r != first)
			buf_add_byte(&w->out, ' ');
		buf_reset(&w->text);
		mime_param_decode(r, w->charsets, &w->text, &defects);
		buf_add_hex(&w->out, buf_text(&w->text));
	}
}

static const struct {
	const char *word;
	void (*answer)(struct work *w);
} kinds[] = {
	{ "words", answer_words },
	{ "addresses", answer_addresses },
	{ "date", answer_date },
	{ "param", answer_param },
};

static void add_unhexed(struct text hex, struct buf *out)
{
	for (size_t i = 0; i + 1 < hex.n; i += 2) {
		char digits[3] = { hex.p[i], hex.p[i + 1], 0 };
		buf_add_byte(out, (char)strtol(digits, NULL, 16));
	}
}

static bool answer_line(struct work *w, struct text line)
{
	struct text kind, hex;

	buf_reset(&w->body);
	buf_reset(&w->text);
	buf_reset(&w->out);
	text_cut(text_trim(line), ' ', &kind, &hex);
	add_unhexed(hex, &w->body);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (!text_is_cstr(kind, kinds[i].word))
			continue;
		kinds[i].answer(w);
		arena_reset(&w->arena);
		return puts(buf_cstr(&w->out)) >= 0;
	}
	fprintf(stderr, "no such kind: %.*s\n", TEXT_ARGS(kind));
	return false;
}

int main(void)
{
	struct work w = { .charsets = charset_cache_new() };
	char line[LINE_MAX_BYTES];
	bool ok = true;

	arena_init(&w.arena, ARENA_MAX);
	buf_init(&w.body, LINE_MAX_BYTES);
	buf_init(&w.text, (size_t)9 * LINE_MAX_BYTES);
	buf_init(&w.out, (size_t)64 * LINE_MAX_BYTES);
	while (ok && fgets(line, sizeof line, stdin))
		ok = answer_line(&w, text_from_cstr(line));
	buf_done(&w.body);
	buf_done(&w.text);
	buf_done(&w.out);
	charset_cache_free(w.charsets);
	return ok ? 0 : 1;
}
