/* SPDX-License-Identifier: Apache-2.0
 *
 * Compares the names of a part. Called by the MIME reader for each part, on a stranger's bytes, and by
 * who shows names. What decides by which program a file is opened is the end of its name, so only that
 * makes a difference of readings. Most parts have one name, or the same twice: then nothing is decoded
 * and nothing allocated.
 */
#include "proto/mime_name.h"

#include "proto/encoded_word.h"
#include "proto/mime_param.h"

#define EXTENSION_MAX 12
#define NAME_GROWTH   4 /* bytes of UTF-8 for one of a name */

bool mime_name_decode(const struct mime_name *name, struct charset_cache *cache, struct buf *out)
{
	struct mime_reading reading = { .raw = name->raw,
					.charset = name->charset,
					.is_extended = name->is_extended };
	unsigned defects = 0;

	return mime_param_decode(&reading, cache, out, &defects);
}

/* Windows passes over blanks and dots at the end. */
static struct text extension_of(struct text name)
{
	size_t dot;

	while (name.n && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '.'))
		name.n--;
	dot = text_find_last_byte(name, '.');
	if (dot == SIZE_MAX || name.n - dot > EXTENSION_MAX)
		return (struct text){ 0 };
	return text_skip(name, dot + 1);
}

static bool is_signature(const struct mime_part *part)
{
	return text_is_cstr_nocase(part->subtype, "pgp-signature") ||
	       text_is_cstr_nocase(part->subtype, "pkcs7-signature") ||
	       text_is_cstr_nocase(part->subtype, "x-pkcs7-signature");
}

static bool has_several(const struct mime_part *part)
{
	for (const struct mime_name *n = part->names; n; n = n->next)
		if (!text_is_equal(n->raw, part->names->raw))
			return true;
	return false;
}

void mime_name_compare(struct mime_part *part)
{
	struct charset_cache *cache;
	struct buf first, other;

	if (!has_several(part))
		return;
	cache = charset_cache_new();
	buf_init(&first, NAME_GROWTH * part->names->raw.n + 64);
	(void)!mime_name_decode(part->names, cache, &first);
	for (const struct mime_name *n = part->names->next; n; n = n->next) {
		buf_init(&other, NAME_GROWTH * n->raw.n + 64);
		(void)!mime_name_decode(n, cache, &other);
		if (!text_is_equal(buf_text(&first), buf_text(&other)))
			part->defects |= MIME_DEFECT_NAMES;
		if (!is_signature(part) &&
		    !text_is_equal_nocase(extension_of(buf_text(&first)), extension_of(buf_text(&other))))
			part->reasons |= MIME_REASON_NAMES_DIFFER;
		buf_done(&other);
	}
	buf_done(&first);
	charset_cache_free(cache);
}
