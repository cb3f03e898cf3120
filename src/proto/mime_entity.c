/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the header of one entity. Called by mime_part.c on a stranger's bytes. Fields that are there
 * several times are all taken: the first counts, and what the others say otherwise becomes a reason.
 * Linear in the header. Invariant: what is kept points into the message or was allocated for the tree;
 * the scratch arena holds the values of one field only.
 */
#include "proto/mime_entity.h"

#include "proto/mime_content.h"
#include "proto/mime_header.h"
#include "proto/mime_name.h"
#include "proto/mime_param.h"

#define BIT(encoding) (1U << (encoding))
#define EVERY_ENCODING                                                                                       \
	(BIT(MIME_IDENTITY) | BIT(MIME_BASE64) | BIT(MIME_QUOTED_PRINTABLE) | BIT(MIME_UUENCODE))
#define BOUNDARY_MAX 70 /* rfc2046 5.1.1 */
#define SECTION_COST 64 /* of a look at one parameter for another, in bytes passed over */

/* A value that outlives its field. */
static struct text keep(struct mime_reader *r, struct text t)
{
	uintptr_t at = (uintptr_t)t.p, from = (uintptr_t)r->message.p;
	char *copy;

	if (t.n == 0 || (at >= from && at - from <= r->message.n))
		return t;
	copy = mime_reader_alloc(r, t.n);
	if (!copy)
		return (struct text){ 0 };
	memcpy(copy, t.p, t.n);
	return text_from_bytes(copy, t.n);
}

void mime_entity_add_boundary(struct mime_reader *r, struct mime_entity *e, struct text boundary)
{
	for (size_t i = 0; i < e->n_boundaries; i++)
		if (text_is_equal(e->boundaries[i], boundary))
			return;
	if (e->n_boundaries == MIME_BOUNDARIES_MAX || e->n_boundaries == r->limits->boundaries)
		mime_reader_stop(r, MIME_TROUBLE_BOUNDARIES);
	else
		e->boundaries[e->n_boundaries++] = keep(r, boundary);
}

void mime_entity_add_name(struct mime_reader *r, struct mime_part *part, struct mime_name name)
{
	struct mime_name *kept, **end = &part->names;

	if (name.raw.n > r->limits->name_bytes)
		mime_reader_stop(r, MIME_TROUBLE_NAME_BYTES);
	if (mime_reader_has_stopped(r))
		return;
	kept = mime_reader_alloc(r, sizeof *kept);
	if (!kept)
		return;
	*kept = name;
	kept->raw = keep(r, name.raw);
	kept->charset = keep(r, name.charset);
	/* filename before name; rfc2183 2.3 and rfc2045 5.1 */
	while (*end && (*end)->source <= name.source)
		end = &(*end)->next;
	kept->next = *end;
	*end = kept;
	part->name = part->names->raw;
}

/* Every value of a parameter that some reader takes for the name of a file. */
static void add_names(struct mime_reader *r, struct mime_part *part, const struct mime_value *v,
		      const char *param, enum mime_name_source source)
{
	struct mime_reading *reading;

	mime_reader_spend(r,
			  SECTION_COST * v->n_params * v->n_params); /* sections are looked for one by one */
	if (!mime_param_readings(v, param, &r->scratch, &reading))
		mime_reader_stop(r, MIME_TROUBLE_MEMORY);
	for (; reading && !mime_reader_has_stopped(r); reading = reading->next)
		mime_entity_add_name(r, part,
				     (struct mime_name){ .source = source,
							 .is_extended = reading->is_extended,
							 .charset = reading->charset,
							 .raw = reading->raw });
}

/* message/rfc822, global (rfc6532 3.7), news and partial: a message within. */
static bool is_message_type(struct text subtype)
{
	return text_is_cstr_nocase(subtype, "rfc822") || text_is_cstr_nocase(subtype, "global") ||
	       text_is_cstr_nocase(subtype, "news") || text_is_cstr_nocase(subtype, "partial") ||
	       text_is_cstr_nocase(subtype, "external-body");
}

/* A piece of a message, or the header of one that is elsewhere: no message for most readers. */
static unsigned facts_of_message(struct text subtype)
{
	if (text_is_cstr_nocase(subtype, "partial"))
		return MIME_FACT_PARTIAL;
	return text_is_cstr_nocase(subtype, "external-body") ? MIME_FACT_EXTERNAL : 0;
}

static void take_boundaries(struct mime_reader *r, struct mime_part *part, struct mime_entity *e,
			    const struct mime_value *v)
{
	struct text t;

	if (mime_value_find_param(v, "boundary", 0, &t))
		mime_entity_add_boundary(r, e, t);
	if (mime_value_join_param(v, "boundary", &r->scratch, &t))
		mime_entity_add_boundary(r, e, t);
	for (size_t i = 1; mime_value_find_param(v, "boundary", i, &t); i++)
		mime_entity_add_boundary(r, e, t);
	if (t.n > BOUNDARY_MAX)
		part->defects |= MIME_DEFECT_LONG_BOUNDARY;
}

/* A second Content-Type says something else than the first? */
static void compare_type(struct mime_reader *r, struct mime_part *part, const struct mime_entity *e,
			 const struct mime_value *v)
{
	struct text charset = { 0 };

	part->defects |= MIME_DEFECT_DUPLICATE_FIELD;
	if (!text_is_equal_nocase(v->value, e->type_value)) {
		part->reasons |= MIME_REASON_TWO_TYPES;
		part->other_type = keep(r, v->value);
	}
	if (mime_value_find_param(v, "charset", 0, &charset) && !text_is_equal_nocase(charset, part->charset))
		part->reasons |= MIME_REASON_TWO_CHARSETS;
}

static void take_first_type(struct mime_reader *r, struct mime_part *part, struct mime_entity *e,
			    const struct mime_value *v)
{
	struct text charset = { 0 };

	e->type_value = keep(r, v->value);
	mime_value_split_type(e->type_value, &part->type, &part->subtype);
	if (mime_value_find_param(v, "charset", 0, &charset) ||
	    mime_value_join_param(v, "charset", &r->scratch, &charset))
		part->charset = keep(r, charset);
	if (mime_value_find_param(v, "charset", 1, &charset) && !text_is_equal_nocase(charset, part->charset))
		part->reasons |= MIME_REASON_TWO_CHARSETS;
}

static void take_type(struct mime_reader *r, struct mime_part *part, struct mime_entity *e,
		      const struct mime_value *v)
{
	struct text type, subtype;

	mime_value_split_type(v->value, &type, &subtype);
	if (e->n_types++ == 0)
		take_first_type(r, part, e, v);
	else
		compare_type(r, part, e, v);
	add_names(r, part, v, "name", MIME_NAME_NAME);
	if (text_is_cstr_nocase(type, "multipart")) {
		if (e->n_types == 1)
			part->kind = MIME_MULTIPART;
		e->is_multipart = true;
		e->is_digest = e->is_digest || text_is_cstr_nocase(subtype, "digest");
		take_boundaries(r, part, e, v);
	}
	if (text_is_cstr_nocase(type, "message") && is_message_type(subtype)) {
		unsigned facts = facts_of_message(subtype);
		if (e->n_types == 1 && !facts)
			part->kind = MIME_MESSAGE;
		e->is_message = true;
		part->facts |= facts;
	}
}

static const struct {
	const char *word;
	enum mime_encoding encoding;
} encoding_words[] = {
	{ "7bit", MIME_IDENTITY },
	{ "8bit", MIME_IDENTITY },
	{ "binary", MIME_IDENTITY },
	{ "base64", MIME_BASE64 },
	{ "quoted-printable", MIME_QUOTED_PRINTABLE },
	{ "x-uuencode", MIME_UUENCODE },
	{ "x-uue", MIME_UUENCODE },
	{ "uuencode", MIME_UUENCODE },
};

/* The first counts; an unknown one may be one that a reader guesses, if the body looks encoded. */
static void take_encoding(struct mime_reader *r, struct mime_part *part, struct mime_entity *e,
			  const struct mime_value *v)
{
	enum mime_encoding encoding = MIME_IDENTITY;
	bool is_known = false;

	(void)r;
	for (size_t i = 0; i < sizeof encoding_words / sizeof *encoding_words && !is_known; i++) {
		is_known = text_is_cstr_nocase(v->value, encoding_words[i].word);
		encoding = is_known ? encoding_words[i].encoding : encoding;
	}
	if (!is_known && v->value.n)
		part->defects |= MIME_DEFECT_UNKNOWN_ENCODING;
	if (e->n_encodings++ == 0) {
		part->encoding = encoding;
	} else {
		part->defects |= MIME_DEFECT_DUPLICATE_FIELD;
		if (encoding != part->encoding)
			part->reasons |= MIME_REASON_TWO_ENCODINGS;
	}
	part->encodings |= BIT(encoding);
}

static void take_disposition(struct mime_reader *r, struct mime_part *part, struct mime_entity *e,
			     const struct mime_value *v)
{
	bool is_attachment = text_is_cstr_nocase(v->value, "attachment");
	bool is_inline = text_is_cstr_nocase(v->value, "inline");

	/* An unknown one is an attachment: rfc2183 2.8 */
	if (e->n_dispositions++ == 0) {
		part->disposition = is_inline ? MIME_DISPOSITION_INLINE : MIME_DISPOSITION_ATTACHMENT;
		if (v->value.n == 0)
			part->disposition = MIME_DISPOSITION_NONE;
	} else {
		part->defects |= MIME_DEFECT_DUPLICATE_FIELD;
		if (is_attachment != (part->disposition == MIME_DISPOSITION_ATTACHMENT))
			part->reasons |= MIME_REASON_TWO_DISPOSITIONS;
	}
	part->is_attachment = part->is_attachment || is_attachment;
	add_names(r, part, v, "filename", MIME_NAME_FILENAME);
}

static const struct {
	const char *name;
	void (*take)(struct mime_reader *r, struct mime_part *part, struct mime_entity *e,
		     const struct mime_value *v);
} fields[] = {
	{ "Content-Type", take_type },
	{ "Content-Transfer-Encoding", take_encoding },
	{ "Content-Disposition", take_disposition },
};

static void take_field(struct mime_reader *r, struct mime_part *part, struct mime_entity *e,
		       const struct mime_field *field)
{
	struct mime_value v;
	enum mime_trouble trouble;

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (!text_is_cstr_nocase(field->name, fields[i].name))
			continue;
		arena_reset(&r->scratch);
		mime_reader_spend(r, field->body.n);
		trouble = mime_value_parse(field->body, r->limits, &r->scratch, &v);
		if (trouble != MIME_TROUBLE_NONE)
			mime_reader_stop(r, trouble);
		part->defects |= v.defects;
		if (text_find_byte(field->body, 0) < field->body.n)
			part->reasons |= MIME_REASON_NUL;
		fields[i].take(r, part, e, &v);
	}
}

/* Line ends of a header that some readers do not take for such. */
static void survey_lines(struct mime_reader *r, struct mime_part *part)
{
	struct text t = part->header;

	for (size_t at = text_find_byte(t, '\r'); at < t.n; at += text_find_byte(text_skip(t, at), '\r')) {
		at++;
		if (at == t.n || t.p[at] == '\n' || (t.p[at] == '\r'))
			continue;
		part->defects |= MIME_DEFECT_BARE_CR;
		if (mime_content_is_field(text_skip(t, at)))
			part->reasons |= MIME_REASON_BARE_CR;
	}
	if (text_find_byte(t, 0) < t.n)
		part->defects |= MIME_DEFECT_NUL;
	if (!r->is_crlf)
		return;
	for (size_t at = text_find_byte(t, '\n'); at < t.n; at += text_find_byte(text_skip(t, at), '\n')) {
		if (at == 0 || t.p[at - 1] != '\r')
			part->defects |= MIME_DEFECT_BARE_LF;
		at++;
		if ((part->defects & MIME_DEFECT_BARE_LF) && mime_content_is_field(text_skip(t, at)))
			part->reasons |= MIME_REASON_BARE_LF;
	}
}

/* A header with each bare CR made a line end, read once more. */
static void take_behind_crs(struct mime_reader *r, struct mime_part *part, struct mime_entity *e)
{
	struct mime_header_reader h;
	struct mime_field field;
	char *copy = mime_reader_alloc(r, part->header.n);

	if (!copy)
		return;
	for (size_t i = 0; i < part->header.n; i++)
		copy[i] = part->header.p[i] == '\r' ? '\n' : part->header.p[i];
	for (size_t i = 0; i + 1 < part->header.n; i++)
		if (part->header.p[i] == '\r' && part->header.p[i + 1] == '\n')
			copy[i] = ' ';
	h = mime_header_reader_of(text_from_bytes(copy, part->header.n), r->limits);
	while (!mime_reader_has_stopped(r) && mime_header_next(&h, &field))
		take_field(r, part, e, &field);
}

/* "From somebody Mon Jan  1 ..." before the first field: an mbox was cut. rfc4155 2 */
static size_t mbox_line(struct mime_part *part, struct text t)
{
	static const struct text from = TEXT("From "), quoted = TEXT(">From ");
	size_t end = text_find_byte(t, '\n') + 1;

	if (!text_has_prefix(t, from) && !text_has_prefix(t, quoted))
		return 0;
	if (text_find_byte(text_slice(t, 0, 8), ':') < 8)
		return 0;
	part->defects |= MIME_DEFECT_MBOX_LINE;
	return end < t.n ? end : t.n;
}

static unsigned reason_of_junk(const struct mime_header_reader *h)
{
	return h->defects & MIME_DEFECT_JUNK_LINE ? MIME_REASON_HEADER_JUNK : MIME_REASON_HEADER_BLANKS;
}

/* What the reader of fields passed over. Others may have taken it for the begin of the body. */
static void note_junk(struct mime_part *part, struct mime_entity *e, const struct mime_header_reader *h,
		      struct text t)
{
	if (h->junk_at == SIZE_MAX)
		return;
	if (part->kind != MIME_LEAF || h->n_fields == 0)
		part->reasons |= reason_of_junk(h);
	e->gap = text_skip(t, h->junk_at);
	if (h->has_end && h->n_fields > 0)
		return;
	/* No header at all, or one that nothing ends: the body begins at the first line that is no field.
	 * Some see no body then. */
	part->reasons |= reason_of_junk(h);
	part->header = text_slice(t, 0, h->n_fields ? h->junk_at : 0);
	part->body = text_skip(t, part->header.n);
	e->gap = (struct text){ 0 };
}

/* A multipart that lacks the empty line: its first delimiter is the line that is no field. */
static bool ends_at_delimiter(const struct mime_header_reader *h, const struct mime_entity *e, struct text t)
{
	static const struct text dashes = TEXT("--");
	struct text line = text_skip(t, h->junk_at);

	return h->junk_at < t.n && e->n_boundaries && e->boundaries[0].n && text_has_prefix(line, dashes) &&
	       text_has_prefix(text_skip(line, dashes.n), e->boundaries[0]);
}

void mime_entity_read(struct mime_reader *r, struct mime_part *part, struct text t,
		      struct mime_entity *ret_entity)
{
	struct mime_entity *e = ret_entity;
	struct mime_header_reader h;
	struct mime_field field;
	bool has_blank = false; /* before a colon: some end the header there */

	*e = (struct mime_entity){ 0 };
	t = text_skip(t, mbox_line(part, t));
	h = mime_header_reader_of(t, r->limits);
	while (!mime_reader_has_stopped(r) && mime_header_next(&h, &field)) {
		if (ends_at_delimiter(&h, e, t))
			break;
		if (h.junk_at != SIZE_MAX && mime_content_is_field(field.raw))
			part->reasons |= reason_of_junk(&h);
		has_blank = has_blank || field.raw.p[field.name.n] != ':';
		if (has_blank && mime_content_is_field(field.raw))
			part->reasons |= MIME_REASON_BLANK_BEFORE_COLON;
		take_field(r, part, e, &field);
	}
	mime_reader_spend(r, h.at);
	if (h.n_fields == 0 && h.trouble == MIME_TROUBLE_HEADER_BYTES && h.junk_at != SIZE_MAX)
		h.trouble = MIME_TROUBLE_NONE; /* a long text without a header */
	if (h.trouble != MIME_TROUBLE_NONE)
		mime_reader_stop(r, h.trouble);
	part->header = text_slice(t, 0, h.at);
	part->body = text_skip(t, h.at);
	part->defects |= h.defects;
	if (ends_at_delimiter(&h, e, t))
		h.has_end = false;
	note_junk(part, e, &h, t);
	survey_lines(r, part);
	if (part->reasons & MIME_REASON_BARE_CR)
		take_behind_crs(r, part, e);
	mime_name_compare(part);
	if (e->n_boundaries > 1)
		part->reasons |= MIME_REASON_TWO_BOUNDARIES;
	if (part->reasons & MIME_REASON_TWO_ENCODINGS)
		part->encodings |= EVERY_ENCODING;
}
