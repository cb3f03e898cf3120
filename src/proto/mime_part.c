/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a message into the list of its parts. Called by the judge in a message room and by the command
 * line, on a stranger's bytes. The functions below call each other down the tree, to limits->depth at
 * most. Whatever mail programs disagree about is followed in every way, so what two ways share is read
 * twice: `work` counts the bytes looked at and bounds the whole, whatever the ways multiply to.
 * Invariants: every view points into the message or the arena; once stopped, nothing more is added to
 * the list; the first way of a part is there before the others.
 */
#include "proto/mime_part.h"

#include "proto/mime_content.h"
#include "proto/mime_files.h"
#include "proto/mime_split.h"
#include "proto/mime_structure.h"

#define WORK_FACTOR 64
#define WORK_LEAST  (1 << 20)
#define LOOK_COST   32 /* of one place looked at, in bytes passed over */
#define RATIO_FROM  (1 << 20)

#define SCRATCH_LEAST  (64 << 10)
#define SCRATCH_FACTOR 4 /* the values of a field: its parameters as views, unquoted, and joined */

#define BIT(encoding) (1U << (encoding))
#define EVERY_ENCODING                                                                                       \
	(BIT(MIME_IDENTITY) | BIT(MIME_BASE64) | BIT(MIME_QUOTED_PRINTABLE) | BIT(MIME_UUENCODE))

/* Where an entity stands. */
struct place {
	struct mime_part *parent;
	struct text text;
	struct text around; /* from its start to the end of what its parent was cut from */
	struct text delimiter;
	bool in_digest;
	bool is_followed; /* by another part of the same parent */
};

static void read_entity(struct mime_reader *r, const struct place *place);

/* Bytes that belong to no part for some readers: looked at under every encoding. */
static void add_gap(struct mime_reader *r, struct mime_part *parent, struct text t)
{
	struct mime_part *gap;

	if (text_trim(t).n == 0)
		return;
	gap = mime_reader_add_part(r, parent, MIME_GAP);
	if (!gap)
		return;
	gap->body = t;
	gap->encodings = EVERY_ENCODING;
}

/* Another reading of the part as a whole: an entity of its own, or just bytes. */
static void add_other_entity(struct mime_reader *r, struct mime_part *part, struct text t)
{
	struct place place = { .parent = part, .text = t, .around = t };

	if (part->n_ways == 0)
		part->n_ways = 1;
	read_entity(r, &place);
	part->n_ways++;
}

static void add_other_gap(struct mime_reader *r, struct mime_part *part, struct text t)
{
	if (part->n_ways == 0)
		part->n_ways = 1;
	add_gap(r, part, t);
	part->n_ways++;
}

/* What looks like a part or a file in a preamble or an epilogue is read as such, too. */
static void look_at_gap(struct mime_reader *r, struct mime_part *part, struct text t, bool is_first)
{
	struct mime_look look;

	if (text_trim(t).n == 0 || mime_reader_has_stopped(r))
		return;
	part->defects |= is_first ? MIME_DEFECT_PREAMBLE : MIME_DEFECT_EPILOGUE;
	mime_reader_spend(r, t.n);
	look = mime_content_look(t);
	if (look.field_at == SIZE_MAX && look.base64_at == SIZE_MAX && !look.has_file)
		return;
	part->reasons |= is_first ? MIME_REASON_PREAMBLE : MIME_REASON_EPILOGUE;
	if (look.field_at != SIZE_MAX)
		add_other_entity(r, part, text_skip(t, look.field_at));
	if (look.base64_at != SIZE_MAX)
		add_other_gap(r, part, text_skip(t, look.base64_at));
}

/* Behind a multipart within that had the same boundary, and took the delimiters up to its own close. */
static void resume(struct mime_reader *r, struct mime_splitter *s)
{
	if (!r->resume)
		return;
	s->at = (size_t)(r->resume - s->body.p);
	s->done = s->at >= s->body.n;
	s->in_part = s->is_closed = false;
	s->close_at = SIZE_MAX;
	r->resume = NULL;
}

/* One way of cutting a body. The gaps are looked at when the way is done, since they may add others. */
static void read_pieces(struct mime_reader *r, struct mime_part *part, const struct mime_entity *e,
			struct mime_splitter *s, struct text around)
{
	struct mime_piece piece;
	struct text gaps[2] = { { 0 }, { 0 } };
	size_t n_paid = 0;

	mime_reader_spend(r, s->body.n - s->at);
	while (!mime_reader_has_stopped(r) && mime_split_next(s, &piece)) {
		struct place place = { .parent = part,
				       .text = piece.text,
				       .delimiter = s->boundary,
				       .in_digest = e->is_digest,
				       .is_followed = piece.is_followed };
		place.around = text_skip(around, (size_t)(piece.text.p - around.p));
		mime_reader_spend(r, (s->n_looks - n_paid) * LOOK_COST);
		n_paid = s->n_looks;
		if (s->done && s->n_delimiters == 0)
			return; /* nothing was cut */
		if (piece.is_part) {
			read_entity(r, &place);
			resume(r, s);
			continue;
		}
		add_gap(r, part, piece.text);
		gaps[s->is_closed && !piece.is_followed] = piece.text;
	}
	mime_reader_spend(r, (s->n_looks - n_paid) * LOOK_COST);
	part->n_ways++;
	for (size_t i = 0; i < 2 && !s->is_loose; i++)
		look_at_gap(r, part, gaps[i], i == 0);
}

/* A line that only begins like the delimiter is a delimiter of another multipart when that was named
 * before it: boundary=it. */
static bool is_boundary_of_another(struct mime_reader *r, struct text message, struct text line)
{
	struct text before = text_from_bytes(message.p, (size_t)(line.p - message.p));

	mime_reader_spend(r, before.n);
	for (size_t n = 0; !mime_reader_has_stopped(r); n++) {
		size_t at = text_find(before, line);
		if (at == SIZE_MAX || n > 100)
			return false;
		if (at > 0 && (before.p[at - 1] == '=' || before.p[at - 1] == '"'))
			return true;
		before = text_skip(before, at + 1);
	}
	return false;
}

static bool has_longer(struct mime_reader *r, struct text around, const struct mime_splitter *s)
{
	if (s->n_longer > MIME_LONGER_MAX)
		return true;
	for (size_t i = 0; i < s->n_longer; i++)
		if (!is_boundary_of_another(r, around, s->longer[i]))
			return true;
	return false;
}

/* The reasons to cut once more, loosely. */
static unsigned reasons_of_cut(struct mime_reader *r, const struct mime_splitter *s)
{
	unsigned reasons = 0;

	if (has_longer(r, s->body, s))
		reasons |= MIME_REASON_LONGER_BOUNDARY;
	if (s->has_after_close)
		reasons |= MIME_REASON_AFTER_CLOSE;
	if (s->has_bare_cr)
		reasons |= MIME_REASON_BARE_CR;
	return reasons;
}

static void note_cut(struct mime_reader *r, struct mime_part *part, const struct mime_splitter *s)
{
	if (s->n_delimiters && s->close_at == SIZE_MAX)
		part->defects |= MIME_DEFECT_NOT_CLOSED;
	if (s->n_longer)
		part->defects |= MIME_DEFECT_LONGER_BOUNDARY;
	if (s->has_after_close)
		part->defects |= MIME_DEFECT_AFTER_CLOSE;
	if (r->is_crlf && s->has_bare_lf)
		part->reasons |= MIME_REASON_BARE_LF;
}

/* Strictly, and once more loosely when something asks for it; the number of delimiters. */
static size_t read_boundary(struct mime_reader *r, struct mime_part *part, const struct mime_entity *e,
			    struct text body, struct text around, struct text boundary)
{
	struct mime_splitter s = mime_splitter_of(body, boundary, false);
	size_t n_delimiters, close_at;
	unsigned reasons;

	read_pieces(r, part, e, &s, around);
	note_cut(r, part, &s);
	n_delimiters = s.n_delimiters;
	close_at = s.close_at;
	reasons = mime_reader_has_stopped(r) ? 0 : reasons_of_cut(r, &s);
	if (reasons == 0 || mime_reader_has_stopped(r))
		return n_delimiters;
	part->reasons |= reasons;
	s = mime_splitter_of(body, boundary, true);
	if (reasons == MIME_REASON_AFTER_CLOSE)
		s.at = close_at;
	read_pieces(r, part, e, &s, around);
	if (n_delimiters == 0 && s.n_delimiters && !mime_reader_has_stopped(r))
		add_other_gap(r, part, body);
	return n_delimiters + s.n_delimiters;
}

/* A multipart that ended without being closed, where the one around it goes on: for some readers its
 * last part goes on too. */
static void read_on(struct mime_reader *r, struct mime_part *part, const struct place *place)
{
	struct mime_part *last = NULL;
	struct text rest = place->around;

	for (struct mime_part *p = part->next; p; p = p->next)
		if (p->parent == part && p->way == 0 && p->kind != MIME_GAP)
			last = p;
	if (!last)
		return;
	part->reasons |= MIME_REASON_IMPLICIT_CLOSE;
	rest = text_skip(rest, (size_t)(last->header.p - rest.p));
	mime_reader_spend(r, rest.n);
	add_other_gap(r, part, text_skip(rest, last->header.n));
	if (part->n_ways > 1 && r->tree->last->parent == part)
		r->tree->last->encodings |= last->encodings;
}

static void read_leaf(struct mime_reader *r, struct mime_part *part)
{
	struct mime_look look;

	mime_reader_spend(r, part->body.n);
	if (mime_reader_has_stopped(r))
		return;
	if (part->defects & MIME_DEFECT_UNKNOWN_ENCODING) {
		look = mime_content_look(part->body);
		if (look.base64_at != SIZE_MAX || look.has_code || look.has_file) {
			part->reasons |= MIME_REASON_UNKNOWN_ENCODING;
			part->encodings |= EVERY_ENCODING;
		}
	}
	mime_content_survey(part);
	mime_files_read(r, part);
}

/* No part was found by the boundaries named: for most readers it is then text. Some take what looks like
 * a delimiter for one. */
static void read_unfound(struct mime_reader *r, struct mime_part *part, const struct mime_entity *e,
			 struct text body, struct text around)
{
	struct text guess;

	part->defects |= MIME_DEFECT_NO_BOUNDARY;
	if (part->kind == MIME_MULTIPART) {
		part->kind = MIME_LEAF;
		read_leaf(r, part);
	}
	if (part->n_ways == 0)
		part->n_ways = 1;
	if (mime_reader_has_stopped(r) || !mime_split_guess(body, &guess))
		return;
	part->reasons |= MIME_REASON_NO_BOUNDARY;
	read_boundary(r, part, e, body, around, guess);
}

/* A multipart with the boundary of the one around it: which of the two a delimiter belongs to is not
 * said. Most readers, and those who send such mail, give it to the inner one until that is closed. */
static void read_nested(struct mime_reader *r, struct mime_part *part, const struct mime_entity *e,
			const struct place *place)
{
	struct text body =
		text_skip(place->around, (size_t)(part->header.p - place->around.p) + part->header.n);
	struct mime_splitter s = mime_splitter_of(body, e->boundaries[0], false);

	part->reasons |= MIME_REASON_NESTED_BOUNDARY;
	part->body = body;
	s.ends_at_close = true;
	read_pieces(r, part, e, &s, body);
	part->body = text_slice(body, 0, s.at);
	note_cut(r, part, &s);
	r->resume = body.p + s.at;
}

static void read_multipart(struct mime_reader *r, struct mime_part *part, const struct mime_entity *e,
			   const struct place *place, struct text body, bool is_decoded)
{
	struct text around = is_decoded ? body : place->around;
	bool is_found = false;

	if (!is_decoded && place->delimiter.n && e->n_boundaries == 1 &&
	    text_is_equal(place->delimiter, e->boundaries[0])) {
		read_nested(r, part, e, place);
		return;
	}
	for (size_t i = 0; i < e->n_boundaries && !mime_reader_has_stopped(r); i++) {
		if (read_boundary(r, part, e, body, around, e->boundaries[i]) == 0)
			continue;
		is_found = true;
		if (text_trim(e->boundaries[i]).n != e->boundaries[i].n) /* with its blanks it is none */
			part->reasons |= MIME_REASON_NO_BOUNDARY;
	}
	if (mime_reader_has_stopped(r))
		return;
	if (!is_found && (part->n_ways == 0 || !is_decoded))
		read_unfound(r, part, e, body, around);
	else if ((part->defects & MIME_DEFECT_NOT_CLOSED) && place->is_followed && !is_decoded)
		read_on(r, part, place);
}

static void read_within(struct mime_reader *r, struct mime_part *part, const struct mime_entity *e,
			const struct place *place, struct text body, bool is_decoded)
{
	struct place inner = { .parent = part, .text = body, .around = body };

	if (e->is_multipart)
		read_multipart(r, part, e, place, body, is_decoded);
	if (!e->is_message || mime_reader_has_stopped(r))
		return;
	read_entity(r, &inner);
	part->n_ways++;
}

/* Does the body show what a tree begins with, as it stands? */
static bool is_tree_plain(const struct mime_entity *e, struct text body)
{
	static const struct text dashes = TEXT("--");
	struct text first;
	size_t colon;

	if (e->is_multipart && e->n_boundaries)
		return text_has_prefix(body, dashes) || text_find(body, e->boundaries[0]) != SIZE_MAX;
	text_cut(body, '\n', &first, &body);
	colon = text_find_byte(first, ':');
	return colon > 0 && colon < first.n && text_find_byte(first, ' ') > colon;
}

/* The tree below a multipart or message, under each encoding; first as most readers see it. */
static void read_children(struct mime_reader *r, struct mime_part *part, const struct mime_entity *e,
			  const struct place *place)
{
	bool is_plain = part->encoding == MIME_IDENTITY || is_tree_plain(e, part->body);

	if (is_plain)
		read_within(r, part, e, place, part->body, false);
	if (part->encodings != BIT(MIME_IDENTITY)) {
		part->defects |= MIME_DEFECT_ENCODED_TREE;
		part->reasons |= part->kind == MIME_MESSAGE && !is_plain ? 0 : MIME_REASON_ENCODED_TREE;
	}
	for (enum mime_encoding i = MIME_IDENTITY + 1; i <= MIME_UUENCODE; i++) {
		struct text decoded;
		if (!(part->encodings & BIT(i)) || mime_reader_has_stopped(r))
			continue;
		decoded = mime_reader_decode(r, part, i);
		if (decoded.n)
			read_within(r, part, e, place, decoded, true);
	}
	if (!is_plain && !mime_reader_has_stopped(r))
		add_other_gap(r, part, part->body);
}

/* What only some readers see, behind what all see. */
static void read_other_ways(struct mime_reader *r, struct mime_part *part, const struct mime_entity *e)
{
	const unsigned scanned = MIME_REASON_TWO_TYPES | MIME_REASON_BARE_LF | MIME_REASON_NUL |
				 MIME_REASON_BLANK_BEFORE_COLON;
	struct text t = part->body;

	if (e->gap.n && text_trim(e->gap).n && !mime_reader_has_stopped(r))
		add_other_gap(r, part, e->gap);
	if ((part->reasons & scanned) && part->kind != MIME_LEAF)
		add_other_gap(r, part, part->body);
	if (part->header.n > 2)
		return;
	while (t.n && (t.p[0] == '\r' || t.p[0] == '\n'))
		t = text_skip(t, 1);
	if (part->header.n == 0 || !mime_content_is_field(t))
		return;
	part->reasons |= MIME_REASON_HEADER_LATE;
	add_other_entity(r, part, t);
}

static void read_entity(struct mime_reader *r, const struct place *place)
{
	struct mime_part *part = mime_reader_add_part(r, place->parent, MIME_LEAF);
	struct mime_entity e;

	if (!part)
		return;
	part->delimiter = place->delimiter;
	mime_entity_read(r, part, place->text, &e);
	if (place->in_digest && e.n_types == 0) { /* rfc2046 5.1.5 */
		e.is_message = true;
		part->kind = MIME_MESSAGE;
		part->is_digest_child = true;
	}
	mime_structure_survey(part);
	if (mime_reader_has_stopped(r))
		return;
	if (part->kind == MIME_LEAF)
		read_leaf(r, part);
	if (part->kind == MIME_LEAF && (e.is_multipart || e.is_message) && part->n_ways == 0)
		part->n_ways = 1; /* the first type is another: what follows are other ways */
	if (e.is_multipart || e.is_message)
		read_children(r, part, &e, place);
	if (!mime_reader_has_stopped(r))
		read_other_ways(r, part, &e);
	r->tree->defects |= part->defects;
	r->tree->reasons |= part->reasons;
	r->tree->facts |= part->facts;
}

static void bound_ratio(struct mime_reader *r)
{
	size_t most;

	if (r->limits->ratio == 0 || __builtin_mul_overflow(r->message.n, r->limits->ratio, &most))
		return;
	if (most < RATIO_FROM)
		most = RATIO_FROM;
	r->is_ratio = most < r->decoded;
	r->decoded = r->is_ratio ? most : r->decoded;
}

void mime_tree_read(struct text message, const struct mime_limits *limits, struct arena *arena,
		    struct mime_tree *ret_tree)
{
	struct mime_reader r = {
		.limits = limits,
		.arena = arena,
		.tree = ret_tree,
		.message = message,
		.memory = limits->memory,
		.work = limits->work,
		.decoded = limits->decoded,
	};
	size_t first = text_find_byte(message, '\n');
	struct place place = { .text = message, .around = message };

	if (r.work == 0 && __builtin_mul_overflow(message.n, WORK_FACTOR, &r.work))
		r.work = SIZE_MAX;
	if (limits->work == 0 && r.work < WORK_LEAST)
		r.work = WORK_LEAST;
	bound_ratio(&r);
	r.is_crlf = first < message.n && first > 0 && message.p[first - 1] == '\r';
	arena_init(&r.scratch, SCRATCH_LEAST + SCRATCH_FACTOR * limits->header_bytes);
	*ret_tree = (struct mime_tree){ 0 };
	read_entity(&r, &place);
	if (ret_tree->facts & MIME_FACT_PARTIAL)
		mime_reader_stop(&r, MIME_TROUBLE_PARTIAL);
	arena_reset(&r.scratch);
}
