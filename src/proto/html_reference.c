/* SPDX-License-Identifier: Apache-2.0
 *
 * Character references of HTML. Called for every text and attribute of a page, on a stranger's bytes.
 * The names are rows of html_entity.def, kept as arrays within arrays so that they need no relocation and
 * no page of a process's own. Invariants: the table is sorted (a unit test checks it); a legacy name is at
 * most LEGACY_MAX bytes, so that each '&' costs one search of the table and five short ones at most.
 */
#include "proto/html_reference.h"

#include "base/ensure.h"

#define ENTITY_NAME_MAX  31
#define LEGACY_NAME_MAX  6
#define LEGACY_NAME_MIN  2
#define REPLACEMENT      0xfffd
#define CODE_POINT_LIMIT 0x110000

struct entity {
	char name[ENTITY_NAME_MAX + 1];
	char utf8[HTML_REFERENCE_MAX + 1];
	bool is_legacy;
};

static const struct entity entities[] = {
#define ENTITY(name, utf8) { name, utf8, false },
#define LEGACY(name, utf8) { name, utf8, true },
#include "proto/html_entity.def"
#undef ENTITY
#undef LEGACY
};

#define N_ENTITIES (sizeof entities / sizeof *entities)

/* 0x80 to 0x9f as windows-1252 has them; 0: as it stands. */
static const uint16_t windows_1252[32] = {
	0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

static bool is_alphanumeric(char c)
{
	char lower = text_lower_byte(c);

	return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z');
}

static int compare_name(struct text name, const char *row)
{
	int order = memcmp(name.p, row, name.n);

	return order ? order : row[name.n] ? -1 : 0;
}

static const struct entity *find_entity(struct text name)
{
	size_t low = 0, high = N_ENTITIES;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare_name(name, entities[middle].name);
		if (order == 0)
			return &entities[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const struct entity *find_legacy(struct text name)
{
	if (name.n > LEGACY_NAME_MAX)
		name.n = LEGACY_NAME_MAX;
	for (; name.n >= LEGACY_NAME_MIN; name.n--) {
		const struct entity *found = find_entity(name);
		if (found && found->is_legacy)
			return found;
	}
	return NULL;
}

static bool put_entity(const struct entity *entity, size_t length, struct html_reference *ret)
{
	ret->n = strlen(entity->utf8);
	memcpy(ret->utf8, entity->utf8, ret->n);
	ret->length = length;
	return true;
}

static bool take_named(struct text t, bool is_attribute, struct html_reference *ret)
{
	struct text name = text_skip(t, 1);
	const struct entity *found = NULL;
	size_t n = 0;

	while (n < name.n && n <= ENTITY_NAME_MAX && is_alphanumeric(name.p[n]))
		n++;
	if (n < name.n && n <= ENTITY_NAME_MAX && name.p[n] == ';')
		found = find_entity(text_slice(name, 0, n));
	if (found)
		return put_entity(found, 1 + n + 1, ret);
	found = find_legacy(text_slice(name, 0, n));
	if (!found)
		return false;
	n = strlen(found->name);
	if (is_attribute && n < name.n && (name.p[n] == '=' || is_alphanumeric(name.p[n])))
		return false;
	return put_entity(found, 1 + n, ret);
}

static size_t put_utf8(uint32_t c, char *at)
{
	if (c < 0x80) {
		at[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		at[0] = (char)(0xc0 | c >> 6);
		at[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		at[0] = (char)(0xe0 | c >> 12);
		at[1] = (char)(0x80 | (c >> 6 & 63));
		at[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	at[0] = (char)(0xf0 | c >> 18);
	at[1] = (char)(0x80 | (c >> 12 & 63));
	at[2] = (char)(0x80 | (c >> 6 & 63));
	at[3] = (char)(0x80 | (c & 63));
	return 4;
}

static unsigned digit_of(char c)
{
	c = text_lower_byte(c);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

static uint32_t character_of(uint32_t number)
{
	if (number == 0 || number >= CODE_POINT_LIMIT || (number >= 0xd800 && number < 0xe000))
		return REPLACEMENT;
	if (number >= 0x80 && number < 0xa0 && windows_1252[number - 0x80])
		return windows_1252[number - 0x80];
	return number;
}

/* "&#65;", "&#x41;", with or without the semicolon. */
static bool take_number(struct text t, struct html_reference *ret)
{
	size_t at = 2, digits;
	unsigned base = 10;
	uint32_t number = 0;

	if (at < t.n && text_lower_byte(t.p[at]) == 'x') {
		base = 16;
		at++;
	}
	for (digits = at; at < t.n && digit_of(t.p[at]) < base; at++)
		if (number < CODE_POINT_LIMIT)
			number = number * base + digit_of(t.p[at]);
	if (at == digits)
		return false;
	ret->n = put_utf8(character_of(number), ret->utf8);
	ret->length = at + (at < t.n && t.p[at] == ';');
	return true;
}

bool html_reference_take(struct text t, bool is_attribute, struct html_reference *ret_reference)
{
	ASSERT(t.n && t.p[0] == '&');
	if (t.n > 1 && t.p[1] == '#')
		return take_number(t, ret_reference);
	return take_named(t, is_attribute, ret_reference);
}

/* The bytes before the next that may have to change. */
static size_t plain_length(struct text t, bool has_references)
{
	size_t n = 0;

	while (n < t.n && t.p[n] != '\0' && t.p[n] != '\r' && (t.p[n] != '&' || !has_references))
		n++;
	return n;
}

/* Undoes what stands at the start of t, which is not plain; gives its length. */
static size_t add_special(struct text t, enum html_decode how, struct buf *out)
{
	struct html_reference reference;

	if (t.p[0] == '\0') {
		if (how != HTML_DECODE_TEXT)
			buf_add_cstr(out, "\xef\xbf\xbd");
		return 1;
	}
	if (t.p[0] == '\r') {
		buf_add_byte(out, '\n');
		return t.n > 1 && t.p[1] == '\n' ? 2 : 1;
	}
	if (html_reference_take(t, how == HTML_DECODE_ATTRIBUTE, &reference)) {
		buf_add(out, text_from_bytes(reference.utf8, reference.n));
		return reference.length;
	}
	buf_add_byte(out, '&');
	return 1;
}

bool html_decode_add(struct text t, enum html_decode how, struct buf *out)
{
	while (t.n && !out->overflow) {
		size_t n = plain_length(t, how != HTML_DECODE_RAW);
		buf_add(out, text_slice(t, 0, n));
		t = text_skip(t, n);
		if (t.n)
			t = text_skip(t, add_special(t, how, out));
	}
	return !out->overflow;
}

bool html_decode_attribute(struct text t, struct arena *a, struct text *ret_text)
{
	struct buf out;
	bool ok;

	*ret_text = t;
	if (plain_length(t, true) == t.n)
		return true;
	buf_init(&out, a->max);
	ok = html_decode_add(t, HTML_DECODE_ATTRIBUTE, &out) && arena_copy(a, buf_text(&out), ret_text);
	buf_done(&out);
	if (!ok)
		*ret_text = (struct text){ 0 };
	return ok;
}
