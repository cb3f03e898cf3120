/* SPDX-License-Identifier: Apache-2.0
 *
 * Typed results of a message's authentication: taken from a room, kept in the spool, read back. Called by
 * origin_room.c, intake.c, item.c, mail.c and admin.c. Trusts neither the room nor the disk: each result is
 * checked against the edge (bounds), against what was said before (once), and against the message (cuts lie
 * in its header, rise and do not overlap).
 *
 * Invariant: what origin_take has taken is what origin_encode writes, record by record; a text of a result
 * lives in the origin's arena.
 */
#include "roles/queue/origin.h"

#include "base/ensure.h"
#include "proto/spf.h"
#include "store/spool_origin.h"

#include <stdlib.h>

enum {
	TEXTS_MAX = 2 * SPOOL_ORIGIN_MAX,
	FRAME = 2, /* bytes before the records */
};

struct origin *origin_new(void)
{
	struct origin *o = mem_zalloc(1, sizeof *o);

	arena_init(&o->arena, TEXTS_MAX);
	buf_init(&o->records, SPOOL_ORIGIN_MAX - FRAME);
	return o;
}

void origin_free(struct origin *o)
{
	if (!o)
		return;
	arena_reset(&o->arena);
	buf_done(&o->records);
	free(o);
}

/* ---- taking ---- */

/* The body with its texts in the arena. */
static bool copy_body(struct origin *o, unsigned type, const void *body, void *ret_body)
{
	const struct ipc_message *m = ipc_find_message(&queue_authenticate_edge, type);

	memcpy(ret_body, body, m->size);
	for (size_t i = 0; i < m->n_fields; i++) {
		struct text *t = (struct text *)((char *)ret_body + m->fields[i].offset);
		if (m->fields[i].kind == IPC_TEXT && !arena_copy(&o->arena, *t, t))
			return false;
	}
	return true;
}

static bool take_once(struct origin *o, bool *has, unsigned type, const void *body, void *ret_body)
{
	if (*has)
		return false;
	*has = true;
	return copy_body(o, type, body, ret_body);
}

static bool take_spf(struct origin *o, const struct queue_authenticate_spf *m)
{
	return m->problem < SPF_PROBLEM_COUNT &&
	       take_once(o, &o->has_spf[m->identity], QUEUE_AUTHENTICATE_SPF, m, &o->spf[m->identity]);
}

static bool take_dkim(struct origin *o, const void *m)
{
	return o->n_dkim < ORIGIN_SIGNATURES_MAX &&
	       copy_body(o, QUEUE_AUTHENTICATE_DKIM, m, &o->dkim[o->n_dkim++]);
}

static bool take_override(struct origin *o, const void *m)
{
	return o->has_dmarc && o->n_overrides < ORIGIN_OVERRIDES_MAX &&
	       copy_body(o, QUEUE_AUTHENTICATE_OVERRIDE, m, &o->overrides[o->n_overrides++]);
}

static bool take_destination(struct origin *o, const struct queue_authenticate_destination *m)
{
	return o->has_dmarc && o->n_destinations < ORIGIN_DESTINATIONS_MAX &&
	       arena_copy(&o->arena, m->address, &o->destinations[o->n_destinations++]);
}

static bool take_cut(struct origin *o, const struct queue_authenticate_cut *m, uint32_t header_size)
{
	uint64_t from = 0;

	if (o->n_cuts > 0)
		from = (uint64_t)o->cuts[o->n_cuts - 1].offset + o->cuts[o->n_cuts - 1].size;
	if (o->n_cuts == ORIGIN_CUTS_MAX || m->size == 0 || m->offset < from || m->offset >= header_size ||
	    m->size > header_size - m->offset)
		return false;
	o->cuts[o->n_cuts++] = *m;
	o->cut_size += m->size;
	return true;
}

static bool take_result(struct origin *o, unsigned type, const void *body, uint32_t header_size)
{
	switch (type) {
	case QUEUE_AUTHENTICATE_IPREV:
		return take_once(o, &o->has_iprev, type, body, &o->iprev);
	case QUEUE_AUTHENTICATE_SPF:
		return take_spf(o, body);
	case QUEUE_AUTHENTICATE_DKIM:
		return take_dkim(o, body);
	case QUEUE_AUTHENTICATE_ARC:
		return take_once(o, &o->has_arc, type, body, &o->arc);
	case QUEUE_AUTHENTICATE_DMARC:
		return take_once(o, &o->has_dmarc, type, body, &o->dmarc);
	case QUEUE_AUTHENTICATE_OVERRIDE:
		return take_override(o, body);
	case QUEUE_AUTHENTICATE_BIMI:
		return take_once(o, &o->has_bimi, type, body, &o->bimi);
	case QUEUE_AUTHENTICATE_CUT:
		return take_cut(o, body, header_size);
	default:
		return false;
	}
}

/* Keeps the result as a record: written anew, whoever it came from. */
static bool keep(struct origin *o, unsigned type, const void *body)
{
	size_t n = ipc_size(&queue_authenticate_edge, type, body);
	char *p = n <= SPOOL_ORIGIN_RECORD_MAX ? buf_reserve(&o->records, 4 + n) : NULL;
	struct wire_writer w;

	if (!p)
		return false;
	w = wire_writer_of(p, 4 + n);
	wire_put_int(&w, n, 4);
	ipc_encode(&queue_authenticate_edge, type, body, &w);
	ASSERT(!w.bad && wire_written(&w) == 4 + n);
	o->records.n += 4 + n;
	return true;
}

bool origin_take(struct origin *o, unsigned type, const void *body, uint32_t header_size)
{
	if (type == QUEUE_AUTHENTICATE_DESTINATION) /* told to report, and forgotten */
		return take_destination(o, body);
	return take_result(o, type, body, header_size) && keep(o, type, body);
}

/* ---- the spool ---- */

bool origin_encode(const struct origin *o, struct buf *out)
{
	buf_add_byte(out, SPOOL_ORIGIN_VERSION);
	buf_add_byte(out, (char)o->verdict);
	return buf_add(out, buf_text(&o->records)) && out->n <= SPOOL_ORIGIN_MAX;
}

static bool take_record(struct origin *o, struct text record, uint32_t header_size)
{
	_Alignas(16) char body[IPC_BODY_SIZE];
	unsigned type;

	return !ipc_decode(&queue_authenticate_edge, record, QUEUE_AUTHENTICATE_SIDE_ROOM,
			   QUEUE_AUTHENTICATE_STATE_WORKING, &type, body) &&
	       origin_take(o, type, body, header_size);
}

struct origin *origin_decode(struct text record, uint32_t header_size)
{
	struct spool_origin_reader r;
	struct origin *o;
	struct text next;

	if (!spool_origin_open(record, &r) || r.verdict >= ORIGIN_VERDICTS)
		return NULL;
	o = origin_new();
	o->verdict = (enum origin_verdict)r.verdict;
	while (spool_origin_next(&r, &next))
		if (!take_record(o, next, header_size)) {
			origin_free(o);
			return NULL;
		}
	return o;
}

enum origin_verdict origin_verdict_of(struct text record)
{
	struct spool_origin_reader r;

	if (!spool_origin_open(record, &r) || r.verdict >= ORIGIN_VERDICTS)
		return ORIGIN_ACCEPTED;
	return (enum origin_verdict)r.verdict;
}
