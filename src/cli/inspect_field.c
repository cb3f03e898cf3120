/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields of a header by their grammar. Called by inspect_json.c in the room, on a stranger's bytes. The
 * table says which grammar a field has; what is not in it is text.
 */
#include "cli/inspect_field.h"

#include "proto/address_list.h"
#include "proto/mail_date.h"

#include <stdio.h>

#define NAME_MAX_BYTES 64
#define ADDRESSES_MAX  10000
#define SCRATCH        ((size_t)1 << 20)

static const struct {
	const char *name;
	enum inspect_field_sort sort;
} sorts[] = {
	{ "Content-Type", INSPECT_FIELD_STRUCTURED },
	{ "Content-Disposition", INSPECT_FIELD_STRUCTURED },
	{ "Content-Transfer-Encoding", INSPECT_FIELD_STRUCTURED },
	{ "From", INSPECT_FIELD_ADDRESSES },
	{ "Sender", INSPECT_FIELD_ADDRESSES },
	{ "Reply-To", INSPECT_FIELD_ADDRESSES },
	{ "To", INSPECT_FIELD_ADDRESSES },
	{ "Cc", INSPECT_FIELD_ADDRESSES },
	{ "Bcc", INSPECT_FIELD_ADDRESSES },
	{ "Resent-From", INSPECT_FIELD_ADDRESSES },
	{ "Resent-Sender", INSPECT_FIELD_ADDRESSES },
	{ "Resent-To", INSPECT_FIELD_ADDRESSES },
	{ "Resent-Cc", INSPECT_FIELD_ADDRESSES },
	{ "Resent-Bcc", INSPECT_FIELD_ADDRESSES },
	{ "Disposition-Notification-To", INSPECT_FIELD_ADDRESSES },
	{ "Date", INSPECT_FIELD_DATE },
	{ "Resent-Date", INSPECT_FIELD_DATE },
	{ "Delivery-Date", INSPECT_FIELD_DATE },
};

enum inspect_field_sort inspect_field_sort(struct text name)
{
	for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
		if (text_is_cstr_nocase(name, sorts[i].name))
			return sorts[i].sort;
	return INSPECT_FIELD_TEXT;
}

bool inspect_join_param(struct inspect *in, const struct mime_value *v, struct text name,
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

void inspect_add_addresses(struct inspect *in, struct json_writer *w, struct text body)
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

void inspect_add_date(struct json_writer *w, struct text body)
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
