/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a message into the list of its parts. Called by the judge in a message room, on a stranger's
 * bytes. The functions below call each other down the tree, to limits->depth at most. Whatever mail
 * readers disagree about is followed in every way, so what two ways share is read twice: `work` counts
 * the bytes looked at and bounds the whole, whatever the ways multiply to. Invariants: every view
 * points into the message or the arena; once stopped, nothing more is added to the list.
 */
#include "proto/mime_part.h"

#include "proto/base64.h"
#include "proto/mime_header.h"
#include "proto/mime_split.h"
#include "proto/mime_value.h"
#include "proto/quoted_printable.h"
#include "proto/uuencode.h"

#define BOUNDARIES_MAX 8
#define WORK_FACTOR    64
#define WORK_LEAST     (1 << 20)

#define BIT(encoding)  (1U << (encoding))
#define EVERY_ENCODING ((1U << MIME_ENCODING_COUNT) - 1)

struct tree_reader {
	const struct mime_limits *limits;
	struct arena *arena;
	struct mime_tree *tree;
	size_t work;    /* bytes that may still be looked at */
	size_t decoded; /* bytes that may still be decoded */
	bool is_partial;
};

/* What the header of a part says, all its contradictions together. */
struct facts {
	size_t n_types, n_encodings;
	bool is_multipart, is_message, is_digest;
	struct text boundaries[BOUNDARIES_MAX];
	size_t n_boundaries;
};

static void read_entity(struct tree_reader *r, struct mime_part *parent, struct text t, bool in_digest);

static bool has_stopped(const struct tree_reader *r)
{
	return r->tree->trouble != MIME_TROUBLE_NONE;
}

static void stop(struct tree_reader *r, enum mime_trouble trouble)
{
	if (!has_stopped(r))
		r->tree->trouble = trouble;
}

static void spend(struct tree_reader *r, size_t n)
{
	if (n > r->work)
		stop(r, MIME_TROUBLE_WORK);
	else
		r->work -= n;
}

/* NULL when a limit is met. */
static struct mime_part *add_part(struct tree_reader *r, struct mime_part *parent, enum mime_kind kind)
{
	struct mime_part *part;
	unsigned depth = parent ? parent->depth + 1 : 0;

	if (has_stopped(r))
		return NULL;
	if (depth > r->limits->depth)
		stop(r, MIME_TROUBLE_DEPTH);
	if (r->tree->n_parts == r->limits->parts)
		stop(r, MIME_TROUBLE_PARTS);
	if (has_stopped(r))
		return NULL;
	part = arena_alloc(r->arena, sizeof *part);
	if (!part) {
		stop(r, MIME_TROUBLE_MEMORY);
		return NULL;
	}
	*part = (struct mime_part){
		.parent = parent, .depth = depth, .kind = kind, .encodings = BIT(MIME_IDENTITY)
	};
	if (parent)
		part->way = parent->n_ways;
	if (r->tree->last)
		r->tree->last->next = part;
	else
		r->tree->first = part;
	r->tree->last = part;
	r->tree->n_parts++;
	return part;
}

/* Bytes that belong to no part for some readers: looked at under every encoding. */
static void add_gap(struct tree_reader *r, struct mime_part *parent, struct text t)
{
	struct mime_part *gap;

	if (text_trim(t).n == 0)
		return;
	gap = add_part(r, parent, MIME_GAP);
	if (!gap)
		return;
	gap->body = t;
	gap->encodings = EVERY_ENCODING;
}

static bool is_known_boundary(const struct facts *f, struct text boundary)
{
	for (size_t i = 0; i < f->n_boundaries; i++)
		if (text_is_equal(f->boundaries[i], boundary))
			return true;
	return false;
}

static void add_boundary(struct tree_reader *r, struct facts *f, struct text boundary)
{
	if (is_known_boundary(f, boundary))
		return;
	if (f->n_boundaries == BOUNDARIES_MAX || f->n_boundaries == r->limits->boundaries) {
		stop(r, MIME_TROUBLE_BOUNDARIES);
		return;
	}
	f->boundaries[f->n_boundaries++] = boundary;
}

/* message/rfc822, global (rfc6532 3.7), news and partial: a message within. */
static bool is_message_type(struct text subtype)
{
	return text_is_cstr_nocase(subtype, "rfc822") || text_is_cstr_nocase(subtype, "global") ||
	       text_is_cstr_nocase(subtype, "news") || text_is_cstr_nocase(subtype, "partial");
}

static void take_type(struct tree_reader *r, struct mime_part *part, struct facts *f, struct text body)
{
	struct mime_value v;
	struct text type, subtype, t;
	enum mime_trouble trouble = mime_value_parse(body, r->limits, r->arena, &v);

	if (trouble != MIME_TROUBLE_NONE)
		stop(r, trouble);
	mime_value_split_type(v.value, &type, &subtype);
	part->defects |= v.defects;
	if (f->n_types++ == 0) {
		part->type = type;
		part->subtype = subtype;
		mime_value_find_param(&v, "charset", 0, &part->charset);
	}
	if (!part->name.n && !mime_value_find_param(&v, "name", 0, &part->name))
		mime_value_join_param(&v, "name", r->arena, &part->name);
	if (text_is_cstr_nocase(type, "multipart")) {
		f->is_multipart = true;
		f->is_digest = f->is_digest || text_is_cstr_nocase(subtype, "digest");
		for (size_t i = 0; mime_value_find_param(&v, "boundary", i, &t); i++)
			add_boundary(r, f, t);
		if (mime_value_join_param(&v, "boundary", r->arena, &t))
			add_boundary(r, f, t);
	}
	if (text_is_cstr_nocase(type, "message") && is_message_type(subtype)) {
		f->is_message = true;
		r->is_partial = r->is_partial || text_is_cstr_nocase(subtype, "partial");
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

/* An encoding that we do not know may be one that a reader guesses. */
static void take_encoding(struct tree_reader *r, struct mime_part *part, struct facts *f, struct text body)
{
	struct mime_value v;
	enum mime_trouble trouble = mime_value_parse(body, r->limits, r->arena, &v);

	if (trouble != MIME_TROUBLE_NONE)
		stop(r, trouble);
	f->n_encodings++;
	for (size_t i = 0; i < sizeof encoding_words / sizeof *encoding_words; i++) {
		if (!text_is_cstr_nocase(v.value, encoding_words[i].word))
			continue;
		part->encodings |= BIT(encoding_words[i].encoding);
		return;
	}
	part->defects |= MIME_DEFECT_UNKNOWN_ENCODING;
	part->encodings = EVERY_ENCODING;
}

static void take_disposition(struct tree_reader *r, struct mime_part *part, struct text body)
{
	struct mime_value v;
	struct text name;
	enum mime_trouble trouble = mime_value_parse(body, r->limits, r->arena, &v);

	if (trouble != MIME_TROUBLE_NONE)
		stop(r, trouble);
	part->is_attachment = part->is_attachment || text_is_cstr_nocase(v.value, "attachment");
	if (mime_value_find_param(&v, "filename", 0, &name) ||
	    mime_value_join_param(&v, "filename", r->arena, &name))
		part->name = name;
}

static void take_field(struct tree_reader *r, struct mime_part *part, struct facts *f,
		       const struct mime_field *field)
{
	if (text_is_cstr_nocase(field->name, "Content-Type"))
		take_type(r, part, f, field->body);
	else if (text_is_cstr_nocase(field->name, "Content-Transfer-Encoding"))
		take_encoding(r, part, f, field->body);
	else if (text_is_cstr_nocase(field->name, "Content-Disposition"))
		take_disposition(r, part, field->body);
}

/* Cuts t into header and body, and the facts out of the header. Others may see the body begin earlier:
 * ret_gap is what they would see, or empty. */
static void read_header(struct tree_reader *r, struct mime_part *part, struct text t, struct facts *f,
			struct text *ret_gap)
{
	struct mime_header_reader h = mime_header_reader_of(t, r->limits);
	struct mime_field field;

	*ret_gap = (struct text){ 0 };
	while (!has_stopped(r) && mime_header_next(&h, &field))
		take_field(r, part, f, &field);
	spend(r, h.at);
	if (h.trouble != MIME_TROUBLE_NONE)
		stop(r, h.trouble);
	part->header = text_slice(t, 0, h.at);
	part->body = text_skip(t, h.at);
	part->defects |= h.defects;
	if (f->n_types > 1)
		part->defects |= MIME_DEFECT_TWO_TYPES;
	if (f->n_boundaries > 1)
		part->defects |= MIME_DEFECT_TWO_BOUNDARIES;
	if (f->n_encodings > 1) {
		part->defects |= MIME_DEFECT_TWO_ENCODINGS;
		part->encodings = EVERY_ENCODING;
	}
	if (!h.has_end)
		*ret_gap = t;
	else if (h.junk_at != SIZE_MAX)
		*ret_gap = text_skip(t, h.junk_at);
}

/* One way of cutting a body; its defects. */
static unsigned read_pieces(struct tree_reader *r, struct mime_part *part, const struct facts *f,
			    struct mime_splitter *s)
{
	struct mime_piece piece;

	spend(r, s->body.n);
	while (!has_stopped(r) && mime_split_next(s, &piece)) {
		if (piece.is_part)
			read_entity(r, part, piece.text, f->is_digest);
		else
			add_gap(r, part, piece.text);
	}
	part->n_ways++;
	return s->defects;
}

/* Strictly, and once more loosely when a line asks for it; the number of delimiters. */
static size_t read_boundary(struct tree_reader *r, struct mime_part *part, const struct facts *f,
			    struct text body, struct text boundary)
{
	struct mime_splitter s = mime_splitter_of(body, boundary, false);
	size_t n_delimiters;
	unsigned defects = read_pieces(r, part, f, &s);

	part->defects |= defects;
	n_delimiters = s.n_delimiters;
	if (!(defects & MIME_DEFECT_LONGER_BOUNDARY) || has_stopped(r))
		return n_delimiters;
	s = mime_splitter_of(body, boundary, true);
	part->defects |= read_pieces(r, part, f, &s);
	return n_delimiters + s.n_delimiters;
}

static void read_multipart(struct tree_reader *r, struct mime_part *part, const struct facts *f,
			   struct text body)
{
	bool is_complete = f->n_boundaries > 0;
	struct text guess;

	for (size_t i = 0; i < f->n_boundaries && !has_stopped(r); i++)
		is_complete = read_boundary(r, part, f, body, f->boundaries[i]) > 0 && is_complete;
	if (is_complete || has_stopped(r))
		return;
	part->defects |= MIME_DEFECT_NO_BOUNDARY;
	add_gap(r, part, body);
	if (mime_split_guess(body, &guess) && !is_known_boundary(f, guess))
		read_boundary(r, part, f, body, guess);
}

static void read_within(struct tree_reader *r, struct mime_part *part, const struct facts *f,
			struct text body)
{
	if (f->is_multipart)
		read_multipart(r, part, f, body);
	if (!f->is_message || has_stopped(r))
		return;
	read_entity(r, part, body, false);
	part->n_ways++;
}

/* The body with an encoding undone, in the arena. False when it does not fit. */
static bool decode_tree(struct tree_reader *r, const struct mime_part *part, enum mime_encoding encoding,
			struct text *ret_body)
{
	struct buf out;
	bool ok;

	buf_init(&out, part->body.n + 64);
	ok = mime_part_decode(part, encoding, &out) && out.n <= r->decoded;
	if (!ok)
		stop(r, MIME_TROUBLE_DECODED);
	else if (!arena_copy(r->arena, buf_text(&out), ret_body))
		stop(r, MIME_TROUBLE_MEMORY);
	r->decoded -= ok ? out.n : 0;
	buf_done(&out);
	return !has_stopped(r);
}

static void read_children(struct tree_reader *r, struct mime_part *part, const struct facts *f)
{
	struct text decoded;

	if (!f->is_multipart && !f->is_message)
		return;
	read_within(r, part, f, part->body);
	if (part->encodings != BIT(MIME_IDENTITY))
		part->defects |= MIME_DEFECT_ENCODED_TREE;
	for (enum mime_encoding e = MIME_IDENTITY + 1; e < MIME_ENCODING_COUNT; e++) {
		if (!(part->encodings & BIT(e)) || has_stopped(r))
			continue;
		spend(r, part->body.n);
		if (!has_stopped(r) && decode_tree(r, part, e, &decoded) && decoded.n)
			read_within(r, part, f, decoded);
	}
	if (part->defects & MIME_DEFECT_TWO_TYPES)
		add_gap(r, part, part->body);
}

static void read_entity(struct tree_reader *r, struct mime_part *parent, struct text t, bool in_digest)
{
	struct mime_part *part = add_part(r, parent, MIME_LEAF);
	struct facts f = { 0 };
	struct text gap;

	if (!part)
		return;
	read_header(r, part, t, &f, &gap);
	if (in_digest && f.n_types == 0)
		f.is_message = true; /* rfc2046 5.1.5 */
	if (f.is_multipart)
		part->kind = MIME_MULTIPART;
	else if (f.is_message)
		part->kind = MIME_MESSAGE;
	add_gap(r, part, gap);
	read_children(r, part, &f);
	r->tree->defects |= part->defects;
}

void mime_tree_read(struct text message, const struct mime_limits *limits, struct arena *arena,
		    struct mime_tree *ret_tree)
{
	struct tree_reader r = {
		.limits = limits,
		.arena = arena,
		.tree = ret_tree,
		.work = limits->work,
		.decoded = limits->decoded,
	};

	if (r.work == 0 && __builtin_mul_overflow(message.n, WORK_FACTOR, &r.work))
		r.work = SIZE_MAX;
	if (limits->work == 0 && r.work < WORK_LEAST)
		r.work = WORK_LEAST;
	*ret_tree = (struct mime_tree){ 0 };
	read_entity(&r, NULL, message, false);
	if (r.is_partial)
		stop(&r, MIME_TROUBLE_PARTIAL);
}

static bool decode_uuencode(struct text body, struct buf *out)
{
	struct uuencode_file file;
	size_t at = 0;

	while (uuencode_find(body, &at, &file))
		if (!uuencode_decode(&file, out))
			return false;
	return true;
}

bool mime_part_decode(const struct mime_part *part, enum mime_encoding encoding, struct buf *out)
{
	switch (encoding) {
	case MIME_BASE64:
		return base64_decode(part->body, out);
	case MIME_QUOTED_PRINTABLE:
		return quoted_printable_decode(part->body, out);
	case MIME_UUENCODE:
		return decode_uuencode(part->body, out);
	default:
		return buf_add(out, part->body);
	}
}
