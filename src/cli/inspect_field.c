/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields of a header by their grammar. Called by inspect_json.c in the room, on a stranger's bytes. The
 * table says which grammar a field has; what is not in it is text.
 */
#include "cli/inspect_field.h"

#define NAME_MAX_BYTES 64

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

void inspect_add_addresses(struct inspect *in, struct json_writer *w, struct text body)
{
	(void)in;
	(void)w;
	(void)body;
}

void inspect_add_date(struct json_writer *w, struct text body)
{
	(void)w;
	(void)body;
}
