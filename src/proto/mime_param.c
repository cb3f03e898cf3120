/* SPDX-License-Identifier: Apache-2.0
 *
 * The readings of one parameter. Called by the MIME reader and by whoever shows a name, on a stranger's
 * field. A field has at most limits->params parameters; looking for sections costs the square of that.
 */
#include "proto/mime_param.h"

#include "proto/encoded_word.h"

#define NO_SECTION (-1)

struct collector {
	const struct mime_value *value;
	const char *name;
	struct arena *arena;
	struct mime_reading *first, **end;
	bool failed;
};

enum which { WHICH_FIRST, WHICH_LAST }; /* of two sections of one number */

static void add_reading(struct collector *c, struct mime_reading reading)
{
	struct mime_reading *kept;

	for (const struct mime_reading *r = c->first; r; r = r->next)
		if (text_is_equal(r->raw, reading.raw) && text_is_equal(r->charset, reading.charset))
			return;
	kept = arena_alloc(c->arena, sizeof *kept);
	c->failed = c->failed || !kept;
	if (!kept)
		return;
	*kept = reading;
	*c->end = kept;
	c->end = &kept->next;
}

static bool is_named(const struct collector *c, const struct mime_param *p)
{
	return text_is_cstr_nocase(p->name, c->name);
}

static const struct mime_param *find_section(const struct collector *c, int section, enum which which)
{
	const struct mime_param *found = NULL;

	for (size_t i = 0; i < c->value->n_params; i++) {
		const struct mime_param *p = &c->value->params[i];
		if (p->section == section && is_named(c, p) && (!found || which == WHICH_LAST))
			found = p;
	}
	return found;
}

/* The lowest number of a section that is at least `from`. */
static int next_section(const struct collector *c, int from)
{
	int lowest = NO_SECTION;

	for (size_t i = 0; i < c->value->n_params; i++) {
		const struct mime_param *p = &c->value->params[i];
		bool is_lower = p->section >= from && (lowest == NO_SECTION || p->section < lowest);
		if (is_lower && is_named(c, p))
			lowest = p->section;
	}
	return lowest;
}

/* Adds one section at `at`, where its value fits. */
static size_t add_section(const struct mime_param *p, bool is_first, struct mime_reading *reading, char *at)
{
	struct text piece = p->value;

	if (!p->is_extended) {
		if (piece.n)
			memcpy(at, piece.p, piece.n);
		return piece.n;
	}
	reading->is_extended = true;
	if (is_first)
		piece = mime_value_cut_charset(piece, &reading->charset);
	return mime_value_undo_percent(piece, at);
}

static void join_sections(struct collector *c, enum which which, bool over_gaps)
{
	struct mime_reading reading = { 0 };
	const struct mime_param *p;
	size_t max = 0, n = 0;
	char *copy;

	for (size_t i = 0; i < c->value->n_params; i++)
		max += is_named(c, &c->value->params[i]) ? c->value->params[i].value.n : 0;
	copy = arena_alloc(c->arena, max + 1);
	c->failed = c->failed || !copy;
	if (!copy)
		return;
	for (int i = over_gaps ? next_section(c, 0) : 0;
	     i != NO_SECTION && (p = find_section(c, i, which));) {
		n += add_section(p, n == 0, &reading, copy + n);
		i = over_gaps ? next_section(c, i + 1) : i + 1;
	}
	reading.raw = text_from_bytes(copy, n);
	if (n)
		add_reading(c, reading);
}

static void add_whole(struct collector *c, const struct mime_param *p)
{
	struct mime_reading reading = { .raw = p->value, .is_extended = p->is_extended };
	char *copy;

	if (p->is_extended) {
		copy = arena_alloc(c->arena, p->value.n + 1);
		c->failed = c->failed || !copy;
		if (!copy)
			return;
		reading.raw = mime_value_cut_charset(p->value, &reading.charset);
		reading.raw = text_from_bytes(copy, mime_value_undo_percent(reading.raw, copy));
	}
	add_reading(c, reading);
}

static void add_whole_ones(struct collector *c, bool extended)
{
	for (size_t i = 0; i < c->value->n_params; i++) {
		const struct mime_param *p = &c->value->params[i];
		if (p->section == NO_SECTION && p->is_extended == extended && is_named(c, p))
			add_whole(c, p);
	}
}

bool mime_param_readings(const struct mime_value *value, const char *name, struct arena *arena,
			 struct mime_reading **ret_first)
{
	struct collector c = { .value = value, .name = name, .arena = arena };

	c.end = &c.first;
	add_whole_ones(&c, true);
	if (next_section(&c, 0) != NO_SECTION) {
		join_sections(&c, WHICH_FIRST, false);
		join_sections(&c, WHICH_LAST, false);
		join_sections(&c, WHICH_FIRST, true);
	}
	add_whole_ones(&c, false);
	*ret_first = c.first;
	return !c.failed;
}

bool mime_param_decode(const struct mime_reading *reading, struct charset_cache *cache, struct buf *out,
		       unsigned *defects)
{
	if (reading->is_extended)
		return charset_decode(cache, reading->charset, reading->raw, out, defects);
	return encoded_word_decode_text(cache, text_trim(reading->raw), out, defects);
}
