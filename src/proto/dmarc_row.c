/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluations as bytes, for the store of `report`. Called by `report` on typed values, and on what its own
 * database gives back, which is checked as a stranger's would be. Invariant: writing what was read gives the
 * same bytes, so that equal evaluations stay one row over an export and an import.
 */
#include "proto/dmarc_row.h"

#include "base/wire.h"

#define VERSION  1
#define TEXT_MAX 65535
#define FIXED    64 /* lengths, numbers and flags of one element */

static void put_text(struct wire_writer *w, struct text t)
{
	w->bad |= t.n > TEXT_MAX;
	if (!w->bad)
		wire_put_counted(w, t);
}

static struct text get_text(struct wire_reader *r)
{
	return wire_get_counted(r, TEXT_MAX);
}

static bool finish(struct wire_writer *w, struct buf *out)
{
	return !w->bad && buf_add(out, text_from_bytes(w->start, wire_written(w)));
}

bool dmarc_row_write_policy(const struct dmarc_report_policy *policy, struct buf *out)
{
	char bytes[64];
	struct wire_writer w = wire_writer_of(bytes, sizeof bytes);

	wire_put_int(&w, VERSION, 1);
	wire_put_int(&w, policy->p, 1);
	wire_put_int(&w, policy->sp, 1);
	wire_put_int(&w, policy->np, 1);
	wire_put_int(&w, (unsigned char)policy->adkim, 1);
	wire_put_int(&w, (unsigned char)policy->aspf, 1);
	wire_put_int(&w, (unsigned char)policy->testing, 1);
	put_text(&w, policy->discovery_method);
	put_text(&w, policy->fo);
	return finish(&w, out);
}

static enum dmarc_report_disposition get_disposition(struct wire_reader *r)
{
	uint64_t n = wire_get_int(r, 1);

	r->bad |= n > DMARC_REPORT_REJECT;
	return r->bad ? DMARC_REPORT_ABSENT : (enum dmarc_report_disposition)n;
}

static char get_letter(struct wire_reader *r, const char *letters)
{
	char c = (char)wire_get_int(r, 1);

	r->bad |= c != '\0' && !strchr(letters, c);
	return c;
}

bool dmarc_row_read_policy(struct text bytes, struct dmarc_report_policy *ret_policy)
{
	struct wire_reader r = wire_reader_of(bytes);

	*ret_policy = (struct dmarc_report_policy){ 0 };
	r.bad |= wire_get_int(&r, 1) != VERSION;
	ret_policy->p = get_disposition(&r);
	ret_policy->sp = get_disposition(&r);
	ret_policy->np = get_disposition(&r);
	ret_policy->adkim = get_letter(&r, "rs");
	ret_policy->aspf = get_letter(&r, "rs");
	ret_policy->testing = get_letter(&r, "yn");
	ret_policy->discovery_method = get_text(&r);
	ret_policy->fo = get_text(&r);
	return wire_is_done(&r);
}

/* ---- records ---- */

static void put_auth(struct wire_writer *w, const struct dmarc_report_auth *list)
{
	uint64_t n = 0;

	for (const struct dmarc_report_auth *a = list; a && n < DMARC_ROW_SIGNATURES_MAX; a = a->next)
		n++;
	wire_put_int(w, n, 1);
	for (; n > 0; n--, list = list->next) {
		put_text(w, list->domain);
		put_text(w, list->selector);
		put_text(w, list->scope);
		put_text(w, list->result);
	}
}

static void put_reasons(struct wire_writer *w, const struct dmarc_report_reason *list)
{
	uint64_t n = 0;

	for (const struct dmarc_report_reason *a = list; a && n < DMARC_ROW_REASONS_MAX; a = a->next)
		n++;
	wire_put_int(w, n, 1);
	for (; n > 0; n--, list = list->next) {
		put_text(w, list->type);
		put_text(w, list->comment);
	}
}

/* At least as much as it needs. */
static size_t size_of_record(const struct dmarc_report_record *record)
{
	size_t n = FIXED + record->source_ip.n + record->header_from.n + record->envelope_from.n +
		   record->envelope_to.n;

	for (const struct dmarc_report_reason *r = record->reasons; r; r = r->next)
		n += FIXED + r->type.n + r->comment.n;
	for (const struct dmarc_report_auth *a = record->dkim; a; a = a->next)
		n += FIXED + a->domain.n + a->selector.n + a->scope.n + a->result.n;
	for (const struct dmarc_report_auth *a = record->spf; a; a = a->next)
		n += FIXED + a->domain.n + a->selector.n + a->scope.n + a->result.n;
	return n;
}

bool dmarc_row_write_record(const struct dmarc_report_record *record, struct buf *out)
{
	size_t room = size_of_record(record);
	char *bytes = buf_reserve(out, room);
	struct wire_writer w = wire_writer_of(bytes, bytes ? room : 0);

	wire_put_int(&w, VERSION, 1);
	put_text(&w, record->source_ip);
	wire_put_int(&w, record->disposition, 1);
	wire_put_int(&w, record->is_dkim_aligned, 1);
	wire_put_int(&w, record->is_spf_aligned, 1);
	put_text(&w, record->header_from);
	wire_put_int(&w, record->has_envelope_from, 1);
	put_text(&w, record->envelope_from);
	put_text(&w, record->envelope_to);
	put_reasons(&w, record->reasons);
	put_auth(&w, record->dkim);
	put_auth(&w, record->spf);
	if (!w.bad)
		out->n += wire_written(&w);
	return !w.bad;
}

static bool get_flag(struct wire_reader *r)
{
	uint64_t n = wire_get_int(r, 1);

	r->bad |= n > 1;
	return n == 1;
}

static struct dmarc_report_auth *get_auth(struct wire_reader *r, struct arena *arena)
{
	struct dmarc_report_auth *first = NULL, **last = &first;
	uint64_t n = wire_get_int(r, 1);

	for (r->bad |= n > DMARC_ROW_SIGNATURES_MAX; n > 0 && !r->bad; n--) {
		struct dmarc_report_auth *a = arena_alloc(arena, sizeof *a);
		r->bad |= a == NULL;
		if (a == NULL)
			break;
		a->domain = get_text(r);
		a->selector = get_text(r);
		a->scope = get_text(r);
		a->result = get_text(r);
		*last = a;
		last = &a->next;
	}
	return first;
}

static struct dmarc_report_reason *get_reasons(struct wire_reader *r, struct arena *arena)
{
	struct dmarc_report_reason *first = NULL, **last = &first;
	uint64_t n = wire_get_int(r, 1);

	for (r->bad |= n > DMARC_ROW_REASONS_MAX; n > 0 && !r->bad; n--) {
		struct dmarc_report_reason *a = arena_alloc(arena, sizeof *a);
		r->bad |= a == NULL;
		if (a == NULL)
			break;
		a->type = get_text(r);
		a->comment = get_text(r);
		*last = a;
		last = &a->next;
	}
	return first;
}

bool dmarc_row_read_record(struct text bytes, struct arena *arena, struct dmarc_report_record *ret_record)
{
	struct wire_reader r = wire_reader_of(bytes);
	struct dmarc_report_record *record = ret_record;

	*record = (struct dmarc_report_record){ .has_dkim = true, .has_spf = true };
	r.bad |= wire_get_int(&r, 1) != VERSION;
	record->source_ip = get_text(&r);
	record->disposition = get_disposition(&r);
	record->is_dkim_aligned = get_flag(&r);
	record->is_spf_aligned = get_flag(&r);
	record->header_from = get_text(&r);
	record->has_envelope_from = get_flag(&r);
	record->envelope_from = get_text(&r);
	record->envelope_to = get_text(&r);
	record->reasons = get_reasons(&r, arena);
	record->dkim = get_auth(&r, arena);
	record->spf = get_auth(&r, arena);
	return wire_is_done(&r);
}
