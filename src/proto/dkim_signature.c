/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads one signature field. Called by dkim_message for each one in a header, on a stranger's bytes. One
 * table has a row per tag: in which fields it must be, in which it must not, and who reads its value. Trusts
 * nothing. Invariant: domain, selector and identity are empty or well-formed; the first reason found is kept,
 * but every tag is read, so that a report can name what is there.
 */
#include "proto/dkim_signature.h"

#include "proto/dkim_message.h"
#include "proto/domain.h"
#include "proto/tag_list.h"

#define TIME_DIGITS  18
#define PREFIX_CHARS 8 /* of b=; rfc6008 4 */

struct reading {
	struct dkim_signature *s;
	struct arena *arena;
	const struct dkim_limits *limits;
};

/* ---- names ---- */

static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of letters, digits, "-" and, as the DNS is used, "_". */
static bool is_name(struct text name)
{
	if (!dns_name_is_valid(name) || name.p[name.n - 1] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != '.' && !is_label_char(name.p[i]))
			return false;
	return true;
}

/* As A-labels (rfc8616 4), in lower case. */
static bool read_name(struct reading *r, struct text value, struct text *ret_name)
{
	struct text ascii;
	char *copy;

	if (value.n == 0 || !domain_to_ascii(value, r->arena, &ascii))
		return false;
	copy = arena_cstr(r->arena, ascii);
	if (!copy)
		return false;
	for (size_t i = 0; i < ascii.n; i++)
		copy[i] = text_lower_byte(copy[i]);
	if (!is_name(text_from_bytes(copy, ascii.n)))
		return false;
	*ret_name = text_from_bytes(copy, ascii.n);
	return true;
}

/* ---- values ---- */

static enum dkim_reason read_version(struct reading *r, const struct tag *tag)
{
	(void)r;
	return text_is_cstr(tag->value, "1") ? DKIM_REASON_NONE : DKIM_REASON_VERSION;
}

static enum dkim_reason read_algorithm(struct reading *r, const struct tag *tag)
{
	for (unsigned i = 0; i < DKIM_ALGORITHM_COUNT; i++) {
		if (!text_is_cstr(tag->value, dkim_algorithm_word(i)))
			continue;
		r->s->algorithm = i;
		r->s->algorithm_word = dkim_algorithm_word(i);
		return i == DKIM_RSA_SHA1 ? DKIM_REASON_HISTORIC : DKIM_REASON_NONE;
	}
	return DKIM_REASON_ALGORITHM;
}

/* The first characters of b=, which tell one signature of a message from another. */
static void read_prefix(struct reading *r, struct text value)
{
	char *prefix = arena_alloc(r->arena, PREFIX_CHARS);
	size_t n = 0;

	for (size_t i = 0; prefix && i < value.n && n < PREFIX_CHARS; i++)
		if (value.p[i] != ' ' && value.p[i] != '\t' && value.p[i] != '\r' && value.p[i] != '\n')
			prefix[n++] = value.p[i];
	r->s->b_prefix = text_from_bytes(prefix, n);
}

static enum dkim_reason read_signature(struct reading *r, const struct tag *tag)
{
	r->s->b_value = tag->all;
	if (!tag_value_base64(tag->value, r->arena, &r->s->signature) || r->s->signature.n == 0)
		return DKIM_REASON_BASE64;
	read_prefix(r, tag->value);
	return DKIM_REASON_NONE;
}

static enum dkim_reason read_body_hash(struct reading *r, const struct tag *tag)
{
	bool ok = tag_value_base64(tag->value, r->arena, &r->s->body_hash) && r->s->body_hash.n > 0;

	return ok ? DKIM_REASON_NONE : DKIM_REASON_BASE64;
}

static enum dkim_reason read_canonicalization(struct reading *r, const struct tag *tag)
{
	bool ok = dkim_canon_parse(tag->value, &r->s->header_canon, &r->s->body_canon);

	return ok ? DKIM_REASON_NONE : DKIM_REASON_CANONICALIZATION;
}

/* domain-name = sub-domain 1*("." sub-domain) */
static enum dkim_reason read_domain(struct reading *r, const struct tag *tag)
{
	struct text name;

	if (!read_name(r, tag->value, &name) || text_find_byte(name, '.') == name.n)
		return DKIM_REASON_DOMAIN;
	r->s->domain = name;
	return DKIM_REASON_NONE;
}

static enum dkim_reason read_selector(struct reading *r, const struct tag *tag)
{
	return read_name(r, tag->value, &r->s->selector) ? DKIM_REASON_NONE : DKIM_REASON_SELECTOR;
}

/* field-name without the bytes that end it; rfc5322 3.6.8 */
static bool is_field_name(struct text name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < 33 || name.p[i] > 126 || name.p[i] == ':' || name.p[i] == ';')
			return false;
	return true;
}

/* hdr-name *( ":" hdr-name ). An empty name is passed over: it selects nothing, and there are signers who
 * write a colon too much. */
static enum dkim_reason read_names(struct reading *r, const struct tag *tag)
{
	struct text rest = tag->value, name;
	size_t n = 1;

	for (size_t i = 0; i < rest.n; i++)
		n += rest.p[i] == ':';
	if (n > r->limits->names)
		return DKIM_REASON_TOO_MANY_HEADERS;
	r->s->names = arena_alloc(r->arena, n * sizeof *r->s->names);
	if (!r->s->names)
		return DKIM_REASON_MEMORY;
	while (tag_value_next(&rest, ':', &name)) {
		if (!is_field_name(name))
			return DKIM_REASON_HEADERS;
		if (name.n > 0)
			r->s->names[r->s->n_names++] = name;
	}
	return DKIM_REASON_NONE;
}

/* [ Local-part ] "@" domain-name, in dkim-quoted-printable. Whether it lies in d= is asked when both are
 * read. */
static enum dkim_reason read_identity(struct reading *r, const struct tag *tag)
{
	struct text decoded;
	size_t at;

	if (!tag_value_qp(tag->value, r->arena, &decoded) || !text_is_utf8(decoded))
		return DKIM_REASON_IDENTITY;
	at = text_find_last_byte(decoded, '@');
	if (at == SIZE_MAX || !read_name(r, text_skip(decoded, at + 1), &r->s->identity_domain))
		return DKIM_REASON_IDENTITY;
	r->s->identity = decoded;
	return DKIM_REASON_NONE;
}

static enum dkim_reason read_length(struct reading *r, const struct tag *tag)
{
	r->s->has_length = true;
	return text_parse_u64(tag->value, UINT64_MAX, &r->s->length) ? DKIM_REASON_NONE : DKIM_REASON_LENGTH;
}

/* "dns/txt", which is all that there is, among others maybe. */
static enum dkim_reason read_query(struct reading *r, const struct tag *tag)
{
	struct text rest = tag->value, method;

	(void)r;
	while (tag_value_next(&rest, ':', &method))
		if (text_is_cstr(method, "dns/txt"))
			return DKIM_REASON_NONE;
	return DKIM_REASON_QUERY;
}

static enum dkim_reason read_seconds(const struct tag *tag, int64_t *ret_seconds)
{
	uint64_t seconds;

	if (tag->value.n > TIME_DIGITS || !text_parse_u64(tag->value, INT64_MAX, &seconds))
		return DKIM_REASON_TIME;
	*ret_seconds = (int64_t)seconds;
	return DKIM_REASON_NONE;
}

static enum dkim_reason read_signed_at(struct reading *r, const struct tag *tag)
{
	return read_seconds(tag, &r->s->signed_at);
}

static enum dkim_reason read_expires(struct reading *r, const struct tag *tag)
{
	return read_seconds(tag, &r->s->expires);
}

/* instance = 1*2DIGIT, 1..50; rfc8617 4.2.1 */
static enum dkim_reason read_instance(struct reading *r, const struct tag *tag)
{
	uint64_t instance;

	if (tag->value.n > 2 || !text_parse_u64(tag->value, ARC_SETS_MAX, &instance) || instance == 0)
		return DKIM_REASON_INSTANCE;
	r->s->instance = (unsigned)instance;
	return DKIM_REASON_NONE;
}

static enum dkim_reason read_cv(struct reading *r, const struct tag *tag)
{
	static const char *const words[] = { "none", "pass", "fail" };

	for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
		if (!text_is_cstr(tag->value, words[i]))
			continue;
		r->s->cv = i;
		return DKIM_REASON_NONE;
	}
	return DKIM_REASON_CHAIN_VALUE;
}

static enum dkim_reason refuse(struct reading *r, const struct tag *tag)
{
	(void)r;
	(void)tag;
	return DKIM_REASON_FORBIDDEN_TAG;
}

enum { IN_DKIM = 1 << DKIM_FIELD_DKIM, IN_AMS = 1 << DKIM_FIELD_AMS, IN_SEAL = 1 << DKIM_FIELD_SEAL };

/* rfc6376 3.5, rfc8617 4.1.2 and 4.1.3. In a field of another kind a tag is unknown, and passed over. */
static const struct row {
	const char *name;
	unsigned required, known;
	enum dkim_reason (*read)(struct reading *r, const struct tag *tag);
} rows[] = {
	{ "v", IN_DKIM, IN_DKIM, read_version },
	{ "a", IN_DKIM | IN_AMS | IN_SEAL, IN_DKIM | IN_AMS | IN_SEAL, read_algorithm },
	{ "b", IN_DKIM | IN_AMS | IN_SEAL, IN_DKIM | IN_AMS | IN_SEAL, read_signature },
	{ "bh", IN_DKIM | IN_AMS, IN_DKIM | IN_AMS, read_body_hash },
	{ "c", 0, IN_DKIM | IN_AMS, read_canonicalization },
	{ "d", IN_DKIM | IN_AMS | IN_SEAL, IN_DKIM | IN_AMS | IN_SEAL, read_domain },
	{ "s", IN_DKIM | IN_AMS | IN_SEAL, IN_DKIM | IN_AMS | IN_SEAL, read_selector },
	{ "h", IN_DKIM | IN_AMS, IN_DKIM | IN_AMS, read_names },
	{ "h", 0, IN_SEAL, refuse },
	{ "i", 0, IN_DKIM, read_identity },
	{ "i", IN_AMS | IN_SEAL, IN_AMS | IN_SEAL, read_instance },
	{ "l", 0, IN_DKIM | IN_AMS, read_length },
	{ "q", 0, IN_DKIM | IN_AMS, read_query },
	{ "t", 0, IN_DKIM | IN_AMS | IN_SEAL, read_signed_at },
	{ "x", 0, IN_DKIM | IN_AMS, read_expires },
	{ "cv", IN_SEAL, IN_SEAL, read_cv },
};

static void note(struct dkim_signature *s, enum dkim_reason reason)
{
	if (s->reason == DKIM_REASON_NONE)
		s->reason = reason;
}

static void read_tags(struct reading *r, const struct tag_list *list)
{
	unsigned kind = 1u << r->s->kind;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct tag *tag = tag_list_find(list, rows[i].name);
		if (tag && (rows[i].known & kind))
			note(r->s, rows[i].read(r, tag));
		else if (!tag && (rows[i].required & kind))
			note(r->s, DKIM_REASON_MISSING_TAG);
	}
}

static bool has_name(const struct dkim_signature *s, const char *name)
{
	for (size_t i = 0; i < s->n_names; i++)
		if (text_is_cstr_nocase(s->names[i], name))
			return true;
	return false;
}

static bool is_below(struct text domain, struct text parent)
{
	return text_has_suffix_nocase(domain, parent) &&
	       (domain.n == parent.n || domain.p[domain.n - parent.n - 1] == '.');
}

/* What holds between tags. rfc6376 6.1.1; rfc8617 4.1.2: a seal is not signed by a message signature. */
static void check_together(struct dkim_signature *s)
{
	if (s->kind == DKIM_FIELD_DKIM && !has_name(s, "from"))
		note(s, DKIM_REASON_FROM);
	if (s->kind == DKIM_FIELD_AMS && has_name(s, "arc-seal"))
		note(s, DKIM_REASON_HEADERS);
	if (s->identity_domain.n > 0 && !is_below(s->identity_domain, s->domain))
		note(s, DKIM_REASON_IDENTITY);
	if (s->signed_at >= 0 && s->expires >= 0 && s->expires <= s->signed_at)
		note(s, DKIM_REASON_TIME);
}

/* The default of i= is "@" and d=. */
static void complete_identity(struct dkim_signature *s, struct arena *arena)
{
	char *text;

	if (s->kind != DKIM_FIELD_DKIM || s->identity.n > 0 || s->domain.n == 0)
		return;
	text = arena_alloc(arena, s->domain.n + 1);
	if (!text)
		return;
	text[0] = '@';
	memcpy(text + 1, s->domain.p, s->domain.n);
	s->identity = text_from_bytes(text, s->domain.n + 1);
	s->identity_domain = text_skip(s->identity, 1);
}

/* At least what all tags of one field can take together: then no reader of a tag meets the arena's end. */
static bool has_room(const struct arena *arena, struct text field, const struct dkim_limits *limits)
{
	return arena->max - arena->used >= 8 * field.n + sizeof(struct text) * limits->names + 4096;
}

bool dkim_signature_parse(enum dkim_field_kind kind, struct text field, const struct dkim_limits *limits,
			  struct arena *arena, struct dkim_signature *ret_signature)
{
	static const enum dkim_reason reasons[] = {
		[TAG_LIST_OK] = DKIM_REASON_NONE,
		[TAG_LIST_MALFORMED] = DKIM_REASON_TAGS,
		[TAG_LIST_DUPLICATE] = DKIM_REASON_DUPLICATE_TAG,
		[TAG_LIST_TOO_MANY] = DKIM_REASON_TAGS,
	};
	struct dkim_signature *s = ret_signature;
	struct reading r = { s, arena, limits };
	struct tag_list list;

	*s = (struct dkim_signature){ .kind = kind, .algorithm_word = "", .signed_at = -1, .expires = -1 };
	if (field.n > limits->field_bytes) {
		s->reason = DKIM_REASON_TOO_LONG;
		return true;
	}
	if (!has_room(arena, field, limits))
		return false;
	s->reason = reasons[tag_list_parse(text_skip(field, text_find_byte(field, ':') + 1), &list)];
	read_tags(&r, &list);
	check_together(s);
	complete_identity(s, arena);
	return true;
}

enum dkim_reason dkim_signature_check_time(const struct dkim_signature *s, int64_t now, int64_t skew)
{
	if (s->expires >= 0 && now > s->expires && now - s->expires > skew)
		return DKIM_REASON_EXPIRED;
	if (s->signed_at > now && s->signed_at - now > skew)
		return DKIM_REASON_FUTURE;
	return DKIM_REASON_NONE;
}
