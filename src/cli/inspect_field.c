/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields of a header by their grammar. Called by inspect_json.c in the room, on a stranger's bytes. Which
 * grammar a field has is said by proto/field_kind.def.
 */
#include "cli/inspect_field.h"

#include "proto/address_list.h"
#include "proto/angle_list.h"
#include "proto/field_kind.h"
#include "proto/mail_date.h"

#include <stdio.h>

#define NAME_MAX_BYTES 64
#define ADDRESSES_MAX  10000
#define SCRATCH        ((size_t)1 << 20)

static bool join_param(struct inspect *in, const struct mime_value *v, struct text name,
		       struct text *ret_text)
{
	char word[NAME_MAX_BYTES];
	struct mime_name joined = { .is_extended = true };
	struct arena scratch;
	bool ok;

	if (name.n >= sizeof word)
		return false;
	memcpy(word, name.p, name.n);
	word[name.n] = 0;
	arena_init(&scratch, 1 << 20);
	ok = mime_value_join_param(v, word, &scratch, &joined.raw);
	joined.charset = mime_value_charset(v, word);
	if (ok)
		*ret_text = inspect_name_text(in, &joined);
	arena_reset(&scratch);
	return ok;
}

static void add_parameters(struct inspect *in, struct json_writer *w, const struct mime_value *v)
{
	json_key_array(w, "parameters");
	for (size_t i = 0; i < v->n_params; i++) {
		struct text joined;
		const struct mime_param *p = &v->params[i];
		bool is_plain = p->section < 0 && !p->is_extended;
		if (p->section > 0)
			continue;
		json_open_object(w);
		json_key(w, "name");
		json_text(w, p->name);
		json_key(w, "value");
		if (is_plain || !join_param(in, v, p->name, &joined))
			joined = p->value;
		json_text(w, is_plain ? inspect_field_text(in, joined) : joined);
		json_close(w);
	}
	json_close(w);
}

static void add_structured(struct inspect *in, struct json_writer *w, struct text body)
{
	struct mime_value v;
	struct arena scratch;

	arena_init(&scratch, 1 << 20);
	mime_value_parse(body, &in->limits, &scratch, &v);
	json_key_text(w, "value", v.value);
	add_parameters(in, w, &v);
	arena_reset(&scratch);
}

static void add_address(struct json_writer *w, const struct address *a)
{
	json_open_object(w);
	json_key(w, "name");
	if (a->name.n)
		json_text(w, a->name);
	else
		json_nothing(w);
	json_key(w, "address");
	if (a->address.n)
		json_text(w, a->address);
	else
		json_nothing(w);
	if (a->comment.n)
		json_key_text(w, "comment", a->comment);
	if (a->group)
		json_key_text(w, "group", a->group->name);
	json_key_bool(w, "is_ambiguous", a->defects & ADDRESS_DEFECTS_AMBIGUOUS);
	json_close(w);
}

static void add_addresses(struct inspect *in, struct json_writer *w, struct text body)
{
	struct address_list list;
	struct arena scratch;
	bool is_whole;

	arena_init(&scratch, SCRATCH + 16 * body.n);
	is_whole = address_list_parse(body, ADDRESSES_MAX, in->charsets, &scratch, &list);
	json_key_array(w, "addresses");
	for (const struct address *a = list.first; a; a = a->next)
		add_address(w, a);
	json_close(w);
	if (!is_whole)
		json_key_bool(w, "is_cut", true);
	arena_reset(&scratch);
}

/* "ids" or "urls" */
static void add_angles(struct json_writer *w, const char *key, enum angle_kind kind, struct text body)
{
	struct angle_list list;
	struct arena scratch;

	arena_init(&scratch, SCRATCH + 16 * body.n);
	angle_list_parse(body, kind, ADDRESSES_MAX, &scratch, &list);
	json_key_array(w, key);
	for (const struct angle_item *i = list.first; i; i = i->next)
		json_text(w, i->text);
	json_close(w);
	arena_reset(&scratch);
}

static void add_date(struct json_writer *w, struct text body)
{
	struct mail_date d;
	char text[64];
	int zone;

	json_key(w, "date");
	if (!mail_date_parse(body, &d)) {
		json_nothing(w);
		return;
	}
	zone = d.zone < 0 ? -d.zone : d.zone;
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", d.year, d.month, d.day,
		 d.hour, d.minute, d.second, d.zone < 0 ? '-' : '+', zone / 60, zone % 60);
	json_cstr(w, text);
}

void inspect_add_grammar(struct inspect *in, struct json_writer *w, const struct mime_field *field)
{
	size_t semicolon = text_find_last_byte(field->body, ';');

	switch (field_kind_of(field->name)) {
	case FIELD_VALUE:
		add_structured(in, w, field->body);
		break;
	case FIELD_ADDRESSES:
		add_addresses(in, w, field->body);
		break;
	case FIELD_DATE:
		add_date(w, field->body);
		break;
	case FIELD_TRACE:
		if (semicolon != SIZE_MAX)
			add_date(w, text_skip(field->body, semicolon + 1));
		break;
	case FIELD_IDS:
		add_angles(w, "ids", ANGLE_IDS, field->body);
		break;
	case FIELD_URLS:
		add_angles(w, "urls", ANGLE_URLS, field->body);
		break;
	default:
		break;
	}
}
