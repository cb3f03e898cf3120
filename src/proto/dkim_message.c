/* SPDX-License-Identifier: Apache-2.0
 *
 * Indexes a message for its signatures. Called by the checks of DKIM and ARC, and by their signers, on a
 * stranger's bytes. The header is read by mime_header, so that a field here is a field there. Names are
 * compared by their hash first: a selection costs one look per field and name of h=, both of which are
 * bounded. Invariant: every signature that may be asked about has its row in `hashes`.
 */
#include "proto/dkim_message.h"

#include <stdlib.h>

#define FIELDS_FIRST 64

struct dkim_limits dkim_limits_default(void)
{
	return (struct dkim_limits){
		.mime = mime_limits_default(),
		.signatures = 8,
		.field_bytes = 64 << 10,
		.names = 256,
		.keys = 4,
		.rsa_bits_min = 1024,
		.rsa_bits_max = 8192,
		.clock_skew = 60,
	};
}

static uint32_t hash_name(struct text name)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)text_lower_byte(name.p[i])) * 16777619u;
	return h;
}

/* ---- reading ---- */

static bool grow_fields(struct dkim_message *m, size_t cap)
{
	struct dkim_header_field *fields = arena_alloc(m->arena, cap * sizeof *fields);

	if (fields && m->n_fields)
		memcpy(fields, m->fields, m->n_fields * sizeof *fields);
	m->fields = fields;
	return fields != NULL;
}

static bool read_fields(struct dkim_message *m)
{
	struct mime_header_reader r = mime_header_reader_of(m->bytes, &m->limits->mime);
	struct mime_field field;
	size_t cap = 0;

	while (mime_header_next(&r, &field)) {
		if (m->n_fields == cap && !grow_fields(m, cap = cap ? 2 * cap : FIELDS_FIRST))
			return false;
		m->fields[m->n_fields++] =
			(struct dkim_header_field){ field.raw, field.name, hash_name(field.name), 0 };
	}
	m->trouble = r.trouble;
	m->body = text_skip(m->bytes, r.at);
	return true;
}

static size_t count_named(const struct dkim_message *m, const char *name)
{
	uint32_t hash = hash_name(text_from_cstr(name));
	size_t n = 0;

	for (size_t i = 0; i < m->n_fields; i++)
		n += m->fields[i].hash == hash && text_is_cstr_nocase(m->fields[i].name, name);
	return n;
}

/* The first `n` fields of a kind. */
static bool read_signatures(struct dkim_message *m, enum dkim_field_kind kind, const char *name, size_t n,
			    struct dkim_signature **ret_signatures)
{
	struct dkim_signature *s = arena_alloc(m->arena, n * sizeof *s);
	size_t at = 0;

	if (!s)
		return false;
	for (size_t i = 0; i < m->n_fields && at < n; i++) {
		if (!text_is_cstr_nocase(m->fields[i].name, name))
			continue;
		if (!dkim_signature_parse(kind, m->fields[i].raw, m->limits, m->arena, &s[at]))
			return false;
		s[at++].field = i;
	}
	*ret_signatures = s;
	return true;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void want_hashes(struct dkim_message *m, const struct dkim_signature *signatures, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct dkim_signature *s = &signatures[i];
		if (s->reason == DKIM_REASON_NONE)
			m->hashes[m->n_hashes++] =
				(struct dkim_body_hash){ .canon = s->body_canon,
							 .length = s->has_length ? s->length : UINT64_MAX };
	}
}

static bool find_signatures(struct dkim_message *m)
{
	size_t n = count_named(m, "dkim-signature");

	m->n_dkim = least(n, m->limits->signatures);
	m->n_dkim_left = n - m->n_dkim;
	m->n_ams = least(count_named(m, "arc-message-signature"), ARC_SETS_MAX + 1);
	m->n_seals = least(count_named(m, "arc-seal"), ARC_SETS_MAX + 1);
	if (!read_signatures(m, DKIM_FIELD_DKIM, "dkim-signature", m->n_dkim, &m->dkim) ||
	    !read_signatures(m, DKIM_FIELD_AMS, "arc-message-signature", m->n_ams, &m->ams) ||
	    !read_signatures(m, DKIM_FIELD_SEAL, "arc-seal", m->n_seals, &m->seals))
		return false;
	m->hashes = arena_alloc(m->arena, (m->n_dkim + m->n_ams) * sizeof *m->hashes);
	if (!m->hashes)
		return false;
	want_hashes(m, m->dkim, m->n_dkim);
	want_hashes(m, m->ams, m->n_ams);
	return true;
}

bool dkim_message_read(struct dkim_message *m, struct text bytes, const struct dkim_limits *limits,
		       struct arena *arena)
{
	*m = (struct dkim_message){ .limits = limits, .arena = arena, .bytes = bytes };
	if (!read_fields(m))
		return false;
	return m->trouble || find_signatures(m);
}

/* ---- hashes ---- */

const struct dkim_body_hash *dkim_message_hash_body(struct dkim_message *m, const struct dkim_signature *s)
{
	uint64_t length = s->has_length ? s->length : UINT64_MAX;

	if (!m->is_hashed)
		dkim_hash_body(m->body, m->hashes, m->n_hashes);
	m->is_hashed = true;
	for (size_t i = 0; i < m->n_hashes; i++)
		if (m->hashes[i].canon == s->body_canon && m->hashes[i].length == length)
			return &m->hashes[i];
	return NULL;
}

void dkim_message_select(struct dkim_message *m)
{
	m->n_selections++;
}

const struct dkim_header_field *dkim_message_take(struct dkim_message *m, struct text name, size_t but)
{
	uint32_t hash = hash_name(name);

	for (size_t i = m->n_fields; i > 0; i--) {
		struct dkim_header_field *f = &m->fields[i - 1];
		if (f->hash != hash || f->taken_by == m->n_selections || i - 1 == but ||
		    !text_is_equal_nocase(f->name, name))
			continue;
		f->taken_by = m->n_selections;
		return f;
	}
	return NULL;
}

/* Each field is taken once at most, and no form is longer than the field with a CRLF. */
static size_t header_bytes_max(const struct dkim_message *m)
{
	return m->bytes.n - m->body.n + 2 * m->n_fields + 2;
}

void dkim_message_hash_header(struct dkim_message *m, const struct dkim_signature *s,
			      unsigned char ret_digest[DKIM_DIGEST_BYTES])
{
	const struct dkim_header_field *f;
	struct buf form;

	buf_init(&form, header_bytes_max(m));
	dkim_message_select(m);
	for (size_t i = 0; i < s->n_names; i++)
		if ((f = dkim_message_take(m, s->names[i], s->field)))
			dkim_canon_field(s->header_canon, f->raw, &form);
	dkim_canon_field_without(s->header_canon, m->fields[s->field].raw, s->b_value, &form);
	dkim_hash_bytes(buf_text(&form), ret_digest);
	buf_done(&form);
}
