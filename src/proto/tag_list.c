/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of tags and the encodings of their values. Called by the readers of signatures and of records, on
 * strangers' bytes. Linear but for the search for duplicates, which the number of tags bounds. Trusts
 * nothing; bytes beyond ASCII stay as they are, for whoever knows the tag (rfc8616).
 */
#include "proto/tag_list.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* tag-name = ALPHA *ALNUMPUNC */
static bool is_name(struct text name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (!is_alpha(c) && (i == 0 || ((c < '0' || c > '9') && c != '_')))
			return false;
	}
	return name.n > 0;
}

/* VALCHAR = %x21-3A / %x3C-7E, with white space between */
static bool is_value(struct text value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if ((c < 0x21 && !is_space((char)c)) || c == 0x7f)
			return false;
	}
	return true;
}

/* tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS] */
static enum tag_list_state add_tag(struct text spec, struct tag_list *list)
{
	struct tag tag;

	if (!text_cut(spec, '=', &tag.name, &tag.all))
		return TAG_LIST_MALFORMED;
	tag.name = text_trim(tag.name);
	tag.value = text_trim(tag.all);
	if (!is_name(tag.name) || !is_value(tag.value))
		return TAG_LIST_MALFORMED;
	for (size_t i = 0; i < list->n; i++)
		if (text_is_equal(list->tags[i].name, tag.name))
			return TAG_LIST_DUPLICATE;
	if (list->n == TAG_LIST_MAX)
		return TAG_LIST_TOO_MANY;
	list->tags[list->n++] = tag;
	return TAG_LIST_OK;
}

/* tag-list = tag-spec *( ";" tag-spec ) [ ";" ] */
enum tag_list_state tag_list_parse(struct text t, struct tag_list *ret_list)
{
	enum tag_list_state state = TAG_LIST_OK;

	ret_list->n = 0;
	do {
		struct text spec;
		text_cut(t, ';', &spec, &t);
		state = add_tag(spec, ret_list);
	} while (state == TAG_LIST_OK && text_trim(t).n > 0);
	return state;
}

const struct tag *tag_list_find(const struct tag_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (text_is_cstr(list->tags[i].name, name))
			return &list->tags[i];
	return NULL;
}

bool tag_value_next(struct text *rest, char separator, struct text *ret_item)
{
	if (!rest->p)
		return false;
	if (!text_cut(*rest, separator, ret_item, rest))
		*rest = (struct text){ NULL, 0 };
	*ret_item = text_trim(*ret_item);
	return true;
}

/* 0..63, or -1. */
static int digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Digits up to the first "=" into out; their number, or SIZE_MAX. Behind "=" there is only more of it. */
static size_t decode_digits(struct text value, char *out, size_t *ret_n_pads)
{
	size_t n = 0, n_pads = 0;
	uint32_t bits = 0;

	for (size_t i = 0; i < value.n; i++) {
		int digit = digit_of(value.p[i]);
		if (is_space(value.p[i]))
			continue;
		if (value.p[i] == '=') {
			n_pads++;
			continue;
		}
		if (digit < 0 || n_pads > 0)
			return SIZE_MAX;
		bits = bits << 6 | (uint32_t)digit;
		n++;
		if (n % 4 != 1)
			*out++ = (char)(bits >> (6 - 2 * ((n - 1) % 4)));
	}
	*ret_n_pads = n_pads;
	return n;
}

bool tag_value_base64(struct text value, struct arena *arena, struct text *ret_bytes)
{
	char *out = arena_alloc(arena, value.n / 4 * 3 + 3);
	size_t n_pads, n;

	if (!out)
		return false;
	n = decode_digits(value, out, &n_pads);
	if (n == SIZE_MAX || n % 4 == 1 || (n_pads > 0 && (n + n_pads) % 4 != 0) || n_pads > 2)
		return false;
	*ret_bytes = text_from_bytes(out, n / 4 * 3 + (n % 4 ? n % 4 - 1 : 0));
	return true;
}

/* hex-octet = "=" 2(DIGIT / %x41-46), upper case only */
static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool tag_value_qp(struct text value, struct arena *arena, struct text *ret_text)
{
	char *out = arena_alloc(arena, value.n + 1);
	size_t n = 0;

	if (!out)
		return false;
	for (size_t i = 0; i < value.n; i++) {
		int high, low;
		if (is_space(value.p[i]))
			continue;
		if (value.p[i] != '=') {
			out[n++] = value.p[i];
			continue;
		}
		if (value.n - i < 3 || (high = hex_of(value.p[i + 1])) < 0 ||
		    (low = hex_of(value.p[i + 2])) < 0)
			return false;
		out[n++] = (char)(high << 4 | low);
		i += 2;
	}
	*ret_text = text_from_bytes(out, n);
	return true;
}
