/* SPDX-License-Identifier: Apache-2.0
 *
 * What reading costs: work, memory, parts, decoded bytes, each within its limit. Called by the parts of
 * the MIME reader, and the only place where a limit stops it. Invariants: the first limit that is met is
 * the one that is told; once stopped, nothing more is handed out and nothing is added to the list.
 */
#include "proto/mime_content.h"
#include "proto/mime_entity.h"

bool mime_reader_has_stopped(const struct mime_reader *r)
{
	return r->tree->trouble != MIME_TROUBLE_NONE;
}

void mime_reader_stop(struct mime_reader *r, enum mime_trouble trouble)
{
	if (!mime_reader_has_stopped(r))
		r->tree->trouble = trouble;
}

void mime_reader_spend(struct mime_reader *r, size_t n)
{
	if (n > r->work)
		mime_reader_stop(r, MIME_TROUBLE_WORK);
	else
		r->work -= n;
	if (!mime_reader_has_stopped(r))
		r->tree->work += n;
}

void *mime_reader_alloc(struct mime_reader *r, size_t n)
{
	void *p = n <= r->memory ? arena_alloc(r->arena, n) : NULL;

	if (!p)
		mime_reader_stop(r, MIME_TROUBLE_MEMORY);
	else
		r->memory -= n;
	return p;
}

struct mime_part *mime_reader_add_part(struct mime_reader *r, struct mime_part *parent, enum mime_kind kind)
{
	struct mime_part *part;
	unsigned depth = parent ? parent->depth + 1 : 0;

	if (mime_reader_has_stopped(r))
		return NULL;
	if (depth > r->limits->depth)
		mime_reader_stop(r, MIME_TROUBLE_DEPTH);
	if (r->tree->n_parts == r->limits->parts)
		mime_reader_stop(r, MIME_TROUBLE_PARTS);
	part = mime_reader_has_stopped(r) ? NULL : mime_reader_alloc(r, sizeof *part);
	if (!part)
		return NULL;
	part->parent = parent;
	part->depth = depth;
	part->kind = kind;
	part->encodings = 1U << MIME_IDENTITY;
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

struct text mime_reader_decode(struct mime_reader *r, const struct mime_part *part,
			       enum mime_encoding encoding)
{
	size_t max = mime_content_max(part->body);
	struct text decoded = { 0 };
	struct buf out;

	mime_reader_spend(r, part->body.n);
	if (mime_reader_has_stopped(r))
		return decoded;
	buf_init(&out, max);
	if (!mime_part_decode(part, encoding, &out) || out.n > r->decoded)
		mime_reader_stop(r, r->is_ratio ? MIME_TROUBLE_RATIO : MIME_TROUBLE_DECODED);
	else if (!arena_copy(r->arena, buf_text(&out), &decoded))
		mime_reader_stop(r, MIME_TROUBLE_MEMORY);
	r->decoded -= mime_reader_has_stopped(r) ? 0 : out.n;
	buf_done(&out);
	return mime_reader_has_stopped(r) ? (struct text){ 0 } : decoded;
}
