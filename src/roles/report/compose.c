/* SPDX-License-Identifier: Apache-2.0
 *
 * The mail of one report: rows of the store become the XML of rfc9990, gzip, and a message. Called by main.c
 * once a day for each policy domain. What the store gives is checked as it is read; a row that is not sound
 * is left out and the report goes without it. Invariant: the same report gives the same file name and
 * Report-ID, so that whoever gets it twice can tell (rfc9990 3.5.2 and 3.5.4).
 */
#include "roles/report/report.h"

#include "proto/dmarc_row.h"

enum { ARENA_MAX = 64 << 20, XML_MAX = 64 << 20 };

void report_sender(const struct conf *conf, struct buf *out)
{
	if (conf->dmarc_report.from.n) {
		buf_add(out, conf->dmarc_report.from);
		return;
	}
	buf_add_cstr(out, "postmaster@");
	buf_add(out, conf->top.hostname);
}

void report_mail_init(struct report_mail *mail)
{
	*mail = (struct report_mail){ 0 };
	arena_init(&mail->arena, ARENA_MAX);
}

void report_mail_done(struct report_mail *mail)
{
	arena_reset(&mail->arena);
	buf_done(&mail->gzip);
	*mail = (struct report_mail){ 0 };
}

/* ---- from the store ---- */

struct reading {
	struct report_mail *mail;
	struct dmarc_report_record **last;
};

static enum error add_record(void *arg, const struct report_store_row *row)
{
	struct reading *r = arg;
	struct dmarc_report_record *record = arena_alloc(&r->mail->arena, sizeof *record);
	struct text bytes;

	if (record == NULL || !arena_copy(&r->mail->arena, row->record, &bytes))
		return ERROR_TOO_LARGE;
	if (!dmarc_row_read_record(bytes, &r->mail->arena, record))
		return ERROR_NONE; /* not sound */
	record->count = row->count;
	r->mail->n_records++;
	r->mail->n_messages += row->count;
	*r->last = record;
	r->last = &record->next;
	return ERROR_NONE;
}

static enum error add_destination(void *arg, const struct report_store_destination *d)
{
	struct report_mail *mail = arg;
	struct text *to = &mail->destinations[mail->n_destinations];

	if (mail->n_destinations == REPORT_DESTINATIONS_MAX)
		return ERROR_NONE;
	mail->n_destinations++;
	return arena_copy(&mail->arena, d->address, to) ? ERROR_NONE : ERROR_TOO_LARGE;
}

/* ---- the report ---- */

static struct text print(struct report_mail *mail, const struct buf *b)
{
	struct text copy = { NULL, 0 };

	arena_copy(&mail->arena, buf_text(b), &copy);
	return copy;
}

/* Report-ID: begin of the day, number, and the domain, at our name. rfc9990 3.5.1 */
static void set_facts(struct report_mail *mail, const struct report_store_row *report,
		      const struct conf *conf, uint64_t number, int64_t now)
{
	struct dmarc_report_mail *f = &mail->facts;
	struct buf b;

	buf_init(&b, 2048);
	*f = (struct dmarc_report_mail){ .receiver = conf->top.hostname,
					 .begin = report->day * REPORT_DAY,
					 .end = (report->day + 1) * REPORT_DAY - 1,
					 .now = now,
					 .organization = conf->dmarc_report.organisation };
	if (f->organization.n == 0)
		f->organization = conf->top.hostname;
	arena_copy(&mail->arena, report->domain, &f->domain);
	report_sender(conf, &b);
	f->from = print(mail, &b);
	buf_reset(&b);
	buf_printf(&b, "%016llx",
		   (unsigned long long)(text_hash(report->domain) ^ text_hash(report->policy)));
	f->unique = print(mail, &b);
	buf_reset(&b);
	buf_printf(&b, "%lld.%.*s@%.*s", (long long)f->begin, TEXT_ARGS(f->unique), TEXT_ARGS(f->receiver));
	f->report_id = print(mail, &b);
	buf_reset(&b);
	buf_printf(&b, "dmarc.%lld.%llu.%.*s", (long long)now, (unsigned long long)number,
		   TEXT_ARGS(f->report_id));
	f->message_id = print(mail, &b);
	buf_reset(&b);
	buf_printf(&b, "=_report_%.*s", TEXT_ARGS(f->unique));
	f->boundary = print(mail, &b);
	buf_done(&b);
}

static enum error pack(struct report_mail *mail, const struct dmarc_report *report, uint64_t max_size)
{
	enum error e = ERROR_NONE;
	struct buf xml;

	buf_init(&xml, XML_MAX);
	buf_init(&mail->gzip, (size_t)max_size + XML_MAX / 512); /* what deflate reserves at most */
	if (!dmarc_report_write(report, &xml) || !dmarc_report_gzip(buf_text(&xml), &mail->gzip) ||
	    mail->gzip.n > max_size)
		e = ERROR_TOO_LARGE;
	mail->facts.gzip = buf_text(&mail->gzip);
	buf_done(&xml);
	return e;
}

enum error report_mail_make(struct report_mail *mail, struct report_store *store,
			    const struct report_store_row *report, const struct conf *conf, uint64_t number,
			    int64_t now)
{
	struct dmarc_report r = { .generator = TEXT("Postern " POSTERN_VERSION) };
	struct reading reading = { .mail = mail, .last = &r.records };
	struct text policy;
	enum error e;

	set_facts(mail, report, conf, number, now);
	if (!arena_copy(&mail->arena, report->policy, &policy) || !dmarc_row_read_policy(policy, &r.policy))
		return ERROR_CORRUPT;
	e = report_store_read(store, report, add_record, &reading);
	e = e ? e : report_store_read_destinations(store, report->day, report->domain, add_destination, mail);
	if (e)
		return e;
	if (conf->dmarc_report.copy_to.n)
		mail->destinations[mail->n_destinations++] = conf->dmarc_report.copy_to;
	r.policy.domain = mail->facts.domain;
	r.org_name = mail->facts.organization;
	r.email = conf->dmarc_report.contact.n ? conf->dmarc_report.contact : mail->facts.from;
	r.report_id = mail->facts.report_id;
	r.begin = mail->facts.begin;
	r.end = mail->facts.end;
	return mail->n_records ? pack(mail, &r, conf->dmarc_report.max_size) : ERROR_NOT_FOUND;
}

bool report_mail_write(const struct report_mail *mail, struct text to, struct buf *out)
{
	struct dmarc_report_mail facts = mail->facts;

	facts.to = to;
	return dmarc_report_mail_write(&facts, out);
}
