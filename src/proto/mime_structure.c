/* SPDX-License-Identifier: Apache-2.0
 *
 * What a part is, by its type and names. Called by mime_part.c for each part, and by whoever asks for
 * its type. Pure: looks at views, allocates nothing.
 */
#include "proto/mime_structure.h"

#include "base/ensure.h"

static const struct text text_word = TEXT("text"), plain_word = TEXT("plain"), message_word = TEXT("message"),
			 rfc822_word = TEXT("rfc822");

const char *mime_fact_word(enum mime_fact_bit bit)
{
	static const char *const words[] = {
#define FACT(name, word, text) word,
#include "proto/mime_facts.def"
#undef FACT
	};

	ASSERT(bit < MIME_FACT_COUNT);
	return words[bit];
}

void mime_part_type(const struct mime_part *part, struct text *ret_type, struct text *ret_subtype)
{
	*ret_type = part->type;
	*ret_subtype = part->subtype;
	if (part->type.n && part->subtype.n)
		return;
	*ret_type = part->is_digest_child ? message_word : text_word;
	*ret_subtype = part->is_digest_child ? rfc822_word : plain_word;
}

bool mime_part_is_text(const struct mime_part *part)
{
	struct text type, subtype;

	mime_part_type(part, &type, &subtype);
	if (part->kind == MIME_FILE && part->type.n == 0)
		return false;
	if (part->kind != MIME_LEAF && part->kind != MIME_FILE)
		return false;
	return text_is_equal_nocase(type, text_word) || text_is_cstr_nocase(type, "multipart");
}

bool mime_part_is_first(const struct mime_part *part)
{
	for (; part; part = part->parent)
		if (part->way != 0)
			return false;
	return true;
}

bool mime_tree_is_ambiguous(const struct mime_tree *tree)
{
	return tree->reasons != 0;
}

/* Types whose part is signed or encrypted, or is another thing of its own. The S/MIME type is told
 * from the signature by smime-type, or by the name: rfc8551 3.2.1 */
static const struct {
	const char *type, *subtype;
	unsigned facts;
} types[] = {
	{ "multipart", "signed", MIME_FACT_SIGNED },
	{ "multipart", "encrypted", MIME_FACT_ENCRYPTED },
	{ "multipart", "report", MIME_FACT_REPORT },
	{ "application", "pgp-signature", MIME_FACT_PGP | MIME_FACT_SIGNED },
	{ "application", "pgp-encrypted", MIME_FACT_PGP | MIME_FACT_ENCRYPTED },
	{ "application", "pgp", MIME_FACT_PGP },
	{ "application", "pkcs7-signature", MIME_FACT_SMIME | MIME_FACT_SIGNED },
	{ "application", "x-pkcs7-signature", MIME_FACT_SMIME | MIME_FACT_SIGNED },
	{ "application", "pkcs7-mime", MIME_FACT_SMIME },
	{ "application", "x-pkcs7-mime", MIME_FACT_SMIME },
	{ "application", "ms-tnef", MIME_FACT_TNEF },
	{ "application", "vnd.ms-tnef", MIME_FACT_TNEF },
};

static unsigned facts_of_type(const struct mime_part *part)
{
	unsigned facts = 0;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (text_is_cstr_nocase(part->type, types[i].type) &&
		    text_is_cstr_nocase(part->subtype, types[i].subtype))
			facts |= types[i].facts;
	return facts;
}

/* "signed-data" or smime.p7s says signed; all else that S/MIME makes of a whole message is encrypted. */
static unsigned facts_of_smime(const struct mime_part *part)
{
	static const struct text key = TEXT("smime-type"), is_signed = TEXT("signed-data"),
				 certs = TEXT("certs-only"), compressed = TEXT("compressed-data"),
				 p7s = TEXT(".p7s"), p7c = TEXT(".p7c");
	bool has_key = text_find_nocase(part->header, key) != SIZE_MAX;

	if (text_find_nocase(part->header, is_signed) != SIZE_MAX || text_has_suffix_nocase(part->name, p7s))
		return MIME_FACT_SIGNED;
	if (has_key && (text_find_nocase(part->header, certs) != SIZE_MAX ||
			text_find_nocase(part->header, compressed) != SIZE_MAX))
		return 0;
	return text_has_suffix_nocase(part->name, p7c) ? 0 : MIME_FACT_ENCRYPTED;
}

/* PGP in the text itself. rfc9580 6.2 */
static unsigned facts_of_text(const struct mime_part *part)
{
	static const struct text armour = TEXT("-----BEGIN PGP "), message = TEXT("MESSAGE-----"),
				 is_signed = TEXT("SIGNED MESSAGE-----");
	size_t at;

	if (!mime_part_is_text(part))
		return 0;
	at = text_find(part->body, armour);
	if (at == SIZE_MAX || (at > 0 && part->body.p[at - 1] != '\n'))
		return 0;
	if (text_has_prefix(text_skip(part->body, at + armour.n), message))
		return MIME_FACT_PGP | MIME_FACT_ENCRYPTED;
	if (text_has_prefix(text_skip(part->body, at + armour.n), is_signed))
		return MIME_FACT_PGP | MIME_FACT_SIGNED;
	return 0;
}

/* UTF-8 beside control characters: rfc6532 3 */
static bool has_only_utf8(struct text t)
{
	while (t.n) {
		size_t n = 0;
		while (n < t.n && ((unsigned char)t.p[n] >= 0x20 && t.p[n] != 0x7f))
			n++;
		if (!text_is_utf8(text_slice(t, 0, n)))
			return false;
		t = text_skip(t, n + 1);
	}
	return true;
}

void mime_structure_survey(struct mime_part *part)
{
	unsigned facts = facts_of_type(part);

	if (facts == MIME_FACT_SMIME)
		facts |= facts_of_smime(part);
	if (!text_is_ascii(part->header)) {
		part->defects |= MIME_DEFECT_EIGHT_BIT;
		facts |= has_only_utf8(part->header) ? MIME_FACT_UTF8_HEADER : 0;
	}
	part->facts |= facts | facts_of_text(part);
	if (part->facts & MIME_FACT_EXTERNAL)
		part->defects |= MIME_DEFECT_EXTERNAL_BODY;
}
