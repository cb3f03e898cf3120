/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads one DMARC Policy Record. Called by dmarc.c on what a stranger put into the DNS; nothing is trusted.
 * Linear in the text: one pass over the parts between semicolons, each looked up in one table, whose rows
 * are the only place that knows a tag. Invariants: what is not understood changes no other tag; each tag is
 * read once; a list has at most DMARC_URIS_MAX entries.
 *
 *	dmarc-record  = dmarc-version *(dmarc-sep dmarc-tag) [dmarc-sep]
 *	dmarc-tag     = 1*ALPHA equals 1*dmarc-value
 *	dmarc-value   = %x20-3A / %x3C-7E
 *	dmarc-version = "v" equals %s"DMARC1"
 *	dmarc-uri     = URI, with "," and "!" coded        (all rfc9989 4.8)
 */
#include "proto/dmarc_record.h"

#define UNIT_SHIFT_K 10
#define UNIT_SHIFT_M 20
#define UNIT_SHIFT_G 30
#define UNIT_SHIFT_T 40

struct reader {
	struct dmarc_record *record;
	struct arena *arena;
	unsigned seen; /* a bit for each row of the table */
	bool has_p;
};

static struct text trim_blanks(struct text t)
{
	while (t.n > 0 && (t.p[0] == ' ' || t.p[0] == '\t'))
		t = text_skip(t, 1);
	while (t.n > 0 && (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t'))
		t.n--;
	return t;
}

static bool is_alpha(char c)
{
	return text_lower_byte(c) >= 'a' && text_lower_byte(c) <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* --- policies and flags --- */

const char *dmarc_policy_word(enum dmarc_policy policy)
{
	static const char *const words[] = { "none", "quarantine", "reject" };

	return words[policy];
}

bool dmarc_policy_parse(struct text word, enum dmarc_policy *ret_policy)
{
	for (enum dmarc_policy p = DMARC_NONE; p <= DMARC_REJECT; p++)
		if (text_is_cstr_nocase(word, dmarc_policy_word(p))) {
			*ret_policy = p;
			return true;
		}
	return false;
}

static bool read_policy(struct reader *r, struct text value, enum dmarc_policy *ret_policy)
{
	if (dmarc_policy_parse(value, ret_policy))
		return true;
	r->record->defects |= DMARC_DEFECT_POLICY;
	return false;
}

static bool read_p(struct reader *r, struct text value)
{
	r->has_p = true;
	return read_policy(r, value, &r->record->p);
}

static bool read_sp(struct reader *r, struct text value)
{
	r->record->has_sp = true;
	return read_policy(r, value, &r->record->sp);
}

static bool read_np(struct reader *r, struct text value)
{
	r->record->has_np = true;
	return read_policy(r, value, &r->record->np);
}

/* One of two letters, the second of which sets the flag. */
static bool read_flag(struct text value, char unset, char set, bool *ret_flag)
{
	char c = value.n == 1 ? text_lower_byte(value.p[0]) : 0;

	if (c != unset && c != set)
		return false;
	*ret_flag = c == set;
	return true;
}

static bool read_adkim(struct reader *r, struct text value)
{
	return read_flag(value, 'r', 's', &r->record->is_dkim_strict);
}

static bool read_aspf(struct reader *r, struct text value)
{
	return read_flag(value, 'r', 's', &r->record->is_spf_strict);
}

static bool read_t(struct reader *r, struct text value)
{
	return read_flag(value, 'n', 'y', &r->record->is_testing);
}

static bool read_psd(struct reader *r, struct text value)
{
	char c = value.n == 1 ? text_lower_byte(value.p[0]) : 0;

	if (c != 'y' && c != 'n' && c != 'u')
		return false;
	r->record->psd = c == 'y' ? DMARC_PSD_YES : c == 'n' ? DMARC_PSD_NO : DMARC_PSD_UNKNOWN;
	return true;
}

/* 0 and 1 exclude each other, each option at most once, in any order. */
static bool read_fo(struct reader *r, struct text value)
{
	unsigned fo = 0;
	struct text option;

	do {
		bool more = text_cut(value, ':', &option, &value);
		char c;
		unsigned bit;

		option = trim_blanks(option);
		c = option.n == 1 ? text_lower_byte(option.p[0]) : 0;
		bit = c == '0'   ? DMARC_FO_ALL
		      : c == '1' ? DMARC_FO_ANY
		      : c == 'd' ? DMARC_FO_DKIM
		      : c == 's' ? DMARC_FO_SPF
				 : 0;
		if (bit == 0 || (fo & bit))
			return false;
		fo |= bit;
		if (!more)
			break;
	} while (true);
	if ((fo & DMARC_FO_ALL) && (fo & DMARC_FO_ANY))
		return false;
	r->record->fo = fo;
	return true;
}

/* --- URIs --- */

/* scheme ":" and then only what a URI may have: rfc3986 2 and 3.1 */
static bool is_uri(struct text uri)
{
	size_t colon = text_find_byte(uri, ':');

	if (colon == 0 || colon + 1 >= uri.n || !is_alpha(uri.p[0]))
		return false;
	for (size_t i = 0; i < colon; i++)
		if (uri.p[i] == '\0' ||
		    (!is_alpha(uri.p[i]) && !is_digit(uri.p[i]) && !strchr("+-.", uri.p[i])))
			return false;
	for (size_t i = colon + 1; i < uri.n; i++)
		if (uri.p[i] <= ' ' || uri.p[i] >= 0x7f || strchr("\"<>\\^`{|}", uri.p[i]))
			return false;
	return true;
}

/* obs-dmarc-report-size = "!" 1*DIGIT [ "k" / "m" / "g" / "t" ] */
static bool read_size(struct text size, uint64_t *ret_bytes)
{
	unsigned shift = 0;
	uint64_t n;

	size = trim_blanks(size);
	if (size.n > 0 && !is_digit(size.p[size.n - 1])) {
		char unit = text_lower_byte(size.p[size.n - 1]);
		shift = unit == 'k'   ? UNIT_SHIFT_K
			: unit == 'm' ? UNIT_SHIFT_M
			: unit == 'g' ? UNIT_SHIFT_G
			: unit == 't' ? UNIT_SHIFT_T
				      : 0;
		if (shift == 0)
			return false;
		size = trim_blanks(text_slice(size, 0, size.n - 1));
	}
	if (!text_parse_u64(size, UINT64_MAX >> UNIT_SHIFT_T, &n))
		return false;
	*ret_bytes = n << shift;
	return true;
}

static bool read_uri(struct text item, struct dmarc_uri *ret_uri)
{
	struct text size;

	*ret_uri = (struct dmarc_uri){ 0 };
	if (text_cut(item, '!', &item, &size) && !read_size(size, &ret_uri->max_bytes))
		return false;
	ret_uri->uri = trim_blanks(item);
	return is_uri(ret_uri->uri);
}

/* dmarc-urilist = (dmarc-uri / obs-dmarc-uri) *(*WSP "," *WSP (dmarc-uri / obs-dmarc-uri)) */
static bool read_uris(struct reader *r, struct text value, struct dmarc_uri **ret_uris, size_t *ret_n)
{
	struct dmarc_uri *uris = arena_alloc(r->arena, DMARC_URIS_MAX * sizeof *uris);
	size_t n = 0;
	bool more = uris != NULL;

	while (more) {
		struct text item;
		struct dmarc_uri uri;

		more = text_cut(value, ',', &item, &value);
		if (!read_uri(trim_blanks(item), &uri))
			r->record->defects |= DMARC_DEFECT_URI;
		else if (n < DMARC_URIS_MAX)
			uris[n++] = uri;
		else
			r->record->defects |= DMARC_DEFECT_TOO_MANY_URIS;
	}
	*ret_uris = uris;
	*ret_n = n;
	return true;
}

static bool read_rua(struct reader *r, struct text value)
{
	return read_uris(r, value, &r->record->rua, &r->record->n_rua);
}

static bool read_ruf(struct reader *r, struct text value)
{
	return read_uris(r, value, &r->record->ruf, &r->record->n_ruf);
}

/* --- the record --- */

static bool read_old(struct reader *r, struct text value)
{
	(void)value;
	r->record->defects |= DMARC_DEFECT_OLD_TAG;
	return true;
}

static const struct {
	const char *name;
	bool (*read)(struct reader *r, struct text value); /* false: the value is none of this tag's */
} tags[] = {
	{ "p", read_p },     { "sp", read_sp },       { "np", read_np },     { "psd", read_psd },
	{ "t", read_t },     { "adkim", read_adkim }, { "aspf", read_aspf }, { "rua", read_rua },
	{ "ruf", read_ruf }, { "fo", read_fo },       { "pct", read_old },   { "rf", read_old },
	{ "ri", read_old },
};

static bool split_tag(struct text part, struct text *ret_name, struct text *ret_value)
{
	if (!text_cut(part, '=', ret_name, ret_value))
		return false;
	*ret_name = trim_blanks(*ret_name);
	*ret_value = trim_blanks(*ret_value);
	for (size_t i = 0; i < ret_name->n; i++)
		if (!is_alpha(ret_name->p[i]))
			return false;
	return ret_name->n > 0;
}

static unsigned read_tag(struct reader *r, struct text name, struct text value)
{
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		if (!text_is_cstr_nocase(name, tags[i].name))
			continue;
		if (r->seen & (1U << i))
			return DMARC_DEFECT_TWICE;
		r->seen |= 1U << i;
		return tags[i].read(r, value) ? 0 : DMARC_DEFECT_VALUE;
	}
	return text_is_cstr_nocase(name, "v") ? DMARC_DEFECT_TWICE : DMARC_DEFECT_UNKNOWN_TAG;
}

/* A policy that is none makes all of the record's policies none, if somebody wants to hear of it.
 * rfc9989 4.10.1 */
static enum dmarc_record_status settle(struct reader *r)
{
	struct dmarc_record *record = r->record;

	if (record->defects & DMARC_DEFECT_POLICY) {
		record->p = record->sp = record->np = DMARC_NONE;
		record->has_sp = record->has_np = false;
		return record->n_rua > 0 ? DMARC_RECORD_GOOD : DMARC_RECORD_UNUSABLE;
	}
	if (!r->has_p)
		record->defects |= DMARC_DEFECT_NO_POLICY;
	if (!record->has_sp)
		record->sp = record->p;
	if (!record->has_np)
		record->np = record->sp;
	return DMARC_RECORD_GOOD;
}

enum dmarc_record_status dmarc_record_parse(struct text txt, struct arena *arena,
					    struct dmarc_record *ret_record)
{
	struct reader r = { .record = ret_record, .arena = arena };
	struct text part, name, value;
	bool more = text_cut(txt, ';', &part, &txt);

	if (!split_tag(trim_blanks(part), &name, &value) || !text_is_cstr_nocase(name, "v") ||
	    !text_is_cstr(value, "DMARC1"))
		return DMARC_RECORD_OTHER;
	*ret_record = (struct dmarc_record){ .fo = DMARC_FO_ALL };
	while (more) {
		more = text_cut(txt, ';', &part, &txt);
		part = trim_blanks(part);
		if (part.n == 0)
			continue;
		if (split_tag(part, &name, &value))
			ret_record->defects |= read_tag(&r, name, value);
		else
			ret_record->defects |= DMARC_DEFECT_SYNTAX;
	}
	return settle(&r);
}

/* --- mailto --- */

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c = text_lower_byte(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes percent-coding in place; false where it is not well-formed or hides a control byte. */
static bool undo_percent(struct text coded, char *out, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < coded.n; i++) {
		char c = coded.p[i];
		if (c == '%') {
			int high = i + 2 < coded.n ? hex_digit(coded.p[i + 1]) : -1;
			int low = i + 2 < coded.n ? hex_digit(coded.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if ((unsigned char)c <= ' ' || c == 0x7f)
			return false;
		out[n++] = c;
	}
	*ret_n = n;
	return true;
}

bool dmarc_uri_mailbox(struct text uri, struct arena *arena, struct text *ret_address)
{
	static const struct text scheme = TEXT("mailto:");
	struct text address;
	char *out;
	size_t n, at;

	if (!text_has_prefix_nocase(uri, scheme))
		return false;
	address = text_skip(uri, scheme.n);
	address.n = text_find_byte(address, '?');
	out = arena_alloc(arena, address.n + 1);
	if (out == NULL || text_find_byte(address, ',') < address.n || !undo_percent(address, out, &n))
		return false;
	*ret_address = text_from_bytes(out, n);
	at = text_find_last_byte(*ret_address, '@');
	return at != SIZE_MAX && at > 0 && at + 1 < n;
}
